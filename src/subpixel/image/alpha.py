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
    """Give fully transparent pixels the colour of the visible ones around them, near ones counting most.

    The hidden colours have no influence on the result. Visible pixels keep their colour exactly. Work and memory grow
    with the number of pixels (4/3 of it, over all levels of the pyramid).

    Args:
        planes: (channels, H, W), straight colour, 0–1, float32.
        alpha: (H, W), 0–1, float32.

    Returns:
        (channels, H, W); `planes` itself where nothing is hidden; all 0 where everything is.
    """
    hidden = alpha <= 0
    if not hidden.any():
        return planes
    return _fill(premultiply(planes, np.maximum(alpha, 0)), np.maximum(alpha, 0), planes, hidden)


def _fill(
    sums: Planes, weight: NDArray[np.float32], visible: Planes | None, hidden: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """One level: colour sums and weights → colour everywhere.

    Args:
        sums: (channels, H, W), colour times weight.
        weight: (H, W).
        visible: colour where weight is not 0, if it is known more exactly than `sums / weight`.
        hidden: (H, W), where weight is 0.
    """
    colour = visible if visible is not None else sums / np.where(hidden, np.float32(1), weight)
    filled = np.where(hidden, np.float32(0), colour)
    height, width = weight.shape
    if not hidden.any() or (height == 1 and width == 1):
        return filled
    coarse_weight = _halved(weight[None])[0]
    coarse = _fill(_halved(sums), coarse_weight, None, coarse_weight <= 0)
    guess = coarse.repeat(2, axis=1).repeat(2, axis=2)[:, :height, :width]
    np.copyto(filled, guess, where=hidden)
    np.copyto(filled, _blurred(filled), where=hidden)
    return filled


def _halved(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean of every 2×2 pixels; an odd last row or column is followed by zeros, which have no weight."""
    _, height, width = planes.shape
    if height % 2 or width % 2:
        planes = np.pad(planes, ((0, 0), (0, height % 2), (0, width % 2)))
    rows = planes[:, 0::2] + planes[:, 1::2]
    return (rows[:, :, 0::2] + rows[:, :, 1::2]) * np.float32(0.25)


def _blurred(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """[1 2 1]/4 along both axes, the border repeated: takes the blocks out of the enlarged coarse level."""
    tall = np.pad(planes, ((0, 0), (1, 1), (0, 0)), mode="edge")
    tall = (tall[:, :-2] + 2 * tall[:, 1:-1] + tall[:, 2:]) * np.float32(0.25)
    wide = np.pad(tall, ((0, 0), (0, 0), (1, 1)), mode="edge")
    blurred: NDArray[np.float32] = (wide[:, :, :-2] + 2 * wide[:, :, 1:-1] + wide[:, :, 2:]) * np.float32(0.25)
    return blurred
