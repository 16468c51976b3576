"""Folders, given pairs, broken and small files, flat crops: what is wrong is named, what can be used is used."""

from __future__ import annotations

import re
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from pydantic import ValidationError

pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from drawn import draw, save

from subpixel.errors import TrainingError
from subpixel_train import recipe as recipes
from subpixel_train.data import (
    Crops,
    DataSettings,
    Geometry,
    Photograph,
    Picture,
    held_out_pairs,
    make_batches,
    memory,
    read_all,
    training_photographs,
)
from subpixel_train.data.examples import detail, make_picture
from subpixel_train.data.pack import Pack, write_pack
from subpixel_train.data.settings import FlatnessSettings
from subpixel_train.networks import build


def settings_for(**values: object) -> DataSettings:
    return DataSettings.model_validate({"crop": 16, "batch": 4, "held_out": 1, **values})


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    """Four pairs for factor 2 whose small pictures are recognisable: not what reducing would give."""
    for index in range(4):
        small = draw(40, 44, index)
        save(tmp_path / "small" / f"{index}.png", 255 - small)
        save(tmp_path / "large" / f"{index}.png", small.repeat(2, 0).repeat(2, 1))
    return tmp_path


@pytest.mark.parametrize("mode", ["crops", "tiles", "centre"])
def test_given_pairs_are_learnt_from(pairs: Path, mode: str) -> None:
    settings = settings_for(pairs=[{"small": "small", "large": "large"}], mode=mode)
    train, held_out = training_photographs(pairs, settings)
    network = build("rdn", 2)
    batch = make_batches(train, settings, network, seed=0).batch(0)
    blocks = batch.targets[0].reshape(*batch.small.shape[:3], 2, batch.small.shape[3], 2)
    np.testing.assert_allclose(blocks[:, :, :, 0, :, 0], 1 - batch.small, atol=1e-6)
    (pair,) = held_out_pairs(held_out, network, settings, limit=20)
    np.testing.assert_array_equal(pair.targets[0][::2, ::2], 255 - pair.small)
    assert pair.small.shape == (10, 10, 3)


def test_small_pictures_may_be_named_as_in_div2k(pairs: Path) -> None:
    for path in (pairs / "small").iterdir():
        path.rename(path.with_name(f"{path.stem}x2.png"))
    settings = settings_for(pairs=[{"small": "small", "large": "large"}])
    assert len(training_photographs(pairs, settings)[0]) == 3


def test_missing_partners_are_named(pairs: Path) -> None:
    settings = settings_for(pairs=[{"small": "small", "large": "large"}])
    (pairs / "small" / "2.png").rename(pairs / "small" / "9.png")
    with pytest.raises(TrainingError, match=r"1 of 4 pictures have no small picture in .*small: 2\.png"):
        training_photographs(pairs, settings)
    (pairs / "large" / "2.png").unlink()
    with pytest.raises(TrainingError, match=r"1 of 4 pictures have no large picture in .*large: 9\.png"):
        training_photographs(pairs, settings)


def test_two_pictures_of_one_name_are_refused(pairs: Path) -> None:
    save(pairs / "large" / "2.jpg", draw(80, 88, 2))
    with pytest.raises(TrainingError, match=r"2\.jpg and 2\.png"):
        training_photographs(pairs, settings_for(pairs=[{"small": "small", "large": "large"}]))


def test_sizes_that_do_not_fit_are_named_with_what_would_be_right(pairs: Path) -> None:
    save(pairs / "large" / "1.png", draw(81, 88, 1))
    settings = settings_for(pairs=[{"small": "small", "large": "large"}])
    train, held_out = training_photographs(pairs, settings)
    with pytest.raises(TrainingError, match=r"1 of 3 pairs .* factor 2: 1\.png is 44×40, 1\.png 88×81, not 88×80"):
        make_batches(train, settings, build("espcn", 2, padded=False), seed=0)
    with pytest.raises(TrainingError, match="1 of 1 pairs do not fit factor 3"):
        held_out_pairs(held_out, build("espcn", 3), settings)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"folders": [], "pairs": []}, "no pictures: name folders"),
        ({"degrade": [{"kind": "jpeg"}]}, "degrade makes small pictures, but pairs bring"),
        ({"sizes": [0.5]}, "sizes makes photographs"),
        ({"mode": "square"}, "mode square squashes"),
        ({"flatness": 5}, "less than 0.5"),
        ({"flatness": 0.1, "mode": "tiles"}, "flatness is for mode crops, not tiles"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        settings_for(**{"pairs": [{"small": "a", "large": "b"}], **values})


def broken(path: Path) -> None:
    save(path, draw(70, 80, 0))
    path.write_bytes(path.read_bytes()[:-2000])


@pytest.mark.parametrize("mode", ["crops", "square"])
def test_a_broken_file_is_named_counted_and_left_out(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], mode: str
) -> None:
    for index in range(3):
        save(tmp_path / "photos" / f"{index}.png", draw(72, 80, index))
    broken(tmp_path / "photos" / "1a.png")
    (tmp_path / "photos" / "1b.jpg").write_text("no picture")
    settings = settings_for(folders=["photos"], held_out=0, mode=mode)
    train, _ = training_photographs(tmp_path, settings)
    batches = make_batches(train, settings, build("rdn", 2), seed=0)
    small = [batches.batch(step).small for step in range(2)]
    said = capsys.readouterr().err
    assert said.startswith("warning: ") and "1a.png" in said and "1b.jpg" in said
    if mode == "crops":
        assert said.count("\n") == 1 and "2 of 5 pictures are left out" in said
        (tmp_path / "photos" / "1a.png").unlink()
        (tmp_path / "photos" / "1b.jpg").unlink()
        whole = make_batches(training_photographs(tmp_path, settings)[0], settings, build("rdn", 2), seed=0)
        np.testing.assert_array_equal(small[1], whole.batch(1).small)
    else:
        assert said.count("\n") == 2 and sum(len(part) for part in small) == 5


def test_broken_held_out_files_are_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for index in range(3):
        save(tmp_path / "photos" / f"{index}.png", draw(72, 80, index))
    broken(tmp_path / "photos" / "0.png")
    settings = settings_for(folders=["photos"], held_out=2, held_out_from="first")
    _, held_out = training_photographs(tmp_path, settings)
    assert [pair.name for pair in held_out_pairs(held_out, build("rdn", 2), settings)] == ["1.png"]
    assert "1 of 2 pictures are left out" in capsys.readouterr().err


@pytest.mark.parametrize("mode", ["crops", "square"])
def test_a_folder_of_broken_files_is_an_error(tmp_path: Path, mode: str) -> None:
    for name in "abcde":
        broken(tmp_path / "photos" / f"{name}.png")
    settings = settings_for(folders=["photos"], held_out=0, mode=mode)
    train, _ = training_photographs(tmp_path, settings)
    with pytest.raises(TrainingError, match="none of 5 pictures can be read"):
        make_batches(train, settings, build("rdn", 2), seed=0).batch(0)


def test_after_an_interruption_nothing_more_is_read(photos: Path) -> None:
    train, _ = training_photographs(photos, settings_for(folders=["photos"]))
    read: list[str] = []

    def make(photograph: Photograph) -> None:
        read.append(photograph.name)
        time.sleep(0.02)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        read_all(train * 20, make)
    assert len(read) < 20


def test_pictures_smaller_than_a_crop_are_named_and_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(tmp_path / "photos" / "large.png", draw(72, 80, 1))
    save(tmp_path / "photos" / "little.png", draw(20, 80, 1))
    settings = settings_for(folders=["photos"], held_out=0)
    make_batches(training_photographs(tmp_path, settings)[0], settings, build("rdn", 2), seed=0)
    assert "1 of 2 pictures are smaller than a crop and left out: little.png" in capsys.readouterr().err


def test_crops_have_to_fit_the_strides_of_the_network(photos: Path) -> None:
    settings = settings_for(folders=["photos"], crop=17)
    train, _ = training_photographs(photos, settings)
    with pytest.raises(TrainingError, match=r"data\.crop is 17: autoencoder needs a multiple of 2, as 16"):
        make_batches(train, settings, build("autoencoder", 2), seed=0)


def test_a_crop_that_leaves_no_target_is_refused(photos: Path) -> None:
    train, _ = training_photographs(photos, settings_for(folders=["photos"]))
    for mode, crop in (("crops", 10), ("tiles", 8), ("centre", 20)):
        settings = settings_for(folders=["photos"], crop=crop, mode=mode)
        with pytest.raises(TrainingError, match=rf"data\.crop is {crop}: espcn trains without padding: 10 of"):
            make_batches(train, settings, build("espcn", 2, padded=False), seed=0)


def test_photographs_that_fill_the_memory_are_announced(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(folders=["photos"], sizes=[1.0, 0.5], held_out=0)
    train, _ = training_photographs(photos, settings)
    pixels = sum(photograph.size()[0] * photograph.size()[1] for photograph in train)
    assert memory.needed(train, settings.sizes) == round(3 * pixels * 1.25)
    write_pack(train, tmp_path / "set.pack")
    assert memory.needed(Pack(tmp_path / "set.pack").photographs(), [1.0]) == 0
    network = build("rdn", 2)
    make_batches(train, settings, network, seed=0)
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(memory, "free", lambda: 1000)
    make_batches(train, settings, network, seed=0)
    assert "6 photographs take" in (said := capsys.readouterr().err) and "subpixel data pack" in said


def test_detail_is_isrs_measure() -> None:
    assert detail(np.full((8, 8, 3), 0.4, np.float32)) == pytest.approx(0, abs=1e-6)
    stripes = np.zeros((8, 8, 3), np.float32)
    stripes[::2] = 1
    assert detail(stripes) == pytest.approx(0.5) and detail(stripes.transpose(1, 0, 2)) == pytest.approx(0.5)


def half_flat() -> Picture:
    rgb = draw(120, 120, 3)
    rgb[:, :80] = 90
    return make_picture("half", rgb, (2,))


def test_flat_crops_are_drawn_again_and_the_threshold_grows() -> None:
    flatness = FlatnessSettings(start=0.0, grow=0.02, every=2, max=0.03)
    assert [round(flatness.threshold(epoch), 6) for epoch in range(6)] == [0, 0, 0.02, 0.02, 0.03, 0.03]
    picture, geometry = half_flat(), Geometry((2,), 0, channels=3)

    def least(step: int, threshold: float) -> float:
        crops = Crops(
            [picture],
            geometry,
            crop=8,
            size=64,
            epoch_steps=5,
            flat=0,
            seed=0,
            threshold=lambda epoch: threshold * epoch,
        )
        return min(detail(crop.transpose(1, 2, 0)) for crop in crops.batch(step).small)

    assert least(0, 0.03) < 0.001 and least(5, 0.03) >= 0.03
    everything_flat = make_picture("flat", np.full((60, 60, 3), 7, np.uint8), (2,))
    crops = Crops(
        [everything_flat], geometry, crop=8, size=2, epoch_steps=5, flat=0, seed=0, threshold=lambda epoch: 0.1
    )
    assert crops.batch(0).small.shape == (2, 3, 8, 8), "after some attempts a flat crop is taken"


def test_a_recipe_says_what_is_wrong_with_its_data(recipe_file: Path) -> None:
    changes = ["data.degrade=[{kind: jpg}]"]
    with pytest.raises(TrainingError, match=r"data.degrade.0: no kind jpg; did you mean jpeg"):
        recipes.load(str(recipe_file), changes)
    with pytest.raises(TrainingError, match="qualty: no such setting; did you mean quality"):
        recipes.load(str(recipe_file), ["data.degrade=[{kind: jpeg, qualty: 3}]"])
    made = recipes.load(str(recipe_file), ["data.flatness={start: 0.05, grow: 0.01, max: 0.1}"])
    assert made.data.threshold(2) == pytest.approx(0.07)
    assert recipes.load(str(recipe_file), ["data.flatness=0.1"]).data.threshold(7) == 0.1


def test_the_sections_in_the_documentation_are_data_sections() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "training-data.md"
    if not page.is_file():
        pytest.skip("runs in a checkout of the project")
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    made = [DataSettings.model_validate(yaml.safe_load(block)["data"]) for block in blocks]
    assert len(made) >= 5 and sum(bool(settings.degrade) for settings in made) == 2
