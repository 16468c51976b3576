"""The contact sheet shows crops beside what becomes of them, and names every value that was drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from drawn import draw, save
from typer.testing import CliRunner

from subpixel.measure.sheet import MARGIN
from subpixel_train.cli_data import data
from subpixel_train.data import DataSettings, read_rgb, training_photographs
from subpixel_train.data import preview as sheets
from subpixel_train.data.pixels import squashed

SETTINGS = DataSettings.model_validate(
    {
        "folders": ["photos"],
        "crop": 24,
        "held_out": 0,
        "degrade": [{"kind": "blur"}, {"kind": "resize"}, {"kind": "noise"}, {"kind": "jpeg"}],
    }
)


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every line that is written on a sheet."""
    lines: list[str] = []
    write = sheets._write

    def noted(*given: object) -> None:
        lines.append(str(given[3]))
        write(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(sheets, "_write", noted)
    return lines


def test_a_sheet_has_a_row_for_each_photograph_with_what_was_drawn(photos: Path, said: list[str]) -> None:
    train, _ = training_photographs(photos, SETTINGS)
    sheet = sheets.preview(train, SETTINGS, 2, title="mine", count=3)
    assert sheet.dtype == np.uint8 and sheet.shape[2] == 3
    assert said[:2] == ["mine", "blur, resize, noise, jpeg; ×2, from 24×24 to 48×48 pixels"]
    assert [line for line in said if line.startswith("crop, ")] == ["crop, 0.png", "crop, 2.png", "crop, 4.png"]
    assert sum(line.startswith("blur ") for line in said[2:]) == 3 * sheets.DRAWS
    assert sum(line.startswith("JPEG ") for line in said) == 3 * sheets.DRAWS
    again = sheets.preview(train, SETTINGS, 2, title="mine", count=3)
    np.testing.assert_array_equal(sheet, again)
    assert not np.array_equal(sheet, sheets.preview(train, SETTINGS, 2, title="mine", count=3, seed=1))


def test_what_varies_is_named(photos: Path, said: list[str]) -> None:
    varied = {"folders": ["photos"], "crop": 24, "held_out": 0, "vary": {"kept": 0, "tone": 1, "colours": 0}}
    settings = DataSettings.model_validate(varied)
    train, _ = training_photographs(photos, settings)
    sheets.preview(train, settings, 2, title="mine", count=2)
    assert said[1] == "varied; ×2, from 24×24 to 48×48 pixels"
    for start in ("size ", "gamma "):
        assert sum(line.startswith(start) for line in said) == 2 * sheets.DRAWS, start


def test_the_first_panel_is_a_piece_of_the_photograph(photos: Path) -> None:
    train, _ = training_photographs(photos, SETTINGS)
    sheet = sheets.preview(train, SETTINGS, 2, title="mine", count=1)
    top = MARGIN + 72
    panel = sheet[top : top + 240 : 5, MARGIN : MARGIN + 240 : 5]  # 48 pixels, 5 times as large
    whole = train[0].read()
    found = any(
        np.array_equal(whole[y : y + 48, x : x + 48], panel)
        for y in range(0, whole.shape[0] - 47, 2)
        for x in range(0, whole.shape[1] - 47, 2)
    )
    assert found


def test_every_degradation_on_its_own(photos: Path, said: list[str]) -> None:
    train, _ = training_photographs(photos, SETTINGS)
    sheets.preview(train, SETTINGS, 2, title="mine", each=True)
    assert [line.split(",")[0] for line in said if line.endswith(".png")] == ["blur", "resize", "noise", "jpeg"]
    said.clear()
    clean = SETTINGS.model_copy(update={"degrade": []})
    sheets.preview(train, clean, 4, title="mine", each=True)
    kinds = [line.split(",")[0] for line in said if line.endswith(".png")]
    assert kinds == [step.kind for step in sheets.ALL_KINDS] and set(kinds) == {
        "blur",
        "resize",
        "noise",
        "jpeg",
        "webp",
    }


def test_clean_recipes_show_the_reduction(photos: Path, said: list[str]) -> None:
    clean = SETTINGS.model_copy(update={"degrade": [], "mode": "centre"})
    train, _ = training_photographs(photos, clean)
    sheets.preview(train, clean, 2, title="mine", count=1)
    assert "bicubic" in said and said[1].startswith("clean; ×2, from 12×12")


def test_whole_squares_are_shown_whole(photos: Path, said: list[str]) -> None:
    squares = SETTINGS.model_copy(update={"degrade": [], "mode": "square", "crop": 60})
    train, _ = training_photographs(photos, squares)
    sheet = sheets.preview(train, squares, 4, title="mine", count=1)
    top = MARGIN + 72
    np.testing.assert_array_equal(sheet[top : top + 240, MARGIN : MARGIN + 240], squashed(train[0].read(), 240))
    assert said[1] == "clean; ×4, from 60×60 to 240×240 pixels"


def test_given_pairs_show_what_was_given(tmp_path: Path, said: list[str]) -> None:
    for index in range(2):
        save(tmp_path / "small" / f"{index}.png", draw(30, 30, index))
        save(tmp_path / "large" / f"{index}.png", draw(60, 60, index))
    pairs = DataSettings.model_validate({"pairs": [{"small": "small", "large": "large"}], "held_out": 0, "crop": 16})
    sheets.preview(training_photographs(tmp_path, pairs)[0], pairs, 2, title="mine")
    assert said.count("given") == 2


def test_the_command_writes_a_png(photos: Path, recipe_file: Path, tmp_path: Path) -> None:
    target = tmp_path / "sheet.png"
    call = ["preview", str(recipe_file), "--data", str(photos), "-o", str(target), "--pictures", "2"]
    result = CliRunner().invoke(data, [*call, "--set", "data.degrade=[{kind: webp}]"], catch_exceptions=False)
    assert result.exit_code == 0 and result.stdout.strip().endswith("pixels")
    first = read_rgb(target)
    assert first.shape[0] > 500 and first.shape[1] > 1000
    assert CliRunner().invoke(data, [*call, "--each"], catch_exceptions=False).exit_code == 0
    assert read_rgb(target).shape[0] > 2 * first.shape[0]
