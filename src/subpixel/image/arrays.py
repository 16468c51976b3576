"""Numpy arrays ↔ pictures: what comes in as an array goes out as one of the same kind."""

from __future__ import annotations

from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import SettingError
from subpixel.image import samples
from subpixel.types import Picture, Pixels

_SLACK: Final = 1e-5
"""Float rounding beyond 0–1 that is taken for 0 or 1."""
_KINDS: Final = "give uint8 (0–255), uint16 (0–65535) or float32/float64 (0–1)"


def from_array(array: NDArray[Any]) -> Picture:
    """A picture of an array.

    Args:
        array: (H, W), or (H, W, C) with C 1 grey, 2 grey + alpha, 3 RGB, 4 RGB + alpha; uint8, uint16, or
            float32/float64 in 0–1. Floats are held as 16 bits.

    Raises:
        SettingError: another shape or dtype, or floats that are not in 0–1.
    """
    if not isinstance(array, np.ndarray):
        raise SettingError(f"{type(array).__name__} is not a picture", "give a path, a numpy array or a Pillow image")
    if array.ndim not in (2, 3) or (array.ndim == 3 and not 1 <= array.shape[2] <= 4) or 0 in array.shape:
        hint = "give (height, width) or (height, width, 1 to 4 channels)"
        if array.ndim == 3 and 1 <= array.shape[0] <= 4:
            hint += "; channels go last: array.transpose(1, 2, 0)"
        raise SettingError(f"array has shape {array.shape}", hint)
    pixels = _samples(array)
    height, width = array.shape[:2]
    return Picture(cast(Pixels, np.ascontiguousarray(pixels).reshape(1, height, width, -1)))


def _samples(array: NDArray[Any]) -> Pixels:
    kind, size = array.dtype.kind, array.dtype.itemsize
    made: Pixels
    if kind == "u" and size == 1:
        return array.astype(np.uint8, copy=False)
    if kind == "u" and size == 2:
        return array.astype(np.uint16, copy=False)
    if kind == "f" and size in (4, 8):
        low, high = float(array.min()), float(array.max())  # NaN anywhere makes both NaN
        if not (low >= -_SLACK and high <= 1 + _SLACK):
            wrong = low if not low >= -_SLACK else high
            hint = "divide by 255 or 65535 first" if 1 < high <= 65_535 and low >= 0 else "floats must be in 0–1"
            raise SettingError(f"array holds {wrong:g}", hint)
        scaled = np.clip(array, 0, 1) * array.dtype.type(65_535)
        made = (scaled + array.dtype.type(0.5)).astype(np.uint16)
        return made
    hint = "array.astype(numpy.uint8) * 255 makes a picture of it" if kind == "b" else _KINDS
    raise SettingError(f"array is of dtype {array.dtype}", hint)


def to_array(picture: Picture, like: NDArray[Any]) -> NDArray[Any]:
    """The first frame of a picture as an array of the kind of another: same number of axes, same dtype.

    Args:
        picture: with as many channels as `like`.
        like: the array that `from_array` was given.

    Returns:
        (H, W) or (H, W, C), uint8, uint16, or float32/float64 in 0–1; writable.
    """
    pixels = picture.pixels[0]
    if like.dtype.kind == "f":
        most = like.dtype.type(np.iinfo(pixels.dtype).max)
        made: NDArray[Any] = pixels.astype(like.dtype)
        made /= most
    elif like.dtype.itemsize == 2:
        deep = pixels if pixels.dtype == np.uint16 else samples.to_16_bits(pixels)
        made = deep.astype(like.dtype)
    else:
        made = pixels.copy() if pixels.dtype == np.uint8 else samples.to_8_bits(pixels[None])[0]
    return made[:, :, 0] if like.ndim == 2 else made
