"""Pictures as a stream of rows: strips of tiles go through the networks, then through the resampler, into the results.

Every stage takes strips of rows from top to bottom and yields strips from top to bottom, and keeps only the rows it
still needs, so memory between input and result does not depend on the picture's height or the number of tiles.

Exactness: each tile is cut with a halo as wide as the network's receptive radius; beyond the picture's border the edge
pixel is repeated. Every result pixel is therefore computed from the same numbers however the picture is cut, and a
tiled result equals the result computed in one piece.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Semaphore
from typing import Any, Final, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from subpixel.image.alpha import coarse_levels, coarse_strip, fill_coarse, fill_strip, premultiply, unpremultiply
from subpixel.image.resample import resize_rows, row_blocks
from subpixel.plan import Pass, Plan, Span, align_up
from subpixel.tile import Clock, Network, as_planes, store
from subpixel.types import Pixels, Samples, Size

_ROWS: Final = 256
"""Rows that are filled together where a picture is transparent."""

Strips = Iterator[Samples]
"""Rows of a picture, top to bottom: (channels, rows, width); alpha, if any, is the last channel."""


class Frame(Protocol):
    """One frame of a picture, to be read from the top down, as often as needed."""

    @property
    def size(self) -> Size:
        """Width and height."""
        ...

    @property
    def channels(self) -> int:
        """Of a pixel, alpha included."""
        ...

    @property
    def opaque(self) -> bool:
        """Of a frame with alpha: True where it is at its most everywhere."""
        ...

    def strips(self) -> Iterator[Pixels]:
        """All rows from top to bottom, (rows, width, channels) at a time."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """A frame in memory, see `Frame`.

    Attributes:
        pixels: (height, width, channels).
    """

    pixels: Pixels

    @property
    def size(self) -> Size:
        """See `Frame`."""
        return Size(int(self.pixels.shape[1]), int(self.pixels.shape[0]))

    @property
    def channels(self) -> int:
        """See `Frame`."""
        return int(self.pixels.shape[2])

    @property
    def opaque(self) -> bool:
        """See `Frame`."""
        return bool((self.pixels[:, :, -1] == np.iinfo(self.pixels.dtype).max).all())

    def strips(self) -> Iterator[Pixels]:
        """See `Frame`: all at once, for nothing is copied."""
        yield self.pixels


class Window:
    """The rows of a picture that are still needed, out of a stream that delivers them once, top to bottom."""

    def __init__(self, strips: Strips) -> None:
        self._strips = strips
        self._top = 0
        self._rows: Samples | None = None

    def rows(self, start: int, stop: int) -> Samples:
        """Rows start…stop, (channels, stop − start, width). Rows that were forgotten cannot be had again."""
        while self._rows is None or self._top + self._rows.shape[1] < stop:
            strip = next(self._strips)
            self._rows = strip if self._rows is None else cast(Samples, np.concatenate((self._rows, strip), axis=1))
        return self._rows[:, start - self._top : stop - self._top]

    def forget(self, before: int) -> None:
        """Rows above `before` are not needed any more."""
        if self._rows is not None and before > self._top:
            self._rows = self._rows[:, before - self._top :]
            self._top = before


def frame_strips(frame: Frame) -> Strips:
    """A frame as strips, in samples as it holds them."""
    for rows in frame.strips():
        yield cast(Samples, np.moveaxis(rows, 2, 0))


def filled_strips(frame: Frame) -> Strips:
    """A frame with alpha as float32 strips whose transparent pixels have the colour of what is around them.

    The frame is read twice: once for what stands around from afar, and once for the rows.
    """
    size = frame.size
    levels = coarse_levels(size)
    step = 1 << levels
    tall = align_up(_ROWS, step)
    seen = Window(frame_strips(frame))
    colours, weights = [], []
    for start in range(0, size.height, tall):
        strip = as_planes(seen.rows(start, min(start + tall, size.height)))
        colour, weight = coarse_strip(strip[:-1], strip[-1], levels)
        colours.append(colour)
        weights.append(weight)
        seen.forget(start + tall)
    coarse = fill_coarse(np.concatenate(colours, axis=1), np.concatenate(weights))
    del seen, colours, weights
    source = Window(frame_strips(frame))
    for start in range(0, size.height, tall):
        stop, low = min(start + tall, size.height), max(start - step, 0)
        high = min(stop + step, size.height)
        band = as_planes(source.rows(low, high))
        filled = fill_strip(band[:-1], band[-1], levels, coarse[:, low >> levels : -(-high >> levels)])
        yield np.concatenate((filled, band[-1:]))[:, start - low : stop - low]
        source.forget(stop - step)


def cut_tile(band: Samples, top: int, height: int, rows: Span, columns: Span, halo: int, align: int) -> Samples:
    """Cut a tile with its halo from `band`, whose first row is row `top` of the picture; edges are repeated.

    The tile's sides without halo are multiples of `align`: at the right and the bottom of the picture it is longer.
    """
    width = band.shape[2]
    y0, y1 = rows.start - halo, rows.start + align_up(rows.length, align) + halo
    x0, x1 = columns.start - halo, columns.start + align_up(columns.length, align) + halo
    inside = band[:, max(y0, 0) - top : min(y1, height) - top, max(x0, 0) : min(x1, width)]
    missing = ((0, 0), (max(-y0, 0), max(y1 - height, 0)), (max(-x0, 0), max(x1 - width, 0)))
    return cast(Samples, np.pad(inside, missing, mode="edge")) if any(map(any, missing)) else inside


Done = Callable[[int], None]
"""Called with a number of tiles each time that many are finished."""


class Into(Protocol):
    """Where the rows of a result go, from top to bottom."""

    def room(self, start: int, stop: int) -> Pixels:
        """Memory for rows start…stop, (stop − start, width, channels); asked for in order."""
        ...

    def full(self, rows: Pixels) -> None:
        """Those rows are made: what `room` gave, in the same order."""
        ...


class Receiver(Protocol):
    """Takes results row by row, as they are made."""

    def takes(self, size: Size) -> bool:
        """Whether it takes the result of that size."""
        ...

    def opened(self, size: Size) -> Into:
        """Where the rows of the result of that size go; asked for once, before they are made."""
        ...


@dataclass(frozen=True, slots=True)
class Whole:
    """The rows of one frame in memory.

    Attributes:
        pixels: (height, width, channels).
    """

    pixels: Pixels

    def room(self, start: int, stop: int) -> Pixels:
        """See `Into`."""
        return self.pixels[start:stop]

    def full(self, rows: Pixels) -> None:
        """See `Into`: they are where they belong."""


def enlarge_frame(
    frame: Frame,
    into: Sequence[Into],
    plan: Plan,
    networks: Sequence[Network],
    *,
    alpha: bool,
    pool: ThreadPoolExecutor,
    clock: Clock,
    done: Done,
) -> None:
    """One frame through all that its plan says.

    Args:
        frame: the frame.
        into: where each result of the plan goes, in samples as those of the frame; several only where the plan
            resamples nothing.
        plan: passes and resampling.
        networks: one for each pass, the last one with a result for each of `into`.
        alpha: True where the last channel is alpha.
        pool: computes tiles.
        clock: where seconds of work are added.
        done: told of finished tiles.
    """
    mixed = alpha and not frame.opaque
    strips = filled_strips(frame) if mixed else frame_strips(frame)
    size = plan.source
    for step, network in zip(plan.passes, networks, strict=True):
        last = step is plan.passes[-1] and not plan.resample
        strips = network_strips(
            Window(strips),
            step,
            network,
            alpha=alpha,
            channels=frame.channels,
            pool=pool,
            clock=clock,
            done=done,
            into=into if last else (),
        )
        size = step.target
    if plan.resample or not plan.passes:
        strips = resampled_strips(Window(strips), size, plan.target, alpha=mixed, clock=clock, into=into[0])
    for _ in strips:
        pass


def network_strips(
    source: Window,
    step: Pass,
    network: Network,
    *,
    alpha: bool,
    channels: int,
    pool: ThreadPoolExecutor,
    clock: Clock,
    done: Done,
    into: Sequence[Into] = (),
) -> Generator[NDArray[Any], None, None]:
    """Run one pass.

    Args:
        source: the pass's input.
        step: the plan of the pass.
        network: its network.
        alpha: True where the last channel is alpha.
        channels: of the picture, alpha included.
        pool: computes tiles; as many are under way as strips of tiles and the plan allow, two strips at most.
        clock: where seconds of work are added.
        done: told of finished tiles.
        into: for every scale of the network, where that result goes; empty: float32 strips are made, by a network of
            one scale.

    Yields:
        Strips of the largest result: integer pixels (rows, width, channels) that went to the last of `into`, or
        (channels, rows, width) float32.
    """
    work = network.work(clock)
    free = Semaphore(step.workers)

    def one(tile: Samples, outs: Sequence[NDArray[np.generic]]) -> None:
        with free:
            work(tile, alpha, outs)

    scales, align, size = network.scales, network.align, step.source
    waiting: deque[tuple[list[Future[None]], list[NDArray[Any]]]] = deque()

    def finished() -> NDArray[Any]:
        futures, strips = waiting[0]
        for future in futures:
            future.result()
        waiting.popleft()
        for place, strip in zip(into, strips, strict=bool(into)):
            place.full(strip)
        done(len(futures))
        return strips[-1]

    try:
        for rows in step.tiles.rows:
            top = max(rows.start - work.halo, 0)
            band = source.rows(top, min(rows.stop + work.halo, size.height))
            strips: list[NDArray[Any]]
            if into:
                strips = [
                    place.room(rows.start * scale, rows.stop * scale) for place, scale in zip(into, scales, strict=True)
                ]
            else:
                strips = [np.empty((channels, rows.length * s, size.width * s), np.float32) for s in scales]
            futures = []
            for columns in step.tiles.columns:
                tile = cut_tile(band, top, size.height, rows, columns, work.halo, align)
                across = [slice(columns.start * scale, columns.stop * scale) for scale in scales]
                outs = [
                    strip[:, part] if into else strip[:, :, part] for strip, part in zip(strips, across, strict=True)
                ]
                futures.append(pool.submit(one, tile, outs))
            source.forget(max(rows.stop - work.halo, 0))
            waiting.append((futures, strips))
            if len(waiting) > 1:
                yield finished()
        while waiting:
            yield finished()
    finally:
        for futures, _ in waiting:
            for future in futures:
                future.cancel()


def resampled_strips(
    source: Window, size: Size, target: Size, *, alpha: bool, clock: Clock, into: Into | None = None
) -> Generator[NDArray[Any], None, None]:
    """Resample from `size` to `target`, antialiased bicubic; colour is weighted by alpha where there is one."""
    for block in row_blocks(size.height, target.height):
        start, stop, low, high = block
        samples = source.rows(low, high)
        started = time.perf_counter()
        band = as_planes(samples)
        if alpha:
            band = np.concatenate((premultiply(band[:-1], band[-1]), band[-1:]))
        planes = resize_rows(band, block, size.height, target.height, target.width)
        if alpha:
            planes[:-1] = unpremultiply(planes[:-1], planes[-1])
        strip: NDArray[Any] = np.empty_like(planes) if into is None else into.room(start, stop)
        store(planes, strip)
        source.forget(low)
        clock.add(other=time.perf_counter() - started)
        if into is not None:
            into.full(strip)
        yield strip
