"""Transparency: what is under a transparent pixel must never show.

Two ways to enlarge colour with alpha keep hidden colour hidden. A network wants straight colour without jumps, so fully
transparent pixels first take the colour of what is visible around them (`fill_transparent`, the push–pull pyramid of
Gortler et al., "The Lumigraph", 1996, section 3.4). A resampling filter wants premultiplied colour (`premultiply`,
`unpremultiply`; Porter and Duff, 1984).
"""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from subpixel.types import Planes, Size

_LEAST_ALPHA: Final = np.float32(0.5 / 65_535)
"""Below half a step of 16 bits, alpha is none."""
_FAINT: Final = 1 / 32
"""Below this alpha, a pixel's own colour counts less the fainter it is."""
_COARSE: Final = 1 << 20
"""Pixels of the level that is held as a whole where a picture is filled in strips."""
_MOST_LEVELS: Final = 6

Plane: TypeAlias = NDArray[np.float32]
"""(H, W)."""


def premultiply(planes: Planes, alpha: Plane) -> Planes:
    """Colour times alpha.

    Args:
        planes: (channels, H, W), straight colour.
        alpha: (H, W), 0–1.
    """
    return planes * alpha


def unpremultiply(planes: Planes, alpha: Plane) -> Planes:
    """Straight colour from premultiplied, 0 where alpha is nothing. Not clipped.

    Args:
        planes: (channels, H, W), colour times alpha.
        alpha: (H, W); filters overshoot, so it may lie a little outside 0–1.
    """
    visible = alpha > _LEAST_ALPHA
    straight: Planes = np.divide(planes, alpha, out=np.zeros_like(planes), where=visible)
    return straight


def fill_transparent(planes: Planes, alpha: Plane) -> Planes:
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
    filled, weight, trust = _finest(planes, alpha)
    if trust.min() == 1:
        return planes
    _fill(filled, weight, trust)
    return filled


def coarse_levels(size: Size) -> int:
    """How many levels above the finest the one stands that `fill_strip` needs as a whole: 2**levels pixels are one."""
    levels = 1  # in the finest, weight and trust are not one
    while size.pixels >> 2 * levels > _COARSE and levels < _MOST_LEVELS:
        levels += 1
    return levels


def coarse_strip(planes: Planes, alpha: Plane, levels: int) -> tuple[Planes, Plane]:
    """Rows of a coarse level, not yet filled: colour (channels, h, w) and weight (h, w), of rows of the finest.

    Args:
        planes, alpha: as for `fill_transparent`, rows from a multiple of 2**levels on, up to one or to the last row.
        levels: which.
    """
    colour, weight, _ = _finest(planes, alpha)
    for _ in range(levels):
        colour, weight = _coarser(colour, weight)
    return colour, weight


def fill_coarse(colour: Planes, weight: Plane) -> Planes:
    """A whole coarse level, filled in place; `colour` and `weight` from `coarse_strip`."""
    _fill(colour, weight, weight)
    return colour


def fill_strip(planes: Planes, alpha: Plane, levels: int, coarse: Planes) -> Planes:
    """What `fill_transparent` gives for rows of a picture, byte for byte but for 2**levels − 1 rows at either end.

    Args:
        planes, alpha: the rows, as for `coarse_strip`.
        levels: from `coarse_levels`.
        coarse: what `fill_coarse` gave, of these rows: (channels, ⌈rows / 2**levels⌉, ⌈width / 2**levels⌉).
    """
    filled, weight, trust = _finest(planes, alpha)
    _fill(filled, weight, trust, (levels, coarse))
    return filled


def _finest(planes: Planes, alpha: Plane) -> tuple[Planes, Plane, Plane]:
    """Colour, weight and trust of the finest level."""
    trust = np.clip(alpha * np.float32(1 / _FAINT), 0, 1)
    return np.where(alpha <= 0, np.float32(0), planes), np.maximum(alpha, 0) * trust, trust


def _coarser(colour: Planes, weight: Plane) -> tuple[Planes, Plane]:
    """Colour and weight of the level of half the size."""
    total = _halved(weight)
    coarse = np.stack([_halved(plane * weight) for plane in colour])
    np.divide(coarse, total, out=coarse, where=total > 0)
    return coarse, np.minimum(total * 4, 1)  # four halves make a whole, and a whole is enough


def _fill(colour: Planes, weight: Plane, trust: Plane, known: tuple[int, Planes] | None = None) -> None:
    """Mix the pixels of one level, in place, with the level of half the size, as far as they are not trusted.

    Args:
        colour: (channels, H, W).
        weight: (H, W), how much a pixel counts in the mean of its 2×2 block; 0 where it must not.
        trust: (H, W), how much of its own colour a pixel keeps, 0–1.
        known: how many levels above this one is filled already, and that level; None: compute all.
    """
    _, height, width = colour.shape
    if known is not None and known[0] == 0:
        colour[...] = known[1]
        return
    if (known is None and height == 1 and width == 1) or trust.min() == 1:
        return
    coarse, coarse_weight = _coarser(colour, weight)
    _fill(coarse, coarse_weight, coarse_weight, None if known is None else (known[0] - 1, known[1]))
    mixed = trust < 1
    for plane, small in zip(colour, coarse, strict=True):
        around = small.repeat(2, axis=0).repeat(2, axis=1)[:height, :width]
        np.copyto(plane, around + trust * (plane - around), where=mixed)
        soft = _softened(_softened(plane).T).T
        np.copyto(plane, soft + trust * (plane - soft), where=mixed)


def _halved(plane: Plane) -> Plane:
    """Mean of every 2×2 pixels; an odd last row or column is followed by zeros, which have no weight."""
    height, width = plane.shape
    if height % 2 or width % 2:
        plane = np.pad(plane, ((0, height % 2), (0, width % 2)))
    rows = plane[0::2] + plane[1::2]
    return (rows[:, 0::2] + rows[:, 1::2]) * np.float32(0.25)


def _softened(plane: Plane) -> Plane:
    """[1 2 1]/4 down the columns, the border repeated: takes the blocks out of the enlarged smaller level."""
    soft = plane * np.float32(0.5)
    quarter = plane * np.float32(0.25)
    soft[1:] += quarter[:-1]
    soft[:-1] += quarter[1:]
    soft[0] += quarter[0]
    soft[-1] += quarter[-1]
    return soft
