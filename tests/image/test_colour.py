"""Y, Cb, Cr of BT.601 with MATLAB's constants."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from subpixel.image.colour import (
    grey_to_y,
    rgb_to_y,
    rgb_to_y_and_differences,
    rgb_to_ycbcr,
    y_and_differences_to_rgb,
    y_to_grey,
    ycbcr_to_rgb,
)

RGB = arrays.arrays(np.float32, (3, 4, 5), elements=st.floats(0, 1, width=32))


def of(*rgb: float):
    return np.array(rgb, np.float32).reshape(3, 1, 1)


def test_known_values():
    """rgb2ycbcr of MATLAB for white, black and the primaries, in 8-bit steps."""
    for rgb, expected in {
        (1, 1, 1): (235, 128, 128),
        (0, 0, 0): (16, 128, 128),
        (1, 0, 0): (81.481, 90.203, 240),
        (0, 1, 0): (144.553, 53.797, 34.214),
        (0, 0, 1): (40.966, 240, 109.786),
    }.items():
        np.testing.assert_allclose(rgb_to_ycbcr(of(*rgb)).ravel() * 255, expected, atol=1e-3)


@given(RGB)
def test_round_trip(rgb):
    np.testing.assert_allclose(ycbcr_to_rgb(rgb_to_ycbcr(rgb)), rgb, atol=2e-6)


@given(RGB)
def test_y_alone_is_y_of_all(rgb):
    np.testing.assert_allclose(rgb_to_y(rgb)[0], rgb_to_ycbcr(rgb)[0], atol=1e-6)


@given(st.floats(0, 1, width=32))
def test_grey_is_rgb_with_equal_channels(value):
    grey = np.full((1, 1, 1), value, np.float32)
    np.testing.assert_allclose(grey_to_y(grey), rgb_to_y(of(value, value, value)), atol=1e-6)
    np.testing.assert_allclose(y_to_grey(grey_to_y(grey)), grey, atol=1e-6)


@given(st.floats(0, 1, width=32))
def test_grey_stays_grey(value):
    back = ycbcr_to_rgb(rgb_to_ycbcr(of(value, value, value))).ravel()
    np.testing.assert_allclose(back, value, atol=2e-6)


@given(RGB)
def test_every_8_bit_colour_survives(rgb):
    eight = np.rint(rgb * 255)
    back = ycbcr_to_rgb(rgb_to_ycbcr((eight / 255).astype(np.float32)))
    np.testing.assert_array_equal(np.rint(back * 255), eight)


@given(RGB, st.sampled_from([1.0, 255.0, 65_535.0]))
def test_differences_round_trip(rgb, top):
    y, differences = rgb_to_y_and_differences(rgb)
    np.testing.assert_array_equal(y, rgb_to_y(rgb))
    back = y_and_differences_to_rgb(y[0], differences * np.float32(top), top)
    np.testing.assert_allclose(np.stack(back) / top, rgb, atol=1e-6)


@given(arrays.arrays(np.float32, (1, 4, 5), elements=st.floats(0, 1, width=32)), st.sampled_from([1.0, 255.0]))
def test_grey_has_no_colour_at_all(grey, top):
    y, differences = rgb_to_y_and_differences(grey.repeat(3, axis=0))
    assert (differences == 0).all()
    red, green, blue = y_and_differences_to_rgb(y[0], differences, top)
    np.testing.assert_array_equal(red, green)
    np.testing.assert_array_equal(blue, green)
