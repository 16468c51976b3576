"""Which parts of a frame have to be computed, where the rest is as in the last one.

Every tile of the plan is halved, again and again, down to `_LEAST` pixels. A part whose pixels, halo included, are
those of the last frame has the result it had; for the others, those halves, quarters and so on are taken that cost
least together. A network's result does not depend on how a frame is cut, so the film is the one computed without.
Parts come in few shapes, because engines prepare for every shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from subpixel.plan import Span, TileGrid, align_up
from subpixel.types import Size

_LEAST: Final = 40
"""Sides of parts are not halved below this: what is computed for halos would outgrow what is spared."""
_CALL: Final = 3_000
"""What a part costs beside its pixels, in pixels: cutting, calling the network, storing."""


@dataclass(frozen=True, slots=True)
class Part:
    """Rows and columns of a frame, and the halves they can be computed in."""

    rows: Span
    columns: Span
    cost: int
    halves: tuple[Part, Part] | None = None

    @property
    def pixels(self) -> int:
        """Without halo."""
        return self.rows.length * self.columns.length


class Parts:
    """How one pass's tiles can be cut further.

    Args:
        grid: the tiles.
        size: of the frame.
        halo: how far a result sees.
        align: parts start at multiples of it.
    """

    def __init__(self, grid: TileGrid, size: Size, halo: int, align: int) -> None:
        self._size, self._halo, self._align = size, halo, align
        self.tiles = [self._part(rows, columns) for rows in grid.rows for columns in grid.columns]

    def _part(self, rows: Span, columns: Span) -> Part:
        halo, align = 2 * self._halo, self._align
        cost = (align_up(rows.length, align) + halo) * (align_up(columns.length, align) + halo) + _CALL
        tall = rows.length >= columns.length
        middle = _middle(rows if tall else columns, align)
        if middle is None:
            return Part(rows, columns, cost)
        one, other = ((half, columns) if tall else (rows, half) for half in middle)
        return Part(rows, columns, cost, (self._part(*one), self._part(*other)))

    def changed(self, now: NDArray[Any], last: NDArray[Any]) -> Iterator[Part]:
        """The parts to compute, which together hold all that is new.

        Args:
            now, last: (C, H, W), of one dtype.
        """
        differs = (now != last).any(axis=0)
        if not differs.any():
            return
        for tile in self.tiles:
            _, parts = self._cheapest(tile, lambda part: self._seen(differs, part))
            yield from parts

    def _seen(self, differs: NDArray[np.bool_], part: Part) -> bool:
        """Whether anything that the part's result sees is new. Beyond the border there are only repeated pixels."""
        top, left = max(part.rows.start - self._halo, 0), max(part.columns.start - self._halo, 0)
        # What a last part computes beyond the frame, to the next multiple of align, is repeated too.
        return bool(differs[top : part.rows.stop + self._halo, left : part.columns.stop + self._halo].any())

    def _cheapest(self, part: Part, new: Callable[[Part], bool]) -> tuple[int, list[Part]]:
        if not new(part):
            return 0, []
        if part.halves is None:
            return part.cost, [part]
        made = [self._cheapest(half, new) for half in part.halves]
        halves = sum(cost for cost, _ in made)
        if halves >= part.cost:
            return part.cost, [part]
        return halves, [one for _, parts in made for one in parts]


def _middle(span: Span, align: int) -> tuple[Span, Span] | None:
    """The span in two, at a multiple of `align`; None where the halves would be too small."""
    middle = span.start + align_up(-(-span.length // 2), align)
    if min(middle - span.start, span.stop - middle) < _LEAST:
        return None
    return Span(span.start, middle), Span(middle, span.stop)
