"""Transparency: what is under a transparent pixel must never show.

Two ways to enlarge colour with alpha keep hidden colour hidden. A network wants straight colour without jumps, so fully
transparent pixels first take the colour of what is visible around them (`fill_transparent`, the push–pull pyramid of
Gortler et al., "The Lumigraph", 1996, section 3.4). A resampling filter wants premultiplied colour (`premultiply`,
`unpremultiply`; Porter and Duff, 1984).
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from subpixel.types import Planes

_LEAST_ALPHA: Final = np.float32(0.5 / 65_535)
"""Below half a step of 16 bits, alpha is none."""
_FAINT: Final = 1 / 32
"""Below this alpha, a pixel's own colour counts less the fainter it is."""


def premultiply(planes: Planes, alpha: NDArray[np.float32]) -> Planes:
    """Colour times alpha.

    Args:
        planes: (channels, H, W), straight colour.
        alpha: (H, W), 0–1.
    """
    return planes * alpha


def unpremultiply(planes: Planes, alpha: NDArray[np.float32]) -> Planes:
    """Straight colour from premultiplied, 0 where alpha is nothing. Not clipped.

    Args:
        planes: (channels, H, W), colour times alpha.
        alpha: (H, W); filters overshoot, so it may lie a little outside 0–1.
    """
    visible = alpha > _LEAST_ALPHA
    straight: Planes = np.divide(planes, alpha, out=np.zeros_like(planes), where=visible)
    return straight


def fill_transparent(planes: Planes, alpha: NDArray[np.float32]) -> Planes:
    """Give transparent pixels the colour of the visible ones around them, near ones counting most.

    Colours of fully transparent pixels have no influence on the result. Pixels of alpha up to 1/32 are a mixture of
    their own colour and their neighbours': cut-outs carry rounding junk there, which a network would spread over what
    is well visible. All others keep their colour exactly. Work and memory grow with the number of pixels (4/3 of it,
    over all levels of the pyramid).

    Args:
        planes: (channels, H, W), straight colour, 0–1, float32.
        alpha: (H, W), 0–1, float32.

    Returns:
        (channels, H, W); `planes` itself where nothing is hidden; all 0 where everything is.
    """
    trust = np.clip(alpha * np.float32(1 / _FAINT), 0, 1)
    if trust.min() == 1:
        return planes
    filled = np.where(alpha <= 0, np.float32(0), planes)
    _fill(filled, np.maximum(alpha, 0) * trust, trust)
    return filled


def _fill(colour: Planes, weight: NDArray[np.float32], trust: NDArray[np.float32]) -> None:
    """Mix the pixels of one level, in place, with the level of half the size, as far as they are not trusted.

    Args:
        colour: (channels, H, W).
        weight: (H, W), how much a pixel counts in the mean of its 2×2 block; 0 where it must not.
        trust: (H, W), how much of its own colour a pixel keeps, 0–1.
    """
    _, height, width = colour.shape
    if (height == 1 and width == 1) or trust.min() == 1:
        return
    total = _halved(weight)
    coarse = np.stack([_halved(plane * weight) for plane in colour])
    np.divide(coarse, total, out=coarse, where=total > 0)
    coarse_weight = np.minimum(total * 4, 1)  # four halves make a whole, and a whole is enough
    _fill(coarse, coarse_weight, coarse_weight)
    mixed = trust < 1
    for plane, small in zip(colour, coarse, strict=True):
        around = small.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
        np.copyto(plane, around + trust * (plane - around), where=mixed)
        soft = _softened(_softened(plane).T).T
        np.copyto(plane, soft + trust * (plane - soft), where=mixed)


def _halved(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of every 2×2 pixels; an odd last row or column is followed by zeros, which have no weight."""
    height, width = plane.shape
    if height % 2 or width % 2:
        plane = np.pad(plane, ((0, height % 2), (0, width % 2)))
    rows = plane[0::2] + plane[1::2]
    return (rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25)


def _softened(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """[1 2 1]/4 down the columns, the border repeated: takes the blocks out of the enlarged smaller level."""
    soft = plane * np.float32(0.5)
    quarter = plane * np.float32(0.25)
    soft[1:] += quarter[:-1]
    soft[:-1] += quarter[1:]
    soft[0] += quarter[0]
    soft[-1] += quarter[-1]
    return soft
