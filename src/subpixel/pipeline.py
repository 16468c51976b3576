"""Pictures as a stream of rows: strips of tiles go through the networks, then through the resampler, into the result.

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
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from subpixel.engines import Runner
from subpixel.image.alpha import premultiply, unpremultiply
from subpixel.image.colour import grey_to_y, rgb_to_y, rgb_to_ycbcr, y_to_grey, ycbcr_to_rgb
from subpixel.image.resample import resize, resize_rows, row_blocks
from subpixel.plan import Pass, Span
from subpixel.types import Pixels, Planes, Size

Strips = Iterator[Planes]
"""Rows of a picture, top to bottom: (channels, rows, width), float32, 0–1; alpha, if any, is the last channel."""


@dataclass(slots=True)
class Clock:
    """Seconds of work, summed over threads."""

    network: float = 0.0
    other: float = 0.0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def add(self, *, network: float = 0.0, other: float = 0.0) -> None:
        """Add seconds of work."""
        with self._lock:
            self.network += network
            self.other += other


@dataclass(frozen=True, slots=True)
class Network:
    """A loaded network and what it expects.

    Attributes:
        run: the engine's runner.
        scale: factor.
        halo: receptive radius, input pixels.
        colour: ``"y"`` or ``"rgb"``.
        value_range: what 0 and 1 become at its input and output.
        chroma: runner of the bicubic network of the same scale; None where there is none (another way is used then).
    """

    run: Runner
    scale: int
    halo: int
    colour: str
    value_range: tuple[float, float]
    chroma: Runner | None


_CACHED = 65_536  # samples of a plane that colour conversion works on at once; measured, ×2.5 quicker than all

CHROMA_HALO = 2
"""Receptive radius of bicubic enlargement, input pixels."""


class Window:
    """The rows of a picture that are still needed, out of a stream that delivers them once, top to bottom."""

    def __init__(self, strips: Strips, height: int) -> None:
        self._strips = strips
        self._height = height
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


def store(planes: Planes, out: NDArray[np.generic]) -> None:
    """Clip `planes` (channels, h, w) to 0–1 and write them to `out`.

    `out` is either float32 (channels, h, w), or integer pixels (h, w, channels), which are rounded to nearest.
    """
    if out.dtype == np.float32:
        np.clip(planes, 0.0, 1.0, out=out)
        return
    top = np.float32(np.iinfo(out.dtype).max)  # type: ignore[type-var]
    for index, plane in enumerate(planes):
        scaled = plane * top
        scaled += np.float32(0.5)
        np.clip(scaled, 0.0, top, out=scaled)
        out[:, :, index] = scaled


def _pad(band: Planes, top: int, height: int, rows: Span, columns: Span, halo: int) -> Planes:
    """Cut a tile with its halo from `band`, whose first row is row `top` of the picture; edges are repeated."""
    width = band.shape[2]
    y0, y1 = rows.start - halo, rows.stop + halo
    x0, x1 = columns.start - halo, columns.stop + halo
    inside = band[:, max(y0, 0) - top : min(y1, height) - top, max(x0, 0) : min(x1, width)]
    missing = ((0, 0), (max(-y0, 0), max(y1 - height, 0)), (max(-x0, 0), max(x1 - width, 0)))
    return np.pad(inside, missing, mode="edge") if any(map(any, missing)) else inside


def _crop(planes: Planes, border: int) -> Planes:
    """`planes` without `border` samples on every side."""
    return planes[..., border : planes.shape[-2] - border, border : planes.shape[-1] - border]


def _as_it_is(planes: Sequence[NDArray[np.float32]]) -> Planes:
    """Planes as one array."""
    return np.stack(planes)


def _y_as_grey(planes: Sequence[NDArray[np.float32]]) -> Planes:
    """One plane of Y as one plane of grey."""
    return y_to_grey(planes[0])[None]


class _TileWork:
    """What is done to one tile: colour into what the network sees, the network, and back."""

    def __init__(self, network: Network, clock: Clock) -> None:
        self.network = network
        self.clock = clock
        self.halo = max(network.halo, CHROMA_HALO)

    def __call__(self, tile: Planes, alpha: bool, out: NDArray[np.generic]) -> None:
        """Enlarge `tile` (channels, h + 2·halo, w + 2·halo) into `out`, which `store` describes."""
        started = time.perf_counter()
        colour = tile[:-1] if alpha else tile
        planes: Sequence[NDArray[np.float32]] | Planes
        back: Callable[[Sequence[NDArray[np.float32]]], Planes]
        if self.network.colour == "rgb":
            planes, spent = self._rgb(colour)
            back = _as_it_is
        elif colour.shape[0] == 1:
            planes, spent = self._y(grey_to_y(colour))
            back = _y_as_grey
        else:
            planes, spent = self._y_and_chroma(colour)
            back = ycbcr_to_rgb
        mask = None
        if alpha:
            mask, more = self._mask(tile[-1:])
            spent += more
        height, width = planes[0].shape
        # Colour and rounding pass over the samples some thirty times: few rows at once, so that they stay in the cache.
        rows = max(1, _CACHED // width)
        for top in range(0, height, rows):
            part = slice(top, top + rows)
            made = back([plane[part] for plane in planes])
            if mask is not None:
                made = np.concatenate((made, mask[:, part]))
            store(made, out[part] if out.dtype != np.float32 else out[:, part])
        self.clock.add(network=spent, other=time.perf_counter() - started - spent)

    def _run(self, run: Runner, batch: Planes, halo: int, spare: int) -> tuple[Planes, float]:
        """Run on (N, C, h, w) whose border is `spare` wider than needed; cut the enlarged `halo` off the result."""
        ready = np.ascontiguousarray(_crop(batch, spare))
        started = time.perf_counter()
        result = run(ready)
        spent = time.perf_counter() - started
        return _crop(result, halo * self.network.scale), spent

    def _scaled(self, planes: Planes) -> tuple[Planes, float]:
        """The network on (C, h, w) in 0–1, its value range applied on the way in and out."""
        low, high = self.network.value_range
        plain = (low, high) == (0.0, 1.0)
        batch = planes[None] if plain else planes[None] * np.float32(high - low) + np.float32(low)
        result, spent = self._run(self.network.run, batch, self.network.halo, self.halo - self.network.halo)
        return (result[0] if plain else (result[0] - np.float32(low)) / np.float32(high - low)), spent

    def _y(self, y: Planes) -> tuple[Planes, float]:
        return self._scaled(y)

    def _rgb(self, colour: Planes) -> tuple[Planes, float]:
        big, spent = self._scaled(np.repeat(colour, 3, axis=0) if colour.shape[0] == 1 else colour)
        return (y_to_grey(rgb_to_y(big)) if colour.shape[0] == 1 else big), spent

    def _y_and_chroma(self, colour: Planes) -> tuple[Sequence[NDArray[np.float32]], float]:
        """Y by the network, Cb and Cr bicubically: three planes."""
        ycbcr = rgb_to_ycbcr(colour)
        y, spent = self._y(ycbcr[:1])
        scale = self.network.scale
        spare = self.halo - CHROMA_HALO
        if self.network.chroma is not None:
            chroma, more = self._run(self.network.chroma, ycbcr[1:, None], CHROMA_HALO, spare)
            spent += more
            return (y[0], chroma[0, 0], chroma[1, 0]), spent
        small = _crop(ycbcr[1:], spare)
        chroma = _crop(resize(small, small.shape[1] * scale, small.shape[2] * scale), CHROMA_HALO * scale)
        return (y[0], chroma[0], chroma[1]), spent

    def _mask(self, alpha: Planes) -> tuple[Planes, float]:
        """Alpha through the same network, as a grey picture; areas of one value need no network."""
        first = alpha[0, 0, 0]
        if first in (0.0, 1.0) and (alpha == first).all():
            size = (1, *((n - 2 * self.halo) * self.network.scale for n in alpha.shape[1:]))
            return np.full(size, first, np.float32), 0.0
        if self.network.colour == "rgb":
            big, spent = self._rgb(alpha)
        else:
            big, spent = self._y(grey_to_y(alpha))
            big = y_to_grey(big)
        return _keep_extremes(big, _crop(alpha, self.halo - CHROMA_HALO), self.network.scale), spent


def _keep_extremes(big: Planes, alpha: Planes, scale: int) -> Planes:
    """Make alpha exactly 0 or 1 where the pixel and its neighbours are: a network may leave opaque at 254 of 255.

    Args:
        big: enlarged alpha, (1, scale·h, scale·w).
        alpha: what it was made from, with a border of `CHROMA_HALO` pixels.
        scale: factor.
    """
    least = most = alpha[0]
    for axis in (0, 1):
        length = least.shape[axis] - 2 * CHROMA_HALO
        shifted = [slice(start, start + length) for start in range(2 * CHROMA_HALO + 1)]
        cuts = [(part, slice(None)) if axis == 0 else (slice(None), part) for part in shifted]
        least = np.minimum.reduce([least[cut] for cut in cuts])
        most = np.maximum.reduce([most[cut] for cut in cuts])
    opaque, clear = ((flags.repeat(scale, axis=0).repeat(scale, axis=1)) for flags in (least == 1, most == 0))
    kept = np.where(opaque, np.float32(1), np.where(clear, np.float32(0), big[0]))
    return kept[None]


Done = Callable[[int], None]
"""Called with a number of tiles each time that many are finished."""


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
    into: Pixels | None = None,
) -> Generator[NDArray[np.generic], None, None]:
    """Run one pass.

    Args:
        source: the pass's input.
        step: the plan of the pass.
        network: its network.
        alpha: True where the last channel is alpha.
        channels: of the picture, alpha included.
        pool: computes tiles; as many are under way as strips of tiles allow, two strips at most.
        clock: where seconds of work are added.
        done: told of finished tiles.
        into: integer pixels (height, width, channels) to write the result to; None: float32 strips are made.

    Yields:
        Strips of the result: views of `into`, or (channels, rows, width) float32.
    """
    work = _TileWork(network, clock)
    scale, size = network.scale, step.source
    waiting: deque[tuple[list[Future[None]], NDArray[np.generic]]] = deque()

    def finished() -> NDArray[np.generic]:
        futures, strip = waiting.popleft()
        for future in futures:
            future.result()
        done(len(futures))
        return strip

    try:
        for rows in step.tiles.rows:
            top = max(rows.start - work.halo, 0)
            band = source.rows(top, min(rows.stop + work.halo, size.height))
            strip: NDArray[np.generic]
            if into is None:
                strip = np.empty((channels, rows.length * scale, size.width * scale), np.float32)
            else:
                strip = into[rows.start * scale : rows.stop * scale]
            futures = []
            for columns in step.tiles.columns:
                tile = _pad(band, top, size.height, rows, columns, work.halo)
                across = slice(columns.start * scale, columns.stop * scale)
                target = strip[:, :, across] if into is None else strip[:, across]
                futures.append(pool.submit(work, tile, alpha, target))
            source.forget(max(rows.stop - work.halo, 0))
            waiting.append((futures, strip))
            if len(waiting) > 1:
                yield finished()
        while waiting:
            yield finished()
    finally:
        for futures, _ in waiting:
            for future in futures:
                future.cancel()


def resampled_strips(
    source: Window, size: Size, target: Size, *, alpha: bool, clock: Clock, into: Pixels | None = None
) -> Generator[NDArray[np.generic], None, None]:
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
        strip: NDArray[np.generic] = np.empty_like(planes) if into is None else into[start:stop]
        store(planes, strip)
        source.forget(low)
        clock.add(other=time.perf_counter() - started)
        yield strip
