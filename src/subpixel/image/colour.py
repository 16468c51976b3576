"""Colour as the networks and the measures see it: Y, Cb and Cr of ITU-R BT.601, studio range, with MATLAB's constants.

Y = 16 + 65.481 R + 128.553 G + 24.966 B for R, G, B in 0–1 (Y in 16–235); here everything is divided by 255.
The inverse is the exact inverse of that matrix, so a round trip changes nothing beyond float rounding.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from subpixel.image.kept import Kept
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
_INVERSE64: Final = np.linalg.inv(_MATRIX64)
_INVERSE_OFFSET64: Final = -(_INVERSE64 @ _OFFSET64)

Y_WEIGHTS: Final = (float(_MATRIX64[0, 0]), float(_MATRIX64[0, 1]), float(_MATRIX64[0, 2]))
"""Y gained by one unit of R, of G, of B."""
GREY_GAIN: Final = float(_MATRIX64[0].sum())
"""Y gained by one unit of grey: 219/255."""
GREY_OFFSET: Final = float(_OFFSET64[0])
"""Y of black: 16/255."""


def _combine(
    planes: Sequence[NDArray[np.float32]],
    weights: NDArray[np.float64],
    offset: float,
    out: NDArray[np.float32],
    part: NDArray[np.float32] | None = None,
) -> None:
    """Weighted sum of planes plus an offset, sample by sample, into `out`.

    Not a matrix product: BLAS may add in another order at the end of a row, and a pixel's colour must not depend on
    where its tile was cut. Weights that cannot move a result by 1/1000 of a 16-bit level are left out.
    """
    used = [(plane, np.float32(weight)) for plane, weight in zip(planes, weights, strict=True) if abs(weight) > 1e-8]
    np.multiply(used[0][0], used[0][1], out=out)
    out += np.float32(offset)
    part = np.empty_like(out) if part is None else part
    for plane, weight in used[1:]:
        out += np.multiply(plane, weight, out=part)


def rgb_to_ycbcr(rgb: Planes) -> Planes:
    """RGB → YCbCr. (3, H, W) in 0–1 → (3, H, W): Y in 16/255–235/255, Cb and Cr in 16/255–240/255."""
    ycbcr = np.empty(rgb.shape, np.float32)
    for row in range(3):
        _combine(tuple(rgb), _MATRIX64[row], float(_OFFSET64[row]), ycbcr[row])
    return ycbcr


def ycbcr_to_rgb(ycbcr: Planes | Sequence[NDArray[np.float32]]) -> Planes:
    """YCbCr → RGB, the exact inverse of `rgb_to_ycbcr`. (3, H, W) or three planes (H, W) → (3, H, W), not clipped."""
    planes = tuple(ycbcr)
    rgb = np.empty((3, *planes[0].shape), np.float32)
    for row in range(3):
        _combine(planes, _INVERSE64[row], float(_INVERSE_OFFSET64[row]), rgb[row])
    return rgb


def rgb_to_y(rgb: Planes) -> Planes:
    """RGB → Y alone. (3, H, W) in 0–1 → (1, H, W) in 16/255–235/255."""
    y = np.empty((1, *rgb.shape[1:]), np.float32)
    _combine(tuple(rgb), _MATRIX64[0], float(_OFFSET64[0]), y[0])
    return y


def rgb_to_y_and_differences(rgb: Planes, memory: Kept | None = None) -> tuple[Planes, Planes]:
    """RGB → Y, and what red and blue are above green: all colour there is, exactly 0 where R = G = B.

    (3, H, W) in 0–1 → (1, H, W) in 16/255–235/255 and (2, H, W) in −1–1. They are written into `memory` where there is
    any: the next call with the same overwrites them.
    """
    memory = memory or Kept()
    sides = rgb.shape[1:]
    y: Planes = memory.array("y", (1, *sides))
    _combine(tuple(rgb), _MATRIX64[0], float(_OFFSET64[0]), y[0], memory.array("part", sides))
    differences: Planes = memory.array("differences", (2, *sides))
    np.subtract(rgb[0], rgb[1], out=differences[0])
    np.subtract(rgb[2], rgb[1], out=differences[1])
    return y, differences


def y_and_differences_to_rgb(
    y: NDArray[np.float32], differences: Planes, top: float = 1.0, memory: Kept | None = None
) -> tuple[NDArray[np.float32], ...]:
    """Y and differences → RGB, the inverse of `rgb_to_y_and_differences`; `differences` are used up.

    (H, W) in 16/255–235/255 and (2, H, W) in −top–top → three planes (H, W) in 0–top, not clipped. Green is written
    into `memory` where there is any: the next call with the same overwrites it.
    """
    memory = memory or Kept()
    green: NDArray[np.float32] = memory.array("green", y.shape)
    np.multiply(y, np.float32(top / GREY_GAIN), out=green)
    green += np.float32(-top * GREY_OFFSET / GREY_GAIN)
    part = memory.array("part", y.shape)
    for plane, weight in zip(differences, (Y_WEIGHTS[0], Y_WEIGHTS[2]), strict=True):
        green -= np.multiply(plane, np.float32(weight / GREY_GAIN), out=part)
    red, blue = differences
    red += green
    blue += green
    return red, green, blue


def grey_to_y(grey: Planes) -> Planes:
    """Grey → Y: what `rgb_to_y` gives for R = G = B. Any shape, 0–1 → 16/255–235/255."""
    return grey * np.float32(GREY_GAIN) + np.float32(GREY_OFFSET)


def y_to_grey(y: Planes) -> Planes:
    """Y → grey, the inverse of `grey_to_y`, not clipped. Any shape."""
    return (y - np.float32(GREY_OFFSET)) * np.float32(1 / GREY_GAIN)
