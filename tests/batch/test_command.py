"""`subpixel upscale FOLDER`: what a person types, sees and finds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import subpixel
from subpixel import within
from tests.batch.conftest import draw, files
from tests.cli.conftest import Command, run

__all__ = ["run"]


def test_again_and_what_is_told(run: Command, tmp_path: Path) -> None:
    for name in ("a.png", "deep/b.jpg"):
        draw(tmp_path / "in" / name, seed=len(name))
    words = ("upscale", tmp_path / "in", "-o", tmp_path / "out", "-m", "espcn")
    first = run(*words, "-s", "2")
    assert (first.code, first.err, len(first.out.splitlines())) == (0, "", 2)
    again = run(*words, "-s", "2")
    assert (again.code, again.out, again.err) == (0, f"{tmp_path / 'out'}: 0 made, 2 there already\n", "")
    other = run(*words, "-s", "3")
    assert other.code == 0
    assert "note: other settings than in the last run (scale x2 → x3): its results are made anew" in other.out
    assert other.out.splitlines()[-1] == f"{tmp_path / 'out'}: 2 made (2 of them anew)"
    assert run(*words, "-s", "3", "--quiet").out == ""
    assert run(*words, "-s", "3", "--overwrite", "--json").out.count('"output"') == 2


def test_filters_and_report(run: Command, tmp_path: Path) -> None:
    for name in ("a.png", "b.jpg", "thumbs/c.jpg"):
        draw(tmp_path / "in" / name)
    (tmp_path / "in/bad.jpg").write_text("no picture")
    words = ("upscale", tmp_path / "in", "-o", tmp_path / "out", "-m", "espcn", "-s", "2")
    ran = run(
        *words, "--include", "*.jpg", "--include", "*.gif", "--exclude", "thumbs", "--report", tmp_path / "r.json"
    )
    assert ran.code == 1
    assert files(tmp_path / "out") == {"b.jpg"}
    assert ran.err.splitlines()[-1] == "subpixel: 1 of 2 failed"
    assert f"what failed, and why: {tmp_path / 'out/.subpixel/report.txt'}" in ran.out
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["made"], len(report["failed"])) == (1, 1)
    run(*words, "--report", tmp_path / "r.txt")
    assert "2 made, 1 there already, 1 of 4 failed" in (tmp_path / "r.txt").read_text().splitlines()[0]


def test_plan_of_a_folder(run: Command, tmp_path: Path) -> None:
    for name in ("a.png", "b.jpg"):
        draw(tmp_path / "in" / name, 100, 200)
    (tmp_path / "in/bad.png").write_text("no picture")
    words = ("upscale", tmp_path / "in", "-o", tmp_path / "out", "-m", "espcn", "-s", "2")
    ran = run(*words, "--plan")
    assert ran.code == 1
    assert f"{tmp_path / 'in'} → {tmp_path / 'out'}  2 to make, 0 there already" in ran.out
    for part in ("0.0 million → 0.2 million", "espcn-x2: 2", "MB at the peak", "in the networks", "openvino"):
        assert part in ran.out
    assert "bad.png is not a picture" in ran.err
    assert not (tmp_path / "out").exists()
    run(*words, "--include", "a.png")
    ran = run(*words, "--plan")
    assert "1 to make, 1 there already" in ran.out
    assert "2 to make, 0 there already" in run(*words[:-1], "3", "--plan").out
    assert "anew      scale x2 → x3" in run(*words[:-1], "3", "--plan").out
    assert "1 to make, 1 there already" in run(*words, "--plan").out, "planning changes nothing"
    rows = [json.loads(line) for line in run(*words, "--plan", "--json").out.splitlines()]
    assert [row.get("size") for row in rows] == [[400, 200], [400, 200], None]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["a.png", "--watch"], "--watch was given, and no folder"),
        (["a.png", "--include", "*.png"], "--include was given, and no folder"),
        (["in", "--include", ""], "a pattern of --include is empty"),
        (["in", "--report", "nowhere/r.json"], "the report nowhere/r.json cannot be written"),
        (["in", "other", "--report", "r.json"], "for several folders of results"),
        (["in", "other", "--watch"], "as -o results/"),
        (["in", "-o", "in"], "is the input folder"),
    ],
)
def test_wrong_words(
    run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.png", "in/a.png", "other/a.png"):
        draw(Path(name))
    ran = run("upscale", *words, "-m", "espcn")
    assert ran.code in (2, 4)
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
    assert files(tmp_path) == {"a.png", "in/a.png", "other/a.png"}


def test_files_and_folders_together(run: Command, tmp_path: Path) -> None:
    draw(tmp_path / "in/a.png")
    draw(tmp_path / "b.png")
    ran = run("upscale", tmp_path / "in", tmp_path / "b.png", tmp_path / "in", "-o", tmp_path / "out", "-m", "espcn")
    assert (ran.code, ran.err) == (0, "")
    assert files(tmp_path / "out") == {"a.png", "b-x4.png"}
    two = run("upscale", tmp_path / "in", "-m", "espcn", "-s", "2,4")
    assert two.code == 0
    assert files(tmp_path / "in-x2") == files(tmp_path / "in-x4") == {"a.png"}
    assert run("upscale", tmp_path / "in", "-m", "espcn", "-s", "2,4").out.endswith("0 made, 1 there already\n")


def test_a_time_is_for_what_is_left(run: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.png", "b.png", "c.png"):
        draw(tmp_path / "in" / name)
    asked: list[int] = []
    real = within.choose_within

    def noted(seconds: float, works: list[object], *words: object, **options: object) -> object:
        asked.append(len(works))
        return real(seconds, works, *words, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(within, "choose_within", noted)
    words = ("upscale", tmp_path / "in", "-o", tmp_path / "out", "-m", "espcn", "--within", "1h")
    assert run(*words).code == 0
    draw(tmp_path / "in/d.png")
    (tmp_path / "out/a.png").unlink()
    assert "2 made, 2 there already" in run(*words).out
    assert "0 made, 4 there already" in run(*words).out
    assert asked == [3, 2]


def test_folders_always_go_on(run: Command, tmp_path: Path) -> None:
    draw(tmp_path / "in/a.png")
    words = ("upscale", tmp_path / "in", "-o", tmp_path / "out", "-m", "espcn", "--resume")
    assert run(*words).code == 0
    assert "0 made, 1 there already" in run(*words).out
    alone = run("upscale", tmp_path / "in/a.png", "-m", "espcn", "--resume")
    assert alone.code == 2 and "--resume was given" in alone.err


def test_within_a_time(run: Command, tmp_path: Path) -> None:
    draw(tmp_path / "in/a.png")
    words = ("upscale", tmp_path / "in", "-o", tmp_path / "out", "-m", "espcn", "--within")
    assert run(*words, "1h").code == 0
    assert "0 made, 1 there already" in run(*words, "1h").out
    assert "within 1h → 2h" in run(*words, "2h").out
    assert subpixel.read(tmp_path / "out/a.png").size.width == 120
