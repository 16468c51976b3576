"""Ways to enlarge a picture: nearest, bicubic, and every model."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from subpixel.measure.evaluation import Enlarger
from subpixel.measure.sets import resize_pixels

BICUBIC: Final = "bicubic"
"""Name of bicubic enlargement in tables and on sheets."""
NEAREST: Final = "nearest"
"""Name of pixel repetition in tables and on sheets."""


def nearest(scale: int) -> Enlarger:
    """Every pixel repeated `scale` times each way."""

    def enlarge(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return picture.repeat(scale, axis=0).repeat(scale, axis=1)

    return enlarge


def bicubic(scale: int) -> Enlarger:
    """Bicubic, a = −0.5, every channel alike, rounded to 8 bits."""

    def enlarge(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return resize_pixels(picture, picture.shape[0] * scale, picture.shape[1] * scale)

    return enlarge
