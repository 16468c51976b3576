"""Type on sheets."""

from __future__ import annotations

import numpy as np
import pytest

from subpixel.errors import SettingError
from subpixel.measure import lettering
from subpixel.measure.lettering import make


@pytest.mark.parametrize("size", lettering.SIZES)
def test_every_character_is_drawn_and_differs(size: int) -> None:
    drawn = [lettering.line(letter, size) for letter in lettering.CHARACTERS]
    assert all(mask.shape[1] > 0 for mask in drawn)
    assert all(mask.max() > 100 for mask, letter in zip(drawn, lettering.CHARACTERS, strict=True) if letter != " ")
    assert drawn[0].max() == 0
    assert len({(mask.shape, mask.tobytes()) for mask in drawn}) == len(drawn)


def test_line_is_as_wide_as_said() -> None:
    text = "espcn-x3 · 0.21 s – 960×639"
    assert lettering.line(text, 16).shape[1] == lettering.width(text, 16)
    assert lettering.line("", 16).shape[1] == 0


def test_other_letters_become_plain() -> None:
    assert lettering.plain("Café Ωmega ×2") == "Cafe ?mega ×2"


def test_long_lines_lose_their_middle() -> None:
    name = "IMG_20240601_a_rather_long_name_of_a_picture.jpeg"
    short = lettering.fit(name, 16, 160)
    assert short.startswith("IMG_")
    assert short.endswith(".jpeg")
    assert "…" in short
    assert lettering.width(short, 16) <= 160
    assert lettering.fit(name, 16, 1000) == name
    assert lettering.fit(name, 16, 2) == ""


def test_only_drawn_sizes() -> None:
    with pytest.raises(SettingError, match="no type of 99"):
        lettering.glyphs(99)


def test_stored_glyphs_are_those_that_the_script_draws() -> None:
    """Up to what another release of FreeType rounds differently."""
    for size in lettering.SIZES:
        strip, bounds = make.draw(size)
        stored = lettering.glyphs(size)
        assert np.array_equal(bounds, stored.bounds)
        assert np.abs(strip.astype(int) - stored.strip).mean() < 2
