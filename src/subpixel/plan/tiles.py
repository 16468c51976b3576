"""How a picture is cut into tiles. Pure arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from subpixel.types import Size

_TALLEST = 256
_WIDEST = 1024
"""Most rows and columns of a tile in input pixels. Halos cost time, so tiles are as large as memory allows; but a file
is coded strip by strip, and higher strips wait longer for the encoder: tiles are wide instead (see "Tiles" in
benchmarks/results.md)."""

_TILE_BYTES = 120_000_000  # a tile above `_MODEST` may take so much
_ALL_BYTES = 800_000_000  # all tiles in work together, where that leaves each at least `_LEAST_BYTES`
_LEAST_BYTES = 64_000_000
_MODEST = 256
_SMALLEST = 48  # below this side, splitting a picture further costs more in halo than a second core gives
_HALOS = 14  # a tile as wide as so many halos spends 30% on them: (1 + 2 / 14)² = 1.31
_LEAST = 64  # no tile is made smaller than this for want of memory
_TRIED = 32  # so many more rows and columns of tiles than needed are tried at most: a thousand grids take a millisecond
_CALL = 1_200  # what a tile costs beside its pixels, in pixels: cutting, calling the network, storing


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of rows or columns."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """Number of rows or columns."""
        return self.stop - self.start


def spans(length: int, count: int, align: int = 1) -> tuple[Span, ...]:
    """`length` cut into `count` ranges of near-equal length, in order, without gap or overlap.

    Every range starts at a multiple of `align`. Lengths differ by at most `align`, but the last may be shorter still.
    """
    units = -(-length // align)
    count = min(count, units)
    bounds = [min(i * units // count * align, length) for i in range(count + 1)]
    return tuple(Span(start, stop) for start, stop in pairwise(bounds))


def align_up(length: int, align: int) -> int:
    """The next multiple of `align`, `length` itself where it is one."""
    return -(-length // align) * align


@dataclass(frozen=True, slots=True)
class TileGrid:
    """Tiles of one pass in input pixels: the product of `rows` and `columns`. Halos are not included."""

    rows: tuple[Span, ...]
    columns: tuple[Span, ...]

    @property
    def count(self) -> int:
        """Number of tiles."""
        return len(self.rows) * len(self.columns)

    @property
    def largest(self) -> Size:
        """Size of the largest tile."""
        return Size(max(c.length for c in self.columns), max(r.length for r in self.rows))


@dataclass(frozen=True, slots=True)
class TileLimits:
    """How large tiles may be, and how many are computed side by side.

    Attributes:
        widest: most columns, without halo.
        tallest: most rows, without halo.
        pixels: most pixels, halo included; tiles of `_LEAST` rows and columns are always allowed.
        workers: tiles in work at a time, at least 1.
    """

    widest: int
    tallest: int
    pixels: int
    workers: int

    @classmethod
    def square(cls, side: int, *, halo: int, workers: int) -> TileLimits:
        """Tiles of at most `side` × `side`, whatever memory that takes."""
        return cls(side, side, (side + 2 * halo) ** 2, workers)


def tile_limits(halo: int, *, pixel_bytes: int, threads: int, room: int | None) -> TileLimits:
    """How large tiles may be so that a picture goes quickest within `room`.

    A network that sees far computes wide halos with every tile, so its tiles are larger: 14 halos (30% more work than
    in one piece), or 1024 × 256, or as little as 256 × 256 where it needs much memory. Where memory is short they are
    smaller, down to 64, or fewer at a time where small tiles would waste more than the other threads give. The result
    is the same.

    Args:
        halo: of the network, input pixels.
        pixel_bytes: memory that a pixel of a tile in work takes, halo included.
        threads: tiles that can be computed side by side.
        room: bytes that all tiles in work may take; None where nothing limits them.
    """
    far = _HALOS * halo
    widest, tallest = max(_WIDEST, far), max(_TALLEST, far)
    share = max(_LEAST_BYTES, min(_TILE_BYTES, _ALL_BYTES // threads))
    wanted = max(share // max(1, pixel_bytes), (max(_MODEST, far) + 2 * halo) ** 2)
    if room is None:
        return TileLimits(widest, tallest, wanted, threads)

    def pixels(count: int) -> int:
        return max((_LEAST + 2 * halo) ** 2, min(wanted, room // max(1, count * pixel_bytes)))

    def cost(count: int) -> float:
        return (1 + 2 * halo / max(1, math.isqrt(pixels(count)) - 2 * halo)) ** 2 / count

    best = min(range(threads, 0, -1), key=cost)
    return TileLimits(widest, tallest, pixels(best), best)


def balanced_grid(
    size: Size, limits: TileLimits, *, halo: int = 0, align: int = 1, tallest: int | None = None
) -> TileGrid:
    """Cut a picture into near-equal tiles within limits such that the last of them is ready soonest.

    What counts is the tiles that one thread computes after another, halos included: nine tiles for two threads take as
    long as ten. Small pictures are cut while tiles stay above 48 pixels, and above the halo.

    Args:
        size: the pass's input.
        limits: of tiles.
        halo: computed beyond every side of a tile.
        align: tiles start at multiples of it.
        tallest: most rows of a tile, where that is less than in `limits`: a row of tiles of a wide picture is a strip.
    """
    smallest = max(_SMALLEST, halo)

    def with_halo(length: int, count: int) -> int:
        return align_up(-(-length // count), align) + 2 * halo

    def least(length: int, most: int) -> int:
        """How many parts of at most that length, a multiple of `align`."""
        return -(-length // max(align, most // align * align))

    high = min(limits.tallest, tallest or limits.tallest)
    lowest = least(size.height, high)
    square = max(_LEAST, math.isqrt(limits.pixels) - 2 * halo)
    flat = limits.pixels // with_halo(size.width, least(size.width, limits.widest)) - 2 * halo  # as wide as may be
    most = max(lowest, least(size.height, min(square, max(flat, square // 2))))
    best: tuple[int, int, int, int] | None = None
    more = min(limits.workers, _TRIED)
    for rows in range(lowest, most + more):
        if rows > lowest and best is not None and size.height < rows * smallest:
            break
        room = limits.pixels // with_halo(size.height, rows) - 2 * halo
        if room < min(_LEAST, limits.widest, size.width):
            continue  # so high that nothing is left for columns
        fewest = least(size.width, min(limits.widest, room))
        for columns in range(fewest, fewest + more):
            if columns > fewest and size.width < columns * smallest:
                break
            busy = min(limits.workers, columns * min(rows, 2))  # two strips are in work at a time
            one = with_halo(size.height, rows) * with_halo(size.width, columns) + _CALL
            found = (-(-rows * columns // busy) * one, rows * columns, rows, columns)
            best = found if best is None or found < best else best
    assert best is not None
    return TileGrid(spans(size.height, best[2], align), spans(size.width, best[3], align))
