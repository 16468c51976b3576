"""Antialiased bicubic: against Pillow's, against its definition, and strip by strip."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from subpixel.image.resample import resize, resize_rows, row_blocks, taps

SIDE = st.integers(1, 70)


def pillow(planes, height: int, width: int):
    made = [
        np.asarray(Image.fromarray(plane).resize((width, height), Image.Resampling.BICUBIC, reducing_gap=None))
        for plane in planes
    ]
    return np.stack(made)


@pytest.mark.parametrize("factor", [0.31, 0.5, 0.9, 1.3, 2, 2.7, 4])
def test_matches_pillow_inside(factor):
    planes = np.random.default_rng(0).random((2, 60, 80), np.float32)
    height, width = round(60 * factor), round(80 * factor)
    border = int(np.ceil(3 * max(1, factor))) + 1  # there, Pillow leaves out taps where MATLAB mirrors
    ours = resize(planes, height, width)[:, border:-border, border:-border]
    theirs = pillow(planes, height, width)[:, border:-border, border:-border]
    np.testing.assert_allclose(ours, theirs, atol=2e-6)


@given(SIDE, SIDE)
def test_weights_sum_to_one_and_point_inside(n_in, n_out):
    index, weight = taps(n_in, n_out)
    np.testing.assert_allclose(weight.sum(axis=1), 1, atol=1e-12)
    assert index.min() >= 0
    assert index.max() < n_in


@settings(deadline=None)
@given(SIDE, SIDE, SIDE, SIDE, st.floats(0, 1, width=32))
def test_flat_stays_flat(height, width, height_out, width_out, value):
    planes = np.full((1, height, width), value, np.float32)
    np.testing.assert_allclose(resize(planes, height_out, width_out), value, atol=2e-6)


@settings(deadline=None)
@given(SIDE, SIDE, SIDE, SIDE)
def test_mirroring_the_input_mirrors_the_output(height, width, height_out, width_out):
    planes = np.random.default_rng(height).random((1, height, width), np.float32)
    one = resize(planes, height_out, width_out)
    other = resize(planes[:, ::-1, ::-1], height_out, width_out)[:, ::-1, ::-1]
    np.testing.assert_allclose(one, other, atol=1e-5)


@settings(deadline=None)
@given(SIDE, SIDE, SIDE, SIDE)
def test_strips_make_the_whole(height, width, height_out, width_out):
    planes = np.random.default_rng(width).random((3, height, width), np.float32)
    whole = resize(planes, height_out, width_out)
    rows = 0
    for block in row_blocks(height, height_out):
        start, stop, low, high = block
        assert start == rows
        rows = stop
        strip = resize_rows(np.ascontiguousarray(planes[:, low:high]), block, height, height_out, width_out)
        np.testing.assert_array_equal(strip, whole[:, start:stop])
    assert rows == height_out


def test_same_size_is_a_copy():
    planes = np.random.default_rng(0).random((3, 9, 11), np.float32)
    made = resize(planes, 9, 11)
    np.testing.assert_array_equal(made, planes)
    assert made is not planes


def test_one_axis_alone():
    planes = np.random.default_rng(0).random((1, 9, 11), np.float32)
    tall = resize(planes, 18, 11)
    np.testing.assert_allclose(tall, resize(planes.transpose(0, 2, 1), 11, 18).transpose(0, 2, 1), atol=1e-6)


def test_a_gradient_stays_straight_inside():
    ramp = np.broadcast_to(np.linspace(0, 1, 40, dtype=np.float32), (1, 10, 40))
    larger = resize(np.ascontiguousarray(ramp), 10, 120)[0, 5]
    steps = np.diff(larger)[12:-12]
    np.testing.assert_allclose(steps, steps.mean(), atol=1e-5)
