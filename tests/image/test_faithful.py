"""The filter before bicubic enlargement: what is reduced again is the input."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subpixel.image.faithful import REACH, prefilter, taps
from subpixel.image.resample import enlarge, resize

EDGE = REACH + 2  # what the filter and the enlargement look at


def _smooth(seed: int, height: int, width: int) -> np.ndarray:
    """Two planes in levels of 255, softer than luma, as colour is."""
    coarse = np.random.default_rng(seed).random((2, height // 3 + 2, width // 3 + 2), dtype=np.float32)
    return resize(coarse, height, width) * 255


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_reduced_again_it_is_the_input(scale: int) -> None:
    planes = _smooth(0, 60, 72)
    padded = np.pad(planes, ((0, 0), (EDGE, EDGE), (EDGE, EDGE)), mode="edge")
    filtered = resize(enlarge(prefilter(padded, scale), scale), 60, 72)
    plain = resize(enlarge(padded[:, REACH:-REACH, REACH:-REACH], scale), 60, 72)
    inner = np.s_[:, 8:-8, 8:-8]
    before, after = (np.abs(one - planes)[inner].mean() for one in (plain, filtered))
    assert after < before / 2.5, (before, after)


@settings(max_examples=30, deadline=None)
@given(st.floats(-300, 300, width=32), st.integers(2, 16))
def test_what_is_flat_stays_exactly(level: float, scale: int) -> None:
    flat = np.full((2, 12, 15), level, np.float32)
    np.testing.assert_array_equal(prefilter(flat, scale), flat[:, REACH:-REACH, REACH:-REACH])


def test_a_sample_is_the_same_wherever_a_tile_ends() -> None:
    planes = _smooth(1, 40, 50)
    whole = prefilter(planes, 2)
    for top, left in ((0, 0), (7, 11), (20, 3)):
        part = prefilter(np.ascontiguousarray(planes[:, top : top + 17, left : left + 23]), 2)
        np.testing.assert_array_equal(part, whole[:, top : top + 13, left : left + 19])


def test_it_sharpens_and_turns_with_the_picture() -> None:
    for scale in (2, 3, 4):
        near, far = taps(scale)
        assert near < 0 < far < -near
    planes = _smooth(2, 30, 30)
    np.testing.assert_allclose(prefilter(planes.swapaxes(1, 2), 2), prefilter(planes, 2).swapaxes(1, 2), atol=1e-3)
