"""A run that is killed at any moment and started again ends as one that was left alone."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.batch.conftest import draw, facts, files

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")

_RUNS = 20
_SERVER = """
import os, sys, time
# Everything is imported once, and each run is a process of its own that begins with all of it.
import openvino
import subpixel.batch.oneline, subpixel.engines.fake, subpixel.image.reading, subpixel.image.writing, subpixel.pipeline
from subpixel import Upscaler
from subpixel.batch import upscale_folder
from subpixel.image import writing

settle = writing.settle

def slow(*words):
    time.sleep(0.004)
    settle(*words)
    time.sleep(0.004)

writing.settle = slow  # the moments round a new name last longer, so that more of them are met
os.write(1, b"ready\\n")
for line in sys.stdin:
    source, output = line.rstrip("\\n").split("\\t")
    child = os.fork()
    if child == 0:
        with Upscaler("espcn", engine="fake", threads=2) as upscaler:
            report = upscale_folder(source, output, scale=2, upscaler=upscaler)
        os.write(1, f"{report.made} {report.unchanged} {len(report.failed)}\\n".encode())
        os._exit(0)
    os.write(1, f"{child}\\n".encode())
    _, status = os.waitpid(child, 0)
    os.write(1, f"{status}\\n".encode())
"""


class _Server:
    """Starts runs, each in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=folder, text=True
        )
        self._line()  # it is ready

    def start(self, output: str) -> int:
        """The process of a new run."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"in\t{output}\n")
        self.process.stdin.flush()
        return int(self._line())

    def end(self) -> str:
        """What the run tells, or its status where it was killed."""
        first = self._line()
        return first if len(first.split()) == 1 else f"{first} {self._line()}"

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


def _wait_for_more(folder: Path, count: int) -> None:
    """Until there are more results than `count`, for as long as that may take."""
    end = time.monotonic() + 5
    while len([name for name in files(folder) if not name.endswith(".partial")]) <= count and time.monotonic() < end:
        time.sleep(0.002)


def test_killed_at_any_moment(tmp_path: Path) -> None:
    names = [f"{'deep/' * (number % 3)}{number:02}.{('png', 'jpg', 'tif', 'webp')[number % 4]}" for number in range(60)]
    for number, name in enumerate(names):
        draw(tmp_path / "in" / name, 48, 64, seed=number)
    server, dice = _Server(tmp_path), random.Random(7)
    started = time.perf_counter()
    server.start("whole")
    assert server.end() == "60 0 0 0"
    took = time.perf_counter() - started
    whole = {name: made[2] for name, made in facts(tmp_path / "whole").items()}
    assert whole.keys() == set(names)

    finished: dict[str, tuple[int, int, bytes]] = {}
    met = 0
    for _ in range(_RUNS):
        child = server.start("out")
        if dice.random() < 0.5:  # every other time while it starts, or a little later
            time.sleep(dice.uniform(0, took / 4))
        else:
            _wait_for_more(tmp_path / "out", len(finished))
            time.sleep(dice.uniform(0, took / 20))
        with contextlib.suppress(ProcessLookupError):  # it was quicker
            os.kill(child, signal.SIGKILL)
        ended = server.end()
        there = {name: made for name, made in facts(tmp_path / "out").items() if not name.endswith(".partial")}
        assert all(whole[name] == made[2] for name, made in there.items()), "nothing half, nothing else"
        assert all(there[name] == made for name, made in finished.items()), "nothing made twice"
        met += ended == str(int(signal.SIGKILL)) and len(finished) < len(there) < len(whole)
        finished = there
    assert met >= 3, "some kills came in the middle of the work"
    child = server.start("out")
    made, unchanged, failed, status = map(int, server.end().split())
    assert (made, unchanged, failed, status) == (60 - len(finished), len(finished), 0, 0)
    there = facts(tmp_path / "out")
    assert {name: made[2] for name, made in there.items()} == whole
    assert all(there[name] == made for name, made in finished.items())
    assert files(tmp_path / "out") == set(names), "no file in the making is left"
    server.start("out")
    assert server.end() == "0 60 0 0"
    server.process.communicate()


def test_a_name_given_before_the_end_is_no_half_result(tmp_path: Path) -> None:
    """Killed between the journal's row and the name, and between the name and everything else: exactly there."""
    program = """
import os, signal, sys
from subpixel import Upscaler
from subpixel.batch import upscale_folder
from subpixel.image import writing

when, settle = sys.argv[1], writing.settle

def killed(*words):
    if when == "after":
        settle(*words)
    os.kill(os.getpid(), signal.SIGKILL)

if when != "never":
    writing.settle = killed
with Upscaler("espcn", engine="fake", threads=1) as upscaler:
    print(upscale_folder("in", "out", scale=2, upscaler=upscaler).line)
"""

    def run(when: str) -> str:
        command = [sys.executable, "-c", program, when]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout.strip()

    draw(tmp_path / "in/a.png")
    assert run("before") == ""
    assert files(tmp_path / "out") - {"a.png"}, "what was in the making"
    assert "a.png" not in files(tmp_path / "out")
    assert run("after") == ""
    assert "a.png" in files(tmp_path / "out")
    assert run("never") == "0 made, 1 there already"
    assert files(tmp_path / "out") == {"a.png"}
    draw(tmp_path / "in/a.png", seed=8)
    before = facts(tmp_path / "out")["a.png"]
    assert run("before") == ""
    assert facts(tmp_path / "out")["a.png"] == before, "the old one is there, whole"
    assert run("never") == "1 made (1 of them anew)"
    assert facts(tmp_path / "out")["a.png"][2] != before[2]


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_interrupted_command(tmp_path: Path, name: str) -> None:
    for number in range(30):
        draw(tmp_path / "in" / f"{number:02}.png", 60, 80, seed=number)
    command = [sys.executable, "-c", "from subpixel.cli.start import main; main()", "upscale", "in", "-o", "out"]
    command += ["--model", "crisp", "--threads", "1", "--json"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    json.loads(process.stdout.readline())
    process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err.strip()) == (130, "subpixel: stopped")
    first = files(tmp_path / "out")
    assert 1 <= len(first) < 30
    assert not [path for path in first if path.startswith(".")]
