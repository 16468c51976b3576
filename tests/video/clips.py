"""Frames made by arithmetic: no files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.video.planes import Matrix, Planes, Siting


def frame(
    width: int = 64,
    height: int = 48,
    at: int = 0,
    *,
    bits: int = 8,
    sub: tuple[int, int] | None = (2, 2),
    full_range: bool = False,
    siting: Siting = "left",
    matrix: Matrix = "bt601",
) -> Planes:
    """Soft waves, noise, a flat corner; `at` moves them. `sub`: None for grey."""
    noise = np.random.default_rng(at)
    rows, columns = np.mgrid[0:height, 0:width]
    luma = 127 + 50 * np.sin((columns + at) / 7) + 40 * np.cos(rows / 5) + noise.normal(0, 5, (height, width))
    luma[: height // 3, : width // 2] = 180
    fine = 1 << (bits - 8)

    def samples(plane: NDArray[Any]) -> NDArray[Any]:
        return np.round(plane * fine).clip(0, 256 * fine - 1).astype(np.uint8 if bits == 8 else np.uint16)

    chroma: list[NDArray[Any] | None] = [None, None]
    if sub is not None:
        rows, columns = rows[:: sub[0], :: sub[1]], columns[:: sub[0], :: sub[1]]
        chroma = [samples(128 + 40 * np.sin((columns + at) / 15)), samples(128 + 30 * np.cos(rows / 11))]
    return Planes(samples(luma), *chroma, bits, full_range, matrix, siting)


def changed(planes: Planes, rows: slice, columns: slice) -> Planes:
    """The same frame, other luma in a part of it."""
    luma = planes.y.copy()
    luma[rows, columns] ^= 5
    return planes.with_planes(luma, planes.u, planes.v)


def same(one: Planes, other: Planes) -> bool:
    """Equal in every sample."""
    pairs = ((one.y, other.y), (one.u, other.u), (one.v, other.v))
    return all((a is None and b is None) or (a is not None and np.array_equal(a, b)) for a, b in pairs)
