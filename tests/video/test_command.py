"""`subpixel upscale` with films: what a person types, sees and finds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest

import subpixel
from subpixel.types import Size
from subpixel.video.clips import probe
from subpixel.video.flow import Progress
from tests.cli.conftest import Command
from tests.video import films

FAST = ("--model", "swift")


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_film(run: Command, tmp_path: Path) -> None:
    source = films.make(tmp_path / "clip.mp4", sound=("eng",))
    ran = run("upscale", source, "--scale", "3", *FAST)
    assert (ran.code, ran.err) == (0, "")
    assert len(ran.out.splitlines()) == 1
    for part in ("clip-x3.mp4", "48×32 → 144×96", "12 frames", "swift-x3", "frames/s", " kB"):
        assert part in ran.out
    assert probe(tmp_path / "clip-x3.mp4").size == Size(144, 96)
    assert films.sums(tmp_path / "clip-x3.mp4", "audio") == films.sums(source, "audio")
    assert _names(tmp_path) == ["clip-x3.mp4", "clip.mp4"]


def test_where_nothing_restores_that_is_said(run: Command, tmp_path: Path) -> None:
    ran = run("upscale", films.make(tmp_path / "clip.mp4"), "--scale", "2", "--model", "espcn", "--restore", "--plan")
    assert ran.out.splitlines()[0] == "note: no model of this kind is trained on squeezed pictures"


def test_films_pictures_and_a_folder(run: Command, tmp_path: Path) -> None:
    import numpy as np

    films.make(tmp_path / "a.avi", codec="mpeg4", frames=3)
    subpixel.write(subpixel.Picture(np.full((1, 8, 8, 3), 90, np.uint8)), tmp_path / "b.png")
    ran = run("upscale", tmp_path / "a.avi", tmp_path / "b.png", "-o", tmp_path / "out/", "--scale", "2", *FAST)
    assert ran.code == 0, ran.err
    assert _names(tmp_path / "out") == ["a-x2.mkv", "b-x2.png"]  # AVI is not written


def test_several_sizes(run: Command, tmp_path: Path) -> None:
    source = films.make(tmp_path / "a.mp4", frames=2)
    assert run("upscale", source, "--scale", "2,3", *FAST).code == 0
    assert _names(tmp_path) == ["a-x2.mp4", "a-x3.mp4", "a.mp4"]


def test_plan_writes_nothing(run: Command, tmp_path: Path) -> None:
    source = films.make(tmp_path / "a.mp4", sound=("eng",))
    ran = run("upscale", source, "--scale", "2", "--plan", *FAST)
    assert ran.code == 0
    for part in ("48×32 → 96×64", "12 frames at 25 a second", "swift-x2", "libx264 yuv420p, crf 18", "audio, aac, eng"):
        assert part in ran.out
    row = json.loads(run("upscale", source, "--scale", "2", "--plan", "--json", *FAST).out)
    assert (row["frames"], row["size"], row["encoder"]) == (12, [96, 64], "libx264")
    assert _names(tmp_path) == ["a.mp4"]


def test_json(run: Command, tmp_path: Path) -> None:
    source = films.make(tmp_path / "a.mp4")
    row = json.loads(run("upscale", source, "--scale", "2", "--json", *FAST).out)
    assert (row["frames"], row["resumed"], row["size"]) == (12, 0, [96, 64])
    assert row["bytes"] == (tmp_path / "a-x2.mp4").stat().st_size
    missing = run("upscale", tmp_path / "b.mp4", "--json", *FAST)
    assert missing.code == 3
    assert "does not exist" in json.loads(missing.out)["error"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("a.mp4", "--within", "3s"), 2, "--within was given for the video"),
        (("a.mp4", "--lossless"), 2, "give --codec ffv1"),
        (("a.mp4", "--file-quality", "80"), 2, "give --crf"),
        (("a.mp4", "--codec", "h266"), 2, "there is no codec 'h266'"),
        (("a.mp4", "--from", "x"), 2, "the time is 'x'"),
        (("a.mp4", "--drop", "one"), 2, "the streams to drop are 'one'"),
        (("a.mp4", "--rate", "24"), 2, "leave it out"),
        (("a.mp4", "--deinterlace", "perhaps"), 2, "deinterlacing is 'perhaps'"),
        (("b.png", "--crf", "18"), 2, "--crf was given: it is for videos"),
        (("empty.mp4",), 3, "is empty"),
        (("a.mp4", "-o", "a.mp4", "--overwrite"), 4, "is the input"),
    ],
)
def test_mistakes_are_one_line(
    run: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    films.make(tmp_path / "a.mp4", frames=2)
    (tmp_path / "empty.mp4").touch()
    monkeypatch.chdir(tmp_path)
    ran = run("upscale", *words, *FAST)
    assert ran.code == code
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1
    assert _names(tmp_path) == ["a.mp4", "empty.mp4"]


def test_a_preview_says_how_long_the_whole_takes(run: Command, tmp_path: Path) -> None:
    source = films.make(tmp_path / "a.mp4")
    ran = run("upscale", source, "--scale", "2", "--preview", *FAST)
    assert ran.code == 0, ran.err
    assert "the whole, 12 frames, takes about" in ran.out
    assert _names(tmp_path) == ["a-x2-preview.mp4", "a.mp4"]


def test_a_preview_never_takes_the_name_of_the_film(run: Command, tmp_path: Path) -> None:
    source = films.make(tmp_path / "a.mp4", frames=3)
    assert run("upscale", source, "--scale", "2", *FAST, "-o", tmp_path / "b.mp4").code == 0
    made = (tmp_path / "b.mp4").read_bytes()
    for output in (tmp_path / "b.mp4", f"{tmp_path}/"):
        ran = run("upscale", source, "--scale", "2", "--preview", "--overwrite", *FAST, "-o", output)
        assert ran.code == 0, ran.err
    assert (tmp_path / "b.mp4").read_bytes() == made
    assert _names(tmp_path) == ["a-x2-preview.mp4", "a.mp4", "b-preview.mp4", "b.mp4"]


@pytest.mark.parametrize("kind", [".mp4", ".mkv", ".avi", ".ts", ".mpg"])
def test_films_whose_name_does_not_tell(run: Command, tmp_path: Path, kind: str) -> None:
    codec = "mpeg2video" if kind == ".mpg" else "mpeg4" if kind == ".avi" else "libx264"
    films.make(tmp_path / f"a{kind}", frames=40, codec=codec).rename(tmp_path / "tape")
    ran = run("upscale", tmp_path / "tape", "--scale", "2", *FAST)
    assert ran.code == 0, ran.err
    assert _names(tmp_path) == ["tape", "tape-x2.mkv"]
    assert probe(tmp_path / "tape-x2.mkv").size == Size(96, 64)


def test_pipes_are_no_files(run: Command, tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("there are no pipes with names here")
    os.mkfifo(tmp_path / "a.mp4")
    ran = run("upscale", tmp_path / "a.mp4", "--scale", "2", *FAST)
    assert (ran.code, len(ran.err.splitlines())) == (3, 1)
    assert "is a pipe or a device: save the video as a file" in ran.err


def test_numbered_pictures_in_and_out(run: Command, tmp_path: Path) -> None:
    source = films.make(tmp_path / "a.mp4", frames=4)
    assert run("upscale", source, "--scale", "2", "-o", tmp_path / "out" / "f_%03d.png", *FAST).code == 0
    assert _names(tmp_path / "out") == [f"f_{number:03}.png" for number in range(1, 5)]
    ran = run(
        "upscale", tmp_path / "out" / "f_%03d.png", "--scale", "2", "--rate", "10", "-o", tmp_path / "b.mkv", *FAST
    )
    assert ran.code == 0, ran.err
    assert probe(tmp_path / "b.mkv").size == Size(192, 128)
    assert films.times(tmp_path / "b.mkv") == [Fraction(n, 10) for n in range(4)]


def test_stopped_by_a_signal_it_says_how_to_go_on(tmp_path: Path) -> None:
    """SIGTERM: what is finished is kept, nothing stands under the target's name, and --resume makes the film whole."""
    source = films.make(tmp_path / "a.mp4", frames=30)
    program = (
        "from subpixel.video import encoding, flow, films\n"
        "encoding._SEGMENT, encoding._FEWEST = 0, 5\n"
        "from subpixel.cli.start import main\n"
        "import sys, time\n"
        "slow = films.Film._enlarge\n"
        "films.Film._enlarge = lambda self, frame: (time.sleep({wait}), slow(self, frame))[1]\n"
        f"sys.argv = ['subpixel', 'upscale', {str(source)!r}, '--scale', '2', '--model', 'swift', '--resume']\n"
        "main()"
    )
    child = subprocess.Popen([sys.executable, "-c", program.format(wait=0.03)], stderr=subprocess.PIPE, text=True)
    lines = tmp_path / "a-x2.mp4.journal" / "journal.jsonl"
    for _ in range(200):
        if lines.exists() and len(lines.read_text().splitlines()) > 2:
            break
        time.sleep(0.05)
    child.send_signal(signal.SIGTERM)
    told = child.communicate(timeout=20)[1]
    assert child.returncode == 130
    assert "--resume goes on" in told.splitlines()[0]
    assert "Traceback" not in told
    assert _names(tmp_path) == ["a-x2.mp4.journal", "a.mp4"]
    done = subprocess.run([sys.executable, "-c", program.format(wait=0)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "of them kept from before" in done.stdout
    assert len(films.times(tmp_path / "a-x2.mp4")) == 30
    assert _names(tmp_path) == ["a-x2.mp4", "a.mp4"]


def test_what_progress_says() -> None:
    from subpixel.cli.video import size_text, told

    assert told(Progress(120, 300, 24.81, 7.26, 4_100_000)) == "120 of 300 frames, 24.8/s, 7.3 s left, 4.1 MB"
    assert told(Progress(5, None, 0.5, None, 900)) == "5 frames, 0.5/s, 1 kB"
    assert size_text(2_340_000_000) == "2.3 GB"


def test_importing_the_room_loads_no_ffmpeg() -> None:
    program = "import subpixel.video, subpixel.cli.upscale, sys; print('av' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
