"""Reading, enlarging and writing at the same time, in bounded room."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest

from subpixel.errors import Cancelled, PictureUnreadable
from subpixel.types import Size
from subpixel.video.flow import Progress, Timed, run
from subpixel.video.planes import Coloured, Frame

_FRAME = Coloured(np.zeros((2, 2, 3), np.uint8))


class Counted:
    """A source and a sink that count."""

    size = Size(2, 2)
    time_base = rate = Fraction(25)

    def __init__(self, count: int | None, *, there: int, pause: float = 0.0, fails: str = "") -> None:
        self.count, self.pause, self.fails = count, pause, fails
        self.there, self.read, self.written, self.most = there, 0, 0, 0
        self.shown: list[int] = []

    def frames(self, skip: int = 0) -> Iterator[Timed]:
        for index in range(skip, self.there):
            if self.fails == "read" and index == 5:
                raise PictureUnreadable("a frame is broken")
            self.read += 1
            self.most = max(self.most, self.read - self.written)
            time.sleep(self.pause)
            yield Timed(_FRAME, index)

    def add(self, timed: Timed) -> None:
        if self.fails == "write" and timed.pts == 5:
            raise OSError("disk")
        time.sleep(self.pause)
        self.written += 1
        self.shown.append(timed.pts)

    def close(self) -> None: ...
    def finish(self) -> None: ...
    def abandon(self) -> None: ...


def test_room_is_bounded_however_slow_the_sink() -> None:
    film = Counted(None, there=60)
    slow = Counted(None, there=0, pause=0.002)
    read_ahead = []

    def enlarge(frame: Frame) -> Frame:
        read_ahead.append(film.read - slow.written)
        return frame

    frames, clock = run(film, enlarge, slow)
    assert frames == slow.written == 60
    assert slow.shown == list(range(60))
    assert max(read_ahead) <= 3 + 3 + 3  # the room before and behind, and what each of the three holds
    assert clock.write > 0.1


def test_all_three_work_at_the_same_time() -> None:
    film = Counted(30, there=30, pause=0.004)

    def enlarge(frame: Frame) -> Frame:
        time.sleep(0.004)
        return frame

    _, clock = run(film, enlarge, film)
    assert clock.whole < 0.75 * (clock.read + clock.enlarge + clock.write)


def test_progress() -> None:
    told: list[Progress] = []
    film = Counted(10, there=12)
    frames, _ = run(film, lambda frame: frame, film, skip=4, progress=told.append)
    assert frames == 12
    assert [now.done for now in told] == list(range(5, 13))
    assert [now.total for now in told] == [10] * 6 + [11, 12]  # it was an estimate
    assert told[-1].left == 0
    assert all(now.fps > 0 for now in told)


@pytest.mark.parametrize(("fails", "kind"), [("read", PictureUnreadable), ("write", OSError), ("enlarge", KeyError)])
def test_whatever_fails_ends_all_three(fails: str, kind: type[Exception]) -> None:
    film = Counted(60, there=60, fails=fails)

    def enlarge(frame: Frame) -> Frame:
        if fails == "enlarge":
            raise KeyError("network")
        return frame

    with pytest.raises(kind):
        run(film, enlarge, film)
    assert film.written < 10
    assert not [thread for thread in threading.enumerate() if thread.name in ("subpixel-reading", "subpixel-writing")]


def test_cancelled_from_another_thread() -> None:
    film, cancel = Counted(None, there=10_000, pause=0.001), threading.Event()
    threading.Timer(0.05, cancel.set).start()
    with pytest.raises(Cancelled, match=r"stopped after \d+ frames"):
        run(film, lambda frame: frame, film, cancel=cancel)
    assert 0 < film.written < 1000


def test_cancelled_while_the_source_is_on_its_way_to_the_first_frame() -> None:
    """Going on behind the middle of a long film: it has to be decoded up to there."""
    film, cancel = Counted(None, there=0), threading.Event()

    def none_for_ever(skip: int = 0) -> Iterator[Timed | None]:
        while True:
            time.sleep(0.001)
            yield None

    film.frames = none_for_ever  # type: ignore[assignment, method-assign]
    threading.Timer(0.05, cancel.set).start()
    with pytest.raises(Cancelled, match="stopped after 5 frames"):
        run(film, lambda frame: frame, film, skip=5, cancel=cancel)
    assert not [thread for thread in threading.enumerate() if thread.name in ("subpixel-reading", "subpixel-writing")]
