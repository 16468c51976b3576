"""Samples of luma in a stream's own bits and range ↔ luma as the networks see it.

The networks see Y of BT.601 in studio range, divided by 255 (`subpixel.image.colour`): black 16/255, white 235/255. Of
8 bits in limited range that is the sample divided by 255, and nothing is lost below black or above white.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from subpixel.engines import Levels

_BLACK: Final = Fraction(16, 255)
_WHITE: Final = Fraction(235, 255)


def luma_levels(bits: int, full_range: bool) -> Levels:
    """What samples of so many bits mean to a network."""
    low, high = (0, (1 << bits) - 1) if full_range else (16 << (bits - 8), 235 << (bits - 8))
    gain = (_WHITE - _BLACK) / (high - low)
    return Levels(float(gain), float(_BLACK - gain * low))


def to_y(samples: NDArray[Any], levels: Levels) -> NDArray[np.float32]:
    """Samples, any shape → Y as the networks see it, float32."""
    y = samples.astype(np.float32)
    y *= np.float32(levels.gain)
    if levels.offset:
        y += np.float32(levels.offset)
    return y


def from_y(y: NDArray[np.float32], levels: Levels, out: NDArray[Any], top: int) -> None:
    """The inverse of `to_y` into `out`, rounded to nearest, clipped to 0…top."""
    samples = y - np.float32(levels.offset) if levels.offset else y
    store(samples * np.float32(1 / levels.gain), out, top)


def store(samples: NDArray[np.float32], out: NDArray[Any], top: int) -> None:
    """Floats in 0…top, which are used up, into `out`, rounded to nearest and clipped."""
    samples += np.float32(0.5)
    np.clip(samples, np.float32(0), np.float32(top), out=samples)
    out[...] = samples.astype(out.dtype)
