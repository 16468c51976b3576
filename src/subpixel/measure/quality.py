"""PSNR and SSIM by the protocol of this project, the one behind the usual tables.

A score is taken on Y of BT.601 (`image.colour`), of pictures with 8 bits per sample, after `border` pixels have been
cut from every side (the tables cut as many as the factor). Y is not rounded again: it is the exact weighted sum of the
rounded R, G and B, as in BasicSR and EDSR. Pictures stored with one channel are scored on that channel as it
is, 0–255, not squeezed into 16–235: the published figures of Set14 were made so (`docs/reference/measure.md` shows it).
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import SettingError
from subpixel.image import colour
from subpixel.types import Planes

PEAK: Final = 255.0
"""Largest sample value."""
WINDOW: Final = 11
"""Side of SSIM's Gaussian window in pixels."""
SIGMA: Final = 1.5
"""Standard deviation of SSIM's window in pixels."""
C1: Final = (0.01 * PEAK) ** 2
"""SSIM's constant beside the means (K1 = 0.01)."""
C2: Final = (0.03 * PEAK) ** 2
"""SSIM's constant beside the variances (K2 = 0.03)."""

Luma: TypeAlias = NDArray[np.float64]
"""Brightness to be scored: (height, width), 0–255, not rounded."""
Scorable: TypeAlias = NDArray[np.uint8] | Luma
"""uint8 (H, W), (H, W, 1) or (H, W, 3) RGB; or float64 (H, W), taken as brightness in 0–255."""


def luma(picture: NDArray[np.uint8], *, as_rgb: bool = False) -> Luma:
    """Brightness that scores are taken on.

    Args:
        picture: (H, W), (H, W, 1) grey or (H, W, 3) RGB, uint8.
        as_rgb: treat a grey picture as R = G = B, so that it can be compared with a colour one.

    Returns:
        (H, W), float64. RGB: Y of BT.601, 16–235, not rounded. Grey: its own samples, 0–255, unless `as_rgb`.

    Raises:
        SettingError: another shape or type.
    """
    _check_picture(picture)
    pixels = picture.reshape(*picture.shape[:2], -1)
    if pixels.shape[2] == 1 and not as_rgb:
        return pixels[..., 0].astype(np.float64)
    rgb = np.broadcast_to(pixels, (*pixels.shape[:2], 3)).transpose(2, 0, 1)
    planes: Planes = rgb.astype(np.float32, order="C") / np.float32(PEAK)
    y: Luma = colour.rgb_to_y(planes)[0].astype(np.float64) * PEAK
    return y


def psnr(a: Scorable, b: Scorable, *, border: int = 0) -> float:
    """Peak signal-to-noise ratio: 10 log10(255² / mean squared difference of brightness).

    Args:
        a: one picture, see `Scorable`.
        b: the other, of the same height and width.
        border: pixels to cut from every side first; the tables cut as many as the factor.

    Returns:
        Decibels; infinity for equal pictures.

    Raises:
        SettingError: sizes differ, the type is wrong, or nothing is left inside the border.
    """
    first, second = _pair(a, b, border, least=1)
    error = float(np.mean((first - second) ** 2))
    return math.inf if error == 0 else 10.0 * math.log10(PEAK**2 / error)


def ssim(a: Scorable, b: Scorable, *, border: int = 0) -> float:
    """Structural similarity (Wang et al., IEEE TIP 2004, equation 13), mean over the picture.

    Gaussian window of 11×11 with σ = 1.5, only where it lies wholly inside the picture; C1 = (0.01 · 255)²,
    C2 = (0.03 · 255)²; weighted (not sample-corrected) variances, as in the authors' `ssim_index.m` without its
    optional reduction of large pictures.

    Args:
        a: one picture, see `Scorable`.
        b: the other, of the same height and width.
        border: pixels to cut from every side first; the tables cut as many as the factor.

    Returns:
        −1 to 1; 1 for equal pictures.

    Raises:
        SettingError: sizes differ, the type is wrong, or less than 11×11 pixels are left inside the border.
    """
    first, second = _pair(a, b, border, least=WINDOW)
    mean_a, mean_b = _blur(first), _blur(second)
    var_a = _blur(first * first) - mean_a * mean_a
    var_b = _blur(second * second) - mean_b * mean_b
    covariance = _blur(first * second) - mean_a * mean_b
    above = (2 * mean_a * mean_b + C1) * (2 * covariance + C2)
    below = (mean_a * mean_a + mean_b * mean_b + C1) * (var_a + var_b + C2)
    return float(np.mean(above / below))


def _check_picture(picture: NDArray[Any]) -> None:
    """Refuse what is not an 8-bit grey or RGB picture."""
    shaped = picture.ndim == 2 or (picture.ndim == 3 and picture.shape[2] in (1, 3))
    if picture.dtype != np.uint8 or not shaped:
        raise SettingError(
            f"cannot score an array of shape {picture.shape} and type {picture.dtype}",
            "give uint8 (H, W), (H, W, 1) or (H, W, 3), or float64 (H, W) with brightness in 0–255",
        )


def _is_rgb(picture: Scorable) -> bool:
    return picture.dtype == np.uint8 and picture.ndim == 3 and picture.shape[2] == 3


def _plane(picture: Scorable, as_rgb: bool) -> Luma:
    """Brightness of a picture, or a plane of brightness as it is."""
    if picture.ndim == 2 and np.issubdtype(picture.dtype, np.floating):
        return picture.astype(np.float64, copy=False)
    _check_picture(picture)
    return luma(picture.astype(np.uint8, copy=False), as_rgb=as_rgb)


def _pair(a: Scorable, b: Scorable, border: int, least: int) -> tuple[Luma, Luma]:
    """Brightness of both, checked and cut."""
    if border < 0:
        raise SettingError(f"border is {border}", "give 0 or more pixels")
    as_rgb = _is_rgb(a) or _is_rgb(b)  # a grey picture beside a colour one stands for R = G = B
    first, second = _plane(a, as_rgb), _plane(b, as_rgb)
    if first.shape != second.shape:
        raise SettingError(
            f"pictures of {_size(first)} and {_size(second)} cannot be scored against each other",
            "both must have the same width and height",
        )
    height, width = (side - 2 * border for side in first.shape)
    if min(height, width) < least:
        raise SettingError(
            f"{_size(first)} pixels without a border of {border} leave too little to score",
            f"at least {least}×{least} pixels must remain",
        )
    inside = np.s_[border : border + height, border : border + width]
    return first[inside], second[inside]


def _size(plane: Luma) -> str:
    return f"{plane.shape[1]}×{plane.shape[0]}"


@lru_cache(maxsize=1)
def _gaussian() -> NDArray[np.float64]:
    """Weights of the window along one axis, sum 1."""
    offset = np.arange(WINDOW) - WINDOW // 2
    weight = np.exp(-(offset**2) / (2 * SIGMA**2))
    normalised: NDArray[np.float64] = weight / weight.sum()
    return normalised


def _blur(plane: Luma) -> Luma:
    """Weighted mean under the window, only where it fits: (H, W) → (H − 10, W − 10)."""
    weights = _gaussian()
    height, width = (side - WINDOW + 1 for side in plane.shape)
    tall = np.zeros((height, plane.shape[1]))
    for step, weight in enumerate(weights):
        tall += weight * plane[step : step + height]
    out = np.zeros((height, width))
    for step, weight in enumerate(weights):
        out += weight * tall[:, step : step + width]
    return out
