"""Comparison sheets: the crop, the methods, the layout, the command."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from PIL import Image
from typer.testing import CliRunner

from subpixel import zoo
from subpixel.cli.compare import compare as command
from subpixel.errors import OutputExists, PictureMissing, PictureUnsupported, SettingError
from subpixel.measure import bicubic, nearest, psnr, reduce
from subpixel.measure.comparison import Box, Comparison, Shown, busiest, compare, fitting_models, flatten, parse_box
from subpixel.measure.faithful import GAIN, returned
from subpixel.measure.sheet import ACCENT, BRIGHT, CAPTION, GROUND, MARGIN, draw_sheet, duration, lay_out
from subpixel.types import Picture, Size

APP = typer.Typer()
APP.command()(command)


def waves(height: int, width: int) -> NDArray[np.uint8]:
    y, x = np.mgrid[:height, :width]
    return np.stack([128 + 70 * np.sin(x / 3 + k) * np.cos(y / 4 - k) for k in range(3)], axis=-1).astype(np.uint8)


def picture(pixels: NDArray[np.uint8]) -> Picture:
    return Picture(np.ascontiguousarray(pixels[None]))


def test_the_busiest_part_is_the_structured_one() -> None:
    pixels = np.full((90, 120, 3), 100, np.uint8)
    pixels[:30, :40] = np.random.default_rng(0).integers(60, 140, (30, 40, 1))  # noise
    pixels[50:80, 70:110:4] = 230  # lines
    box = busiest(pixels, Size(40, 30))
    assert (box.width, box.height) == (40, 30)
    assert abs(box.x - 70) <= 4
    assert abs(box.y - 50) <= 4


def test_the_search_does_not_depend_on_its_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (70, 50, 3), dtype=np.uint8)
    expected = busiest(pixels, Size(9, 8))
    for rows in (1, 7, 64):
        monkeypatch.setattr("subpixel.measure.comparison._BAND", rows)
        assert busiest(pixels, Size(9, 8)) == expected


def test_the_busiest_part_of_a_flat_or_tiny_picture() -> None:
    assert busiest(np.zeros((20, 30, 3), np.uint8), Size(10, 10)) == Box(0, 0, 10, 10)
    assert busiest(np.zeros((1, 1, 3), np.uint8), Size(1, 1)) == Box(0, 0, 1, 1)


def test_crops_are_cut_from_the_whole_result() -> None:
    small = waves(30, 40)
    made = compare(picture(small), 3, crop=Box(5, 4, 20, 12), models=["bicubic-x3"])
    assert [shown.name for shown in made.shown] == ["nearest", "bicubic", "bicubic-x3"]
    inside = np.s_[12:48, 15:75]
    assert np.array_equal(made.shown[0].crop, nearest(3)(small)[inside])
    assert np.array_equal(made.shown[1].crop, bicubic(3)(small)[inside])
    assert np.abs(made.shown[2].crop.astype(int) - made.shown[1].crop).max() <= 2
    assert (made.before, made.after) == (Size(40, 30), Size(120, 90))
    assert made.area == Box(0, 0, 40, 30)
    assert all(shown.seconds is not None and shown.seconds > 0 and shown.psnr is None for shown in made.shown)


@pytest.mark.parametrize(
    ("scale", "name"), [(1.5, "bicubic-x2, resampled"), (2.7, "bicubic-x3, resampled"), (6, "bicubic-x2, bicubic-x3")]
)
def test_factors_that_no_model_has(scale: float, name: str) -> None:
    made = compare(picture(waves(33, 47)), scale, models=["bicubic"])
    assert len({shown.crop.shape for shown in made.shown}) == 1
    assert made.shown[2].name == name
    difference = made.shown[2].crop.astype(int) - made.shown[1].crop
    assert np.abs(difference).mean() < 4


def test_reference_adds_scores_and_itself() -> None:
    large = waves(91, 122)
    made = compare(picture(reduce(large, 3)), 3, crop=Box(0, 0, 30, 30), models=["bicubic-x3"], reference=large)
    assert made.shown[1].psnr == psnr(large[:90, :120], bicubic(3)(reduce(large, 3)), border=3)
    assert made.shown[-1].name == "reference"
    assert np.array_equal(made.shown[-1].crop, large[:90, :90])
    with pytest.raises(PictureUnsupported, match="the reference is 122×91, the result 80×60"):
        compare(picture(reduce(large, 3)), 2, models=["bicubic-x2"], reference=large)


def test_large_pictures_are_compared_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subpixel.measure.comparison.AREA_LIMIT", 120 * 120)
    small = waves(90, 100)
    made = compare(picture(small), 2, crop=Box(70, 5, 20, 20), models=["bicubic-x2"])
    assert made.area == Box(40, 0, 60, 60)
    assert np.array_equal(made.shown[0].crop, nearest(2)(small[5:25, 70:90]))


def test_transparent_and_deep_pictures_are_flattened() -> None:
    deep = np.full((1, 9, 9, 2), 65535, np.uint16)
    deep[0, :, :, 0] = 257 * 40
    deep[0, 4, 4, 1] = 0
    flat = flatten(Picture(deep))
    assert flat.shape == (9, 9, 3)
    assert (flat[0, 0] == 40).all()
    assert (flat[4, 4] == 236).all()


def test_alpha_goes_through_every_method_and_hidden_colour_never_shows() -> None:
    pixels = np.zeros((1, 24, 24, 4), np.uint8)
    pixels[..., :3] = (255, 0, 255)
    pixels[:, 6:18, 6:18] = (30, 60, 90, 255)
    made = compare(Picture(pixels), 2, crop=Box(0, 0, 24, 24), models=["bicubic-x2"])
    for shown in made.shown:
        assert (shown.crop[16:32, 16:32] == (30, 60, 90)).all()
        assert set(np.unique(shown.crop[:4])) == {214, 236}
        assert shown.crop[..., 0].astype(int).max() - 236 <= 2
        assert (shown.crop[..., 1] >= shown.crop[..., 0].astype(int) - 3).all()  # no magenta anywhere
    with pytest.raises(PictureUnsupported, match="transparent parts cannot be scored"):
        compare(Picture(pixels), 2, models=["bicubic-x2"], reference=waves(48, 48))


def test_grey_pictures_are_scored_as_grey() -> None:
    large = waves(60, 60)[..., :1]
    small = reduce(large, 2)
    made = compare(picture(small), 2, crop=Box(0, 0, 30, 30), models=["bicubic-x2"], reference=large)
    assert made.shown[1].psnr == psnr(large, bicubic(2)(small), border=2)
    assert made.shown[1].crop.shape == (60, 60, 3)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_fitting_models_are_one_per_family(scale: int) -> None:
    names = fitting_models(scale)
    families = [zoo.card(name).family if name in zoo.model_names() else name for name in names]
    assert sorted(families) == sorted(set(zoo.families()) - {"bicubic"})
    for name in set(names) & set(zoo.model_names()):
        card = zoo.card(name)
        assert scale in card.scales or card.name == card.family, "another factor takes the family and several passes"
    assert f"espcn-x{scale}" in names


@pytest.mark.parametrize("text", ["1,2,3", "1,2,3,x", "1,2,3,-4", ""])
def test_malformed_crops(text: str) -> None:
    with pytest.raises(SettingError, match="x,y,width,height"):
        parse_box(text)


def test_impossible_requests() -> None:
    with pytest.raises(SettingError, match="does not lie inside the picture of 40×30"):
        compare(picture(waves(30, 40)), 2, crop=Box(30, 0, 20, 10))
    for scale in (0, 1, 17, float("nan")):
        with pytest.raises(SettingError, match="scale is"):
            compare(picture(waves(30, 40)), scale)


def made_up(count: int, crop: tuple[int, int], *, name: str = "method") -> Comparison:
    shown = tuple(
        Shown(f"{name}-{k}", np.full((*crop, 3), 90, np.uint8), 0.1 * k + 0.01, 30.0 + k) for k in range(count)
    )
    box = Box(2, 3, 10, 10)
    return Comparison(Size(60, 40), Size(240, 160), 4, box, Box(0, 0, 60, 40), waves(40, 60), shown, "openvino fp32")


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 6, 9])
@pytest.mark.parametrize("crop", [(40, 40), (336, 336), (900, 1400), (30, 400)])
def test_nothing_overlaps_and_all_lies_inside(count: int, crop: tuple[int, int]) -> None:
    layout = lay_out(made_up(count, crop))
    boxes = [layout.overview, *layout.panels]
    for a, b in combinations(boxes, 2):
        apart = a.x + a.width <= b.x or b.x + b.width <= a.x or a.y + a.height <= b.y or b.y + b.height <= a.y
        assert apart
    for box in boxes:
        assert box.x >= MARGIN
        assert box.y >= MARGIN
        assert box.x + box.width <= layout.size.width - MARGIN
        assert box.y + box.height <= layout.size.height - MARGIN
    assert layout.crop.width >= 224


@pytest.mark.parametrize("models", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("crop", [(40, 40), (336, 336), (200, 500)])
def test_a_map_stands_beside_its_result(models: int, crop: tuple[int, int]) -> None:
    made = made_up(2 + 2 * models, crop)
    shown = tuple(replace(one, of="a model" if k > 2 and k % 2 else "") for k, one in enumerate(made.shown))
    panels = lay_out(replace(made, shown=shown)).panels
    for k in range(3, len(panels), 2):
        assert panels[k].y == panels[k - 1].y


def test_captions_stay_inside_their_panels() -> None:
    made = made_up(3, (240, 240), name="a model with a name that is much too long for its panel")
    sheet = draw_sheet(made, title="a title that is far too long for one line " * 5)
    layout = lay_out(made)
    assert sheet.shape == (layout.size.height, layout.size.width, 3)
    outside = np.ones(sheet.shape[:2], bool)
    for box in layout.panels:
        outside[box.y : box.y + box.height, box.x : box.x + box.width] = False
    outside[: layout.panels[0].y] = False
    assert (sheet[outside] == GROUND).all()
    assert (sheet[:, -MARGIN:] == GROUND).all()
    for box in layout.panels:
        caption = sheet[box.y + box.height - CAPTION : box.y + box.height, box.x : box.x + box.width]
        assert (caption == BRIGHT).all(axis=-1).any()
        assert np.array_equal(caption[:, -10:], np.broadcast_to(caption[0, -1], caption[:, -10:].shape))


def test_the_best_score_stands_out() -> None:
    made = made_up(3, (240, 240))
    sheet, layout = draw_sheet(made, title="t"), lay_out(made)
    marked = []
    for box in layout.panels:
        caption = sheet[box.y + box.height - CAPTION : box.y + box.height, box.x : box.x + box.width]
        marked.append(bool((caption == ACCENT).all(axis=-1).any()))
    assert marked == [False, False, True]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0001, "1 ms"), (0.031, "31 ms"), (0.214, "0.21 s"), (4.66, "4.7 s"), (83.2, "83 s")]
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def run(*words: str) -> str:
    result = CliRunner().invoke(APP, list(words))
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_writes_one_sheet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Image.fromarray(waves(30, 40)).save("small.png")
    line = run("small.png", "--scale", "2", "-m", "bicubic", "--crop", "4,6,20,16")
    sheet = Image.open("small-compare.png")
    assert f"{sheet.width}×{sheet.height}" in line
    assert "3 panels, crop 20×16 at 4,6" in line
    with pytest.raises(OutputExists):
        run("small.png", "--scale", "2", "-m", "bicubic")
    assert run("small.png", "--scale", "2", "-m", "bicubic", "--overwrite", "--quiet") == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small-compare.png", "small.png"]


def test_the_command_refuses_what_it_cannot_read(tmp_path: Path) -> None:
    with pytest.raises(PictureMissing):
        run(str(tmp_path / "none.png"), "-o", str(tmp_path / "sheet.png"))
    assert list(tmp_path.iterdir()) == []


def test_maps_show_what_was_added_and_every_result_says_how_it_returns() -> None:
    small = waves(30, 40)
    made = compare(picture(small), 2, crop=Box(0, 0, 30, 30), models=["espcn-x2", "bicubic-x2"], maps=True)
    assert [shown.of for shown in made.shown] == ["", "", "", "espcn-x2", "", "bicubic-x2"]
    apart = np.abs(made.shown[5].crop.astype(int) - 128)
    assert apart.mean() < GAIN, "bicubic adds next to nothing to bicubic: its colour comes back"
    difference = made.shown[2].crop.astype(int) - made.shown[1].crop
    np.testing.assert_array_equal(made.shown[3].crop, np.clip(128 + GAIN * difference, 0, 255))
    for shown in made.shown:
        assert (shown.returned is None) == bool(shown.of)
    sheet = draw_sheet(made, title="maps")
    assert sheet.shape[2] == 3


def test_the_ground_behind_transparent_parts_does_not_count() -> None:
    """Squares of the same size in the small and the large picture are no difference that a model made."""
    pixels = np.full((1, 40, 40, 4), 100, np.uint8)
    pixels[..., 3] = 255
    pixels[:, 10:, :, 3] = 0
    made = compare(Picture(pixels), 2, models=["bicubic-x2"])
    assert all(shown.returned is not None and shown.returned.mean < 1 for shown in made.shown)


def test_what_is_reduced_again() -> None:
    small = waves(24, 32)
    exact = returned(bicubic(1)(small), small)
    assert (exact.mean, exact.most, exact.colour) == (0, 0, 0)
    lighter = np.clip(nearest(2)(small).astype(int) + 3, 0, 255).astype(np.uint8)
    off = returned(lighter, small)
    assert off.colour == pytest.approx(3, abs=0.01)
    assert 2.9 < off.mean < 6
    assert returned(nearest(2)(small), small).mean < off.mean


def test_the_command_prints_how_faithful(tmp_path: Path) -> None:
    Image.fromarray(waves(24, 32)).save(tmp_path / "a.png")
    ran = CliRunner().invoke(
        APP, [str(tmp_path / "a.png"), "-s", "2", "-m", "espcn-x2", "--added", "-o", str(tmp_path / "s.png")]
    )
    assert ran.exit_code == 0, ran.output
    for part in ("4 panels", "reduced again", "espcn-x2", "levels on average"):
        assert part in ran.output
