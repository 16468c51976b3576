"""`subpixel upscale --quality` and `--within`: what is chosen, and said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command, draw


def test_within_a_time(run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from subpixel import calibrating

    monkeypatch.setattr(calibrating, "cache_file", lambda: tmp_path / "cache/speed.json")
    monkeypatch.setattr(calibrating, "SIDE", 32)
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
    assert "within 1m" in run("upscale", sources[0], "--within", "1m", "--plan").out


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
