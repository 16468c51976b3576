"""Rectangles over what is new: they hold all of it, stay within the frame, and are few where little is new."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subpixel.plan import TileGrid, TileLimits, balanced_grid
from subpixel.types import Size
from subpixel.video.reuse import Part, Parts

spots = st.lists(
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(1, 40), st.integers(1, 90)), min_size=1, max_size=6
)


def tiles(size: Size, side: int = 384, halo: int = 9, align: int = 1) -> TileGrid:
    """Tiles of a frame, at most `side` × `side`."""
    return balanced_grid(size, TileLimits.square(side, halo=halo, workers=2), halo=halo, align=align)


def needed(differs: np.ndarray, halo: int) -> np.ndarray:
    """Pixels whose result may be new, by the plainest way."""
    height, width = differs.shape
    made = np.zeros_like(differs)
    for y, x in zip(*np.nonzero(differs), strict=True):
        made[max(y - halo, 0) : y + halo + 1, max(x - halo, 0) : x + halo + 1] = True
    assert made.shape == (height, width)
    return made


@settings(max_examples=60, deadline=None)
@given(
    width=st.integers(20, 260),
    height=st.integers(20, 200),
    marks=spots,
    halo=st.integers(0, 17),
    align=st.sampled_from([1, 2, 4, 12]),
    tile=st.sampled_from([48, 100, 384]),
)
def test_parts_hold_all_that_is_new(
    width: int, height: int, marks: list[tuple[float, float, int, int]], halo: int, align: int, tile: int
) -> None:
    size = Size(width, height)
    grid = tiles(size, tile, halo, align)
    cut = Parts(grid, size, halo, align)
    last = np.zeros((1, height, width), np.uint8)
    now = last.copy()
    for down, across, tall, wide in marks:
        top, left = int(down * (height - 1)), int(across * (width - 1))
        now[0, top : top + tall, left : left + wide] = 1
    parts = cut.changed(now, last)
    covered = np.zeros((height, width), np.bool_)
    for part in parts:
        covered[part.rows.start : part.rows.stop, part.columns.start : part.columns.stop] = True
        for span, side, most in ((part.rows, height, grid.largest.height), (part.columns, width, grid.largest.width)):
            assert 0 <= span.start < span.stop <= side
            assert span.start % align == 0 and (span.length % align == 0 or span.stop == side)
            assert span.length <= most + 2 * max(8, align), "no part needs much more memory than a tile"
    assert covered[needed(now[0] != last[0], halo)].all()


def test_nothing_new_and_all_new() -> None:
    size = Size(640, 360)
    cut = Parts(tiles(size), size, 9, 1)
    frame = np.random.default_rng(0).integers(0, 256, (1, 360, 640), np.uint8)
    assert cut.changed(frame, frame.copy()) == []
    assert cut.changed(frame, frame ^ 1) is cut.tiles
    few = frame.copy()
    few[0, ::20, ::20] ^= 1  # far apart, everywhere
    assert cut.changed(few, frame) is cut.tiles


@pytest.mark.parametrize("channels", [1, 3])
def test_two_small_changes_are_two_small_parts(channels: int) -> None:
    size = Size(640, 360)
    cut = Parts(tiles(size), size, 9, 1)
    last = np.zeros((channels, 360, 640), np.uint8)
    now = last.copy()
    now[-1, 20:30, 30:40] = 1
    now[0, 300:310, 600:610] = 1
    parts = cut.changed(now, last)
    assert len(parts) == 2 and sum(part.pixels for part in parts) <= 2 * 48 * 48


def test_shapes_are_few() -> None:
    size = Size(640, 360)
    cut = Parts(tiles(size), size, 9, 1)
    last, seen = np.zeros((1, 360, 640), np.uint8), set()
    random = np.random.default_rng(5)
    for _ in range(150):
        now = last.copy()
        top, left, tall, wide = (int(random.integers(1, most)) for most in (300, 500, 60, 140))
        now[0, top : top + tall, left : left + wide] = 1
        seen |= {(part.rows.length, part.columns.length) for part in cut.changed(now, last)}
    assert len(seen) <= 30


def test_a_part_counts_without_halo() -> None:
    from subpixel.plan import Span

    assert Part(Span(0, 4), Span(8, 18)).pixels == 40
