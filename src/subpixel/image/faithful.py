"""Colour that comes back: a filter before bicubic enlargement after which reducing gives the input again.

Enlarged by bicubic and reduced again (antialiased, as `resample`), a picture is blurred a little: every sample becomes
0.81 of itself and 0.13 of each neighbour, about. That is a convolution, so it can be undone beforehand, as splines are
prefiltered: the small picture is convolved with the inverse, cut to five samples and fitted by least squares.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from subpixel.image.resample import resize
from subpixel.types import Planes

REACH: Final = 2
"""Neighbours on every side that the filter looks at."""
_LIKENESS: Final = 0.7
"""Of neighbouring samples: their correlation. From 0.5 to 0.9 the fit is nearly the same."""


@lru_cache(maxsize=16)
def taps(scale: int) -> tuple[np.float32, np.float32]:
    """Weights of the filter's neighbours at distance 1 and 2, on either side; the middle has what is left of 1.

    Args:
        scale: the factor of the enlargement that follows.
    """
    far = 24
    impulse = np.zeros((1, 1, 4 * far + 1), np.float32)
    impulse[0, 0, 2 * far] = 1
    there = resize(impulse, 1, impulse.shape[2] * scale)
    kernel = resize(there, 1, impulse.shape[2])[0, 0, far : 3 * far + 1].astype(np.float64)
    unit = np.zeros_like(kernel)
    unit[far] = 1

    def changed(distance: int) -> NDArray[np.float64]:
        """What taking the middle down and both neighbours up does after the kernel."""
        return np.roll(kernel, distance) + np.roll(kernel, -distance) - 2 * kernel

    # What matters is what is left over of pictures, whose neighbours resemble each other.
    likeness = _LIKENESS ** np.abs(np.arange(-far, far + 1))
    left = np.stack([np.convolve(part, likeness) for part in (changed(1), changed(2), unit - kernel)], axis=1)
    near, next_ = np.linalg.lstsq(left[:, :2], left[:, 2], rcond=None)[0]
    return np.float32(near), np.float32(next_)


def prefilter(planes: Planes, scale: int) -> Planes:
    """Sharpen what `resample.enlarge` is to enlarge, so that the result, reduced again, is nearly the input.

    What is flat stays exactly what it is; all samples are made by the same operations, wherever a tile ends.

    Args:
        planes: (channels, H + 4, W + 4), float32, any range: two samples more on every side than are wanted.
        scale: the factor of the enlargement that follows, at least 2.

    Returns:
        (channels, H, W), float32.
    """
    return _along(_along(planes, scale, 1), scale, 2)


def _along(planes: Planes, scale: int, axis: int) -> Planes:
    """One axis, which gets shorter by 4. Differences to the middle are added up, all 0 where the picture is flat."""
    length = planes.shape[axis] - 2 * REACH

    def window(start: int) -> Planes:
        return planes[:, start : start + length] if axis == 1 else planes[:, :, start : start + length]

    middle = window(REACH)
    twice = middle + middle
    made: Planes = middle.copy()
    for distance, weight in enumerate(taps(scale), 1):
        apart = window(REACH - distance) + window(REACH + distance)
        apart -= twice
        apart *= weight
        made += apart
    return made
