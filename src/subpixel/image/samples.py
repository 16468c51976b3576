"""Samples made to fit a format: fewer bits, no alpha. In strips, so that no second picture-sized array is needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np

from subpixel.types import Pixels

_STRIP_SAMPLES: Final = 1 << 22


def _strips(pixels: Pixels) -> Iterator[tuple[int, slice]]:
    """Frame and rows of every strip."""
    frames, height, width, channels = pixels.shape
    rows = max(1, _STRIP_SAMPLES // max(1, width * channels))
    for frame in range(frames):
        for start in range(0, height, rows):
            yield frame, slice(start, min(start + rows, height))


def to_8_bits(pixels: Pixels) -> Pixels:
    """0–65535 → 0–255, rounded to the nearest."""
    out = np.empty(pixels.shape, np.uint8)
    for frame, rows in _strips(pixels):
        out[frame, rows] = (pixels[frame, rows].astype(np.uint32) + 128) // 257
    return out


def to_16_bits(pixels: Pixels) -> Pixels:
    """0–255 → 0–65535, exactly."""
    return pixels.astype(np.uint16) * np.uint16(257)


def to_top_bits(pixels: Pixels, bits: int) -> Pixels:
    """0–65535 → `bits` bits, rounded, at the top of 16: what libvips hands to an AVIF encoder."""
    out = np.empty(pixels.shape, np.uint16)
    most = (1 << bits) - 1
    for frame, rows in _strips(pixels):
        fewer = (pixels[frame, rows].astype(np.uint32) * most + 32_767) // 65_535
        out[frame, rows] = fewer << (16 - bits)
    return out


def on_white(pixels: Pixels) -> Pixels:
    """Grey or RGB laid on white by its alpha; the alpha channel is gone."""
    white = int(np.iinfo(pixels.dtype).max)
    out = np.empty((*pixels.shape[:3], pixels.shape[3] - 1), pixels.dtype)
    for frame, rows in _strips(pixels):
        strip = pixels[frame, rows].astype(np.uint64)
        alpha = strip[..., -1:]
        out[frame, rows] = (strip[..., :-1] * alpha + white * (white - alpha) + white // 2) // white
    return out


def is_opaque(pixels: Pixels) -> bool:
    """True where alpha is at its most everywhere."""
    most = np.iinfo(pixels.dtype).max
    return all(bool((pixels[frame, rows, :, -1] == most).all()) for frame, rows in _strips(pixels))


def is_binary(pixels: Pixels) -> bool:
    """True where alpha is nothing or all everywhere."""
    most = np.iinfo(pixels.dtype).max
    for frame, rows in _strips(pixels):
        alpha = pixels[frame, rows, :, -1]
        if not bool(((alpha == 0) | (alpha == most)).all()):
            return False
    return True


def more_colours_than(pixels: Pixels, most: int) -> bool:
    """True where any frame (8 bits) has more than `most` colours; alpha is not counted."""
    if pixels.shape[3] < 3:
        return most < 256
    for frame in range(pixels.shape[0]):
        seen = np.zeros(1 << 24, np.bool_)
        for _, rows in _strips(pixels[frame : frame + 1]):
            strip = pixels[frame, rows].astype(np.uint32)
            seen[(strip[..., 0] << 16) | (strip[..., 1] << 8) | strip[..., 2]] = True
            if int(np.count_nonzero(seen)) > most:
                return True
    return False
