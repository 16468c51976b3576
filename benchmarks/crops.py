"""Sheets of crops: a squeezed picture enlarged bicubically, by a clean model and by the one that restores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from squeezing import jpeg

import subpixel
from subpixel import zoo
from subpixel.errors import SettingError
from subpixel.measure import lettering, read_pixels

ROOT = Path(__file__).parents[1]
SCENE, IMAGES = ROOT / "examples" / "scene.png", ROOT / "docs" / "images"
QUALITIES: Final = (30, 50)
SCALE: Final = 4
CROPS: Final = {"flat": (100, 6, 180, 51), "letters": (28, 84, 108, 129), "edges": (190, 78, 270, 123)}
"""Left, top, right, bottom in pixels of the scene."""
GAP, BAR = 10, 30
INK = (48, 52, 56)
Rgb = NDArray[np.uint8]


def draw(family: str, folder: Path = IMAGES) -> Iterator[Path]:
    """One sheet for each quality: a row for each crop, a column for each way to enlarge; yields their paths.

    Raises:
        SettingError: the family has no model that restores.
    """
    names = ("bicubic-x4", f"{family}-x{SCALE}", f"{family}-restore-x{SCALE}")
    missing = [name for name in names if name not in zoo.model_names()]
    if missing:
        raise SettingError(f"there is no model {missing[0]} yet", "give another --family")
    scene = np.ascontiguousarray(read_pixels(SCENE)[..., :3])
    for quality in QUALITIES:
        file = jpeg(scene, quality)
        larges = [subpixel.upscale(file, scale=SCALE, model=name).pixels[0] for name in names]
        columns = [
            _column(large.astype(np.uint8, copy=False), name.removesuffix(f"-x{SCALE}"))
            for large, name in zip(larges, names, strict=True)
        ]
        gap = np.full((columns[0].shape[0], GAP, 3), 255, np.uint8)
        sheet = np.concatenate([part for column in columns for part in (column, gap)][:-1], axis=1)
        target = folder / f"squeezed-{quality}.png"
        subpixel.write(subpixel.Picture(np.ascontiguousarray(sheet)[None]), target, overwrite=True)
        yield target


def _column(large: Rgb, words: str) -> Rgb:
    """The crops of one result under its name."""
    parts = [_bar(words, (next(iter(CROPS.values()))[2] - next(iter(CROPS.values()))[0]) * SCALE)]
    for left, top, right, bottom in CROPS.values():
        parts.append(large[top * SCALE : bottom * SCALE, left * SCALE : right * SCALE])
        parts.append(np.full((GAP, (right - left) * SCALE, 3), 255, np.uint8))
    return np.concatenate(parts[:-1])


def _bar(words: str, width: int) -> Rgb:
    bar = np.full((BAR, width, 3), 255, np.uint8)
    mask = lettering.line(words, 16)[..., None] / 255
    top = (BAR - mask.shape[0]) // 2
    bar[top : top + mask.shape[0], : mask.shape[1]] = np.rint(255 + mask * (np.array(INK) - 255)).astype(np.uint8)
    return bar
