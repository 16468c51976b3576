"""Draws the picture that the README opens with: `python docs/make_before_after.py`.

The same crop of examples/scene.png, four times larger, by bicubic and by the default model, through the same path as
any picture. Nothing is sharpened or chosen afterwards.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import subpixel
from subpixel.measure import lettering

ROOT = Path(__file__).parent.parent
SCENE = ROOT / "examples" / "scene.png"
TARGET = ROOT / "docs" / "images" / "before-after.png"
SCALE = 4
CROP = (14, 64, 116, 154)  # left, top, right, bottom in pixels of the scene
GAP = 12  # between the panels, in pixels of the sheet
BAR = 40  # height of the line of words
INK = (48, 52, 56)


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--crop", type=int, nargs=4, default=CROP, metavar=("LEFT", "TOP", "RIGHT", "BOTTOM"))
    parser.add_argument("--output", type=Path, default=TARGET)
    options = parser.parse_args()
    before = panel(tuple(options.crop), f"before: bicubic, ×{SCALE}", model="bicubic")
    after = panel(tuple(options.crop), f"after: subpixel, ×{SCALE}", model=None)
    gap = np.full((before.shape[0], GAP, 3), 255, np.uint8)
    sheet = np.concatenate((before, gap, after), axis=1)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    subpixel.write(subpixel.Picture(sheet[None]), options.output, overwrite=True)
    print(f"{options.output}  {sheet.shape[1]}×{sheet.shape[0]}")


def panel(crop: tuple[int, ...], words: str, *, model: str | None) -> NDArray[np.uint8]:
    """The crop of the enlarged scene with a line of words below it: (H, W, 3)."""
    large = subpixel.upscale(SCENE, scale=SCALE, model=model).pixels[0]
    left, top, right, bottom = (side * SCALE for side in crop)
    mask = lettering.line(words, 24)[..., None] / 255
    bar = np.full((BAR, right - left, 3), 255, np.uint8)
    start = BAR - mask.shape[0]
    bar[start:, : mask.shape[1]] = np.rint(255 + mask * (np.array(INK) - 255)).astype(np.uint8)
    return np.concatenate((large[top:bottom, left:right], bar))


if __name__ == "__main__":
    main()
