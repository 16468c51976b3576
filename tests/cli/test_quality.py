"""`subpixel upscale --quality` and `--within`: what is chosen, and said."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

import subpixel
from subpixel import calibrating, within
from tests.cli.conftest import Command, draw


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure on next to nothing, and keep it away from the user's cache."""
    monkeypatch.setattr(calibrating, "cache_file", lambda: tmp_path / "cache/speed.json")
    monkeypatch.setattr(calibrating, "SIDE", 32)


@pytest.fixture
def unmeasured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is to be measured."""
    monkeypatch.setattr(within, "choose_within", lambda *words, **more: pytest.fail("measured"))


@pytest.mark.usefixtures("small")
def test_within_a_time(run: Command, tmp_path: Path) -> None:
    sources = [draw(tmp_path / f"{name}.png") for name in "ab"]
    ran = run("upscale", *sources, tmp_path / "none.png", "--within", "1m")
    first, *rest = ran.out.splitlines()
    assert ran.code == 1
    assert first.startswith("within 1m: ")
    assert " of 60 s" in first
    assert len(rest) == 2
    quick = run("upscale", *sources, "--within", "1ms", "--overwrite")
    assert quick.out.startswith("within 1ms: nothing fits 1 ms: ")
    assert quick.code == 0, "a word, but no error"
    record = json.loads(run("upscale", sources[0], "--within", "1m", "--overwrite", "--json").out)
    assert record["models"]
    assert record["precision"] in ("fp32", "bf16", "int8")
    assert record["eightfold"] in (True, False)
    assert record["within"]["time"] == "1m"
    assert record["within"]["fits"]
    assert 0 < record["within"]["seconds"] < 60
    assert " of 60 s" in record["within"]["choice"]
    assert "within 1m" in run("upscale", sources[0], "--within", "1m", "--plan").out
    planned = json.loads(run("upscale", sources[0], "--within", "1m", "--plan", "--json").out)
    assert planned["within"]["time"] == "1m"
    assert json.loads(run("upscale", sources[0], "--overwrite", "--json").out)["within"] is None


@pytest.mark.usefixtures("small")
def test_within_names_what_squeezed_pictures_go_through(run: Command, tmp_path: Path) -> None:
    sources = [draw(tmp_path / "a.png"), tmp_path / "b.jpg"]
    subpixel.write(subpixel.read(sources[0]), sources[1], quality=40)
    for words in ([sources[0], "--restore"], [sources[1]]):
        said, made = run("upscale", *words, "--within", "1ms", "-s", "3", "--overwrite").out.splitlines()
        (family,) = re.findall(r"([a-z-]+-restore)-x3, ", made)
        assert f"nothing fits 1 ms: {family} in " in said


@pytest.mark.usefixtures("small")
def test_one_picture_that_cannot_be_does_not_stop_the_others(run: Command, tmp_path: Path) -> None:
    sources = [draw(tmp_path / "small.png"), draw(tmp_path / "large.png", 200, 300)]
    ran = run("upscale", *sources, "--size", "2000x2000", "--within", "1ms", "--model", "espcn", "-o", tmp_path / "d")
    assert ran.code == 1
    assert "66.7 times" in ran.err
    assert [path.name for path in (tmp_path / "d").iterdir()] == ["large-2000x2000.png"]


@pytest.mark.usefixtures("small")
def test_a_model_of_ones_own_is_measured(run: Command, tmp_path: Path) -> None:
    shutil.copytree(Path(subpixel.zoo.__file__).parent / "models/espcn-x2", tmp_path / "own")
    card = tmp_path / "own/card.toml"
    text = re.sub(r'(?m)^(name|family) = "espcn', r'\1 = "mine', card.read_text(encoding="utf-8"))
    card.write_text(text, encoding="utf-8")
    first, *_ = run("upscale", draw(tmp_path / "a.png"), "--model", card.parent, "--within", "1m").out.splitlines()
    assert first.startswith("within 1m: mine eight-fold in fp32: about ")


@pytest.mark.usefixtures("small")
def test_names_of_any_kind_count_as_work(run: Command, tmp_path: Path) -> None:
    source = draw(tmp_path / "a.png").rename(tmp_path / "scan[2]")
    ran = run("upscale", source, "-o", tmp_path / "b.png", "--within", "1m")
    assert "eight-fold in fp32: about " in ran.out.splitlines()[0]
    assert "resampling" not in ran.out


@pytest.mark.usefixtures("unmeasured")
def test_nothing_is_measured_for_what_cannot_be_made(run: Command, tmp_path: Path) -> None:
    source = draw(tmp_path / "a.png")
    draw(tmp_path / "there.png")
    (tmp_path / "empty.png").touch()
    for words, code, said in (
        ([source, "-o", tmp_path / "there.png"], 4, "there.png exists"),
        ([source, "-o", tmp_path / "a.foo"], 2, "no format goes by '.foo'"),
        ([tmp_path / "empty.png"], 3, "empty.png is empty"),
        ([tmp_path / "none.png"], 3, "none.png does not exist"),
        ([source, "--pixel-limit", 599], 3, "over 599"),
        ([source, "--size", "2000x2000", "-o", f"{tmp_path}/new/folder/"], 2, "66.7 times"),
    ):
        ran = run("upscale", *words, "--within", "10s")
        assert (ran.code, ran.out) == (code, ""), words
        assert said in ran.err
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("small")
def test_resampling_alone_is_not_eightfold(run: Command, tmp_path: Path) -> None:
    first, _ = run("upscale", draw(tmp_path / "a.png"), "--scale", "0.5", "--within", "1h30m").out.splitlines()
    assert first.startswith("within 1h30m: resampling: about ")
    assert first.endswith(" of 1.5 h")


def test_where_nothing_restores_that_is_said(run: Command, tmp_path: Path) -> None:
    source = draw(tmp_path / "a.png")
    ran = run("upscale", source, "--model", "espcn", "--restore")
    assert ran.code == 0
    assert "  note: no model of this kind is trained on squeezed pictures" in ran.out.splitlines()
    record = json.loads(run("upscale", source, "--model", "crisp-x4", "--restore", "--json", "--overwrite").out)
    assert (record["models"], record["restore"], record["reason"]) == (["crisp-restore-x4"], True, "")


def test_best_is_eightfold(run: Command, tmp_path: Path) -> None:
    source = draw(tmp_path / "a.png")
    assert "eight-fold, " in run("upscale", source, "--quality", "best").out
    assert "eight-fold" in run("upscale", source, "--quality", "best", "--plan").out
    record = json.loads(run("upscale", source, "--overwrite", "--json").out)
    assert (record["eightfold"], record["restore"]) == (False, record["models"][0].count("-restore") == 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--quality", "90"], "--file-quality 90"),
        (["--quality", "good"], "fast, balanced or best"),
        (["--auto", "--clean"], "both --auto and --clean"),
        (["--auto", "--model", "crisp"], "both --auto and --model"),
        (["--clean", "--restore"], "both --restore and --clean"),
        (["--model", "espcn", "--quality", "fast"], "both --model and --quality fast"),
        (["--model", "crisp-restore", "--clean"], "crisp-restore restores squeezed pictures, and --clean"),
        (["--within", "soon"], "--within 10s"),
        (["--within", "10s", "--quality", "best"], "both --quality and --within"),
    ],
)
def test_wrong_words_get_one_line(run: Command, tmp_path: Path, words: list[str], said: str) -> None:
    ran = run("upscale", draw(tmp_path / "a.png"), *words)
    assert ran.code == 2
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
    assert not list(tmp_path.glob("a-x*"))
