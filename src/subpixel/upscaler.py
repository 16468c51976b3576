"""The main path, top to bottom: read → choose → plan → run → stitch → write.

`Upscaler` keeps engine and networks loaded between pictures; `subpixel.oneline.upscale` is the form for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import Any, Final, TypeAlias, TypeVar, overload

from subpixel import image
from subpixel.choosing import Chooser
from subpixel.engines import (
    DEFAULT_ENGINE,
    check_engine,
    memory_limit,
    nominal_gflops,
    usable_cores,
)
from subpixel.errors import SettingError
from subpixel.filing import Outputs, Settling
from subpixel.loading import Networks
from subpixel.pipeline import Receiver
from subpixel.plan import Plan, Target, make_plans, targets_of
from subpixel.results import FileResult, Sent, Upscaled
from subpixel.running import run_plan, too_large
from subpixel.types import Picture, PictureLike, Precision, PrecisionChoice, Quality, Size
from subpixel.zoo import DEFAULT_QUALITY, QUALITIES

Progress = Callable[[int, int], None]
"""Called as progress(done, total) in tiles, from the calling thread."""

File: TypeAlias = str | bytes | Path
"""A picture file, by its path or its bytes."""

Kind = TypeVar("Kind")
"""An array, a Pillow image or a `Picture`: what comes in comes out in kind."""

_ROOM_SHARE: Final = 3  # tiles in work may take a third of the memory there is, where nobody says how large they are
_ROOM: Final = 2_000_000_000  # and this where the system does not tell


class Upscaler:
    """Makes pictures larger. Engine and networks are loaded at first use and kept.

    Args:
        model: a model's name (``"espcn-x3"``), a family's (``"espcn"``), a path to a model of your own (its folder,
            card or ONNX file), or None for the models of `quality`.
        quality: how much a better picture is worth: ``"fast"``, ``"balanced"``, or ``"best"``, which takes the largest
            networks and the mean over all flips and transpositions: eight times the time.
        restore: True: networks trained on squeezed pictures; False: never those; None: as each picture needs, told by
            its file or its pixels, where `model` is None.
        eightfold: the mean over all flips and transpositions; None: for ``"best"``.
        engine: name of the engine.
        precision: ``"fp32"``, ``"bf16"``, ``"int8"``, or ``"auto"``: for 8-bit pictures int8 where the network has it
            and the processor computes it, or else bf16 where that is quicker than fp32.
        threads: tiles computed side by side; None for every core.
        tile: largest side of a tile in input pixels; None: up to 1024 across and 256 down, and more for networks
            that see far, as memory allows. Changes memory and speed, never the result.

    Raises:
        SettingError: an argument that cannot be right.
        ModelUnknown: no such model.
    """

    def __init__(
        self,
        model: str | Path | None = None,
        *,
        quality: Quality = DEFAULT_QUALITY,
        restore: bool | None = None,
        eightfold: bool | None = None,
        engine: str = DEFAULT_ENGINE,
        precision: PrecisionChoice = "auto",
        threads: int | None = None,
        tile: int | None = None,
    ) -> None:
        if quality not in QUALITIES:
            raise SettingError(f"the quality is {quality!r}", f"it can be {', '.join(QUALITIES)}")
        if precision not in ("auto", "int8", "bf16", "fp32"):
            raise SettingError(f"the precision is {precision!r}", "it can be auto, int8, bf16 or fp32")
        if restore not in (True, False, None):
            raise SettingError(f"restore is {restore!r}", "it can be True, False, or None: as each picture needs")
        if threads is not None and not 1 <= threads <= 1024:
            raise SettingError(f"the number of threads is {threads}", "give 1 or more, as --threads 2")
        if tile is not None and not 16 <= tile <= 8192:
            raise SettingError(f"the tile is {tile} pixels", "give 16 to 8192, as --tile 256")
        check_engine(engine)
        self.engine = engine
        self.precision = precision
        self.threads = threads or usable_cores()
        self.tile = tile
        self.choose = Chooser(
            model,
            engine,
            self.threads,
            quality=quality,
            restore=restore,
            eightfold=eightfold,
            precision=precision,
        )
        self._pool: ThreadPoolExecutor | None = None
        self._starting = Lock()

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

    @property
    def networks(self) -> Networks:
        """The networks for clean pictures."""
        return self.choose.clean

    def plan(self, size: Size, target: Target) -> Plan:
        """How a clean picture of `size` would be made, without doing it.

        Raises:
            SettingError: more than 16 times the picture's size.
        """
        return self.plans(size, (target,))[0]

    def plans(self, size: Size, targets: Sequence[Target], networks: Networks | None = None) -> tuple[Plan, ...]:
        """How several results of a picture of `size` would be made: one plan for each run of the networks.

        A network that gives several of them is run once. `networks` are those that `choose` names for the picture;
        None: those for clean ones.

        Raises:
            SettingError: as `plan`, or no target.
        """
        if not targets:
            raise SettingError("no factor was given", "give one or more, as scales=(2, 4)")
        use = networks or self.networks
        room = self._room()
        return make_plans(size, targets, use.models, later=use.later, tile=self.tile, threads=self.threads, room=room)

    @staticmethod
    def _room() -> int:
        limit = memory_limit()
        return _ROOM if limit is None else limit // _ROOM_SHARE

    def precision_for(self, bits: int) -> Precision:
        """Arithmetic used for pictures with that many bits per sample."""
        return self.networks.precision_for(bits)

    def seconds(self, plan: Plan, picture: PictureLike) -> float:
        """Rough time the networks will take for `picture`, from this processor's nominal speed."""
        speed = nominal_gflops(self.precision_for(picture.bits)) * min(self.threads, usable_cores())
        return plan.seconds(gflops=speed, frames=picture.frames)

    def memory(self, plan: Plan, picture: Picture | image.PictureStream, *, held: bool = True) -> int:
        """Rough peak memory in bytes for `picture`; less where results need not be `held` whole, see `files`."""
        return plan.memory(
            threads=self.threads,
            channels=picture.channels,
            sample_bytes=picture.bits // 8,
            frames=picture.frames,
            alpha=picture.has_alpha,
            held=held,
            beside=picture.decoder_bytes if isinstance(picture, image.PictureStream) else None,
        )

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
        return self.pictures(picture, (target,), progress=progress)[0]

    def pictures(
        self, picture: Picture, targets: Sequence[Target], *, progress: Progress | None = None
    ) -> tuple[Upscaled, ...]:
        """Make several results of a decoded picture, in the order of `targets`; otherwise as `picture`.

        What one network gives is computed in one run, everything else in runs of its own.
        """
        runs = self._runs(picture, targets, progress, keep=True)
        made = {one.size: one for run in runs for one in run if isinstance(one, Upscaled)}
        return tuple(made[target.size_for(picture.size)] for target in targets)

    def _runs(
        self,
        picture: Picture | image.PictureStream,
        targets: Sequence[Target],
        progress: Progress | None,
        *,
        keep: bool,
        receiver: Receiver | None = None,
    ) -> Iterator[tuple[Upscaled | Sent, ...]]:
        """The results of each plan in turn, as `Plan.targets`; `keep`: earlier results stay in memory."""
        choice = self.choose(picture)
        plans = self.plans(picture.size, targets, choice.networks)
        finished, total = 0, max(1, sum(plan.tiles for plan in plans) * picture.frames)

        def done(tiles: int) -> None:
            nonlocal finished
            finished += tiles
            if progress is not None:
                progress(finished, total)

        with self._starting:
            pool = self._pool = self._pool or ThreadPoolExecutor(self.threads, thread_name_prefix="subpixel")
        precision = choice.networks.precision_for(picture.bits)
        kept = 0
        for plan in plans:
            self._check_memory(plan, picture, kept, receiver)
        for plan in plans:
            self._check_memory(plan, picture, kept, receiver)
            try:
                made = run_plan(
                    picture,
                    plan,
                    choice.networks,
                    precision,
                    pool=pool,
                    done=done,
                    chosen=choice.chosen.by(plan),
                    receiver=receiver,
                )
            except MemoryError:
                raise too_large(plan, self.memory(plan, picture)) from None
            if keep:
                kept += sum(one.picture.pixels.nbytes for one in made if isinstance(one, Upscaled))
            yield made
            del made  # before the next ones are computed

    def _check_memory(
        self, plan: Plan, picture: Picture | image.PictureStream, kept: int, receiver: Receiver | None
    ) -> None:
        """Refuse what would not fit beside `kept` bytes, before any work."""
        held = receiver is None or not all(receiver.takes(size) for size in plan.targets)
        need, have = self.memory(plan, picture, held=held) + kept, memory_limit()
        if have is not None and need > have:
            raise too_large(plan, need, have, getattr(picture, "decoder_bytes", 0))

    def file(
        self,
        source: str | Path,
        output: str | Path,
        target: Target,
        *,
        format: str | None = None,
        file_quality: int | None = None,
        lossless: bool | None = None,
        pyramid: bool | None = None,
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
            file_quality: 1–100 for formats with loss.
            lossless: for formats that have both.
            pyramid: TIFF in tiles with smaller copies inside, as viewers of large pictures want it; None: above 100
                megapixels.
            overwrite: replace an existing file.
            pixel_limit: largest number of pixels read; None for the default.
            progress: see `picture`.

        Raises:
            PictureError: the source cannot be read.
            OutputError: the output exists, or cannot be written.
            SettingError, ModelError, EngineError: as `picture`.
        """
        return self.files(
            source,
            (output,),
            (target,),
            format=format,
            file_quality=file_quality,
            lossless=lossless,
            pyramid=pyramid,
            overwrite=overwrite,
            pixel_limit=pixel_limit,
            progress=progress,
        )[0]

    def files(
        self,
        source: str | Path,
        outputs: Sequence[str | Path],
        targets: Sequence[Target],
        *,
        format: str | None = None,
        file_quality: int | None = None,
        lossless: bool | None = None,
        pyramid: bool | None = None,
        overwrite: bool = False,
        pixel_limit: int | None = None,
        progress: Progress | None = None,
        settling: Settling | None = None,
    ) -> tuple[FileResult, ...]:
        """Make several results of a picture file, one in `outputs` for each of `targets`; otherwise as `file`.

        What one network gives is computed in one run, and all results take their names together when all are whole: if
        one cannot be written, no new file is left. PNG, JPEG and TIFF are coded while the rows below are still being
        computed, and are never in memory as a whole; of more than 16 megapixels they are read so too, so that memory
        does not grow with the picture. Several threads may call this at once; `settling` is told of the results when
        they are whole, before they get their names.
        """
        wanted = Outputs(outputs, targets, format, file_quality, lossless, overwrite, pyramid)

        def runs(picture: Picture | image.PictureStream, receiver: Receiver) -> Iterator[tuple[Upscaled | Sent, ...]]:
            return self._runs(picture, targets, progress, keep=False, receiver=receiver)

        return wanted.make(source, runs, pixel_limit=pixel_limit, settling=settling)

    @overload
    def upscale(
        self, x: File, *, scale: float | None = ..., width: int | None = ..., height: int | None = ...
    ) -> Picture: ...
    @overload
    def upscale(self, x: File, *, scales: Sequence[float]) -> tuple[Picture, ...]: ...
    @overload
    def upscale(
        self, x: Kind, *, scale: float | None = ..., width: int | None = ..., height: int | None = ...
    ) -> Kind: ...
    @overload
    def upscale(self, x: Kind, *, scales: Sequence[float]) -> tuple[Kind, ...]: ...
    def upscale(
        self,
        x: Any,
        *,
        scale: float | None = None,
        scales: Sequence[float] | None = None,
        width: int | None = None,
        height: int | None = None,
    ) -> Any:
        """Make a picture larger; what comes in comes out in kind.

        Args:
            x: an array (H, W) or (H, W, 1–4), uint8, uint16 or float in 0–1, channels grey, grey + alpha, RGB or RGBA;
                a Pillow image; a `Picture`; or a picture file, by its path or its bytes.
            scale: factor, above 0 and up to 16; 4 if nothing else is given.
            scales: several factors, in place of `scale`: one result for each, those that one network gives in one run.
            width: width to fit inside.
            height: height to fit inside.

        Returns:
            An array of the same dtype and number of dimensions, a Pillow image of the same mode, or a `Picture` (for
            pictures and paths); with `scales` a tuple of them.

        Raises:
            SubpixelError: see `picture` and `file`.
        """
        made = self.in_kind(x, targets_of(scale, scales, width, height))
        return made[0] if scales is None else made

    def in_kind(self, x: Any, targets: Sequence[Target]) -> tuple[Any, ...]:
        """One result of `x`, in kind, for each of `targets`; otherwise as `upscale`."""
        picture, back = image.from_kind(x)
        return tuple(back(one.picture) for one in self.pictures(picture, targets))
