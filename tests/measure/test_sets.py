"""Finding and pairing pictures to measure with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subpixel.errors import PictureMissing, PictureUnsupported, SettingError
from subpixel.measure import BENCHMARKS, available, benchmark_set, data_folder, folder_set, reduce
from subpixel.measure.sets import fit_reference, match_folders


def save(path: Path, width: int = 24, height: int = 20) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (90, 120, 200)).save(path)
    return path


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in ("Set14", "Set5", "Mine"):
        for picture in ("b", "a"):
            save(tmp_path / "benchmark" / name / "HR" / "x2" / f"{picture}.png")
            save(tmp_path / "benchmark" / name / "LR" / "x2" / f"{picture}.png", 12, 10)
    return tmp_path


def test_known_sets_come_first(data: Path) -> None:
    assert available(data) == ("Set5", "Set14", "Mine")


def test_a_set_is_found_in_any_case_and_sorted(data: Path) -> None:
    found = benchmark_set(data, "set5", 2)
    assert (found.name, found.scale) == ("Set5", 2)
    assert [pair.name for pair in found.pairs] == ["a", "b"]
    assert found.pairs[0].small == data / "benchmark" / "Set5" / "LR" / "x2" / "a.png"


def test_unknown_set_offers_the_nearest(data: Path) -> None:
    with pytest.raises(SettingError, match=r"did you mean Set1?[45]\?"):
        benchmark_set(data, "Sett4", 2)
    with pytest.raises(SettingError, match="there are Set5, Set14, Mine"):
        benchmark_set(data, "Urban100", 2)


def test_missing_factor_lists_those_there(data: Path) -> None:
    with pytest.raises(SettingError, match="no pictures for factor 3: there are x2"):
        benchmark_set(data, "Set5", 3)


def test_data_folder_from_option_and_environment(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUBPIXEL_DATA", raising=False)
    with pytest.raises(SettingError, match="--data"):
        data_folder()
    monkeypatch.setenv("SUBPIXEL_DATA", str(data))
    assert data_folder() == data
    assert data_folder(data) == data
    with pytest.raises(SettingError, match="no folder named benchmark"):
        data_folder(data / "benchmark")
    with pytest.raises(SettingError, match="no folder named benchmark"):
        benchmark_set(data / "nowhere", "Set5", 2)


@pytest.mark.parametrize("small", ["a.png", "a.bmp", "ax3.png", "a_x3.png"])
def test_partners_by_name(tmp_path: Path, small: str) -> None:
    save(tmp_path / "hr" / "a.png")
    save(tmp_path / "lr" / small)
    (pair,) = match_folders(tmp_path / "hr", tmp_path / "lr", 3)
    assert pair.small == tmp_path / "lr" / small


def test_every_picture_needs_its_partner(tmp_path: Path) -> None:
    save(tmp_path / "hr" / "a.png")
    with pytest.raises(PictureMissing, match="lr is not a folder"):
        match_folders(tmp_path / "hr", tmp_path / "lr", 2)
    (tmp_path / "lr").mkdir()
    (tmp_path / "lr" / "notes.txt").write_text("no picture")
    with pytest.raises(PictureMissing, match="lr has no pictures"):
        match_folders(tmp_path / "hr", tmp_path / "lr", 2)
    save(tmp_path / "lr" / "b.png")
    with pytest.raises(PictureMissing, match=r"a\.png in .* has no partner"):
        match_folders(tmp_path / "hr", tmp_path / "lr", 2)
    save(tmp_path / "lr" / "a.png")
    with pytest.raises(PictureMissing, match=r"b\.png in .* has no partner"):
        match_folders(tmp_path / "hr", tmp_path / "lr", 2)


def test_two_pictures_of_one_name_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    save(tmp_path / "a.bmp")
    with pytest.raises(PictureMissing, match=r"both a\.bmp and a\.png"):
        folder_set(tmp_path, None, 2)


def test_references_alone_make_a_set(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    found = folder_set(tmp_path, None, 2)
    assert [(pair.name, pair.small) for pair in found.pairs] == [("a", None)]


def test_reference_is_cut_to_a_multiple() -> None:
    reference = np.arange(20 * 23 * 3, dtype=np.uint32).astype(np.uint8).reshape(20, 23, 3)
    assert np.array_equal(fit_reference(reference, reference[:6, :7], 3, "a"), reference[:18, :21])
    with pytest.raises(PictureUnsupported, match="7×6 times 4 is not the size of its reference, 23×20"):
        fit_reference(reference, reference[:6, :7], 4, "a")
    with pytest.raises(PictureUnsupported, match="a: 12×10"):
        fit_reference(reference, reference[:10, :12], 2, "a")


def test_reduce_keeps_means_and_cuts() -> None:
    flat = np.full((21, 23, 3), (10, 100, 250), np.uint8)
    small = reduce(flat, 4)
    assert small.shape == (5, 5, 3)
    assert (small == flat[:5, :5]).all()
    with pytest.raises(PictureUnsupported, match="23×21 pixels cannot be reduced by 30"):
        reduce(flat, 30)


def test_the_table_of_benchmarks_is_complete() -> None:
    assert [benchmark.name for benchmark in BENCHMARKS] == ["Set5", "Set14", "BSD100"]
    assert all(set(benchmark.bicubic) == {2, 3, 4} for benchmark in BENCHMARKS)
