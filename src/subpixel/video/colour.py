"""Planes of a film ↔ pixels of a picture (ITU-R BT.601, BT.709, BT.2020; limited and full range; 8 to 16 bits).

For networks on RGB, and for films that become numbered pictures or animations, and the other way round.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from subpixel.image.resample import Grid, resize_on
from subpixel.image.samples import on_white
from subpixel.types import Pixels
from subpixel.video.levels import store
from subpixel.video.planes import LUMA, Coloured, Planes


def to_coloured(planes: Planes) -> Coloured:
    """RGB of a frame; grey where it has no chroma.

    Args:
        planes: (h, w), chroma of any size.

    Returns:
        (h, w, 3) or (h, w, 1): uint8 where the frame has 8 bits, else uint16 spread over 0–65535.
    """
    luma, (low, high) = planes.y.astype(np.float32), planes.luma_range
    luma -= np.float32(low)
    luma *= np.float32(1 / (high - low))
    channels: tuple[NDArray[Any], ...] = (luma,)
    if planes.u is not None and planes.v is not None:
        blue, red = (_difference(plane, planes) for plane in (planes.u, planes.v))
        kr, kg, kb = LUMA[planes.matrix]
        red *= np.float32(2 * (1 - kr))
        blue *= np.float32(2 * (1 - kb))
        green = luma - red * np.float32(kr / kg) - blue * np.float32(kb / kg)
        channels = (luma + red, green, luma + blue)
    pixels: Pixels = np.empty((*planes.y.shape, len(channels)), np.uint8 if planes.bits == 8 else np.uint16)
    top = np.iinfo(pixels.dtype).max
    for index, channel in enumerate(channels):
        store(channel * np.float32(top), pixels[:, :, index], top)
    return Coloured(pixels)


def upright(coloured: Coloured, display: tuple[int, ...] | None) -> Coloured:
    """A frame as players show it.

    Args:
        coloured: as it is coded.
        display: matrix that turns it, nine numbers as in MP4 (a point (x, y) comes to (a·x + c·y, b·x + d·y), of
            [a, b, _, c, d, …]); None: as it is. What is no quarter turn or mirroring is left out.
    """
    if display is None:
        return coloured
    a, b, _, c, d = display[:5]
    pixels = coloured.pixels
    if abs(a) < abs(b):
        pixels, a, d = pixels.swapaxes(0, 1), c, b
    turned = pixels[:: -1 if d < 0 else 1, :: -1 if a < 0 else 1]
    return replace(coloured, pixels=cast(Pixels, np.ascontiguousarray(turned)))


def to_planes(coloured: Coloured, like: Planes) -> Planes:
    """Planes of a frame in RGB or grey; what is transparent is laid on white.

    Args:
        coloured: (h, w, C).
        like: a frame, of any size, of the kind to make: bits, range, matrix, chroma and its place.

    Returns:
        The frame, (h, w); grey if either is grey.
    """
    pixels = coloured.pixels
    if pixels.shape[2] in (2, 4):
        pixels = on_white(pixels[None])[0]
    top = np.iinfo(pixels.dtype).max
    channels = [pixels[:, :, index].astype(np.float32) * np.float32(1 / top) for index in range(pixels.shape[2])]
    kr, kg, kb = LUMA[like.matrix]
    luma = channels[0]
    if len(channels) == 3:
        luma = channels[0] * np.float32(kr) + channels[1] * np.float32(kg) + channels[2] * np.float32(kb)
    y: NDArray[Any] = np.empty(luma.shape, like.y.dtype)
    low, high = like.luma_range
    store(luma * np.float32(high - low) + np.float32(low), y, like.top)
    if like.u is None:
        return like.with_planes(y, None, None)
    shape = -(-y.shape[0] // like.sub[0]), -(-y.shape[1] // like.sub[1])
    middle, span = _chroma_range(like)
    made = []
    for index, weight in ((2, kb), (0, kr)):
        plane: NDArray[Any] = np.full(shape, middle, like.y.dtype)
        if len(channels) == 3:
            difference = (channels[index] - luma) * np.float32(span / (2 * (1 - weight)))
            rows, columns = (_down(part, centred) for part, centred in _places(like))
            if like.sub != (1, 1):
                difference = resize_on(difference[None], *shape, rows=rows, columns=columns)[0]
            store(difference + np.float32(middle), plane, like.top)
        made.append(plane)
    return like.with_planes(y, *made)


def _chroma_range(planes: Planes) -> tuple[int, int]:
    """The sample of no colour, and how many samples there are from least to most."""
    return 1 << (planes.bits - 1), planes.top if planes.full_range else 224 << (planes.bits - 8)


def _difference(plane: NDArray[Any], planes: Planes) -> NDArray[np.float32]:
    """Cb or Cr beside every sample of luma, −½ to ½."""
    middle, span = _chroma_range(planes)
    floats = plane.astype(np.float32)
    floats -= np.float32(middle)
    floats *= np.float32(1 / span)
    if planes.sub == (1, 1):
        return floats
    rows, columns = (_up(part, centred) for part, centred in _places(planes))
    made: NDArray[np.float32] = resize_on(floats[None], planes.size.height, planes.size.width, rows, columns)[0]
    return made


def _places(planes: Planes) -> tuple[tuple[int, bool], tuple[int, bool]]:
    """Down and across: samples of luma to one of chroma, and whether it stands in their middle."""
    return (planes.sub[0], planes.siting != "topleft"), (planes.sub[1], planes.siting == "center")


def _up(part: int, centred: bool) -> Grid:
    """Luma x stands at (x − a)/part in samples of chroma; a as in `subpixel.video.chroma`."""
    at = (part - 1) / 2 if centred else 0.0
    return 1 / part, 0.5 - (at + 0.5) / part


def _down(part: int, centred: bool) -> Grid:
    """Chroma i stands at part·i + a in samples of luma."""
    at = (part - 1) / 2 if centred else 0.0
    return float(part), at + 0.5 - part / 2
