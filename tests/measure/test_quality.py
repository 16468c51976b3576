"""PSNR and SSIM: known values, an independent implementation, and what must be refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from subpixel.errors import SettingError
from subpixel.measure import luma, psnr, ssim


def picture(seed: int, *shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def direct_ssim(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """SSIM window by window, straight from the definition."""
    axis = np.arange(11) - 5
    window = np.exp(-(axis[:, None] ** 2 + axis[None, :] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for top in range(a.shape[0] - 10):
        for left in range(a.shape[1] - 10):
            x, y = a[top : top + 11, left : left + 11], b[top : top + 11, left : left + 11]
            mx, my = (window * x).sum(), (window * y).sum()
            vx, vy = (window * (x - mx) ** 2).sum(), (window * (y - my) ** 2).sum()
            cov = (window * (x - mx) * (y - my)).sum()
            values.append(
                (2 * mx * my + 6.5025) * (2 * cov + 58.5225) / ((mx**2 + my**2 + 6.5025) * (vx + vy + 58.5225))
            )
    return float(np.mean(values))


def direct_y(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """BT.601 as MATLAB's rgb2ycbcr defines it, written out."""
    red, green, blue = (rgb[..., k].astype(np.float64) / 255 for k in range(3))
    return 16 + 65.481 * red + 128.553 * green + 24.966 * blue


def test_luma_of_white_black_and_primaries() -> None:
    rgb = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    assert luma(rgb)[0] == pytest.approx([235.0, 16.0, 81.481, 144.553, 40.966], abs=1e-4)


def test_luma_is_not_rounded() -> None:
    rgb = picture(1, 20, 30, 3)
    assert luma(rgb) == pytest.approx(direct_y(rgb), abs=1e-4)
    assert np.abs(luma(rgb) - np.rint(luma(rgb))).max() > 0.4


def test_grey_is_scored_on_its_own_samples() -> None:
    grey = picture(2, 20, 30, 1)
    assert np.array_equal(luma(grey), grey[..., 0])
    assert luma(grey, as_rgb=True) == pytest.approx(direct_y(grey.repeat(3, axis=2)), abs=1e-4)


def test_psnr_known_values() -> None:
    black = np.zeros((16, 16), np.uint8)
    assert psnr(black, black + np.uint8(1)) == pytest.approx(20 * math.log10(255))
    assert psnr(black, black + np.uint8(255)) == pytest.approx(0)
    assert psnr(black, black) == math.inf


def test_psnr_of_rgb_is_on_y() -> None:
    a, b = picture(3, 24, 20, 3), picture(4, 24, 20, 3)
    error = np.mean((direct_y(a) - direct_y(b)) ** 2)
    assert psnr(a, b) == pytest.approx(10 * math.log10(255**2 / error), abs=1e-5)


def test_border_is_cut_from_every_side() -> None:
    a = picture(5, 30, 26, 3)
    for edge in (np.s_[:3], np.s_[-3:], np.s_[:, :3], np.s_[:, -3:]):
        b = a.copy()
        b[edge] = 255 - b[edge]
        assert psnr(a, b) < 30
        assert psnr(a, b, border=2) < 30
        assert psnr(a, b, border=3) == math.inf
        assert ssim(a, b, border=3) == pytest.approx(1)


@pytest.mark.parametrize("shape", [(11, 11, 1), (23, 17, 3), (12, 31, 3)])
def test_ssim_equals_the_definition(shape: tuple[int, ...]) -> None:
    a = picture(6, *shape)
    noise = np.random.default_rng(7).normal(0, 25, shape)
    b = np.clip(np.rint(a * 0.8 + 20 + noise), 0, 255).astype(np.uint8)
    expected = (
        direct_ssim(direct_y(a), direct_y(b)) if shape[2] == 3 else direct_ssim(*(p[..., 0] * 1.0 for p in (a, b)))
    )
    assert ssim(a, b) == pytest.approx(expected, abs=1e-5)


def test_planes_of_brightness_are_taken_as_they_are() -> None:
    a, b = picture(8, 20, 20, 3), picture(9, 20, 20, 3)
    assert psnr(luma(a), luma(b)) == psnr(a, b)
    assert ssim(luma(a), luma(b)) == ssim(a, b)


def test_grey_beside_colour_stands_for_equal_channels() -> None:
    grey = picture(10, 20, 20, 1)
    assert psnr(grey, grey.repeat(3, axis=2)) == math.inf
    assert ssim(grey.repeat(3, axis=2), grey) == pytest.approx(1)


@settings(max_examples=25, deadline=None)
@given(hnp.arrays(np.uint8, (14, 15, 3)), hnp.arrays(np.uint8, (14, 15, 3)), st.integers(0, 1))
def test_both_are_symmetric_and_bounded(a: NDArray[np.uint8], b: NDArray[np.uint8], border: int) -> None:
    assert psnr(a, b, border=border) == psnr(b, a, border=border) > 0
    assert ssim(a, b, border=border) == pytest.approx(ssim(b, a, border=border), abs=1e-12)
    assert -1 <= ssim(a, b, border=border) <= 1 + 1e-12


@pytest.mark.parametrize("measure", [psnr, ssim])
def test_wrong_input_is_refused(measure: object) -> None:
    assert callable(measure)
    good = picture(11, 20, 20, 3)
    with pytest.raises(SettingError, match="20×20 and 20×21"):
        measure(good, picture(11, 21, 20, 3))
    with pytest.raises(SettingError, match="shape"):
        measure(good, picture(11, 20, 20, 4))
    with pytest.raises(SettingError, match="uint16"):
        measure(good, good.astype(np.uint16))
    with pytest.raises(SettingError, match="too little"):
        measure(good, good, border=10)
    with pytest.raises(SettingError, match="border is -1"):
        measure(good, good, border=-1)
