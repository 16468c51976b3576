"""Colour enlarged: sharpened so that reducing gives it again, then bicubic, as products of matrices without rounding.

Luma goes through a network; beside it stand two planes of colour. Along each axis a result is a weighted sum of nine
samples, so an axis is a product with a banded matrix, and such products run in BLAS, several times as fast as sums in
numpy. But BLAS adds in whatever order suits the processor, and a picture must not depend on that, nor on where its
tiles end. So there is nothing to round: samples are whole numbers (levels times a power of two), weights are whole
numbers over a power of two, and no sum needs more bits than the arithmetic has. Such sums are the same in every order.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from subpixel.image.kept import Kept
from subpixel.image.resample import ALONE, cubic, resize
from subpixel.types import Planes

HALO: Final = 4
"""How far the enlargement of colour sees, input pixels: sharpening two, and bicubic enlargement two."""
BLOCK: Final = 16
"""Samples that are enlarged in one product, with `HALO` more on either side."""
_LEVELS: Final = 255.0
_COLUMNS: Final = 16  # float32 in a cache line
_LIKENESS: Final = 0.7
"""Of neighbouring samples: their correlation. From 0.5 to 0.9 the fit is nearly the same."""
_MEMORY: Final = Kept()


@dataclass(frozen=True, slots=True)
class _Fixed:
    """How samples and weights become whole numbers.

    Attributes:
        dtype: of the arithmetic.
        steps: in one level of a sample, a power of two.
        parts: that a weight of 1 has, a power of two.
        bits: that a sum may have.
    """

    dtype: type[np.floating[Any]]
    steps: int
    parts: int
    bits: int


# Eighths of a level of 8 bits: what is lost is far below what rounding to levels takes away. What is to be finer, 16
# bits or another network's input, is computed in twice the bits.
_EIGHT: Final = _Fixed(np.float32, 1 << 3, 1 << 11, 24)
_FINER: Final = {65_535.0: _Fixed(np.float64, 1 << 8, 1 << 26, 53), 1.0: _Fixed(np.float64, 1 << 24, 1 << 26, 53)}


def sharpening(scale: int) -> NDArray[np.float64]:
    """A filter of five samples before bicubic enlargement after which reducing gives the input again.

    Enlarged by bicubic and reduced again (antialiased, as `resample`), a picture is blurred a little: every sample
    becomes 0.81 of itself and 0.13 of each neighbour, about. That is a convolution, so it can be undone beforehand, as
    splines are prefiltered: this is its inverse, cut to five samples and fitted by least squares.

    Args:
        scale: the factor of the enlargement.
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
    one, two = np.linalg.lstsq(left[:, :2], left[:, 2], rcond=None)[0]
    return np.array([two, one, 1 - 2 * (one + two), one, two])


def weights(scale: int, parts: int) -> NDArray[np.int64]:
    """Weights of the samples −4…4 around that of each phase, (scale, 9), whole numbers whose sum is `parts`.

    What is flat stays exactly what it is; phases mirror each other.

    Args:
        scale: the factor.
        parts: what stands for 1.
    """
    made = np.zeros((scale, 2 * HALO + 1), np.int64)
    for phase in range((scale + 1) // 2):
        bicubic = cubic((phase + 0.5) / scale - 0.5 - np.arange(-2.0, 3.0))
        made[phase] = np.rint(np.convolve(sharpening(scale), bicubic / bicubic.sum()) * parts)
        made[phase, made[phase].argmax()] += parts - made[phase].sum()
        made[scale - 1 - phase] = made[phase, ::-1]
    return made


@lru_cache(maxsize=16)
def _matrices(scale: int, fixed: _Fixed, top: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """What makes `BLOCK`·scale samples of `BLOCK` + 2·`HALO`, (large, small), for the first axis and for the second.

    The first leaves steps of levels, the second makes levels of them.
    """
    per_phase = weights(scale, fixed.parts)
    reach = np.abs(per_phase).sum(axis=1).max() / fixed.parts
    most = (top * fixed.steps * reach + 1) * reach * fixed.parts
    if most >= 2.0**fixed.bits:
        raise AssertionError(f"sums of up to {most:.0f} are not exact in {np.dtype(fixed.dtype)}")
    matrix = np.zeros((BLOCK * scale, BLOCK + 2 * HALO), fixed.dtype)
    for place in range(BLOCK):
        matrix[place * scale : (place + 1) * scale, place : place + 2 * HALO + 1] = per_phase
    matrix /= fixed.parts
    return matrix, matrix / fixed.dtype(fixed.steps)


class LargeColour:
    """Two planes of colour, enlarged some rows at a time.

    Args:
        differences: (2, h + 8, w + 8), what red and blue are above green in −1–1; what is beyond is cut off.
        scale: the factor, at least 1.
        top: what 1 becomes: 255, 65,535 or 1.

    Attributes:
        height: rows of the result.
    """

    def __init__(self, differences: Planes, scale: int, top: float) -> None:
        self._fixed = _EIGHT if top == _LEVELS else _FINER[top]
        self._scale = scale
        self._down, across = _matrices(scale, self._fixed, top)
        self._across = np.ascontiguousarray(across.T)
        height, width = differences.shape[1] - 2 * HALO, differences.shape[2] - 2 * HALO
        self.height = height * scale
        self._blocks = -(-width // BLOCK)
        # BLAS shares larger products among threads that wait for one another without sleeping.
        chunk = max(_COLUMNS, ALONE // self._down.size // _COLUMNS * _COLUMNS)
        wide = self._blocks * BLOCK + 2 * HALO
        self._chunks = -(-wide // chunk)
        self._chunk = -(-wide // self._chunks // _COLUMNS) * _COLUMNS
        rows = -(-height // BLOCK) * BLOCK + 2 * HALO
        self._small = self._array("small", 2, rows, self._chunks * self._chunk)
        down, right = height + 2 * HALO, width + 2 * HALO
        self._small[:, down:] = 0  # what was there before need not be a number, and 0 times that is none
        self._small[:, :down, right:] = 0
        steps, most = self._small[:, :down, :right], self._fixed.dtype(top * self._fixed.steps)
        np.multiply(differences, most, out=steps, casting="same_kind")
        np.clip(steps, -most, most, out=steps)
        np.rint(steps, out=steps)

    def _array(self, name: str, *shape: int) -> NDArray[Any]:
        return _MEMORY.array(name, shape, self._fixed.dtype)

    def bands(self, rows: int) -> Iterator[tuple[int, Planes]]:
        """All rows, from the top.

        Args:
            rows: about so many at a time.

        Yields:
            The first row's number, and (2, rows, columns) of −top–top, not clipped, with columns and perhaps rows that
            mean nothing at the end: memory that the caller may use up, and which the next ones take over.
        """
        large = BLOCK * self._scale
        count = max(1, rows // large)
        total = (self._small.shape[1] - 2 * HALO) // BLOCK
        for first in range(0, total, count):
            blocks = min(count, total - first)
            yield first * large, self._enlarged(first * BLOCK, blocks)

    def _enlarged(self, start: int, blocks: int) -> Planes:
        """`blocks` blocks of rows from row `start` of what is small."""
        ins, outs = BLOCK + 2 * HALO, BLOCK * self._scale
        chunks, chunk = self._chunks, self._chunk
        small = self._small[:, start:]
        plane, row, item = small.strides
        tall = self._array("tall", 2, blocks * outs, chunks * chunk)
        np.matmul(
            self._down,
            as_strided(small, (2, blocks, chunks, ins, chunk), (plane, BLOCK * row, chunk * item, row, item)),
            out=as_strided(
                tall, (2, blocks, chunks, outs, chunk), (tall.strides[0], outs * row, chunk * item, row, item)
            ),
        )
        np.rint(tall, out=tall)
        big = self._array("big", 2, blocks * outs, self._blocks * outs)
        wide = big.strides[1]
        np.matmul(
            as_strided(
                tall, (2, blocks, self._blocks, outs, ins), (tall.strides[0], outs * row, BLOCK * item, row, item)
            ),
            self._across,
            out=as_strided(
                big, (2, blocks, self._blocks, outs, outs), (big.strides[0], outs * wide, outs * item, wide, item)
            ),
        )
        if big.dtype == np.float32:
            return big
        made: Planes = _MEMORY.array("rounded", big.shape)
        np.copyto(made, big, casting="same_kind")
        return made
