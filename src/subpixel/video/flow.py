"""What every film goes through: frames out of a source, through the networks, into a sink, all three at the same time.

Reading and writing run in threads of their own with a few frames of room before and behind the networks, so that memory
stays the same however long the film is. What a source and a sink are, files, numbered pictures or animations, is not
known here.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final, Protocol, TypeAlias

from subpixel.errors import Cancelled
from subpixel.types import Size
from subpixel.video.health import Health, frames_text
from subpixel.video.planes import Frame

_ROOM: Final = 3  # frames that wait before and behind the networks
_PATIENCE: Final = 0.1  # seconds after which a waiting thread looks whether the work goes on


@dataclass(frozen=True, slots=True)
class Timed:
    """A frame and when it is shown.

    Attributes:
        frame: its samples.
        pts: presentation timestamp, in the source's time base; rises from frame to frame.
        duration: how long it is shown, in the same unit; 0 where the source does not tell.
        check: checksum of the samples as they came from the source; 0 where it makes none.
        health: what was wrong with the source up to here; None where it does not tell.
    """

    frame: Frame
    pts: int
    duration: int = 0
    check: int = 0
    health: Health | None = None


class Source(Protocol):
    """Where frames come from."""

    @property
    def size(self) -> Size:
        """Of every frame."""

    @property
    def time_base(self) -> Fraction:
        """Unit of timestamps, seconds."""

    @property
    def rate(self) -> Fraction:
        """Frames per second, on average."""

    @property
    def count(self) -> int | None:
        """Number of frames, None where it is not known; may be an estimate."""

    @property
    def health(self) -> Health:
        """What was wrong with it so far."""

    def frames(self, skip: int = 0) -> Iterator[Timed | None]:
        """Every frame in order of presentation, without the first `skip`.

        None, as often as it likes, while it is busy with what nobody will see: whoever takes frames may stop there.
        """

    def close(self) -> None:
        """Let go of files."""


class Sink(Protocol):
    """Where frames go."""

    @property
    def written(self) -> int:
        """Bytes so far."""

    def add(self, timed: Timed) -> None:
        """Take the next frame."""

    def finish(self) -> None:
        """Everything is there: make the result whole and give it its name."""

    def abandon(self) -> None:
        """The work ends early: leave nothing broken behind."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the work is.

    Attributes:
        done: frames that are finished, those of an earlier run included.
        total: frames in all, None where it is not known.
        fps: frames per second of this run so far; 0 before the first.
        left: seconds that are probably left, None where it is not known.
        written: bytes of result so far.
    """

    done: int
    total: int | None
    fps: float
    left: float | None
    written: int


Tell: TypeAlias = Callable[[Progress], None]
"""Called after every frame, from the calling thread."""

Enlarge: TypeAlias = Callable[[Frame], Frame]
"""Makes one frame larger; called from the calling thread, in order."""


@dataclass(slots=True)
class Clock:
    """Seconds that each part of the work was busy.

    Attributes:
        read: reading and decoding.
        enlarge: the networks and everything else done to a frame.
        write: encoding and writing.
        whole: from the first frame to the last.
    """

    read: float = 0.0
    enlarge: float = 0.0
    write: float = 0.0
    whole: float = 0.0


@dataclass
class _Belt:
    """A few places for things on their way from one thread to another."""

    stopped: threading.Event
    places: queue.Queue[Timed | None] = field(default_factory=lambda: queue.Queue(_ROOM))

    def put(self, thing: Timed | None) -> bool:
        """Wait for a place; False where the work has ended meanwhile."""
        while not self.stopped.is_set():
            try:
                self.places.put(thing, timeout=_PATIENCE)
                return True
            except queue.Full:
                continue
        return False

    def take(self, look: Callable[[], None] | None = None) -> Timed | None:
        """Wait for the next thing; None at the end, or where the work has ended. `look` is called meanwhile."""
        while not self.stopped.is_set():
            if look is not None:
                look()
            try:
                return self.places.get(timeout=_PATIENCE)
            except queue.Empty:
                continue
        return None


def make(
    source: Source,
    enlarge: Enlarge,
    sink: Sink,
    *,
    skip: int = 0,
    progress: Tell | None = None,
    cancel: threading.Event | None = None,
) -> tuple[int, Clock]:
    """`run`, and the sink finished, or abandoned if anything fails; the source is closed."""
    try:
        made = run(source, enlarge, sink, skip=skip, progress=progress, cancel=cancel)
        sink.finish()
    except BaseException:
        sink.abandon()
        raise
    finally:
        source.close()
    return made


def run(
    source: Source,
    enlarge: Enlarge,
    sink: Sink,
    *,
    skip: int = 0,
    progress: Tell | None = None,
    cancel: threading.Event | None = None,
) -> tuple[int, Clock]:
    """Bring every frame of `source`, enlarged, into `sink`; neither finishes nor abandons it.

    Args:
        source: where frames come from.
        enlarge: makes a frame larger.
        sink: where frames go.
        skip: frames that an earlier run has finished.
        progress: told of every finished frame.
        cancel: set it, from any thread, to end the work.

    Returns:
        The number of frames, those skipped included, and how long each part was busy.

    Raises:
        Cancelled: `cancel` was set.
        SubpixelError: what source, networks or sink raise.
    """
    stopped = threading.Event()
    failed: list[BaseException] = []
    read, written, clock = _Belt(stopped), _Belt(stopped), Clock()

    def reading() -> None:
        started = time.perf_counter()
        for timed in source.frames(skip):
            clock.read += time.perf_counter() - started
            if stopped.is_set() or (timed is not None and not read.put(timed)):
                return
            started = time.perf_counter()
        clock.read += time.perf_counter() - started
        read.put(None)

    def writing() -> None:
        while (timed := written.take()) is not None:
            started = time.perf_counter()
            sink.add(timed)
            clock.write += time.perf_counter() - started

    def guarded(work: Callable[[], None]) -> Callable[[], None]:
        def work_and_tell() -> None:
            try:
                work()
            except BaseException as error:  # raised again by the calling thread
                failed.append(error)
                stopped.set()

        return work_and_tell

    threads = [
        threading.Thread(target=guarded(work), name=f"subpixel-{work.__name__}", daemon=True)
        for work in (reading, writing)
    ]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    done = skip

    def look() -> None:
        if cancel is not None and cancel.is_set():
            raise Cancelled(f"stopped after {frames_text(done)}")

    try:
        while (timed := read.take(look)) is not None:
            started = time.perf_counter()
            made = enlarge(timed.frame)
            clock.enlarge += time.perf_counter() - started
            if not written.put(replace(timed, frame=made)):
                break
            done += 1
            if progress is not None:
                progress(_progress(done, skip, source.count, time.perf_counter() - began, sink.written))
        written.put(None)
        threads[1].join()
    finally:
        stopped.set()
        for thread in threads:
            thread.join()
    if failed:
        raise failed[0]
    clock.whole = time.perf_counter() - began
    return done, clock


def _progress(done: int, skip: int, total: int | None, seconds: float, written: int) -> Progress:
    fps = (done - skip) / seconds if seconds > 0 else 0.0
    if total is not None and total < done:  # it was an estimate
        total = done
    left = (total - done) / fps if total is not None and fps > 0 else None
    return Progress(done, total, fps, left, written)
