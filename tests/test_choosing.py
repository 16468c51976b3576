"""Which networks a picture goes through: the line's table, squeezed pictures, words for people."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import subpixel
from subpixel import zoo
from subpixel.errors import SettingError
from subpixel.plan import Target
from subpixel.types import Picture
from subpixel.upscaler import Upscaler
from subpixel.zoo.line import FAMILIES, SCALES, defaults
from tests import house

pillow = pytest.importorskip("PIL.Image", reason="Pillow makes the files")


@pytest.fixture
def line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The zoo with the whole line in it."""
    house.pretend(tmp_path / "zoo", monkeypatch, house.LINE)
    yield
    monkeypatch.undo()
    house.forget()


def _jpeg(quality: int, *, subsampling: int = 2, size: int = 64) -> bytes:
    pixels = np.random.default_rng(0).integers(60, 200, (size // 8, size // 8, 3), dtype=np.uint8)
    file = io.BytesIO()
    pillow.fromarray(pixels).resize((size, size), 3).save(file, "JPEG", quality=quality, subsampling=subsampling)
    return file.getvalue()


def _models(upscaler: Upscaler, picture: Picture, scale: float = 4) -> list[str]:
    choice = upscaler.choose(picture)
    (plan,) = upscaler.plans(picture.size, (Target(scale),), choice.networks)
    return [step.model.name for step in plan.passes]


@pytest.mark.parametrize("quality", zoo.QUALITIES)
@pytest.mark.parametrize("restore", [False, True])
def test_every_default_is_in_the_package(quality: zoo.Quality, restore: bool) -> None:
    """Whatever the package holds at the moment, everything has a model, and the first there is of its row."""
    chosen = zoo.default_models(quality, restore=restore)
    assert tuple(chosen) == SCALES
    names = zoo.model_names()
    for scale, name in chosen.items():
        assert name in names
        assert scale in zoo.card(name).scales
        row = [family + end for end in (("-restore", "") if restore else ("",)) for family in FAMILIES[quality]]
        assert name == next(f"{family}-x{scale}" for family in row if f"{family}-x{scale}" in names)


def test_no_default_is_worse_than_the_one_it_took_the_place_of() -> None:
    for quality in zoo.QUALITIES:
        for scale, name in zoo.default_models(quality).items():
            ours, before = (zoo.card(one).scores for one in (name, f"espcn-x{scale}"))
            assert ours["Set5"].psnr >= before["Set5"].psnr - 0.01, f"{name} for {quality}"


def test_families_step_in_for_each_other() -> None:
    espcn = ("espcn-x2", "espcn-x3", "espcn-x4")
    assert set(defaults(espcn, "best", restore=True).values()) == set(espcn)
    some = (*espcn, "crisp-x4", "crisp-restore-x4", "swift-x2")
    assert defaults(some, "balanced", restore=False) == {2: "swift-x2", 3: "espcn-x3", 4: "crisp-x4"}
    assert defaults(some, "best", restore=True) == {2: "swift-x2", 3: "espcn-x3", 4: "crisp-restore-x4"}
    assert defaults(some, "fast", restore=False)[4] == "crisp-x4"
    whole = tuple(sorted({*house.LINE, *espcn}))
    for quality, family in (("fast", "swift"), ("balanced", "crisp"), ("best", "fine")):
        assert defaults(whole, quality, restore=False)[3] == f"{family}-x3"  # type: ignore[arg-type]
        assert defaults(whole, quality, restore=True)[3] == f"{family}-restore-x3"  # type: ignore[arg-type]


@pytest.mark.usefixtures("line")
@pytest.mark.parametrize(
    ("coded", "restored", "reason"),
    [
        (62, True, "JPEG of quality 62, chroma halved"),
        (87, True, "JPEG of quality 87, chroma halved"),
        (88, False, "JPEG of quality 88, chroma halved"),
        (97, False, "JPEG of quality 97, chroma halved"),
    ],
)
def test_a_jpeg_is_restored_as_its_tables_say(coded: int, restored: bool, reason: str) -> None:
    picture = subpixel.read(_jpeg(coded))
    with Upscaler() as upscaler:
        assert _models(upscaler, picture) == ["crisp-restore-x4" if restored else "crisp-x4"]
        made = upscaler.picture(picture, Target(4))
        assert (made.chosen.restore, made.chosen.reason) == (restored, reason)
        assert made.picture.coding is None, "the result is not squeezed"
    for forced in (True, False):
        with Upscaler(restore=forced) as upscaler:
            assert _models(upscaler, picture) == ["crisp-restore-x4" if forced else "crisp-x4"]


@pytest.mark.usefixtures("line")
def test_arrays_and_pillow_images_are_judged_by_their_pixels() -> None:
    with pillow.open(io.BytesIO(_jpeg(40, size=128))) as opened:
        squeezed = np.asarray(opened)
        for like in (opened, squeezed, squeezed.astype(np.float32) / 255):
            picture, _ = subpixel.image.from_kind(like)
            assert _models(Upscaler(), picture) == ["crisp-restore-x4"]
    waves = np.sin(np.arange(64) / 3)[:, None, None] * np.cos(np.arange(64) / 5)[:, None]
    clean = np.repeat((waves * 100 + 128).round().astype(np.uint8), 3, axis=2)
    assert _models(Upscaler(), subpixel.image.from_kind(clean)[0]) == ["crisp-x4"]
    restored = subpixel.upscale(clean, scale=2, restore=True)
    np.testing.assert_array_equal(restored, subpixel.upscale(clean, scale=2, model="crisp-restore"))


@pytest.mark.usefixtures("line")
def test_what_was_restored_is_not_restored_again() -> None:
    assert _models(Upscaler(), subpixel.read(_jpeg(50)), 8) == ["crisp-restore-x2", "crisp-x4"]
    made = Upscaler().picture(subpixel.read(_jpeg(50, size=16)), Target(8))
    assert made.picture.size.width == 128


@pytest.mark.usefixtures("line")
def test_quality_names_the_family() -> None:
    picture = Picture(np.zeros((1, 8, 8, 3), np.uint8))
    for quality, family in (("fast", "swift"), ("balanced", "crisp"), ("best", "fine")):
        upscaler = Upscaler(quality=quality)  # type: ignore[arg-type]
        assert _models(upscaler, picture) == [f"{family}-x4"]
        assert upscaler.choose(picture).chosen.eightfold == (quality == "best")


@pytest.mark.usefixtures("line")
def test_a_named_model_is_taken_at_its_word() -> None:
    picture = subpixel.read(_jpeg(30))
    assert _models(Upscaler("espcn"), picture) == ["espcn-x4"]
    assert _models(Upscaler("crisp"), picture) == ["crisp-x4"], "a name is exact"
    assert _models(Upscaler("crisp", restore=True), picture) == ["crisp-restore-x4"], "unless more is said"
    assert _models(Upscaler("crisp-x4", restore=True), picture) == ["crisp-restore-x4"]
    assert _models(Upscaler("crisp-restore-x4", restore=True), picture) == ["crisp-restore-x4"]
    for name in ("crisp-x4", "crisp-restore-x4", "crisp", "crisp-restore"):
        chosen = Upscaler(name, restore=True).choose(picture).chosen
        assert (chosen.restore, chosen.lacking, chosen.reason) == (True, False, "")
    asked = Upscaler("espcn", restore=True).choose(picture).chosen
    assert not asked.restore
    assert asked.lacking
    assert asked.reason == "no model of this kind is trained on squeezed pictures"


@pytest.mark.usefixtures("line")
@pytest.mark.parametrize("model", ["crisp-restore", "crisp-restore-x4"])
def test_a_restoring_model_leaves_nothing_as_it_is(model: str) -> None:
    with pytest.raises(SettingError, match=f"the model {model} restores squeezed pictures"):
        Upscaler(model, restore=False)


def test_without_restoring_networks_nobody_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    house.pretend(tmp_path / "zoo", monkeypatch, ())
    try:
        chosen = Upscaler().choose(subpixel.read(_jpeg(30))).chosen
        assert (chosen.restore, chosen.reason) == (False, "")
    finally:
        monkeypatch.undo()
        house.forget()


def test_an_unknown_quality_is_answered() -> None:
    with pytest.raises(SettingError, match="it can be fast, balanced, best"):
        Upscaler(quality="good")  # type: ignore[arg-type]
