"""A decoder that ends the whole program costs one picture, and not the folder."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import subpixel
from subpixel.batch.suspects import Suspects
from tests.batch.conftest import Run, draw, files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

_PROGRAM = """
import ctypes, json, os, signal, sys, threading
from pathlib import Path
from subpixel import Upscaler
from subpixel.batch import run
from subpixel.batch.folder import Folder
from subpixel.batch.naming import Naming, PictureCoding
from subpixel.batch.oneline import run_folders
from subpixel.plan import Target

make, how = run.FolderRun._made, sys.argv[1]
order = []

def made(self, work):
    order.append(work.job.source.name)
    if work.job.source.name == "bad.png":
        if how == "own":
            ctypes.string_at(0)
        os.kill(os.getpid(), signal.SIGKILL)
    return make(self, work)

run.FolderRun._made = made
folder = Folder(Path("in"), Naming("out", ("x2",), None))
coding = PictureCoding(None, None, None, False, None)
with Upscaler("espcn", engine="fake", threads=2) as upscaler:
    (report,) = run_folders(
        [folder], upscaler, run.Wanted((Target(2),), coding), run.Listener(), whole_program=True
    )
print(json.dumps([report.made, [str(one.error) for one in report.failed], report.notes, order]))
"""


def go(folder: Path, how: str = "own") -> tuple[int, list[object]]:
    """A run in a program of its own; its status, and what it told."""
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, how], cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )
    return done.returncode, json.loads(done.stdout) if done.returncode == 0 else []


def test_a_decoder_that_ends_the_program_costs_one_picture(tmp_path: Path) -> None:
    for name in ("a.png", "bad.png", "c.png", "d.png"):
        draw(tmp_path / "in" / name)
    assert go(tmp_path)[0] == -signal.SIGSEGV
    code, told = go(tmp_path)
    assert code == 0
    assert files(tmp_path / "out") == {"a.png", "c.png", "d.png"}
    (error,), (note,) = told[1], told[2]  # type: ignore[misc]
    assert "bad.png ended the program suddenly" in error and "suspects.json" in error
    assert note == "the last run ended suddenly (Segmentation fault) while bad.png was in work"
    assert go(tmp_path)[1][0] == 0  # it stays left out, without another end
    (tmp_path / "out/.subpixel/suspects.json").unlink()
    assert go(tmp_path)[0] == -signal.SIGSEGV


def test_another_file_of_that_name_is_tried(tmp_path: Path) -> None:
    draw(tmp_path / "in/bad.png")
    assert go(tmp_path)[0] == -signal.SIGSEGV
    draw(tmp_path / "in/bad.png", height=24)
    assert go(tmp_path)[0] == -signal.SIGSEGV


def test_who_is_killed_suspects_nobody(tmp_path: Path) -> None:
    for name in ("a.png", "bad.png"):
        draw(tmp_path / "in" / name)
    for _ in range(3):
        assert go(tmp_path, "kill")[0] == -signal.SIGKILL
    assert not (tmp_path / "out/.subpixel/suspects.json").exists()


def crashed(kept: Path, *sources: Path) -> None:
    """What a run leaves that ended in a thread that is not Python's."""
    kept.mkdir(parents=True, exist_ok=True)
    rows = {}
    for index, source in enumerate(sources):
        state = source.stat()
        rows[str(source.absolute())] = [index, state.st_size, state.st_mtime_ns]
    (kept / "in-work.json").write_text(json.dumps(rows))
    (kept / "crash.txt").write_text("Fatal Python error: Bus error\n\nThread 0x7f (most recent call first):\n")


def test_suspects_come_last_and_alone(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run.draw("a.png", "b.png", "c.png", "d.png", "e.png")
    crashed(run.output / ".subpixel", run.source / "a.png", run.source / "c.png")
    order, working = [], Suspects.working

    def noted(self: Suspects, source: Path) -> object:
        order.append((source.name, len(self._working)))
        return working(self, source)

    monkeypatch.setattr(Suspects, "working", noted)
    report = run()
    assert report.made == 5 and not report.failed
    assert report.notes == ["the last run ended suddenly (Bus error) while a.png, c.png were in work"]
    assert order[-2:] == [("a.png", 0), ("c.png", 0)]
    crashed(run.output / ".subpixel", run.source / "a.png")
    draw(run.source / "a.png", seed=9)  # another file: nothing is known against it
    assert run().made == 1


def test_whoever_was_alone_at_a_second_end_is_left_out(run: Run) -> None:
    run.draw("a.png", "b.png")
    crashed(run.output / ".subpixel", run.source / "a.png")
    report = run()
    assert [one.source.name for one in report.failed] == ["a.png"]
    assert isinstance(report.failed[0].error, subpixel.errors.PictureUnreadable)
    assert files(run.output) == {"b.png"}


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"x": 3}', '{"x": [1]}', "{"])
def test_what_is_damaged_accuses_nobody(run: Run, text: str) -> None:
    run.draw("a.png")
    kept = run.output / ".subpixel"
    crashed(kept, run.source / "a.png")
    for name in ("in-work.json", "suspects.json"):
        (kept / name).write_text(text)
    assert run().made == 1
    assert not (kept / "in-work.json").exists() and not (kept / "crash.txt").exists()
