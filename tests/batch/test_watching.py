"""New pictures are made larger as they arrive, when they are whole."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import subpixel
from subpixel.batch import Report
from subpixel.batch.finding import Filters
from subpixel.batch.folder import Folder
from subpixel.batch.naming import Naming, PictureCoding
from subpixel.batch.oneline import Watching, run_folders
from subpixel.batch.run import Listener, Wanted
from subpixel.errors import SettingError
from tests.batch.conftest import draw, files


def _until(question: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.02)


class _Watch:
    """A watch in a thread of its own."""

    def __init__(self, folder: Path, upscaler: subpixel.Upscaler) -> None:
        self.cancel = threading.Event()
        self.idle = threading.Event()
        self.failed: list[str] = []
        self.reports: list[Report] = []
        watched = Folder(folder / "in", Naming(str(folder / "out"), ("x2",), None), Filters())
        wanted = Wanted((subpixel.Target(2),), PictureCoding())
        listener = Listener(failed=lambda failure: self.failed.append(failure.source.name))

        def work() -> None:
            self.reports += run_folders(
                [watched], upscaler, wanted, listener, cancel=self.cancel, watching=Watching(0.05, self.idle.set)
            )

        self.thread = threading.Thread(target=work)
        self.thread.start()

    def end(self) -> Report:
        self.cancel.set()
        self.thread.join(20)
        assert not self.thread.is_alive()
        return self.reports[0]


def test_what_arrives_is_made(tmp_path: Path, quick: subpixel.Upscaler) -> None:
    draw(tmp_path / "in/a.png")
    watch = _Watch(tmp_path, quick)
    try:
        _until(watch.idle.is_set)
        assert files(tmp_path / "out") == {"a.png"}
        draw(tmp_path / "in/deep/b.png", seed=1)
        _until((tmp_path / "out/deep/b.png").exists)
        before = (tmp_path / "out/a.png").read_bytes()
        draw(tmp_path / "in/a.png", seed=2)
        _until(lambda: (tmp_path / "out/a.png").read_bytes() != before)
    finally:
        report = watch.end()
    assert (report.made, report.anew, report.failed) == (3, 1, [])
    assert files(tmp_path / "out") == {"a.png", "deep/b.png"}


def test_a_file_that_is_still_being_written(tmp_path: Path, quick: subpixel.Upscaler) -> None:
    """It comes in pieces, and stands still for several looks between them."""
    whole = draw(tmp_path / "whole.png", 40, 40).read_bytes()
    (tmp_path / "in").mkdir()
    watch = _Watch(tmp_path, quick)
    try:
        with (tmp_path / "in/a.png").open("wb") as file:
            for start in range(0, len(whole), len(whole) // 3):
                file.write(whole[start : start + len(whole) // 3])
                file.flush()
                time.sleep(0.4)
        _until((tmp_path / "out/a.png").exists)
    finally:
        report = watch.end()
    assert (report.made, watch.failed) == (1, [])
    assert subpixel.read(tmp_path / "out/a.png").size.width == 80


def test_what_stays_broken_is_told_once(tmp_path: Path, quick: subpixel.Upscaler) -> None:
    draw(tmp_path / "in/a.png")
    bad = tmp_path / "in/bad.png"
    bad.write_text("no picture")
    os.utime(bad, (1, 1))  # for a long time
    watch = _Watch(tmp_path, quick)
    try:
        _until(lambda: watch.failed == ["bad.png"])
        _until((tmp_path / "out/a.png").exists)
        time.sleep(0.3)
        assert watch.failed == ["bad.png"]
        draw(bad)
        _until((tmp_path / "out/bad.png").exists)
    finally:
        report = watch.end()
    assert (report.made, report.failed) == (2, [])


def test_several_places_cannot_be_watched(tmp_path: Path, quick: subpixel.Upscaler) -> None:
    naming = Naming(None, ("x2",), None)
    some = [Folder(draw(tmp_path / name / "a.png").parent, naming) for name in ("in", "other")]
    wanted = Wanted((subpixel.Target(2),), PictureCoding())
    with pytest.raises(SettingError, match="2 folders are to be watched"):
        run_folders(some, quick, wanted, Listener(), watching=Watching())


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
def test_the_command_ends_in_order(tmp_path: Path) -> None:
    draw(tmp_path / "in/a.png")
    command = [sys.executable, "-c", "from subpixel.cli.start import main; main()", "upscale", "in", "-o", "out"]
    command += ["--model", "espcn", "--watch"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "watching in: pictures are made larger as they arrive; Ctrl-C ends it\n"
    assert "in/a.png → out/a.png" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert out.splitlines() == ["out: 1 made"]
