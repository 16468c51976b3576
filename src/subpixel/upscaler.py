"""The main path, top to bottom: read → plan → run → stitch → write.

`upscale(x, scale=…)` is the one-line form; `Upscaler` keeps engine and networks loaded between pictures.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, overload

import numpy as np

from subpixel import image, zoo
from subpixel.engines import (
    DEFAULT_ENGINE,
    EngineSettings,
    Runner,
    check_engine,
    choose_precision,
    has_bf16,
    load_engine,
    memory_limit,
    nominal_gflops,
    usable_cores,
)
from subpixel.errors import SettingError
from subpixel.image.alpha import fill_transparent
from subpixel.pipeline import (
    Strips,
    Window,
    network_strips,
    picture_strips,
    planes_strips,
    resampled_strips,
)
from subpixel.plan import DEFAULT_TILE, PassModel, Plan, Target, make_plan
from subpixel.results import FileResult, Timings, Upscaled
from subpixel.tile import Clock, Network
from subpixel.types import Picture, Pixels, Precision, PrecisionChoice, Size

Progress = Callable[[int, int], None]
"""Called as progress(done, total) in tiles, from the calling thread."""

Kind = TypeVar("Kind")
"""An array, a Pillow image or a `Picture`: what comes in comes out in kind."""


class Upscaler:
    """Makes pictures larger. Engine and networks are loaded at first use and kept.

    Args:
        model: a model's name (``"espcn-x3"``), a family's (``"espcn"``), a path to a model of your own (its folder,
            card or ONNX file), or None for the default of each scale.
        engine: name of the engine.
        precision: ``"fp32"``, ``"bf16"``, or ``"auto"``: bf16 for 8-bit pictures where the processor computes it.
        threads: tiles computed side by side; None for every core.
        tile: largest side of a tile in input pixels. Changes memory and speed, never the result.

    Raises:
        SettingError: an argument that cannot be right.
        ModelUnknown: no such model.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        engine: str = DEFAULT_ENGINE,
        precision: PrecisionChoice = "auto",
        threads: int | None = None,
        tile: int = DEFAULT_TILE,
    ) -> None:
        if precision not in ("auto", "fp32", "bf16"):
            raise SettingError(f"the precision is {precision!r}", "it can be auto, fp32 or bf16")
        if threads is not None and not 1 <= threads <= 1024:
            raise SettingError(f"the number of threads is {threads}", "give 1 or more, as --threads 2")
        if not 16 <= tile <= 8192:
            raise SettingError(f"the tile is {tile} pixels", "give 16 to 8192, as --tile 256")
        check_engine(engine)
        self.engine = engine
        self.precision = precision
        self.threads = threads or usable_cores()
        self.tile = tile
        self._cards = {scale: zoo.card(name) for scale, name in zoo.candidates(model).items()}
        self._sources = zoo.candidates(model)
        self._runners: dict[tuple[str, Precision], Runner] = {}
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Upscaler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the threads. The upscaler can be used again; they start anew."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None

    def plan(self, size: Size, target: Target) -> Plan:
        """How a picture of `size` would be made, without doing it.

        Raises:
            SettingError: more than 16 times the picture's size.
        """
        models: Mapping[int, PassModel] = {
            scale: PassModel(card.name, scale, card.halo, card.work, card.activations)
            for scale, card in self._cards.items()
        }
        return make_plan(size, target, models, tile=self.tile, threads=self.threads)

    def precision_for(self, bits: int) -> Precision:
        """Arithmetic used for pictures with that many bits per sample."""
        bf16 = has_bf16() and self.engine == DEFAULT_ENGINE
        return choose_precision(self.precision, cpu_has_bf16=bf16, bits=bits)

    def seconds(self, plan: Plan, picture: Picture) -> float:
        """Rough time the networks will take for `picture`, from this processor's nominal speed."""
        speed = nominal_gflops(self.precision_for(picture.bits)) * min(self.threads, usable_cores())
        return plan.seconds(gflops=speed, frames=picture.frames)

    def memory(self, plan: Plan, picture: Picture) -> int:
        """Rough peak memory in bytes for `picture`."""
        return plan.memory(
            threads=self.threads,
            channels=picture.channels,
            sample_bytes=picture.bits // 8,
            frames=picture.frames,
            alpha=picture.has_alpha,
        )

    def _network(self, scale: int, precision: Precision, *, colour: bool) -> Network:
        """The network of that scale, loaded once; with bicubic enlargement of Cb and Cr if `colour` needs it."""
        card = self._cards[scale]
        chroma = None
        name = zoo.chroma_model(scale)
        if colour and card.colour == "y" and name is not None:
            chroma = self._runner(name, "fp32")  # as exact as can be: it costs next to nothing
        return Network(
            name=card.name,
            run=self._runner(self._sources[scale], precision),
            scale=scale,
            halo=card.halo,
            colour=card.colour,
            value_range=card.value_range,
            chroma=chroma,
            keeps_flat=card.task == "super-resolution",
        )

    def _runner(self, model: str | Path, precision: Precision) -> Runner:
        key = (str(model), precision)
        if key not in self._runners:
            network = zoo.load_model(model).network
            self._runners[key] = load_engine(self.engine).load(network, EngineSettings(self.threads, precision))
        return self._runners[key]

    def picture(self, picture: Picture, target: Target, *, progress: Progress | None = None) -> Upscaled:
        """Make a decoded picture larger.

        Args:
            picture: the picture.
            target: factor or size.
            progress: told of every finished strip of tiles.

        Raises:
            SettingError: the size asked for is more than 16 times the picture's, or more than memory holds.
            ModelError: a model's files are damaged.
            EngineError: the engine cannot run the network.
        """
        plan = self.plan(picture.size, target)
        self._check_memory(plan, picture)
        precision = self.precision_for(picture.bits)
        started = time.perf_counter()
        colour = picture.channels >= 3
        networks = [self._network(step.model.scale, precision, colour=colour) for step in plan.passes]
        loaded = time.perf_counter()
        clock = Clock()
        shape = (picture.frames, plan.target.height, plan.target.width, picture.channels)
        try:
            result: Pixels = np.empty(shape, picture.pixels.dtype)
        except MemoryError:
            raise _too_large(plan, self.memory(plan, picture)) from None
        finished, total = 0, max(1, plan.tiles * picture.frames)

        def done(tiles: int) -> None:
            nonlocal finished
            finished += tiles
            if progress is not None:
                progress(finished, total)

        try:
            for index in range(picture.frames):
                self._frame(picture.pixels[index], result[index], plan, networks, picture.has_alpha, clock, done)
        except MemoryError:
            raise _too_large(plan, self.memory(plan, picture)) from None
        ended = time.perf_counter()
        timings = Timings(load=loaded - started, run=ended - loaded, network=clock.network, other=clock.other)
        return Upscaled(picture.with_pixels(result), plan, precision, timings)

    def _check_memory(self, plan: Plan, picture: Picture) -> None:
        """Refuse what would not fit, before any work."""
        need, have = self.memory(plan, picture), memory_limit()
        if have is not None and need > have:
            raise _too_large(plan, need, have)

    def _frame(
        self,
        pixels: Pixels,
        into: Pixels,
        plan: Plan,
        networks: list[Network],
        alpha: bool,
        clock: Clock,
        done: Callable[[int], None],
    ) -> None:
        """One frame: (h, w, channels) → `into` (H, W, channels)."""
        channels = pixels.shape[2]
        opaque = not alpha or bool((pixels[:, :, -1] == np.iinfo(pixels.dtype).max).all())
        strips: Strips = picture_strips(pixels)
        if alpha and not opaque:
            planes = np.concatenate(list(strips), axis=1)
            planes[:-1] = fill_transparent(planes[:-1], planes[-1])
            strips = planes_strips(planes)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="subpixel")
        size = plan.source
        for step, network in zip(plan.passes, networks, strict=True):
            last = step is plan.passes[-1] and not plan.resample
            strips = network_strips(
                Window(strips),
                step,
                network,
                alpha=alpha,
                channels=channels,
                pool=self._pool,
                clock=clock,
                done=done,
                into=into if last else None,
            )
            size = step.target
        if plan.resample or not plan.passes:
            strips = resampled_strips(
                Window(strips), size, plan.target, alpha=alpha and not opaque, clock=clock, into=into
            )
        for _ in strips:
            pass

    def file(
        self,
        source: str | Path,
        output: str | Path,
        target: Target,
        *,
        format: str | None = None,
        quality: int | None = None,
        lossless: bool | None = None,
        overwrite: bool = False,
        pixel_limit: int | None = None,
        progress: Progress | None = None,
    ) -> FileResult:
        """Make a picture file larger and write the result.

        The output is checked before any work, written beside its place under another name, and renamed when whole.

        Args:
            source: the picture file.
            output: the file to write; its suffix chooses the format unless `format` does.
            target: factor or size.
            format: format to write, by name.
            quality: 1–100 for formats with loss.
            lossless: for formats that have both.
            overwrite: replace an existing file.
            pixel_limit: largest number of pixels read; None for the default.
            progress: see `picture`.

        Raises:
            PictureError: the source cannot be read.
            OutputError: the output exists, or cannot be written.
            SettingError, ModelError, EngineError: as `picture`.
        """
        started = time.perf_counter()
        limit = {} if pixel_limit is None else {"pixel_limit": pixel_limit}
        if format is not None or Path(output).suffix:  # an output that exists is no reason to decode a large input
            image.check_target(output, format=format, lossless=lossless, overwrite=overwrite)
        picture = image.read(source, **limit)
        chosen = format if format is not None or Path(output).suffix else picture.metadata.format
        size = target.size_for(picture.size)
        image.check_target(output, format=chosen, size=size, lossless=lossless, overwrite=overwrite)
        read = time.perf_counter()
        made = self.picture(picture, target, progress=progress)
        computed = time.perf_counter()
        notes = image.write(
            made.picture, output, format=chosen, quality=quality, lossless=lossless, overwrite=overwrite
        )
        written = time.perf_counter()
        times = made.timings
        return FileResult(
            Path(source),
            Path(output),
            picture.size,
            made.picture.size,
            tuple(step.model.name for step in made.plan.passes),
            (*picture.notes, *notes),
            Timings(read - started, times.load, times.run, written - computed, times.network, times.other),
        )

    @overload
    def upscale(
        self, x: str | bytes | Path, *, scale: float | None = ..., width: int | None = ..., height: int | None = ...
    ) -> Picture: ...
    @overload
    def upscale(
        self, x: Kind, *, scale: float | None = ..., width: int | None = ..., height: int | None = ...
    ) -> Kind: ...
    def upscale(
        self,
        x: Any,
        *,
        scale: float | None = None,
        width: int | None = None,
        height: int | None = None,
    ) -> Any:
        """Make a picture larger; what comes in comes out in kind.

        Args:
            x: an array (H, W) or (H, W, 1–4), uint8, uint16 or float in 0–1, channels grey, grey + alpha, RGB or RGBA;
                a Pillow image; a `Picture`; or a picture file, by its path or its bytes.
            scale: factor, above 0 and up to 16; 4 if neither it nor a size is given.
            width: width to fit inside.
            height: height to fit inside.

        Returns:
            An array of the same dtype and number of dimensions, a Pillow image of the same mode, or a `Picture` (for
            pictures and paths).

        Raises:
            SubpixelError: see `picture` and `file`.
        """
        target = Target(scale, width, height)
        if isinstance(x, np.ndarray):
            return image.to_array(self.picture(image.from_array(x), target).picture, like=x)
        if isinstance(x, Picture):
            return self.picture(x, target).picture
        if isinstance(x, str | bytes):
            return self.picture(image.read(x), target).picture
        if isinstance(x, os.PathLike):
            return self.picture(image.read(Path(x)), target).picture
        if image.is_pillow(x):
            return image.to_pillow(self.picture(image.from_pillow(x), target).picture, like=x)
        raise SettingError(f"cannot upscale a {type(x).__name__}", "give an array, a Pillow image or a path")


@overload
def upscale(
    x: str | bytes | Path,
    *,
    scale: float | None = ...,
    width: int | None = ...,
    height: int | None = ...,
    model: str | Path | None = ...,
) -> Picture: ...
@overload
def upscale(
    x: Kind,
    *,
    scale: float | None = ...,
    width: int | None = ...,
    height: int | None = ...,
    model: str | Path | None = ...,
) -> Kind: ...
def upscale(
    x: Any,
    *,
    scale: float | None = None,
    width: int | None = None,
    height: int | None = None,
    model: str | Path | None = None,
) -> Any:
    """Make one picture larger; see `Upscaler.upscale`. For many pictures, keep an `Upscaler`."""
    with Upscaler(model) as upscaler:
        return upscaler.upscale(x, scale=scale, width=width, height=height)


def _too_large(plan: Plan, need: int, have: int | None = None) -> SettingError:
    there = "more than there is" if have is None else f"{have / 1e9:.1f} GB are there"
    return SettingError(
        f"{plan.target} needs about {need / 1e9:.1f} GB of memory, {there}", "use a smaller factor, or a smaller --tile"
    )
