"""Which parts of a frame have to be computed, where the rest is as in the last one.

A result has to be computed anew where anything new lies within the network's halo. What is to be computed is covered
with rectangles: the one around all of it, cut in two, again and again, as long as two smaller ones cost less together,
halos included. A network's result does not depend on how a frame is cut, so the film is the one computed without.
Rectangles come in few sizes, because engines prepare for every shape, and where most is new, the plan's own tiles are
taken.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from subpixel.plan import Span, TileGrid, align_up
from subpixel.types import Size

_CELL: Final = 8
"""Pixels that are looked at together, down and across."""
_FEW: Final = 4
"""What has no more cells on either side is not cut further."""
_CALL: Final = 1_200
"""What a part costs beside its pixels, in pixels: cutting, calling the network, storing. Measured."""
_MOST: Final = 0.6
"""Where more of the pixels are new than that, there is nothing to gain."""
_GAIN: Final = 0.9
"""Parts that cost more of what the tiles cost are not worth shapes of their own."""
_LARGEST: Final = 384
"""Most rows and columns of a part: tiles may be wider, but what is new is little, and all threads should have some."""
_SIDES: Final = tuple(sorted(16 * step << power for step in (2, 3) for power in range(12)))
"""Sides of parts: 32, 48, 64, 96, 128, 192, …"""

Bools = NDArray[np.bool_]
Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Part:
    """Rows and columns of a frame, to be computed together."""

    rows: Span
    columns: Span

    @property
    def pixels(self) -> int:
        """Without halo."""
        return self.rows.length * self.columns.length


class Parts:
    """How a pass's frames can be cut.

    Args:
        grid: the tiles of the plan.
        size: of a frame.
        halo: how far a result sees.
        align: parts start at multiples of it, and have such sides unless they end with the frame.
    """

    def __init__(self, grid: TileGrid, size: Size, halo: int, align: int) -> None:
        self._size, self._halo, self._align = size, halo, align
        self._cell = align_up(_CELL, align)
        self.tiles = [Part(rows, columns) for rows in grid.rows for columns in grid.columns]
        largest = grid.largest
        self._down = _Sides(size.height, min(largest.height, _LARGEST), self._cell)
        self._across = _Sides(size.width, min(largest.width, _LARGEST), self._cell)
        self._all = sum(
            self._cost(align_up(part.rows.length, align), align_up(part.columns.length, align)) for part in self.tiles
        )

    def changed(self, now: NDArray[Any], last: NDArray[Any]) -> list[Part]:
        """The parts to compute, which together hold all whose result may be new; they may overlap.

        Args:
            now, last: (C, H, W), of one dtype.
        """
        differs = now[0] != last[0] if len(now) == 1 else (now != last).any(axis=0)
        count = np.count_nonzero(differs)
        if count == 0:
            return []
        if count > _MOST * differs.size:
            return self.tiles
        dirty = _windows(differs, self._cell, self._halo).T
        dirty = _windows(np.ascontiguousarray(dirty), self._cell, self._halo).T
        cost, boxes = self._covered(dirty, 0, 0)
        if cost > _GAIN * self._all:
            return self.tiles
        return [
            Part(self._down.span(top, bottom), self._across.span(left, right)) for top, bottom, left, right in boxes
        ]

    def _cost(self, height: Any, width: Any) -> Any:
        """Of parts of those sides, numbers or arrays of them."""
        return (height + 2 * self._halo) * (width + 2 * self._halo) + _CALL

    def _covered(self, dirty: Bools, row: int, column: int) -> tuple[int, list[tuple[int, int, int, int]]]:
        """Rectangles (top, bottom, left, right), in cells, over all that is `dirty`, and what they cost.

        Args:
            dirty: (rows, columns) of cells, not all of them clean.
            row: place of its first row.
            column: place of its first column.
        """
        rows, columns = np.flatnonzero(dirty.any(axis=1)), np.flatnonzero(dirty.any(axis=0))
        top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        dirty = dirty[top:bottom, left:right]
        row, column = row + top, column + left
        height, width = dirty.shape
        whole = int(self._cost(self._down.of[height], self._across.of[width]))
        best, axis, place = whole, -1, 0
        fits = height <= self._down.most and width <= self._across.most
        if fits and (max(height, width) <= _FEW or dirty.all()):
            return whole, [(row, row + height, column, column + width)]
        if not fits:  # no tile is that large
            axis = 0 if height * self._across.most > width * self._down.most else 1
            place = dirty.shape[axis] // 2
            best = 0
        for direction, (along, beside) in enumerate(((self._down, self._across), (self._across, self._down))):
            if best and dirty.shape[direction] > 1:
                costs = self._cut_costs(dirty if direction == 0 else dirty.T, along, beside)
                where = int(costs.argmin())
                if costs[where] < best:
                    best, axis, place = int(costs[where]), direction, where + 1
        if axis < 0:
            return whole, [(row, row + height, column, column + width)]
        first, second = np.split(dirty, [place], axis=axis)
        one, boxes = self._covered(first, row, column) if first.any() else (0, [])
        if second.any():
            two, more = self._covered(second, row + place * (axis == 0), column + place * (axis == 1))
            one, boxes = one + two, boxes + more
        return one, boxes

    def _cut_costs(self, dirty: Bools, along: _Sides, beside: _Sides) -> Numbers:
        """What both parts cost together if `dirty` is cut below row 0, below row 1, … but the last."""
        some = np.asarray(dirty.any(axis=1))
        first = np.where(some, dirty.argmax(axis=1), dirty.shape[1])
        last = np.where(some, dirty.shape[1] - np.fliplr(dirty).argmax(axis=1), 0)
        place = np.arange(len(dirty))
        costs = np.zeros(len(dirty) - 1, np.int64)
        for order in (1, -1):
            seen = some[::order]
            reach = np.maximum.accumulate(np.where(seen, place, 0)) + 1  # the first row is dirty: boxes are tight
            low, high = np.minimum.accumulate(first[::order]), np.maximum.accumulate(last[::order])
            part = self._cost(along.of[reach], beside.of[high - low])
            costs += part[:-1] if order == 1 else part[-2::-1]
        return costs


class _Sides:
    """Sides that parts have along one axis.

    Attributes:
        of: pixels of a part that holds so many cells; index 0 is not used.
        most: cells that the largest part holds.
    """

    def __init__(self, length: int, largest: int, cell: int) -> None:
        self._length, self._cell = length, cell
        count = -(-length // cell)
        limit = min(length, align_up(largest, cell))
        sides = [min(align_up(side, cell), limit) for side in _SIDES if side < limit] + [limit]
        self.most = max(1, limit // cell if limit < length else count)
        wanted = [min(cells * cell, length) for cells in range(count + 1)]
        self.of: Numbers = np.array(
            [sides[bisect_left(sides, one)] if one <= limit else one for one in wanted], np.int64
        )

    def span(self, first: int, last: int) -> Span:
        """The part that holds cells first…last: as long as its kind, and within the frame."""
        side = int(self.of[last - first])
        start = first * self._cell
        if start + side > self._length:
            start = max(0, self._length - side) // self._cell * self._cell
            side = max(side, min(last * self._cell, self._length) - start)
        return Span(start, min(start + side, self._length))


def _windows(differs: Bools, cell: int, halo: int) -> Bools:
    """Rows are put together in cells: whether anything differs in a cell, or within `halo` of it."""
    starts = np.arange(0, len(differs), cell)
    bounds = np.stack((np.maximum(starts - halo, 0), np.minimum(starts + cell + halo, len(differs))), axis=1)
    # One more row, because the last bound stands behind the last row.
    bytes_ = np.concatenate((differs.view(np.uint8), np.zeros((1, differs.shape[1]), np.uint8)))
    made: NDArray[np.uint8] = np.bitwise_or.reduceat(bytes_, bounds.ravel(), axis=0)[::2]
    return made.view(np.bool_)
