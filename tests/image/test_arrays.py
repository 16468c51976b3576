"""Numpy arrays in, arrays of the same kind out."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from subpixel.errors import SettingError
from subpixel.image import from_array, to_array

SHAPES = pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 2), (5, 7, 3), (5, 7, 4)])


@SHAPES
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, ">u2", np.float32, np.float64])
def test_in_kind(shape, dtype):
    random = np.random.default_rng(0)
    dtype = np.dtype(dtype)
    most = 1 if dtype.kind == "f" else np.iinfo(dtype).max
    array = (random.random(shape) * most).astype(dtype)
    picture = from_array(array)
    assert picture.pixels.shape == (1, 5, 7, shape[2] if len(shape) == 3 else 1)
    assert picture.pixels.flags.c_contiguous
    back = to_array(picture, array)
    assert (back.shape, back.dtype) == (array.shape, array.dtype)
    np.testing.assert_allclose(back, array, rtol=0, atol=0 if dtype.kind == "u" else 0.5 / 65535 + 1e-7)
    back[...] = 0


@given(arrays.arrays(np.float64, arrays.array_shapes(min_dims=2, max_dims=2), elements=st.floats(0, 1)))
def test_floats_are_rounded_to_16_bits(array):
    assert np.abs(to_array(from_array(array), array) - array).max() <= 0.5 / 65535 + 1e-12


def test_views_of_any_layout():
    array = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    for view in (array[::-1], array[:, ::2], array.transpose(1, 0, 2), array[..., ::-1], np.asfortranarray(array)):
        np.testing.assert_array_equal(from_array(view).pixels[0], view)


def test_the_result_has_the_size_of_the_picture_not_of_the_input():
    array = np.zeros((4, 6), np.float32)
    larger = from_array(np.ones((8, 12), np.float32))
    assert to_array(larger, array).shape == (8, 12)
    assert (to_array(larger, array) == 1).all()


def test_depths_that_changed_on_the_way():
    deep, flat = from_array(np.full((2, 2), 65535, np.uint16)), from_array(np.full((2, 2), 255, np.uint8))
    assert (to_array(deep, np.zeros((2, 2), np.uint8)) == 255).all()
    assert (to_array(flat, np.zeros((2, 2), np.uint16)) == 65535).all()
    assert (to_array(flat, np.zeros((2, 2), np.float32)) == 1).all()


def test_rounding_noise_beyond_0_and_1_is_taken():
    array = np.array([[-1e-6, 1.000001]], np.float32)
    assert from_array(array).pixels.ravel().tolist() == [0, 65535]


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((2, 2), np.nan), "array holds nan"),
        (np.array([[0.5, np.nan]], np.float32), "array holds nan"),
        (np.full((2, 2), np.inf), "array holds inf"),
        (np.full((2, 2), 200.0), "array holds 200: divide by 255"),
        (np.full((2, 2), -0.5), "array holds -0.5: floats must be in 0–1"),
        (np.zeros((2, 2), bool), "dtype bool: array.astype"),
        (np.zeros((2, 2), np.int64), "dtype int64: give uint8"),
        (np.zeros((2, 2), np.float16), "dtype float16"),
        (np.zeros((2, 2), complex), "dtype complex128"),
        (np.zeros((2, 2), object), "dtype object"),
        (np.zeros(5, np.uint8), r"shape \(5,\)"),
        (np.zeros((2, 2, 5), np.uint8), r"shape \(2, 2, 5\)"),
        (np.zeros((3, 20, 30), np.uint8), "channels go last"),
        (np.zeros((1, 2, 2, 3), np.uint8), "shape"),
        (np.zeros((0, 5), np.uint8), "shape"),
        (np.zeros((5, 5, 0), np.uint8), "shape"),
    ],
)
def test_what_cannot_be_a_picture(array, words):
    with pytest.raises(SettingError, match=words):
        from_array(array)


def test_other_objects():
    with pytest.raises(SettingError, match="list is not a picture"):
        from_array([[1, 2], [3, 4]])
