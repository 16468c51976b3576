"""Pictures cut in several ways, for the tests of exactness."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest

from subpixel import zoo
from subpixel.engines import has_bf16, has_vnni
from subpixel.plan import Target
from subpixel.types import Picture, Precision
from subpixel.upscaler import Upscaler

FLOATS: tuple[Precision, ...] = ("fp32", "bf16") if has_bf16() else ("fp32",)
PRECISIONS: tuple[Precision, ...] = (*FLOATS, "int8") if has_vnni() else FLOATS
WHOLE = 8192
LIGHT, HEAVY = 100e6, 5e9
"""Multiply-adds of the smallest tile with its halo: up to the first all sizes are tried, from the second on one alone;
`python -m tests.exactness.run` tries them all."""


def picture(height: int, width: int, channels: int = 3, dtype: type = np.uint8, seed: int = 1) -> Picture:
    """Texture, edges and flat areas, so that a seam would show."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / (3 + c)) * np.cos(y / (5 - c)) for c in range(channels)], axis=2)
    mixed = 0.5 + 0.3 * waves + 0.2 * rng.standard_normal((height, width, channels))
    mixed[height // 3 : height // 2, width // 4 : width // 2] = 0.9
    top = np.iinfo(dtype).max
    return Picture((np.clip(mixed, 0, 1) * top).round().astype(dtype)[None])


@lru_cache(maxsize=4)
def upscaler(model: str | Path, threads: int, precision: Precision = "fp32") -> Upscaler:
    """One that keeps its networks from test to test; the side of tiles is set before each use."""
    return Upscaler(model, threads=threads, precision=precision)


def check(model: str | Path, precision: Precision) -> None:
    """Every result of a model, alone and all in one run, on odd sizes down to 1×1, in several cuts."""
    card = zoo.card(model)
    if precision == "int8" and not card.int8:
        pytest.skip("has no int8")
    if precision == "bf16" and not card.bf16:
        assert Upscaler(model).precision_for(8) == "fp32"
        pytest.skip("computed in fp32")
    cost = card.work * (2 * card.halo + 16) ** 2
    cuts: tuple[tuple[int, int], ...] = ((16, 1), (23, 2), (64, 3))
    sizes: tuple[tuple[int, int], ...] = ((1, 1), (1, 37), (2, 3), (53, 97), (120, 75))
    if cost > LIGHT or card.mends:
        cuts, sizes = ((23, 2),), ((1, 37), (29, 45))
    if cost > HEAVY:
        cuts, sizes = ((17, 2),), ((17, 33),)
    for height, width in sizes:
        source = picture(height, width)
        for asked in {card.scales, *((scale,) for scale in card.scales)}:
            targets = [Target(scale) for scale in asked]
            piece = upscaler(model, 1, precision)
            piece.tile = WHOLE
            wholes = piece.pictures(source, targets)
            assert [whole.picture.size for whole in wholes] == [source.size.times(scale) for scale in asked]
            for tile, threads in cuts:
                cut = upscaler(model, threads, precision)
                cut.tile = tile
                for tiled, whole in zip(cut.pictures(source, targets), wholes, strict=True):
                    np.testing.assert_array_equal(
                        tiled.picture.pixels, whole.picture.pixels, err_msg=f"{height}×{width}, tile {tile}"
                    )
