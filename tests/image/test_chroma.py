"""Colour enlarged: what is reduced again is the input, and sums are exact, so nothing depends on their order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subpixel.image import chroma
from subpixel.image.chroma import BLOCK, HALO, LargeColour, sharpening, weights
from subpixel.image.kept import Kept
from subpixel.image.resample import resize

TOPS = [255.0, 65_535.0, 1.0]
STEP = {255.0: 0.9, 65_535.0: 0.02, 1.0: 6e-7}
"""What results may differ by, of what they would be in arithmetic without end: a part of a level."""


def smooth(seed: int, height: int, width: int) -> np.ndarray:
    """Two planes in −0.5–0.5, softer than luma, as colour is; in whole levels."""
    coarse = np.random.default_rng(seed).random((2, height // 3 + 2, width // 3 + 2), dtype=np.float32)
    return (np.rint(resize(coarse, height, width) * 255) / 255 - 0.5).astype(np.float32)


def noise(seed: int, height: int, width: int) -> np.ndarray:
    """Two planes of −1, 0 and 1: nothing asks more of the sums."""
    return np.random.default_rng(seed).integers(-1, 2, (2, height, width)).astype(np.float32)


def large(differences: np.ndarray, scale: int, top: float = 255.0, rows: int = 1) -> np.ndarray:
    """The whole result in −top–top."""
    height, width = (side - 2 * HALO for side in differences.shape[1:])
    colour = LargeColour(differences, scale, top)
    assert colour.height == height * scale
    made = np.full((2, height * scale, width * scale), np.nan, np.float32)
    next_ = 0
    for start, band in colour.bands(rows):
        assert start == next_
        next_ += band.shape[1]
        part = made[:, start:next_]
        part[:] = band[:, : part.shape[1], : part.shape[2]]
    assert not np.isnan(made).any()
    return made


def plainly(differences: np.ndarray, scale: int) -> np.ndarray:
    """Sharpened, then bicubic, in −1–1, in double precision, sample by sample."""
    made = differences.astype(np.float64)
    for axis in (1, 2):
        made = np.apply_along_axis(np.convolve, axis, made, sharpening(scale), "valid")
    for axis in (1, 2):
        length = made.shape[axis] - 4
        position = (np.arange(length * scale) + 0.5) / scale - 0.5 + 2
        apart = np.abs(position[:, None] - np.arange(length + 4))
        near, far = (1.5 * apart - 2.5) * apart**2 + 1, ((-0.5 * apart + 2.5) * apart - 4) * apart + 2
        kernel = np.where(apart <= 1, near, np.where(apart < 2, far, 0))
        made = np.moveaxis(np.tensordot(kernel, made, (1, axis)), 0, axis)
    return made


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_reduced_again_it_is_the_input(scale: int) -> None:
    planes = smooth(0, 60, 72)
    padded = np.pad(planes, ((0, 0), (HALO, HALO), (HALO, HALO)), mode="edge")
    filtered = resize(large(padded, scale) / 255, 60, 72)
    plain = resize(resize(planes, 60 * scale, 72 * scale), 60, 72)
    inner = np.s_[:, 8:-8, 8:-8]
    before, after = (np.abs(one - planes)[inner].mean() for one in (plain, filtered))
    assert after < before / 2.5, (before, after)


@pytest.mark.parametrize("scale", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("top", TOPS)
def test_it_is_what_it_says(scale: int, top: float) -> None:
    for planes, allowed in ((smooth(1, 37, 61), STEP[top] / 3), (noise(1, 37, 61), STEP[top])):
        np.testing.assert_allclose(large(planes, scale, top), plainly(planes, scale) * top, atol=allowed, rtol=0)


@settings(max_examples=40, deadline=None)
@given(st.integers(-255, 255), st.integers(1, 16), st.sampled_from(TOPS))
def test_what_is_flat_stays_exactly(level: int, scale: int, top: float) -> None:
    planes = np.full((2, 12, 15), level / 255, np.float32)
    exact = np.float32(level * (257 if top > 255 else 1)) if top > 1 else planes[0, 0, 0]
    np.testing.assert_allclose(large(planes, scale, top), exact, atol=0 if top == 255 else top * 2**-24)
    assert np.unique(large(planes, scale, top)).size == 1


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 60), st.integers(0, 60), st.integers(1, 50), st.integers(1, 50), st.sampled_from([1, 2, 3, 4]),
    st.sampled_from(TOPS), st.integers(1, 300),
)  # fmt: skip
def test_a_sample_is_the_same_wherever_a_tile_ends(
    top: int, left: int, height: int, width: int, scale: int, most: float, rows: int
) -> None:
    planes = np.random.default_rng(3).random((2, 118, 118), np.float32) * 2 - 1
    whole = large(planes, scale, most)
    part = large(planes[:, top : top + height + 2 * HALO, left : left + width + 2 * HALO], scale, most, rows)
    y, x = (slice(at * scale, (at + side) * scale) for at, side in ((top, height), (left, width)))
    np.testing.assert_array_equal(part, whole[:, y, x])


@pytest.mark.parametrize("top", TOPS)
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_sums_are_exact_in_any_order(scale: int, top: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """With BLAS, and added up backwards one by one in arithmetic that is twice as wide: not a bit differs."""
    planes = noise(4, 3 * BLOCK + 2 * HALO, 2 * BLOCK + 2 * HALO)
    made = large(planes, scale, top)

    def backwards(first: np.ndarray, second: np.ndarray, out: np.ndarray) -> None:
        total = np.zeros(out.shape, np.longdouble)
        for place in reversed(range(first.shape[-1])):
            total += first[..., :, place, None].astype(np.longdouble) * second[..., place, :][..., None, :]
        out[...] = total

    monkeypatch.setattr(chroma.np, "matmul", backwards)
    np.testing.assert_array_equal(large(planes, scale, top), made)


def test_weights() -> None:
    for scale in range(1, 17):
        found = weights(scale, 4096)
        assert (found.sum(axis=1) == 4096).all()
        np.testing.assert_array_equal(found, found[::-1, ::-1])
    assert weights(1, 4096).tolist() == [[0, 0, 0, 0, 4096, 0, 0, 0, 0]]


def test_it_sharpens_and_turns_with_the_picture() -> None:
    for scale in (2, 3, 4):
        far, near, middle, *_ = sharpening(scale)
        assert near < 0 < far < -near < middle
    planes = smooth(2, 30, 30)
    np.testing.assert_allclose(large(planes.swapaxes(1, 2), 2), large(planes, 2).swapaxes(1, 2), atol=0.5)


def test_colour_that_is_not_there() -> None:
    assert not large(np.zeros((2, 20, 31), np.float32), 3).any()


def test_more_than_there_can_be_is_cut_off() -> None:
    planes = noise(5, 30, 40)
    for top in TOPS:
        np.testing.assert_array_equal(large(planes * np.float32(1.7), 3, top), large(planes, 3, top))


def test_what_memory_held_before_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    planes = smooth(6, 41, 57)
    for top in TOPS:
        wanted = large(planes, 2, top)
        monkeypatch.setattr(chroma, "_MEMORY", Kept())
        for name in ("small", "tall", "big", "rounded"):
            chroma._MEMORY.array(name, (400_000,), np.float64).fill(np.nan)
        np.testing.assert_array_equal(large(planes, 2, top), wanted)
