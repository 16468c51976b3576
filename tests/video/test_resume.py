"""Work that is stopped, killed or short of disk goes on where it was, and the film is the one made in one go."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from subpixel import video
from subpixel.errors import Cancelled, OutputExists, OutputUnwritable, SettingError
from subpixel.upscaler import Upscaler
from subpixel.video import encoding, segments
from subpixel.video.journal import Coded, Journal, Origin, SegmentFile, delay_of
from tests.video import films

FRAMES = 26
SEGMENT = 6

_CHILD = """
import os, signal, sys
from subpixel import video
from subpixel.upscaler import Upscaler
from subpixel.video import assembly, encoding
encoding._SEGMENT, encoding._FEWEST = 0, {segment}
moment = {moment!r}

def die(*args):
    os.kill(os.getpid(), signal.SIGKILL)

def progress(now):
    if now.done == moment:
        die()

if moment == "filling":
    fill = assembly._Target._put
    def put(self, coded, dts):
        fill(self, coded, dts)
        if coded.pts > 0:
            die()
    assembly._Target._put = put
with Upscaler("swift", threads=1) as upscaler:
    video.upscale({source!r}, {target!r}, scale=2, upscaler=upscaler, resume=True, progress=progress)
"""


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of a few frames."""
    monkeypatch.setattr(encoding, "_SEGMENT", 0)
    monkeypatch.setattr(encoding, "_FEWEST", SEGMENT)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
def test_killed_at_any_moment_it_goes_on_and_is_the_same(tmp_path: Path, swift: Upscaler, short: None) -> None:
    source = films.make(tmp_path / "a.mp4", frames=FRAMES, sound=("eng",))
    whole = tmp_path / "whole.mp4"
    video.upscale(source, whole, scale=2, upscaler=swift)
    target = tmp_path / "b.mp4"
    kept = []
    for moment in (3, 17, "filling"):
        words = {"segment": SEGMENT, "moment": moment, "source": str(source), "target": str(target)}
        ran = subprocess.run([sys.executable, "-c", _CHILD.format(**words)], check=False, capture_output=True)
        assert ran.returncode == -signal.SIGKILL, ran.stderr.decode()
        assert not target.exists()
        kept.append(len((tmp_path / "b.mp4.journal" / "journal.jsonl").read_text().splitlines()) - 1)
    assert kept[0] == 0
    assert 1 <= kept[1] <= 2
    assert kept[2] == 5  # the last of them with the two frames that are left
    made = video.upscale(source, target, scale=2, upscaler=swift, resume=True)
    assert (made.frames, made.resumed) == (FRAMES, FRAMES)
    assert _names(tmp_path) == ["a.mp4", "b.mp4", "whole.mp4"]
    assert films.packets(target) == films.packets(whole)
    assert target.read_bytes() == whole.read_bytes()
    assert films.times(target) == films.times(source)


def test_cancelled_it_goes_on(tmp_path: Path, swift: Upscaler, short: None) -> None:
    source = films.make(tmp_path / "a.mkv", frames=20)
    cancel = threading.Event()

    def progress(now: video.Progress) -> None:
        assert now.total == 20
        assert now.done <= 15
        if now.done == 15:
            cancel.set()

    with pytest.raises(Cancelled, match="stopped after 15 frames"):
        video.upscale(source, tmp_path / "b.mkv", scale=2, upscaler=swift, progress=progress, cancel=cancel)
    assert _names(tmp_path) == ["a.mkv", "b.mkv.journal"]
    with pytest.raises(OutputExists, match=r"12 frames of it are done: use --resume to go on with it"):
        video.upscale(source, tmp_path / "b.mkv", scale=2, upscaler=swift)
    with pytest.raises(SettingError, match="other settings"):
        video.upscale(source, tmp_path / "b.mkv", scale=2, upscaler=swift, crf=30, resume=True)
    told = []
    made = video.upscale(source, tmp_path / "b.mkv", scale=2, upscaler=swift, resume=True, progress=told.append)
    assert (made.frames, made.resumed) == (20, 12)
    assert [now.done for now in told] == list(range(13, 21))
    assert all(now.fps > 0 and now.written > 0 for now in told)
    video.upscale(source, tmp_path / "c.mkv", scale=2, upscaler=swift)
    assert films.packets(tmp_path / "b.mkv") == films.packets(tmp_path / "c.mkv")
    assert _names(tmp_path) == ["a.mkv", "b.mkv", "c.mkv"]


def test_cancelled_before_a_segment_is_finished_nothing_is_left(tmp_path: Path, swift: Upscaler) -> None:
    source = films.make(tmp_path / "a.mkv", frames=8)
    cancel = threading.Event()
    cancel.set()
    with pytest.raises(Cancelled):
        video.upscale(source, tmp_path / "b.mkv", scale=2, upscaler=swift, cancel=cancel)
    assert _names(tmp_path) == ["a.mkv"]


def test_an_error_of_the_callers_own_ends_the_work(tmp_path: Path, swift: Upscaler) -> None:
    source = films.make(tmp_path / "a.mkv", frames=8)

    def progress(now: video.Progress) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        video.upscale(source, tmp_path / "b.mkv", scale=2, upscaler=swift, progress=progress)
    assert _names(tmp_path) == ["a.mkv"]
    assert not [thread for thread in threading.enumerate() if thread.name in ("subpixel-reading", "subpixel-writing")]


def test_a_full_disk_keeps_what_is_finished(
    tmp_path: Path, swift: Upscaler, short: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = films.make(tmp_path / "a.mkv", frames=20)
    real, written = SegmentFile.put, []

    def put(self: SegmentFile, packet: Coded) -> None:
        written.append(packet)
        if len(written) > 14:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, packet)

    monkeypatch.setattr(segments.SegmentFile, "put", put)
    with pytest.raises(OutputUnwritable, match=r"the disk is full; .* --resume") as caught:
        video.upscale(source, tmp_path / "b.mkv", scale=2, upscaler=swift)
    assert "\n" not in str(caught.value)
    assert "b.mkv cannot be written" in str(caught.value)
    assert _names(tmp_path) == ["a.mkv", "b.mkv.journal"]
    monkeypatch.setattr(segments.SegmentFile, "put", real)
    assert video.upscale(source, tmp_path / "b.mkv", scale=2, upscaler=swift, resume=True).resumed == 12


@pytest.fixture
def tiny_disk(tmp_path: Path):
    """A disk of 48 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(folder)]
    if (
        sys.platform != "linux"
        or os.geteuid() != 0
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        pytest.skip("mounting a tiny disk needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(tmp_path: Path, swift: Upscaler, tiny_disk: Path) -> None:
    source = films.make(tmp_path / "a.mkv", frames=12)
    with pytest.raises(OutputUnwritable, match="the disk is full"):
        video.upscale(source, tiny_disk / "b.mkv", scale=6, upscaler=swift, codec="ffv1")
    assert _names(tiny_disk) == []


def test_a_full_disk_while_the_film_is_put_together(tmp_path: Path, swift: Upscaler, tiny_disk: Path) -> None:
    """The segments fit, the whole beside them does not."""
    source = films.make(tmp_path / "a.mkv", frames=24, sound=("eng",))
    for crf in (30, 24, 18, 12, 6):
        try:
            video.upscale(source, tiny_disk / "b.mkv", scale=4, upscaler=swift, crf=crf)
        except OutputUnwritable as error:
            assert "the disk is full" in str(error)
            assert "\n" not in str(error)
            assert not (tiny_disk / "b.mkv").exists()
            if (tiny_disk / "b.mkv.journal").exists():
                assert "--resume" in str(error)
                assert _names(tiny_disk / "b.mkv.journal") == ["000000.packets", "journal.jsonl"]
                return
        (tiny_disk / "b.mkv").unlink(missing_ok=True)
    pytest.fail("no size met the limit between segments and whole")


def test_a_damaged_journal_counts_as_far_as_it_is_whole(tmp_path: Path) -> None:
    origin = Origin("a.mp4", 1, 2, "x")
    journal = Journal(tmp_path / "b.mp4", origin)
    journal.begin(resume=False, overwrite=False)
    for index in range(3):
        file = SegmentFile(journal.part(index))
        for pts in (0, 2, 1):
            file.put(Coded(index * 3 + pts, 1, pts == 0, bytes([index]) * 9))
        journal.add(file.finish(3))
    journal.release()
    lines = journal.folder / "journal.jsonl"
    with lines.open("a") as file:
        file.write(json.dumps({"frames": 3})[:-4])  # the power went off here
    again = Journal(tmp_path / "b.mp4", origin)
    again.begin(resume=True, overwrite=False)
    assert (again.frames, again.delay) == (9, 1)
    again.release()
    order = [(packet.pts, dts) for packet, dts in again.film(1)]
    assert order == [(0, -1), (2, 0), (1, 1), (3, 2), (5, 3), (4, 4), (6, 5), (8, 6), (7, 7)]
    data = bytearray(journal.part(1).read_bytes())
    data[20] ^= 1
    journal.part(1).write_bytes(data)
    third = Journal(tmp_path / "b.mp4", origin)
    third.begin(resume=True, overwrite=False)
    assert third.frames == 3
    third.release()
    fourth = Journal(tmp_path / "b.mp4", origin)
    fourth.begin(resume=True, overwrite=False)
    assert fourth.frames == 3


def test_two_runs_do_not_share_a_target(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    origin = Origin("a.mp4", 1, 2, "x")
    one, two = Journal(tmp_path / "b.mp4", origin), Journal(tmp_path / "b.mp4", origin)
    one.begin(resume=True, overwrite=False)
    for resume, overwrite in ((True, False), (False, True)):
        with pytest.raises(OutputUnwritable, match="being made by another run"):
            two.begin(resume=resume, overwrite=overwrite)
    one.release()
    two.begin(resume=True, overwrite=False)
    two.drop()
    assert _names(tmp_path) == []


@pytest.mark.parametrize(("order", "delay"), [([0, 1, 2], 0), ([0, 2, 1], 1), ([0, 4, 2, 1, 3], 2), ([], 0)])
def test_how_far_packets_stand_out_of_order(order: list[int], delay: int) -> None:
    assert delay_of(order) == delay
    shown = sorted(order)
    assert all(index < delay or shown[index - delay] <= pts for index, pts in enumerate(order))
