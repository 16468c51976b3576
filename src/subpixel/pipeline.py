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
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from subpixel.image.alpha import fill_transparent, premultiply, unpremultiply
from subpixel.image.resample import resize_rows, row_blocks
from subpixel.plan import Pass, Plan, Span, align_up
from subpixel.tile import Clock, Network, store
from subpixel.types import Pixels, Planes, Size

Strips = Iterator[Planes]
"""Rows of a picture, top to bottom: (channels, rows, width), float32, 0–1; alpha, if any, is the last channel."""


class Window:
    """The rows of a picture that are still needed, out of a stream that delivers them once, top to bottom."""

    def __init__(self, strips: Strips) -> None:
        self._strips = strips
        self._top = 0
        self._rows: Planes | None = None

    def rows(self, start: int, stop: int) -> Planes:
        """Rows start…stop, (channels, stop − start, width). Rows that were forgotten cannot be had again."""
        while self._rows is None or self._top + self._rows.shape[1] < stop:
            strip = next(self._strips)
            self._rows = strip if self._rows is None else np.concatenate((self._rows, strip), axis=1)
        return self._rows[:, start - self._top : stop - self._top]

    def forget(self, before: int) -> None:
        """Rows above `before` are not needed any more."""
        if self._rows is not None and before > self._top:
            self._rows = self._rows[:, before - self._top :]
            self._top = before


def picture_strips(pixels: Pixels, rows: int = 256) -> Strips:
    """One frame as strips. (height, width, channels) uint8 or uint16 → (channels, rows, width) float32 in 0–1."""
    gain = np.float32(1 / np.iinfo(pixels.dtype).max)
    for start in range(0, pixels.shape[0], rows):
        planes = np.ascontiguousarray(np.moveaxis(pixels[start : start + rows], 2, 0), dtype=np.float32)
        planes *= gain
        yield planes


def planes_strips(planes: Planes, rows: int = 256) -> Strips:
    """Planes that are already in memory, as strips."""
    for start in range(0, planes.shape[1], rows):
        yield planes[:, start : start + rows]


def cut_tile(band: Planes, top: int, height: int, rows: Span, columns: Span, halo: int, align: int) -> Planes:
    """Cut a tile with its halo from `band`, whose first row is row `top` of the picture; edges are repeated.

    The tile's sides without halo are multiples of `align`: at the right and the bottom of the picture it is longer.
    """
    width = band.shape[2]
    y0, y1 = rows.start - halo, rows.start + align_up(rows.length, align) + halo
    x0, x1 = columns.start - halo, columns.start + align_up(columns.length, align) + halo
    inside = band[:, max(y0, 0) - top : min(y1, height) - top, max(x0, 0) : min(x1, width)]
    missing = ((0, 0), (max(-y0, 0), max(y1 - height, 0)), (max(-x0, 0), max(x1 - width, 0)))
    return np.pad(inside, missing, mode="edge") if any(map(any, missing)) else inside


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
    pixels: Pixels,
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
        pixels: (h, w, channels).
        into: where each result of the plan goes, in samples as those of `pixels`; several only where the plan resamples
            nothing.
        plan: passes and resampling.
        networks: one for each pass, the last one with a result for each of `into`.
        alpha: True where the last channel is alpha.
        pool: computes tiles.
        clock: where seconds of work are added.
        done: told of finished tiles.
    """
    opaque = not alpha or bool((pixels[:, :, -1] == np.iinfo(pixels.dtype).max).all())
    strips: Strips = picture_strips(pixels)
    if alpha and not opaque:
        planes = np.concatenate(list(strips), axis=1)
        planes[:-1] = fill_transparent(planes[:-1], planes[-1])
        strips = planes_strips(planes)
    size = plan.source
    for step, network in zip(plan.passes, networks, strict=True):
        last = step is plan.passes[-1] and not plan.resample
        strips = network_strips(
            Window(strips),
            step,
            network,
            alpha=alpha,
            channels=pixels.shape[2],
            pool=pool,
            clock=clock,
            done=done,
            into=into if last else (),
        )
        size = step.target
    if plan.resample or not plan.passes:
        mixed = alpha and not opaque
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

    def one(tile: Planes, outs: Sequence[NDArray[np.generic]]) -> None:
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
        band = source.rows(low, high)
        started = time.perf_counter()
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
