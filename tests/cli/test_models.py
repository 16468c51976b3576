"""`subpixel models`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from subpixel import calibrating, zoo
from tests.cli.conftest import Command


def test_list_names_every_model_with_scores(run: Command) -> None:
    ran = run("models")
    assert ran.code == 0
    for name in zoo.model_names():
        assert name in ran.out
    score = zoo.card("espcn-x3").scores["Set5"]
    assert f"{score.psnr:.2f} {score.ssim:.4f}" in ran.out


def test_json_is_the_cards(run: Command) -> None:
    cards = json.loads(run("models", "--json").out)
    assert [card["name"] for card in cards] == list(zoo.model_names())


def test_show_one(run: Command) -> None:
    ran = run("models", "show", "espcn-x3")
    assert ran.code == 0
    for part in ("espcn-x3", "×3", "luma", "Apache-2.0", "verified", "Set5"):
        assert part in ran.out


def test_a_family_lists_its_models(run: Command) -> None:
    out = run("models", "show", "srcnn").out
    assert all(f"srcnn-x{scale}" in out for scale in (2, 3, 4))
    assert "espcn" not in out


def test_show_nothing_or_nonsense(run: Command) -> None:
    assert run("models", "show").code == 2
    assert run("models", "espcn-x2", "espcn-x3").code == 2
    assert "add --benchmark" in run("models", "--threads", "2").err
    assert run("models", "espcn-x3").out == run("models", "show", "espcn-x3").out
    ran = run("models", "show", "espnc-x3")
    assert ran.code == 5
    assert "did you mean" in ran.err


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure on next to nothing, and keep it away from the user's cache."""
    monkeypatch.setattr(calibrating, "cache_file", lambda: tmp_path / "cache/speed.json")
    monkeypatch.setattr(calibrating, "SIDE", 16)


@pytest.mark.usefixtures("small")
def test_benchmark_puts_time_beside_quality(run: Command) -> None:
    ran = run("models", "espcn", "--benchmark")
    assert ran.code == 0
    for name in ("espcn-x2", "espcn-x3", "espcn-x4"):
        (row,) = (line for line in ran.out.splitlines() if line.strip().startswith(name))
        score = zoo.card(name).scores["Set5"]
        assert f"{score.psnr:.2f} {score.ssim:.4f}" in row
    assert "fp32" in ran.out
    assert "Milliseconds per megapixel" in ran.out
    made = json.loads(run("models", "espcn", "--benchmark", "--json", "--threads", "1").out)
    assert made["threads"] == 1
    assert [row["model"] for row in made["models"]] == ["espcn-x2", "espcn-x3", "espcn-x4"]
    for row in made["models"]:
        assert set(row["ms_per_megapixel"]) == set(calibrating.Machine(1).precisions(row["model"]))
        assert all(0 < time < 1e6 for time in row["ms_per_megapixel"].values())
        assert row["scores"]["Set5"]["psnr"] == zoo.card(row["model"]).scores["Set5"].psnr


@pytest.mark.parametrize("columns", [20, 60, 80, 81, 99, 120])
@pytest.mark.usefixtures("small")
def test_nothing_is_cut_at_any_width(run: Command, monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    for words in (["models"], ["models", "swift-restore", "--benchmark"]):
        out = run(*words).out
        assert "…" not in out
        for score in zoo.card("swift-restore-x2").scores.values():
            assert f"{score.psnr:.2f} " in out
            assert f"{score.ssim:.4f}" in out
        table = out[: out.rindex(f"{zoo.card('swift-restore-x4').scores['Set5'].ssim:.4f}")]
        if columns >= 80:
            assert max(map(len, table.splitlines())) <= columns


@pytest.mark.usefixtures("small")
def test_benchmark_of_one_model_and_out_of_time(run: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "espcn-x3" not in run("models", "espcn-x2", "--benchmark").out
    monkeypatch.setattr("subpixel.cli.speeds._MOST_S", -1)
    ran = run("models", "espcn", "--benchmark")
    assert ran.code == 0
    assert "3 of 3 models were left out" in ran.out


def test_an_option_without_its_value_names_the_command_to_ask(run: Command) -> None:
    ran = run("upscale", "x.png", "--within")
    assert (ran.code, ran.err) == (2, "subpixel: Option '--within' requires an argument: see subpixel upscale --help\n")
