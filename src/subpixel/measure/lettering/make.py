"""Draws `glyphs.npz` from the font that Pillow carries (Aileron, CC0): `python -m subpixel.measure.lettering.make`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from subpixel.measure.lettering import CHARACTERS, SIZES, STORE

_OVERSIZE: Final = 8  # drawn larger and reduced: no hinting, even weight
_HEIGHT: Final = 1.3  # of a cell, in sizes
_BASELINE: Final = 1.0  # from the top of a cell, in sizes
_BOLDER: Final = 0.012  # stroke added round every glyph, in sizes: the regular weight is thin on dark ground


def draw(size: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """One size of type: strip and bounds, as `Glyphs` holds them."""
    font = ImageFont.load_default(size * _OVERSIZE)
    cells = [_cell(letter, size, font) for letter in CHARACTERS]
    bounds = np.cumsum([0, *(cell.shape[1] for cell in cells)]).astype(np.int64)
    return np.concatenate(cells, axis=1), bounds


def _cell(letter: str, size: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> NDArray[np.uint8]:
    """One glyph in a cell as wide as its advance, rounded to whole pixels."""
    large = size * _OVERSIZE
    stand_in = {"×": "+", "–": "-"}.get(
        letter, letter
    )  # Pillow's cut of the font lacks these two: they are drawn below
    spread = 1.5 if letter == "–" else 1.0
    advance = max(1, round(font.getlength(stand_in) * spread / _OVERSIZE))
    image = Image.new("L", (advance * _OVERSIZE, round(_HEIGHT * size) * _OVERSIZE))
    pen = ImageDraw.Draw(image)
    middle, axis = image.width / 2, (_BASELINE - 0.30) * large
    stroke = round(0.085 * large)
    if letter == "×":
        reach = 0.17 * large
        for slope in (-1, 1):
            ends = ((middle - reach, axis + slope * reach), (middle + reach, axis - slope * reach))
            pen.line(ends, fill=255, width=stroke)
    elif letter == "–":
        reach = 0.42 * image.width
        pen.line(((middle - reach, axis), (middle + reach, axis)), fill=255, width=stroke)
    else:
        bold = round(_BOLDER * large)
        pen.text((middle, _BASELINE * large), letter, font=font, fill=255, anchor="ms", stroke_width=bold)
    reduced = image.resize((advance, image.height // _OVERSIZE), Image.Resampling.BOX)
    return np.asarray(reduced, dtype=np.uint8)


def main(target: Path = STORE) -> None:
    """Draw every size and write the file."""
    arrays: dict[str, NDArray[np.uint8] | NDArray[np.int64]] = {}
    for size in SIZES:
        arrays[f"strip{size}"], arrays[f"bounds{size}"] = draw(size)
    np.savez_compressed(target, **arrays)  # type: ignore[arg-type]  # numpy's stub names one keyword of the function


if __name__ == "__main__":
    main()
