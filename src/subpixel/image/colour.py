"""Colour as the networks and the measures see it: Y, Cb and Cr of ITU-R BT.601, studio range, with MATLAB's constants.

Y = 16 + 65.481 R + 128.553 G + 24.966 B for R, G, B in 0–1 (Y in 16–235); here everything is divided by 255.
The inverse is the exact inverse of that matrix, so a round trip changes nothing beyond float rounding.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from subpixel.types import Planes

_MATRIX64: Final = (
    np.array(
        [
            [65.481, 128.553, 24.966],
            [-37.797, -74.203, 112.0],
            [112.0, -93.786, -18.214],
        ]
    )
    / 255.0
)
_OFFSET64: Final = np.array([16.0, 128.0, 128.0]) / 255.0
_MATRIX: Final[NDArray[np.float32]] = _MATRIX64.astype(np.float32)
_INVERSE: Final[NDArray[np.float32]] = np.linalg.inv(_MATRIX64).astype(np.float32)
_OFFSET: Final[NDArray[np.float32]] = _OFFSET64.astype(np.float32)

GREY_GAIN: Final = float(_MATRIX64[0].sum())
"""Y gained by one unit of grey: 219/255."""
GREY_OFFSET: Final = float(_OFFSET64[0])
"""Y of black: 16/255."""


def rgb_to_ycbcr(rgb: Planes) -> Planes:
    """RGB → YCbCr. (3, H, W) in 0–1 → (3, H, W): Y in 16/255–235/255, Cb and Cr in 16/255–240/255."""
    _, height, width = rgb.shape
    flat = _MATRIX @ rgb.reshape(3, -1)
    flat += _OFFSET[:, None]
    return flat.reshape(3, height, width)


def ycbcr_to_rgb(ycbcr: Planes) -> Planes:
    """YCbCr → RGB, the exact inverse of `rgb_to_ycbcr`. (3, H, W) → (3, H, W), not clipped."""
    _, height, width = ycbcr.shape
    flat = _INVERSE @ (ycbcr.reshape(3, -1) - _OFFSET[:, None])
    return flat.reshape(3, height, width)


def rgb_to_y(rgb: Planes) -> Planes:
    """RGB → Y alone. (3, H, W) in 0–1 → (1, H, W) in 16/255–235/255."""
    _, height, width = rgb.shape
    flat = _MATRIX[:1] @ rgb.reshape(3, -1)
    flat += _OFFSET[0]
    return flat.reshape(1, height, width)


def grey_to_y(grey: Planes) -> Planes:
    """Grey → Y: what `rgb_to_y` gives for R = G = B. Any shape, 0–1 → 16/255–235/255."""
    return grey * np.float32(GREY_GAIN) + np.float32(GREY_OFFSET)


def y_to_grey(y: Planes) -> Planes:
    """Y → grey, the inverse of `grey_to_y`, not clipped. Any shape."""
    return (y - np.float32(GREY_OFFSET)) * np.float32(1 / GREY_GAIN)
