"""Nothing under a transparent pixel may ever show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subpixel.image import fill_transparent, premultiply, unpremultiply
from subpixel.image.resample import resize


def scene(height: int, width: int, channels: int, seed: int, visible: float):
    random = np.random.default_rng(seed)
    planes = random.random((channels, height, width), np.float32)
    alpha = np.where(random.random((height, width)) < visible, random.random((height, width)), 0).astype(np.float32)
    return planes, alpha


SCENES = given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([1, 3]),
    st.integers(0, 999),
    st.sampled_from([0.02, 0.3, 0.9]),
)


@SCENES
def test_hidden_colours_have_no_influence(height, width, channels, seed, visible):
    planes, alpha = scene(height, width, channels, seed, visible)
    garbage = np.where(alpha == 0, np.float32(1e6), planes)
    poison = np.where(alpha == 0, np.float32(np.nan), planes)
    expected = fill_transparent(planes, alpha)
    np.testing.assert_array_equal(fill_transparent(garbage, alpha), expected)
    np.testing.assert_array_equal(fill_transparent(poison, alpha), expected)


@SCENES
def test_visible_colours_stay_and_hidden_ones_lie_between_them(height, width, channels, seed, visible):
    planes, alpha = scene(height, width, channels, seed, visible)
    filled = fill_transparent(planes, alpha)
    assert filled.dtype == np.float32
    np.testing.assert_array_equal(filled[:, alpha >= 1 / 32], planes[:, alpha >= 1 / 32])
    seen = alpha > 0
    for channel in range(channels):
        if seen.any():
            assert filled[channel].min() >= planes[channel, seen].min() - 1e-5
            assert filled[channel].max() <= planes[channel, seen].max() + 1e-5
        else:
            assert (filled == 0).all()


def test_opaque_pictures_are_not_touched():
    planes, _ = scene(8, 8, 3, 0, 1)
    assert fill_transparent(planes, np.ones((8, 8), np.float32)) is planes


def test_one_colour_spreads_over_all():
    planes = np.random.default_rng(0).random((3, 33, 50), np.float32)
    alpha = np.zeros((33, 50), np.float32)
    alpha[7, 11] = 0.5
    filled = fill_transparent(planes, alpha)
    np.testing.assert_allclose(filled, np.broadcast_to(planes[:, 7:8, 11:12], planes.shape), atol=1e-6)


def test_near_colours_count_most():
    planes = np.zeros((1, 32, 32), np.float32)
    planes[:, :, 16:] = 1
    alpha = np.ones((32, 32), np.float32)
    alpha[:, 4:28] = 0
    filled = fill_transparent(planes, alpha)[0]
    assert filled[:, 4].max() < 0.2
    assert filled[:, 27].min() > 0.8


def test_no_edge_where_a_picture_meets_nothing():
    """A red disc on hidden green: enlarging straight colour must not draw a green seam."""
    y, x = np.mgrid[0:64, 0:64]
    inside = (x - 32) ** 2 + (y - 32) ** 2 < 400
    planes = np.where(
        inside, np.array([1, 0, 0], np.float32)[:, None, None], np.array([0, 1, 0], np.float32)[:, None, None]
    )
    filled = fill_transparent(planes.astype(np.float32), inside.astype(np.float32))
    larger = resize(filled, 128, 128)
    np.testing.assert_allclose(larger[0], 1, atol=1e-5)
    np.testing.assert_allclose(larger[1], 0, atol=1e-5)


@pytest.mark.parametrize("size", [(40, 40), (13, 9), (61, 7)])
def test_premultiplied_resampling_bleeds_nothing(size):
    planes, alpha = scene(20, 20, 3, 3, 0.5)
    garbage = np.where(alpha == 0, np.float32(9), planes)

    def resampled(colour):
        small = resize(alpha[None], *size)[0]
        return unpremultiply(resize(premultiply(colour, alpha), *size), small)

    np.testing.assert_array_equal(resampled(planes), resampled(garbage))


def test_premultiply_and_back():
    planes, alpha = scene(9, 9, 3, 1, 0.6)
    back = unpremultiply(premultiply(planes, alpha), alpha)
    np.testing.assert_allclose(back[:, alpha > 1e-4], planes[:, alpha > 1e-4], rtol=1e-5)
    assert (back[:, alpha == 0] == 0).all()
    assert np.isfinite(unpremultiply(planes, np.full((9, 9), -0.01, np.float32))).all()
