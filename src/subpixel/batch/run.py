"""The pictures of a folder, several at a time: while some are read or written, others are computed.

Each picture has a thread that reads it, hands its tiles to the threads that compute, and codes what they give. More
pictures are under way than there are threads to compute, so these always find tiles. The calling thread looks for
pictures, decides what has to be done, and tells of what was done.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

from subpixel.batch.deciding import Decision, Why, decide
from subpixel.batch.finding import Total, weight
from subpixel.batch.journal import Journal, State, digest
from subpixel.batch.naming import Folders, Job, PictureCoding
from subpixel.batch.pace import TELL_S, Pace
from subpixel.batch.report import Failed, Made, Report, Tell
from subpixel.batch.room import Room, need_of
from subpixel.batch.suspects import Suspects
from subpixel.errors import Cancelled, DiskFull, EngineError, ModelError, PictureError, PictureUnreadable, SubpixelError
from subpixel.image import Encoded
from subpixel.plan import Target
from subpixel.results import FileResult
from subpixel.upscaler import Upscaler

Item: TypeAlias = Job | tuple[Path, SubpixelError] | None
"""A picture, something that failed already, or nothing for now."""

_MORE: Final = 2  # pictures under way beyond the threads that compute: one is read or coded, one waits for the disk
_TRIES: Final = 3  # of a picture that changes while it is read
_FOR_ALL: Final = (ModelError, EngineError, DiskFull)  # as wrong for every other picture


class _InputChanged(Exception):
    """The input changed while it was being read."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told of what, from the calling thread.

    Attributes:
        begun: pictures whose work begins.
        made: results.
        failed: failures.
        progress: how far everything is.
        note: lines about the whole.
    """

    begun: Callable[[Path], None] = lambda path: None
    made: Made = lambda results: None
    failed: Failed = lambda failure: None
    progress: Tell = lambda progress: None
    note: Callable[[str], None] = lambda line: None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is made of each picture, and how.

    Attributes:
        targets: factor or size of each result.
        coding: how pictures are read and results written.
    """

    targets: tuple[Target, ...]
    coding: PictureCoding


@dataclass(slots=True)
class _Work:
    """A picture under way."""

    job: Job
    decision: Decision
    weight: int
    share: float = 0.0


@dataclass(slots=True)
class FolderRun:
    """One run over pictures whose results go to one folder.

    Attributes:
        upscaler: makes them larger; stays open.
        wanted: what is made of each.
        journal: what was made before; stays open.
        report: what becomes of them.
        listener: who is told.
        total: how many there are, where somebody counts.
        cancel: set it, from any thread, to stop.
        again: asked about a picture that cannot be read, whether it will come again; no failure then.
        suspects: pictures that may have ended an earlier run suddenly; None: nobody looks.
    """

    upscaler: Upscaler
    wanted: Wanted
    journal: Journal
    report: Report
    listener: Listener = field(default_factory=Listener)
    total: Total | None = None
    cancel: threading.Event = field(default_factory=threading.Event)
    again: Callable[[Path], bool] = lambda path: False
    suspects: Suspects | None = None
    _late: list[Job] = field(default_factory=list)  # suspects, which come last and alone
    _stop: threading.Event = field(default_factory=threading.Event)
    _folders: Folders = field(default_factory=Folders)
    _room: Room = field(default_factory=Room)
    _active: dict[Future[tuple[FileResult, ...]], _Work] = field(default_factory=dict)
    _pace: Pace = field(default_factory=Pace)

    def run(self, items: Iterator[Item]) -> None:
        """Work through pictures as they come; None among them: there are no more for now.

        Raises:
            Cancelled: `cancel` was set; what is finished stays.
            ModelError, EngineError, DiskFull: as wrong for every other picture.
        """
        _ = self.upscaler.choose.restoring  # made here once and not in several threads
        lanes = self.upscaler.threads + _MORE
        most = lanes + 1  # one waits, so that no thread has to
        started = time.perf_counter()
        with ThreadPoolExecutor(lanes, thread_name_prefix="subpixel-picture") as pool:
            try:
                for item in items:
                    if self._is_late(item):
                        continue
                    if item is not None:
                        self._take(item, pool)
                    elif self._late:
                        self._alone(pool)
                    self._collect(most if item is not None else 0)
                self._alone(pool)
            except BaseException:
                self._stop.set()
                for future in self._active:
                    future.cancel()
                raise
            finally:
                self.report.seconds += time.perf_counter() - started
                self.report.failed.sort(key=lambda failure: failure.source)
        self._tell(now=True)

    def _is_late(self, item: Item) -> bool:
        """Whether a picture is put off until all others are through."""
        if self.suspects is None or not isinstance(item, Job) or self.suspects.ends(item.source) != 1:
            return False
        self._late.append(item)
        return True

    def _alone(self, pool: ThreadPoolExecutor) -> None:
        """End what is under way; then those that were put off, one after the other."""
        while self._active or self._late:
            if not self._active:
                self._take(self._late.pop(0), pool)
            if self._active:
                self._collect(len(self._active))

    def _take(self, item: Job | tuple[Path, SubpixelError], pool: ThreadPoolExecutor) -> None:
        """Begin a picture, or see that there is nothing to do for it."""
        self._check()
        if not isinstance(item, Job):
            self._failed(*item)
            return
        size = weight(item.source)
        try:
            decision = decide(item, self.journal, self.wanted.coding.overwrite)
        except SubpixelError as error:
            self._pace.over(size, made=False)
            self._failed(item.source, error)
            return
        if decision.why is Why.FINISHED:
            self._pace.over(size, made=False)
            self.report.unchanged += 1
            self._tell()
            return
        if self.suspects is not None and (left_out := self.suspects.error(item.source)):
            self._pace.over(size, made=False)
            self._failed(item.source, left_out)
            return
        if decision.why is Why.SETTINGS and self.journal.differs:
            line = f"other settings than in the last run ({', '.join(self.journal.differs)}): its results are made anew"
            if line not in self.report.notes:
                self.report.notes.append(line)
                self.listener.note(line)
        self.listener.begun(item.source)
        work = _Work(item, decision, size)
        self._active[pool.submit(self._one, work)] = work

    def _collect(self, most: int) -> None:
        """Tell of what is through; with `most` or more under way, wait for one."""
        while True:
            full = len(self._active) >= most > 0
            done, _ = wait(self._active, TELL_S if full else 0, FIRST_COMPLETED)
            for future in done:
                self._through_with(self._active.pop(future), future)
            self._check()
            self._tell()
            if done or not full:
                return

    def _through_with(self, work: _Work, future: Future[tuple[FileResult, ...]]) -> None:
        self._pace.over(work.weight, made=True)
        try:
            results = future.result()
        except (*_FOR_ALL, Cancelled):
            raise
        except Exception as error:
            if isinstance(error, PictureError) and self.again(work.job.source):
                return
            self._failed(work.job.source, _for_people(work.job.source, error))
            return
        self.report.failed = [one for one in self.report.failed if one.source != work.job.source]
        self.report.add(results, anew=work.decision.anew)
        self.listener.made(results)

    def _failed(self, source: Path, error: SubpixelError) -> None:
        self.listener.failed(self.report.fail(source, error))

    def _check(self) -> None:
        if self.cancel.is_set():
            raise Cancelled(f"stopped: {self.report.line}", "the same call goes on")

    def _tell(self, now: bool = False) -> None:
        """Tell how far everything is, a few times a second."""
        if not self._pace.due(now=now):
            return
        parts = sum(work.share * work.weight for work in self._active.values())
        current = next((work.job.source for work in self._active.values()), None)
        self.listener.progress(self._pace.progress(self.report, self.total, parts, current))

    def _one(self, work: _Work) -> tuple[FileResult, ...]:
        """One picture, in a thread of its own."""
        job, coding = work.job, self.wanted.coding
        with self.suspects.working(job.source) if self.suspects is not None else contextlib.nullcontext():
            need = need_of(job.source, self.upscaler, self.wanted.targets, coding.pixel_limit)
            with self._room.take(need, self._stop.is_set):
                for _ in range(_TRIES):
                    with contextlib.suppress(_InputChanged):
                        return self._made(work)
        raise PictureUnreadable(f"{job.source} changes while it is being read", "try again when it is whole")

    def _made(self, work: _Work) -> tuple[FileResult, ...]:
        job, coding = work.job, self.wanted.coding
        self._go_on()
        noted = False

        def settling(made: Sequence[Encoded]) -> None:
            nonlocal noted
            self._go_on()
            if State.of(job.source) != before or before is None:
                raise _InputChanged
            outputs = [(Path(one.target), State.told(one.facts())) for one in made]
            noted = True
            self.journal.add(job.source, before, hashed, outputs)

        def progress(done: int, total: int) -> None:
            self._go_on()
            work.share = done / total

        try:
            for folder, new in self._folders.enter(job.targets).items():
                self.journal.enter(folder, new)
            before, hashed = State.of(job.source), _hash(job.source)
            return self.upscaler.files(
                job.source,
                job.targets,
                self.wanted.targets,
                format=coding.format,
                file_quality=coding.file_quality,
                lossless=coding.lossless,
                pyramid=coding.pyramid,
                overwrite=work.decision.overwrite,
                pixel_limit=coding.pixel_limit,
                progress=progress,
                settling=settling,
            )
        except BaseException:
            if noted:
                self.journal.forget(job.targets)
            raise
        finally:
            self._folders.leave(job.targets)

    def _go_on(self) -> None:
        """End this picture where all are to stop."""
        if self._stop.is_set() or self.cancel.is_set():
            raise Cancelled("stopped", "the same call goes on")


def _for_people(source: Path, error: Exception) -> SubpixelError:
    """Any error as one of ours: whatever is wrong with a picture, the others are made."""
    if isinstance(error, SubpixelError):
        return error
    if isinstance(error, MemoryError):
        return SubpixelError(f"{source} needs more memory than there is", "use a smaller factor, or a smaller --tile")
    if isinstance(error, OSError):
        return PictureUnreadable(f"{source} cannot be read", error.strerror or str(error))
    said = f"{type(error).__name__} {error}"
    return SubpixelError(f"{source} cannot be made larger", f"{said}: this is a mistake of subpixel, please report it")


def _hash(source: Path) -> bytes:
    """Hash of the input; of one that cannot be read, reading it will tell."""
    try:
        return digest(source)
    except OSError:
        return b""
