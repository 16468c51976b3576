"""How a picture is cut into tiles. Pure arithmetic."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from subpixel.types import Size

DEFAULT_TILE = 384
"""Side of a tile in input pixels for networks that need little memory. The cache does not matter, the halo does (see
"Tiles" in benchmarks/results.md): at 384 a network that sees 18 pixels far takes 0.92 of the time that it takes at 256,
and 0.88 at 512; but a file is coded strip by strip, and higher strips wait longer for the encoder."""

_TILE_BYTES = 64_000_000  # a tile above `_MODEST` may take so much
_MODEST = 256
_SMALLEST = 48  # below this side, splitting a picture further costs more in halo than a second core gives
_HALOS = 14  # a tile as wide as so many halos spends 30% on them: (1 + 2 / 14)² = 1.31
_LEAST = 64  # no tile is made smaller than this for want of memory


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


def tile_side(halo: int, *, pixel_bytes: int, threads: int, room: int | None) -> tuple[int, int]:
    """Side of a tile, and how many to compute side by side, so that it goes quickest within `room`.

    A network that sees far computes wide halos with every tile, so its tiles are larger: 14 halos (30% more work than
    in one piece), or 384, or as little as 256 where it needs much memory. Where memory is short they are smaller, down
    to 64, or fewer at a time where small tiles would waste more than the other threads give. The result is the same.

    Args:
        halo: of the network, input pixels.
        pixel_bytes: memory that a pixel of a tile in work takes, halo included.
        threads: tiles that can be computed side by side.
        room: bytes that all tiles in work may take; None where nothing limits them.
    """
    modest = max(_MODEST, math.isqrt(_TILE_BYTES // max(1, pixel_bytes)) - 2 * halo)
    wanted = max(min(DEFAULT_TILE, modest), _HALOS * halo)
    if room is None:
        return wanted, threads

    def side(count: int) -> int:
        return max(_LEAST, min(wanted, math.isqrt(room // max(1, count * pixel_bytes)) - 2 * halo))

    best = min(range(threads, 0, -1), key=lambda count: (1 + 2 * halo / side(count)) ** 2 / count)
    return side(best), best


def tile_grid(
    size: Size,
    *,
    tile: int = DEFAULT_TILE,
    threads: int = 1,
    halo: int = 0,
    align: int = 1,
    tallest: int | None = None,
) -> TileGrid:
    """Cut a picture into near-equal tiles of at most `tile` × `tile`, and into enough of them to keep `threads` busy.

    Args:
        size: the pass's input.
        tile: largest side of a tile, at least 1; where `align` is larger, `align`.
        threads: tiles computed side by side; small pictures are cut further while tiles stay above 48 pixels, and above
            the halo: what a tile computes in vain must not eat up what a second core gives.
        halo: computed beyond every side of a tile.
        align: tiles start at multiples of it.
        tallest: most rows of a tile, where that is less than `tile`: a row of tiles of a very wide picture is a strip.
    """
    side = max(1, tile // align) * align
    rows = -(-size.height // (side if tallest is None else max(1, min(tile, tallest) // align) * align))
    columns = -(-size.width // side)
    smallest = max(_SMALLEST, halo)
    while rows * columns < threads:
        tall, wide = size.height / rows, size.width / columns
        if max(tall, wide) < 2 * smallest:
            break
        if wide >= tall:
            columns += 1
        else:
            rows += 1
    return TileGrid(spans(size.height, rows, align), spans(size.width, columns, align))
