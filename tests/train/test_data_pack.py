"""A pack is the folder it was made of, bit for bit; whatever is wrong with one is found."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="training needs PyTorch: pip install 'subpixel[train]'")

from drawn import draw, save
from safetensors.numpy import load_file
from typer.testing import CliRunner

from subpixel.errors import OutputExists, OutputUnwritable, PictureUnreadable, SettingError, TrainingError
from subpixel_train import recipe as recipes
from subpixel_train.cli_data import data
from subpixel_train.data import DataSettings, examples, held_out_pairs, make_batches, training_photographs
from subpixel_train.data.pack import START, Pack, write_pack
from subpixel_train.data.sources import photographs_of
from subpixel_train.networks import build
from subpixel_train.train.loop import RunSettings, Trainer


@pytest.fixture
def packed(photos: Path, tmp_path: Path) -> Path:
    target = tmp_path / "set.pack"
    write_pack(photographs_of(photos / "photos"), target)
    return target


def test_a_pack_holds_every_picture(photos: Path, packed: Path) -> None:
    for one, other in zip(Pack(packed).photographs(), photographs_of(photos / "photos"), strict=True):
        assert one.name == other.name and one.size() == other.size()
        np.testing.assert_array_equal(one.read(), other.read())
        assert one.read_made((2,)) is None
        assert not one.read().flags.writeable and one.read().base is not None, "mapped, not copied"


def test_the_same_pictures_give_the_same_bytes(photos: Path, packed: Path, tmp_path: Path) -> None:
    write_pack(photographs_of(photos / "photos"), tmp_path / "again.pack")
    assert packed.read_bytes() == (tmp_path / "again.pack").read_bytes()
    repacked = write_pack(photographs_of(packed), tmp_path / "third.pack")
    assert packed.read_bytes() == (tmp_path / "third.pack").read_bytes()
    assert repacked.size == packed.stat().st_size and repacked.pictures == 6


@pytest.mark.parametrize("mode", ["crops", "tiles", "centre", "square"])
@pytest.mark.parametrize("degraded", [False, True])
def test_batches_from_a_pack_are_those_from_the_folder(photos: Path, packed: Path, mode: str, degraded: bool) -> None:
    settings = DataSettings.model_validate(
        {
            "folders": ["photos"],
            "mode": mode,
            "crop": 16 if mode != "centre" else 64,
            "batch": 3,
            "held_out": 2,
            "sizes": [1.0, 0.9] if mode == "crops" else [1.0],
            "degrade": [{"kind": "jpeg"}] if degraded else [],
        }
    )
    network = build("rdn", 2)
    made = []
    for folders, root in ((["photos"], photos), ([packed.name], packed.parent)):
        chosen = settings.model_copy(update={"folders": folders})
        train, held_out = training_photographs(root, chosen)
        batches = make_batches(train, chosen, network, seed=4)
        arrays = [batches.batch(0).small, batches.batch(1).targets[0]]
        made.append(arrays + [pair.small for pair in held_out_pairs(held_out, network, chosen)])
    for one, other in zip(*made, strict=True):
        np.testing.assert_array_equal(one, other)


def test_training_from_a_pack_is_training_from_the_folder(
    photos: Path, packed: Path, recipe_file: Path, tmp_path: Path
) -> None:
    weights = []
    for name, root, folder in (("folder", photos, "photos"), ("pack", packed.parent, packed.name)):
        recipe = recipes.load(str(recipe_file), [f"data.folders=[{folder}]", "epochs=1"])
        Trainer(recipe, RunSettings(tmp_path / name, root, quiet=True)).run()
        weights.append(load_file(tmp_path / name / "weights.safetensors"))
    assert weights[0].keys() == weights[1].keys()
    for name, value in weights[0].items():
        np.testing.assert_array_equal(value, weights[1][name])


def test_a_stopped_training_on_degraded_crops_goes_on_exactly(photos: Path, recipe_file: Path, tmp_path: Path) -> None:
    steps = "[{kind: blur}, {kind: resize, kernel: [area, lanczos]}, {kind: noise}, {kind: jpeg}]"
    changes = [f"data.degrade={steps}", "data.flatness={start: 0.01, grow: 0.01}", "data.epoch_steps=3", "epochs=2"]
    recipe = recipes.load(str(recipe_file), changes)
    Trainer(recipe, RunSettings(tmp_path / "whole", photos, quiet=True)).run()
    sittings = 0
    while True:
        parts = RunSettings(tmp_path / "parts", photos, resume=sittings > 0, max_minutes=1e-9, quiet=True)
        sittings += 1
        if Trainer(recipe, parts).run().finished:
            break
    assert sittings == 6, "a step each"
    whole, resumed = (load_file(tmp_path / name / "state.safetensors") for name in ("whole", "parts"))
    for name, value in whole.items():
        np.testing.assert_array_equal(value, resumed[name])


@pytest.mark.parametrize(
    ("name", "scale", "factors"), [("espcn", 3, (3,)), ("srcnn", 3, (3,)), ("two-basic", 4, (2, 4)), ("rdn", 2, (2,))]
)
def test_small_pictures_in_the_pack_are_those_that_would_be_made(
    photos: Path, tmp_path: Path, name: str, scale: int, factors: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pack(photographs_of(photos / "photos"), tmp_path / "set.pack", scales=[factors, (5,)])
    settings = DataSettings(folders=["photos"], crop=16, batch=4, held_out=0)
    network = build(name, scale, padded=False)
    plain = make_batches(photographs_of(photos / "photos"), settings, network, seed=0).batch(0)
    monkeypatch.setattr(examples, "reduced", None)  # nothing is reduced now
    packed = make_batches(photographs_of(tmp_path / "set.pack"), settings, network, seed=0).batch(0)
    np.testing.assert_array_equal(packed.small, plain.small)
    for one, other in zip(packed.targets, plain.targets, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_damaged_small_picture_is_found(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "set.pack"
    write_pack(photographs_of(photos / "photos"), target, scales=[(2,)])
    ((offset, _),) = Pack(target).entries[1].made["2"]
    whole = bytearray(target.read_bytes())
    whole[offset + 5] ^= 1
    target.write_bytes(whole)
    settings = DataSettings(folders=["set.pack"], crop=16, batch=4, held_out=0)
    make_batches(photographs_of(target), settings, build("rdn", 2), seed=0)
    assert "1 of 6 pictures are left out: 1.png in" in capsys.readouterr().err


def test_a_file_that_is_no_pack_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pack").write_bytes(b"PK\x03\x04" + bytes(100))
    (tmp_path / "b.pack").write_bytes(b"SPX")
    for name in ("a.pack", "b.pack"):
        with pytest.raises(TrainingError, match=r"is no pack: make one with"):
            photographs_of(tmp_path / name)
    with pytest.raises(TrainingError, match=r"there is no pack .*c\.pack: make it with"):
        photographs_of(tmp_path / "c.pack")


def test_damage_is_found(packed: Path) -> None:
    whole = packed.read_bytes()
    packed.write_bytes(whole[:-10])
    with pytest.raises(TrainingError, match="cut short"):
        Pack(packed)
    packed.write_bytes(whole[:-3] + b"9" + whole[-2:])
    with pytest.raises(TrainingError, match=r"the index of .*set\.pack is damaged"):
        Pack(packed)
    packed.write_bytes(whole[: START + 7] + bytes([whole[START + 7] ^ 1]) + whole[START + 8 :])
    first, second, *_ = Pack(packed).photographs()
    with pytest.raises(PictureUnreadable, match=r"0\.png in .*set\.pack is damaged"):
        first.read()
    second.read()


def test_a_pack_that_cannot_be_finished_leaves_the_old_one(photos: Path, packed: Path) -> None:
    before = packed.read_bytes()

    class Stopped(Exception):
        pass

    def stop(photographs: object) -> object:
        yield photographs_of(photos / "photos")[0]
        raise Stopped

    with pytest.raises(Stopped):
        write_pack(photographs_of(photos / "photos"), packed, progress=stop)
    assert packed.read_bytes() == before and [path.name for path in packed.parent.iterdir()] == ["set.pack"]


def test_a_full_disk_is_named_and_the_old_pack_stays(
    photos: Path, packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = packed.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputUnwritable, match=r"cannot write .*set\.pack: No space left"):
        write_pack(photographs_of(photos / "photos"), packed)
    assert packed.read_bytes() == before and [path.name for path in packed.parent.iterdir()] == ["set.pack"]


def test_the_command_packs_folders_in_their_order(tmp_path: Path) -> None:
    for folder in "ab":
        for index in range(2):
            save(tmp_path / folder / f"{index}.png", draw(30, 40, index))
    (tmp_path / "a" / "broken.jpg").write_text("no picture")
    target = tmp_path / "set.pack"
    call = ["pack", str(tmp_path / "b"), str(tmp_path / "a"), "-o", str(target)]
    result = CliRunner().invoke(data, call, catch_exceptions=False)
    assert result.exit_code == 0 and "4 pictures" in result.stdout
    assert "1 of 5 pictures are left out" in result.stderr and "broken.jpg" in result.stderr
    assert [photograph.name for photograph in photographs_of(target)] == ["0.png", "1.png"] * 2
    for wrong, error in ((call, OutputExists), ([*call[:-1], str(tmp_path / "set")], SettingError)):
        assert isinstance(CliRunner().invoke(data, wrong).exception, error)
    call.append("--overwrite")
    assert CliRunner().invoke(data, [*call, "--scales", "2", "--scales", "2,4"]).exit_code == 0
    assert Pack(target).entries[0].made.keys() == {"2", "2,4"}
    for text in ("", "1", "4,2", "3,4", "two"):
        assert isinstance(CliRunner().invoke(data, [*call, "--scales", text]).exception, SettingError)


def test_given_pairs_may_be_packs(tmp_path: Path) -> None:
    for index in range(3):
        small = draw(20, 24, index)
        save(tmp_path / "small" / f"{index}x2.png", small)
        save(tmp_path / "large" / f"{index}.png", small.repeat(2, 0).repeat(2, 1))
    for folder in ("small", "large"):
        write_pack(photographs_of(tmp_path / folder), tmp_path / f"{folder}.pack")
    pairs = [{"small": "small.pack", "large": "large.pack"}]
    settings = DataSettings.model_validate({"pairs": pairs, "held_out": 0, "crop": 16})
    train, _ = training_photographs(tmp_path, settings)
    batch = make_batches(train, settings, build("rdn", 2), seed=0).batch(0)
    np.testing.assert_array_equal(batch.targets[0][..., ::2, ::2], batch.small)
