"""One frame after the other made larger: luma through the networks as the decoder gives it, chroma beside it.

A film's luma goes into a network on luma as it is, in its own bits and range: no way through RGB, which would round
twice and cost more than the rest of the work around the network. Chroma is enlarged by Catmull-Rom. Networks on RGB,
and frames in RGB (numbered pictures, animations), go the way of a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from subpixel.engines import memory_limit, usable_cores
from subpixel.image import fill_transparent
from subpixel.image.resample import resize_on
from subpixel.loading import Networks
from subpixel.pipeline import Held, Whole, enlarge_frame
from subpixel.plan import Plan, Target
from subpixel.running import too_large
from subpixel.tile import Clock, Network
from subpixel.types import Pixels, Precision, Size
from subpixel.upscaler import Upscaler
from subpixel.video.chroma import enlarge_chroma
from subpixel.video.colour import to_coloured, to_planes
from subpixel.video.levels import from_y, luma_levels, to_y
from subpixel.video.planes import Coloured, Frame, Planes
from subpixel.video.stages import LumaWork, PictureWork, Resampled, SampleWork, Share, Stage, Tiled

_HELD = 6
"""Frames of result that are in memory at a time: the last one, this one, and those that wait for the encoder."""


class FrameUpscaler:
    """Makes the frames of one film larger; call it from one thread, in order.

    Args:
        upscaler: which networks, how they run.
        target: factor or size.
        reuse: take what is as in the last frame from its result. The film is the same, bit for bit; only the time
            differs.
        networks: those that the upscaler chose for this film; None: for one that is not squeezed.

    Attributes:
        clock: seconds of work in networks and around them, summed over threads.
    """

    def __init__(
        self, upscaler: Upscaler, target: Target, *, reuse: bool = True, networks: Networks | None = None
    ) -> None:
        self._upscaler, self._target, self._reuse = upscaler, target, reuse
        self._networks = networks or upscaler.choose().networks
        # Where every core is to work, one tile more than cores: the last tiles of a frame leave none of them waiting.
        self._spare = 1 if upscaler.threads == usable_cores() > 1 else 0
        self._pool = ThreadPoolExecutor(upscaler.threads + self._spare, thread_name_prefix="subpixel-tile")
        self._kind: tuple[object, ...] = ()
        self._enlarge: Callable[[Any], Any] = lambda frame: frame
        self._stages: list[Stage] = []
        self._share = Share()
        self._chroma: dict[int, tuple[NDArray[Any], NDArray[Any]]] = {}
        self.clock = Clock()

    def __enter__(self) -> FrameUpscaler:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop the threads."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    @property
    def reused_share(self) -> float:
        """Share of the pixels so far that were not computed, because the last frame had them: 0–1."""
        return 1 - self._share.computed / self._share.total if self._share.total else 0.0

    def size_for(self, size: Size) -> Size:
        """Size of the result for frames of `size`.

        Raises:
            SettingError: more than 16 times the size.
        """
        return self._target.size_for(size)

    def plan(self, size: Size) -> Plan:
        """How frames of `size` are made.

        Raises:
            SettingError: as `size_for`.
        """
        return self._upscaler.plans(size, (self._target,), self._networks)[0]

    def precision(self, bits: int) -> Precision:
        """Arithmetic for frames of so many bits per sample."""
        return self._networks.precision_for(8 if bits == 8 else 16)

    def forget(self) -> None:
        """Compute the next frame without a look at the last one."""
        self._chroma.clear()
        for stage in self._stages:
            stage.forget()

    @overload
    def upscale(self, frame: Planes) -> Planes: ...
    @overload
    def upscale(self, frame: Coloured) -> Coloured: ...
    def upscale(self, frame: Frame) -> Frame:
        """Make a frame larger; what comes in comes out in kind: bits, range, matrix, chroma and its place are kept.

        Arrays of the result must not be written to: where nothing changes, the next frame is made of them.

        Raises:
            SettingError: the result is more than 16 times the frame, or more than memory holds.
            ModelError: a model's files are damaged.
            EngineError: the engine cannot run the network.
        """
        if isinstance(frame, Planes):
            kind: tuple[object, ...] = (frame.size, frame.sub, frame.bits, frame.full_range, frame.matrix, frame.siting)
        else:
            kind = (frame.size, frame.pixels.shape, frame.bits)
        if kind != self._kind:
            self.forget()
            self._enlarge = self._prepared(frame)
            self._kind = kind
        made: Frame = self._enlarge(frame)
        return made

    def _prepared(self, frame: Frame) -> Callable[[Any], Frame]:
        """How frames of this kind are made."""
        plan = self.plan(frame.size)
        channels = 3 if isinstance(frame, Planes) else frame.pixels.shape[2]
        need = plan.memory(
            threads=self._upscaler.threads + self._spare,
            channels=channels,
            sample_bytes=1 if frame.bits == 8 else 2,
            frames=_HELD,
        )
        have = memory_limit()
        if have is not None and need > have:
            raise too_large(plan, need, have)
        networks = [
            self._networks.load(
                step.model.scales,
                self.precision(frame.bits),
                colour=channels >= 3,
                workers=step.workers + self._spare,
                later=index > 0,
            )
            for index, step in enumerate(plan.passes)
        ]
        if isinstance(frame, Coloured):
            return self._picture_way(frame, plan, networks)
        if any(network.colour == "rgb" for network in networks):
            return self._rgb_way(frame, plan, networks)
        return self._luma_way(frame, plan, networks)

    @property
    def _counted(self) -> Share | None:
        return self._share if self._reuse else None

    # Networks on luma: the planes as they are.

    def _luma_way(self, frame: Planes, plan: Plan, networks: list[Network]) -> Callable[[Planes], Planes]:
        levels, top, dtype = luma_levels(frame.bits, frame.full_range), frame.top, frame.y.dtype
        stages: list[Stage] = []
        for index, (step, network) in enumerate(zip(plan.passes, networks, strict=True)):
            first, last = index == 0, step is plan.passes[-1] and not plan.resample
            shape = (1, step.target.height, step.target.width)
            samples = None
            if first and last and frame.bits == 8:
                precision = self.precision(8)
                workers = step.workers + self._spare
                samples = self._networks.load_samples(step.model.scales, precision, levels, workers=workers)
            work = (
                LumaWork(network, self.clock, levels if first else None, levels if last else None, top)
                if samples is None
                else SampleWork(network, samples, self.clock)
            )
            blank = partial(np.empty, shape, dtype if last else np.float32)
            # Of later passes nothing is counted: what the first one did not compute, they need not either.
            share = self._counted if first else Share() if self._reuse else None
            stages.append(Tiled(step, network.align, work, blank, self._pool, share))
        if plan.resample or not plan.passes:

            def resample(now: NDArray[Any], size: Size) -> NDArray[Any]:
                y = to_y(now, levels) if not plan.passes else now
                made: NDArray[Any] = np.empty((1, size.height, size.width), dtype)
                from_y(resize_on(y, size.height, size.width), levels, made, top)
                return made

            stages.append(Resampled(plan.target, resample, self._reuse))
        self._stages = stages

        def enlarge(planes: Planes) -> Planes:
            chroma = [self._pool.submit(self._larger_chroma, planes, index, plan.target) for index in range(2)]
            return planes.with_planes(_through(stages, planes.y[None])[0], *_results(chroma))

        return enlarge

    def _larger_chroma(self, planes: Planes, index: int, target: Size) -> NDArray[Any] | None:
        """u (0) or v (1), as the last time where it is the same."""
        plane = (planes.u, planes.v)[index]
        if plane is None:
            return None
        last = self._chroma.get(index)
        if last is not None and np.array_equal(last[0], plane):
            return last[1]
        made = enlarge_chroma(plane, planes.size, target, planes.sub, planes.siting, planes.top)
        if self._reuse:
            self._chroma[index] = (plane.copy(), made)
        return made

    # Pictures: all channels together.

    def _picture_way(self, frame: Coloured, plan: Plan, networks: list[Network]) -> Callable[[Coloured], Coloured]:
        enlarge = self._pixels_way(frame.pixels, plan, networks)
        return lambda coloured: replace(coloured, pixels=enlarge(coloured.pixels))

    def _rgb_way(self, frame: Planes, plan: Plan, networks: list[Network]) -> Callable[[Planes], Planes]:
        enlarge = self._pixels_way(to_coloured(frame).pixels, plan, networks)

        def through(planes: Planes) -> Planes:
            return to_planes(Coloured(enlarge(to_coloured(planes).pixels)), like=planes)

        return through

    def _pixels_way(self, like: Pixels, plan: Plan, networks: list[Network]) -> Callable[[Pixels], Pixels]:
        """(h, w, C) → (H, W, C), the pixels that `Upscaler` makes."""
        alpha, dtype, channels = like.shape[2] in (2, 4), like.dtype, like.shape[2]
        shape = (plan.target.height, plan.target.width, channels)

        def blank() -> NDArray[Any]:
            return np.moveaxis(np.empty(shape, dtype), 2, 0)

        if len(plan.passes) == 1 and not plan.resample:
            work = PictureWork(networks[0], self.clock, alpha)
            stage: Stage = Tiled(plan.passes[0], networks[0].align, work, blank, self._pool, self._counted)
        else:

            def whole(now: NDArray[Any], size: Size) -> NDArray[Any]:
                made, pixels = blank(), np.ascontiguousarray(np.moveaxis(now, 0, 2))
                into = Whole(np.moveaxis(made, 0, 2))
                enlarge_frame(
                    Held(pixels),
                    [into],
                    plan,
                    networks,
                    alpha=alpha,
                    pool=self._pool,
                    clock=self.clock,
                    done=lambda _: None,
                )
                return made

            stage = Resampled(plan.target, whole, self._reuse)
        self._stages = [stage]

        def enlarge(pixels: Pixels) -> Pixels:
            now: NDArray[Any] = np.moveaxis(pixels, 2, 0)
            if alpha and isinstance(stage, Tiled) and not bool((now[-1] == np.iinfo(dtype).max).all()):
                now = now * np.float32(1 / np.iinfo(dtype).max)
                now[:-1] = fill_transparent(now[:-1], now[-1])
            return np.moveaxis(stage(now), 0, 2)

        return enlarge


def _through(stages: list[Stage], now: NDArray[Any]) -> NDArray[Any]:
    for stage in stages:
        now = stage(now)
    return now


def _results(futures: list[Future[NDArray[Any] | None]]) -> tuple[NDArray[Any] | None, ...]:
    return tuple(future.result() for future in futures)
