"""Antialiased bicubic resampling, a = −0.5 (Keys, 1981), as MATLAB's `imresize` defines it.

Separable. Output sample i stands at input position (i + ½)·n_in/n_out − ½. When reducing, the kernel is stretched by
the factor, which keeps out aliasing. Beyond the border the picture is mirrored with the edge sample repeated
(… b a | a b …), as MATLAB does; weights sum to 1. Both passes are products with banded matrices, taken block by block,
so the work runs in BLAS whatever the factor.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from subpixel.types import Planes

ALONE = 1 << 18
"""Multiply-adds of a product up to which OpenBLAS uses one thread."""
_BLOCK = 64  # output samples per banded block: large enough for BLAS, small enough to stay mostly band


def cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' cubic convolution kernel with a = −0.5."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


Grid: TypeAlias = tuple[float, float]
"""Where output samples stand, along one axis: (ratio, shift), sample i at input position (i + ½)·ratio − ½ + shift."""


def taps(n_in: int, n_out: int, grid: Grid | None = None) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Source indices and weights of every output sample, each (n_out, taps); weights sum to 1 along the last axis."""
    ratio, shift = grid or (n_in / n_out, 0.0)
    stretch = max(ratio, 1.0)
    centre = (np.arange(n_out) + 0.5) * ratio - 0.5 + shift
    count = int(np.ceil(4 * stretch)) + 2
    left = np.floor(centre - 2 * stretch).astype(np.int64)
    index = left[:, None] + np.arange(count)
    weight = cubic((centre[:, None] - index) / stretch)
    weight /= weight.sum(axis=1, keepdims=True)
    mirrored = np.mod(index, 2 * n_in)
    mirrored = np.where(mirrored >= n_in, 2 * n_in - 1 - mirrored, mirrored)
    return mirrored, weight


def _block(n_in: int, n_out: int) -> int:
    """Output samples per block: fewer when reducing, so that a block never needs much more than 64 input samples."""
    return max(1, min(_BLOCK, _BLOCK * n_out // n_in))


@lru_cache(maxsize=64)
def _blocks(
    n_in: int, n_out: int, grid: Grid | None = None
) -> tuple[tuple[int, int, int, int, NDArray[np.float32]], ...]:
    """Banded blocks (out_start, out_stop, in_start, in_stop, matrix (out, in)) that together make the resampling."""
    index, weight = taps(n_in, n_out, grid)
    made = []
    step = _block(n_in, n_out)
    for start in range(0, n_out, step):
        stop = min(start + step, n_out)
        used = index[start:stop][weight[start:stop] != 0]
        low, high = int(used.min()), int(used.max()) + 1
        matrix = np.zeros((stop - start, high - low))
        rows = np.broadcast_to(np.arange(stop - start)[:, None], index[start:stop].shape)
        inside = weight[start:stop] != 0
        np.add.at(matrix, (rows[inside], index[start:stop][inside] - low), weight[start:stop][inside])
        made.append((start, stop, low, high, matrix.astype(np.float32)))
    return tuple(made)


def row_blocks(height_in: int, height_out: int) -> Iterator[tuple[int, int, int, int]]:
    """The strips that `resize_rows` works in: (out_start, out_stop, in_start, in_stop), top to bottom."""
    for start, stop, low, high, _ in _blocks(height_in, height_out):
        yield start, stop, low, high


def resize_rows(strip: Planes, block: tuple[int, int, int, int], height_in: int, height_out: int, width: int) -> Planes:
    """Resample one strip of rows.

    Args:
        strip: rows in_start…in_stop of the picture, (channels, in_stop − in_start, width_in), float32.
        block: one item of `row_blocks(height_in, height_out)`.
        height_in: rows of the whole picture.
        height_out: rows of the whole result.
        width: columns of the result.

    Returns:
        Rows out_start…out_stop of the result, (channels, out_stop − out_start, width), float32, not clipped.
    """
    matrix = _blocks(height_in, height_out)[block[0] // _block(height_in, height_out)][4]
    tall = strip if height_in == height_out else np.matmul(matrix, strip)
    if height_in == height_out:  # the band may carry no neighbours then: rows map one to one
        tall = strip[:, block[0] - block[2] : block[1] - block[2]]
    if width == strip.shape[2]:
        return np.ascontiguousarray(tall)
    out = np.empty((*tall.shape[:2], width), np.float32)
    for start, stop, low, high, across in _blocks(strip.shape[2], width):
        np.matmul(tall[:, :, low:high], across.T, out=out[:, :, start:stop])
    return out


def resize(planes: Planes, height: int, width: int) -> Planes:
    """Resample to `height` × `width`, antialiased bicubic.

    Args:
        planes: (channels, H, W), float32, any range.
        height: rows of the result, at least 1.
        width: columns of the result, at least 1.

    Returns:
        (channels, height, width), float32; cubic kernels overshoot, so clip before storing.
    """
    channels, height_in, width_in = planes.shape
    if (height_in, width_in) == (height, width):
        return planes.copy()
    out = np.empty((channels, height, width), np.float32)
    for block in row_blocks(height_in, height):
        start, stop, low, high = block
        out[:, start:stop] = resize_rows(planes[:, low:high], block, height_in, height, width)
    return out


def resize_on(planes: Planes, height: int, width: int, rows: Grid | None = None, columns: Grid | None = None) -> Planes:
    """Resample to `height` × `width` samples that stand where `rows` and `columns` say; otherwise as `resize`.

    In the calling thread alone: BLAS shares larger products among threads that wait for each other without sleeping,
    which costs more than it brings where the cores have other work, as with films.
    """
    channels, height_in, width_in = planes.shape
    tall = np.empty((channels, height, width_in), np.float32)
    for start, stop, low, high, matrix in _blocks(height_in, height, rows):
        step = max(1, ALONE // matrix.size)
        for left in range(0, width_in, step):
            part = slice(left, left + step)
            np.matmul(matrix, planes[:, low:high, part], out=tall[:, start:stop, part])
    out = np.empty((channels, height, width), np.float32)
    for start, stop, low, high, matrix in _blocks(width_in, width, columns):
        step = max(1, ALONE // matrix.size)
        for top in range(0, height, step):
            part = slice(top, top + step)
            np.matmul(tall[:, part, low:high], matrix.T, out=out[:, part, start:stop])
    return out
