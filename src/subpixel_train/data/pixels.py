"""Pictures in 8 bits and in floats, and the reductions of the protocol.

Small pictures are made as the protocol of every number says: antialiased bicubic (a = −0.5) of the RGB picture, rounded
to 8 bits. Luma is taken from the rounded RGB, on both sides.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from subpixel.image import colour, resample


def planes(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 3) uint8 → (3, H, W) float32 in 0–1."""
    return np.divide(rgb.transpose(2, 0, 1), 255, dtype=np.float32, order="C")


def levels(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(3, H, W) float in 0–1 → (H, W, 3) uint8, rounded and clipped."""
    return np.ascontiguousarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0))


def as_float(rgb: NDArray[np.uint8], channels: int) -> NDArray[np.float32]:
    """(H, W, 3) uint8 → (3, H, W) float32 RGB in 0–1, or (1, H, W) luma in 16/255–235/255."""
    return planes(rgb) if channels == 3 else colour.rgb_to_y(planes(rgb))


def rounded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """To the nearest of the 256 levels of an 8-bit picture, clipped to 0–1."""
    return np.divide(np.rint(np.clip(values, 0, 1) * 255), 255, dtype=np.float32)


def cut_to_multiple(rgb: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Cut right and bottom so that both sides are multiples of `factor`."""
    height, width = rgb.shape[0] // factor * factor, rgb.shape[1] // factor * factor
    return rgb[:height, :width]


def reduce(large: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """The small picture of the protocol: (3, r·h, r·w) → (3, h, w), 8-bit levels in 0–1."""
    _, height, width = large.shape
    return rounded(resample.resize(large, height // scale, width // scale))


def enlarge(small: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """Bicubic enlargement, not rounded: (C, h, w) → (C, r·h, r·w)."""
    _, height, width = small.shape
    return resample.resize(small, height * scale, width * scale)


def reductions(rgb: NDArray[np.uint8], scales: Sequence[int]) -> tuple[NDArray[np.uint8], ...]:
    """The targets of a photograph (H, W, 3): itself for the largest of `scales`, reduced to fit for the others."""
    return tuple(rgb if scale == scales[-1] else reduced(rgb, scales[-1] // scale) for scale in scales)


def reduced(rgb: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """(r·h, r·w, 3) uint8 → (h, w, 3) uint8 by the protocol."""
    return levels(reduce(planes(rgb), factor))


def resized(rgb: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """The photograph at another size, antialiased bicubic, rounded to 8 bits."""
    if factor == 1:
        return rgb
    height, width = (max(1, round(side * factor)) for side in rgb.shape[:2])
    return levels(resample.resize(planes(rgb), height, width))


def squashed(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The whole photograph as a square of `side` pixels, whatever its shape: (side, side, 3) uint8."""
    return levels(resample.resize(planes(rgb), side, side))


def centre(rgb: NDArray[np.uint8], side: int, factor: int) -> NDArray[np.uint8]:
    """The central square of `side − side mod factor` pixels, or less where the picture is smaller."""
    height, width = (min(length, side) // factor * factor for length in rgb.shape[:2])
    top, left = (rgb.shape[0] - height) // 2, (rgb.shape[1] - width) // 2
    return rgb[top : top + height, left : left + width]


def centred(
    rgb: NDArray[np.uint8], small: NDArray[np.uint8] | None, side: int, scale: int, align: int = 1
) -> tuple[NDArray[np.uint8], NDArray[np.uint8] | None]:
    """The central square of a photograph, up to `side` pixels, and the same piece of its small picture, if it has one.

    The small picture's sides are multiples of `align`.
    """
    if small is None:
        return centre(rgb, side, scale * align), None
    height, width = (min(length, side // scale) // align * align for length in small.shape[:2])
    top, left = (small.shape[0] - height) // 2, (small.shape[1] - width) // 2
    rows, columns = slice(top * scale, (top + height) * scale), slice(left * scale, (left + width) * scale)
    return rgb[rows, columns], small[top : top + height, left : left + width]
