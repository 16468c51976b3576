"""What an enlargement added, and whether it is still the same picture: reduced again it should equal its input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from subpixel.image import resample

GAIN: Final = 4
"""Differences are shown so many times larger than they are."""
_MIDDLE: Final = 128


@dataclass(frozen=True, slots=True)
class Returned:
    """How far an enlargement, reduced again, is from the picture that it was made of, in levels of 255.

    Attributes:
        mean: of the absolute differences, all pixels and channels.
        most: the largest.
        colour: largest difference of a channel's mean over the picture.
    """

    mean: float
    most: float
    colour: float

    def __str__(self) -> str:
        return f"{self.mean:.2f} levels on average, {self.most:.0f} at most"


def returned(large: NDArray[np.uint8], small: NDArray[np.uint8]) -> Returned:
    """Reduce an enlargement (antialiased bicubic, not rounded) and compare.

    Args:
        large: (H, W, C).
        small: what it was made of, (h, w, C).
    """
    planes = np.ascontiguousarray(np.moveaxis(large, 2, 0), dtype=np.float32)
    again = np.clip(resample.resize(planes, small.shape[0], small.shape[1]), 0, 255)
    apart = again - np.moveaxis(small, 2, 0)
    means = np.abs(planes.mean(axis=(1, 2), dtype=np.float64) - small.mean(axis=(0, 1), dtype=np.float64))
    return Returned(float(np.abs(apart).mean()), float(np.abs(apart).max()), float(means.max()))


def added(large: NDArray[np.uint8], plain: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The map of what was added to a plain enlargement, as a picture.

    Args:
        large: the result, (H, W, 3).
        plain: the plain enlargement (bicubic), as large.

    Returns:
        (H, W, 3): grey where nothing was added, lighter where the result is lighter, darker where it is darker; four
        times the difference, 0 and 255 stand for 32 levels and more.
    """
    difference = GAIN * (large.astype(np.int16) - plain)
    shown: NDArray[np.uint8] = np.clip(difference + _MIDDLE, 0, 255).astype(np.uint8)
    return shown
