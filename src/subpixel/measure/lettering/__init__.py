"""Text on sheets, drawn from glyphs that ship with the package: the same on every computer, fonts installed or not.

`glyphs.npz` holds, for each size, a strip of antialiased glyphs side by side, each as wide as its advance, so that
setting a line is putting cells next to each other. `make.py` drew it from Aileron (Sora Sagano, CC0).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import SettingError

SIZES: Final = (13, 16, 24)
"""Sizes of type in pixels."""
CHARACTERS: Final = "".join(map(chr, range(32, 127))) + "×–·°…"
"""What can be set; other letters lose their accents, other signs become a question mark."""
STORE: Final = Path(__file__).with_name("glyphs.npz")
"""The drawn glyphs."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One size of type.

    Attributes:
        strip: (height, width), 0–255, all glyphs side by side.
        bounds: left edge of every glyph in the strip, and the right edge of the last.
    """

    strip: NDArray[np.uint8]
    bounds: NDArray[np.int64]


@cache
def glyphs(size: int) -> Glyphs:
    """The glyphs of one size.

    Raises:
        SettingError: a size that was not drawn.
    """
    if size not in SIZES:
        raise SettingError(f"no type of {size} pixels", f"sizes are {', '.join(map(str, SIZES))}")
    with np.load(STORE, allow_pickle=False) as stored:
        return Glyphs(stored[f"strip{size}"], stored[f"bounds{size}"])


def plain(text: str) -> str:
    """The nearest text that can be set: accents dropped, unknown signs replaced by question marks."""
    out = []
    for letter in text:
        bare = letter if letter in CHARACTERS else unicodedata.normalize("NFKD", letter)[:1]
        out.append(bare if bare in CHARACTERS else "?")
    return "".join(out)


def width(text: str, size: int) -> int:
    """Width of a line in pixels."""
    bounds = glyphs(size).bounds
    return int(sum(bounds[CHARACTERS.index(c) + 1] - bounds[CHARACTERS.index(c)] for c in plain(text)))


def line(text: str, size: int) -> NDArray[np.uint8]:
    """A line of text as a mask: (height, width), 0 where there is nothing, 255 inside a stroke."""
    drawn = glyphs(size)
    cells = []
    for letter in plain(text):
        index = CHARACTERS.index(letter)
        cells.append(drawn.strip[:, drawn.bounds[index] : drawn.bounds[index + 1]])
    return np.concatenate(cells, axis=1) if cells else np.zeros((drawn.strip.shape[0], 0), np.uint8)


def fit(text: str, size: int, room: int) -> str:
    """`text`, shortened with an ellipsis in its middle where it is wider than `room` pixels."""
    if width(text, size) <= room:
        return text
    for kept in range(len(text) - 1, 0, -1):
        head = (kept + 1) // 2
        shorter = f"{text[:head].rstrip()}…{text[len(text) - (kept - head) :].lstrip()}"
        if width(shorter, size) <= room:
            return shorter
    return "…" if width("…", size) <= room else ""
