"""`subpixel evaluate` on folders made here."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from subpixel.cli.evaluate import evaluate
from subpixel.errors import ModelUnknown, PictureMissing, SettingError
from subpixel.measure import bicubic, nearest, psnr, read_pixels, reduce
from subpixel.measure.methods import model, models_of_scale
from subpixel.measure.runs import Request, measure
from subpixel.upscaler import Upscaler
from tests import networks

APP = typer.Typer()
APP.command()(evaluate)


def run(*words: str) -> str:
    result = CliRunner().invoke(APP, list(words), catch_exceptions=True)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.fixture
def originals(tmp_path: Path) -> Path:
    folder = tmp_path / "originals"
    folder.mkdir()
    y, x = np.mgrid[:60, :72]
    for name, phase in (("one", 0.0), ("two", 1.0)):
        waves = [128 + 60 * np.sin(x / 4 + phase + k) + 40 * np.cos(y / 6 - k) for k in range(3)]
        Image.fromarray(np.clip(np.rint(np.stack(waves, axis=-1)), 0, 255).astype(np.uint8)).save(
            folder / f"{name}.png"
        )
    return folder


def test_json_of_a_folder(originals: Path) -> None:
    rows = json.loads(run("--hr", str(originals), "--scale", "2", "-m", "bicubic-x2", "--json"))
    assert [(row["set"], row["scale"], row["method"], row["pictures"]) for row in rows] == [
        ("originals", 2, "bicubic", 2),
        ("originals", 2, "bicubic-x2", 2),
    ]
    expected = []
    for name in ("one", "two"):
        reference = np.asarray(Image.open(originals / f"{name}.png"))
        expected.append(psnr(reference, bicubic(2)(reduce(reference, 2)), border=2))
    assert rows[0]["psnr"] == pytest.approx(np.mean(expected))


def test_a_model_goes_through_the_whole_upscaler(originals: Path) -> None:
    """The bicubic network is bicubic: only its borders and the way through YCbCr may differ."""
    plain, network = json.loads(run("--hr", str(originals), "--scale", "2", "-m", "bicubic-x2", "--json"))
    assert network["psnr"] == pytest.approx(plain["psnr"], abs=0.5), "its colour is prefiltered"
    assert network["ssim"] == pytest.approx(plain["ssim"], abs=0.001)


def test_two_folders_and_rows_for_pictures(originals: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    for path in originals.iterdir():
        Image.fromarray(reduce(np.asarray(Image.open(path)), 3)).save(small / f"{path.stem}x3.png")
    words = ("--hr", str(originals), "--scale", "3", "-m", "bicubic-x3", "--json", "--pictures")
    own = json.loads(run(*words, "--lr", str(small)))
    made = json.loads(run(*words))
    assert [(row["picture"], row["method"]) for row in own] == [
        ("one", "bicubic"),
        ("two", "bicubic"),
        ("one", "bicubic-x3"),
        ("two", "bicubic-x3"),
    ]
    assert [row["psnr"] for row in own] == [row["psnr"] for row in made]


def test_table_names_everything(originals: Path) -> None:
    shown = run("--hr", str(originals), "--scale", "2", "-m", "bicubic-x2", "--pictures")
    for word in ("originals", "×2", "bicubic", "bicubic-x2", "one", "two", "PSNR", "SSIM"):
        assert word in shown


def test_equal_pictures_give_null_in_json(tmp_path: Path) -> None:
    (tmp_path / "flat").mkdir()
    Image.new("RGB", (40, 40), (10, 20, 30)).save(tmp_path / "flat" / "a.png")
    rows = json.loads(run("--hr", str(tmp_path / "flat"), "--scale", "2", "-m", "bicubic-x2", "--json"))
    assert rows[0]["psnr"] is None
    assert rows[0]["ssim"] == pytest.approx(1)


def test_benchmark_sets_from_a_data_folder(originals: Path, tmp_path: Path) -> None:
    high = tmp_path / "data" / "benchmark" / "Set5" / "HR" / "x2"
    low = tmp_path / "data" / "benchmark" / "Set5" / "LR" / "x2"
    low.mkdir(parents=True)
    high.parent.mkdir(parents=True)
    originals.rename(high)
    for path in high.iterdir():
        Image.fromarray(reduce(np.asarray(Image.open(path)), 2)).save(low / path.name)
    words = ("--data", str(tmp_path / "data"), "-m", "bicubic-x2", "--json")
    rows = json.loads(run(*words))
    assert [(row["set"], row["scale"]) for row in rows] == [("Set5", 2), ("Set5", 2)]
    assert rows[0]["published_psnr"] == 33.66
    with pytest.raises(SettingError, match=r"did you mean Set5\?"):
        run(*words, "--set", "Set6")


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (("--lr", "small"), SettingError, "--lr is given without --hr"),
        (("--hr", "a", "--set", "Set5"), SettingError, "both --hr and --set"),
        (("--hr", "no/such/folder", "-s", "2", "-m", "bicubic-x2"), PictureMissing, "is not a folder"),
    ],
)
def test_wrong_requests(words: tuple[str, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        run(*words)


def test_wrong_models(originals: Path) -> None:
    with pytest.raises(ModelUnknown, match="bicubik"):
        run("--hr", str(originals), "-m", "bicubik-x2")
    with pytest.raises(SettingError, match="bicubic-x2 enlarges by 2, not by 3"):
        run("--hr", str(originals), "-m", "bicubic-x2", "-s", "3")


def test_progress_is_shown_on_a_terminal_only(originals: Path) -> None:
    request = Request(models=("bicubic-x2",), scales=(2,), reference=originals)
    for terminal in (True, False):
        drawn = io.StringIO()
        measure(request, console=Console(file=drawn, force_terminal=terminal))
        assert ("originals ×2" in drawn.getvalue()) == terminal


def test_models_of_one_scale_leave_out_the_helpers() -> None:
    assert all("bicubic" not in name for name in models_of_scale(2))


def test_a_model_keeps_grey_grey() -> None:
    grey = np.random.default_rng(1).integers(0, 256, (20, 24, 1), dtype=np.uint8)
    assert model("bicubic-x2", 2)(grey).shape == (40, 48, 1)


@pytest.mark.parametrize("strides", [False, True])
def test_both_results_of_one_network_are_scored(originals: Path, tmp_path: Path, strides: bool) -> None:
    """Without --scale at both factors, each against bicubic, each the score of what `upscale` writes."""
    pytest.importorskip("onnx", reason="makes the network: pip install onnx")
    two = networks.two_outputs(tmp_path / "two", strides=strides)
    rows = json.loads(run("--hr", str(originals), "-m", str(two), "--json"))
    assert [(row["scale"], row["method"]) for row in rows] == [(2, "bicubic"), (2, "two"), (4, "bicubic"), (4, "two")]
    for row, scale in ((rows[1], 2), (rows[3], 4)):
        expected = []
        for path in sorted(originals.iterdir()):
            reference = np.asarray(Image.open(path))
            small = reduce(reference, scale)
            both = Upscaler(two, precision="fp32").upscale(small, scales=(2, 4))
            expected.append(psnr(reference, both[scale // 4], border=scale))
        assert row["psnr"] == pytest.approx(np.mean(expected), abs=0.05)
    shown = run("--hr", str(originals), "-m", str(two), "-s", "4")
    assert "×4" in shown
    assert "×2" not in shown
    with pytest.raises(SettingError, match="enlarges by 2, 4, not by 3"):
        run("--hr", str(originals), "-m", str(two), "-s", "3")


def test_a_network_on_rgb_is_scored_in_colour_and_grey(originals: Path, tmp_path: Path) -> None:
    """A network that repeats pixels and adds next to nothing is as good as repetition."""
    pytest.importorskip("onnx", reason="makes the network: pip install onnx")
    Image.fromarray(np.asarray(Image.open(originals / "one.png"))[..., 0]).save(originals / "grey.png")
    rgb = networks.rgb(tmp_path / "rgb", scale=3)
    rows = json.loads(run("--hr", str(originals), "-m", str(rgb), "--json", "--pictures"))
    own = {row["picture"]: row["psnr"] for row in rows if row["method"] == "rgb"}
    assert own.keys() == {"grey", "one", "two"}
    for name, score in own.items():
        reference = read_pixels(originals / f"{name}.png")
        assert score == pytest.approx(psnr(reference, nearest(3)(reduce(reference, 3)), border=3), abs=3)


def test_the_eight_fold_mean_is_measured_under_a_name_of_its_own(originals: Path) -> None:
    words = ("--hr", str(originals), "--scale", "2", "-m", "espcn-x2", "--json")
    plain, mean = (json.loads(run(*words, *more)) for more in ((), ("--eight-fold",)))
    assert [row["method"] for row in mean] == ["bicubic", "espcn-x2, eight-fold"]
    assert mean[0]["psnr"] == plain[0]["psnr"]
    with Upscaler("espcn-x2", precision="fp32", eightfold=True) as upscaler:
        expected = []
        for path in sorted(originals.iterdir()):
            reference = np.asarray(Image.open(path))
            expected.append(psnr(reference, upscaler.upscale(reduce(reference, 2), scale=2), border=2))
    assert mean[1]["psnr"] == pytest.approx(np.mean(expected))
    assert mean[1]["psnr"] != plain[1]["psnr"]
