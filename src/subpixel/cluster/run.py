"""The pictures of a run, handed out and gathered: this thread looks for pictures, decides, and tells of what was done.

Every picture ends once: its results get their names in this process alone, so that what a node that was thought lost
makes after all is thrown away.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, Final, Generic, TypeVar

from subpixel import __version__
from subpixel.batch.deciding import Decision, Why
from subpixel.batch.finding import Total
from subpixel.batch.pace import TELL_S, Pace
from subpixel.batch.run import Listener, Wanted
from subpixel.cluster.books import Book, InputChanged, Piece
from subpixel.cluster.hands import Hands
from subpixel.cluster.orders import Done, Lost, Needs, Order, Outcome, Wrong
from subpixel.cluster.report import ClusterReport
from subpixel.errors import (
    Cancelled,
    ClusterError,
    DiskFull,
    EngineError,
    ModelError,
    PictureUnreadable,
    SubpixelError,
)
from subpixel.results import FileResult

_TRIES: Final = 3  # of a picture that changes while it is read
_LOSSES: Final = 5  # of a picture: then it is probably what kills its nodes
_SETTLING: Final = 16  # results that get their names side by side: a store takes its time for each
_SPREAD: Final = 64
_FOR_ALL: Final = (ModelError, EngineError, DiskFull, ClusterError)  # as wrong for every other picture

P = TypeVar("P", bound=Piece)


@dataclass(slots=True)
class _Work(Generic[P]):
    """A picture under way."""

    piece: P
    decision: Decision
    order: Order
    data: Any
    losses: int = 0
    tries: int = 0


@dataclass(slots=True)
class ClusterRun(Generic[P]):
    """One run.

    Attributes:
        hands: who makes pictures; stays open.
        book: what was made before; stays open.
        wanted: what is made of each.
        report: what becomes of them.
        listener: who is told.
        total: how many there are.
        cancel: set it, from any thread, to stop.
    """

    hands: Hands
    book: Book[P]
    wanted: Wanted
    report: ClusterReport
    listener: Listener = field(default_factory=Listener)
    total: Total = field(default_factory=Total)
    cancel: threading.Event = field(default_factory=threading.Event)
    _id: str = field(default_factory=lambda: secrets.token_hex(4))
    _count: int = 0
    _work: dict[int, _Work[P]] = field(default_factory=dict)
    _settling: dict[Future[tuple[FileResult, ...]], tuple[_Work[P], Done]] = field(default_factory=dict)
    _large: list[_Work[P]] = field(default_factory=list)
    _spread: set[int] = field(default_factory=set)
    _shares: dict[int, float] = field(default_factory=dict)
    _pace: Pace = field(default_factory=Pace)

    def run(self, items: Iterator[P | tuple[Any, SubpixelError]]) -> None:
        """Work through pictures.

        Raises:
            Cancelled: `cancel` was set; what is finished stays.
            ModelError, EngineError, DiskFull, ClusterError: as wrong for every other picture.
        """
        started = time.perf_counter()
        with ThreadPoolExecutor(_SETTLING, thread_name_prefix="subpixel-settling") as pool:
            try:
                for item in items:
                    self._check()
                    if isinstance(item, tuple):
                        self._failed(*item)
                    else:
                        self._take(item)
                    self._gather(pool, self._most)
                while self._work or self._settling:
                    self._gather(pool, 1)
            finally:
                for future in self._settling:
                    future.cancel()
                self.report.seconds += time.perf_counter() - started
                self.report.failed.sort(key=lambda failure: str(failure.source))
        self._tell(now=True)

    @property
    def _most(self) -> int:
        """Pictures under way: all slots have one, and half as many are on their way there."""
        return self.hands.slots + max(2, self.hands.slots // 2)

    def _take(self, piece: P) -> None:
        """Begin a picture, or see that there is nothing to do for it."""
        try:
            decision = self.book.decide(piece, self.wanted.coding.overwrite)
        except SubpixelError as error:
            self._pace.over(piece.weight, made=False)
            self._failed(piece.shown, error)
            return
        if decision.why is Why.FINISHED:
            self._pace.over(piece.weight, made=False)
            self.report.unchanged += 1
            self._tell()
            return
        if decision.why is Why.SETTINGS and self.book.differs:
            line = f"other settings than in the last run ({', '.join(self.book.differs)}): its results are made anew"
            if line not in self.report.notes:
                self._note(line)
        self.listener.begun(piece.shown)
        self._begin(piece, decision)

    def _begin(self, piece: P, decision: Decision, tries: int = 0) -> None:
        number = self._count = self._count + 1
        try:
            data = self.book.read(piece)
        except SubpixelError as error:
            self._pace.over(piece.weight, made=False)
            self._failed(piece.shown, error)
            return
        attempt = f"{self._id}-{number}"
        fetch, puts = self.book.where(piece, attempt)
        order = Order(
            number, attempt, piece.shown.name, str(piece.shown), fetch, piece.files, puts, self.wanted.targets,
            replace(self.wanted.coding, overwrite=False), self.hands.memory, self.hands.most, 0, __version__,
        )  # fmt: skip
        work = _Work(piece, decision, order, None if data is None else self.hands.carry(data), tries=tries)
        self._work[number] = work
        self.hands.submit(order, work.data)

    def _gather(self, pool: ThreadPoolExecutor, most: int) -> None:
        """See what is through; with `most` or more under way, wait until one is."""
        while True:
            full = len(self._work) + len(self._settling) >= most
            waiting = full and bool(self._work)
            for order, outcome in self.hands.collect(TELL_S if waiting else 0):
                self._ended(order, outcome, pool)
            self._settled(wait=full and not waiting)
            for line in self.hands.notes():
                self._note(line)
            self._check()
            self._tell()
            if len(self._work) + len(self._settling) < most or not full:
                return

    def _ended(self, order: Order, outcome: Outcome, pool: ThreadPoolExecutor) -> None:
        """What a node says of a picture."""
        work = self._work[order.number]
        self._spread.discard(order.number)
        if isinstance(outcome, Needs):
            self._more(work, outcome)
        elif isinstance(outcome, Lost):
            self._lost(work, outcome)
        else:
            del self._work[order.number]
            if isinstance(outcome, Wrong):
                self._wrong(work, outcome.error())
            else:
                made = pool.submit(self.book.settle, work.piece, work.decision, outcome, order.attempt)
                self._settling[made] = (work, outcome)
        while self._large and not self._spread:
            large = self._large.pop(0)
            self._spread.add(large.order.number)
            self.hands.submit(large.order, large.data)

    def _more(self, work: _Work[P], needs: Needs) -> None:
        """A picture needs more memory, or the whole cluster: those one after the other."""
        if needs.spread:
            work.order = replace(work.order, memory=needs.memory, spread=min(_SPREAD, 2 * self.hands.slots))
            self._large.append(work)
            return
        if work.order.memory is not None and needs.memory <= work.order.memory:
            needs = replace(needs, memory=2 * work.order.memory)
        work.order = replace(work.order, memory=needs.memory)
        self.hands.submit(work.order, work.data)

    def _lost(self, work: _Work[P], lost: Lost) -> None:
        """Its node is gone: another one makes it."""
        work.losses += 1
        if work.losses >= _LOSSES:
            del self._work[work.order.number]
            what = f"{work.piece.shown} was begun {work.losses} times, and lost each time: {lost.reason}"
            self._wrong(work, SubpixelError(what, "the same command tries again; a smaller --tile takes less memory"))
            return
        self.report.again += 1
        if lost.memory and work.order.memory is not None:
            work.order = replace(work.order, memory=2 * work.order.memory)
        if work.order.spread:
            self._spread.add(work.order.number)
        # What was lost may live on and still write: not where the next attempt does.
        attempt = f"{self._id}-{work.order.number}-{work.losses}"
        work.order = replace(work.order, attempt=attempt, puts=self.book.where(work.piece, attempt)[1])
        self.hands.submit(work.order, work.data)

    def _settled(self, *, wait: bool) -> None:
        """Results that have their names now."""
        end = time.monotonic() + (TELL_S if wait else 0)
        while wait and not any(future.done() for future in self._settling) and time.monotonic() < end:
            time.sleep(0.005)
        for future in [one for one in self._settling if one.done()]:
            work, done = self._settling.pop(future)
            try:
                results = future.result()
            except InputChanged:
                if work.tries + 1 < _TRIES:
                    self._begin(work.piece, work.decision, work.tries + 1)
                else:
                    what = f"{work.piece.shown} changes while it is being read"
                    self._wrong(work, PictureUnreadable(what, "try again when it is whole"))
                continue
            except SubpixelError as error:
                self._wrong(work, error)
                continue
            self._pace.over(work.piece.weight, made=True)
            self.report.add(results, anew=work.decision.anew)
            self.report.nodes[done.node] += 1
            self.listener.made(results)

    def _wrong(self, work: _Work[P], error: SubpixelError) -> None:
        if isinstance(error, _FOR_ALL):
            raise error
        self._pace.over(work.piece.weight, made=True)
        self._failed(work.piece.shown, error)

    def _failed(self, source: Any, error: SubpixelError) -> None:
        self.listener.failed(self.report.fail(source, error))

    def _note(self, line: str) -> None:
        self.report.notes.append(line)
        self.listener.note(line)

    def _check(self) -> None:
        if self.cancel.is_set():
            raise Cancelled(f"stopped: {self.report.line}", "the same call goes on")

    def _tell(self, now: bool = False) -> None:
        """Tell how far everything is, a few times a second: one bar for all nodes."""
        if not self._pace.due(now=now):
            return
        self._shares.update(self.hands.shares())
        self._shares = {number: share for number, share in self._shares.items() if number in self._work}
        parts = sum(share * self._work[number].piece.weight for number, share in self._shares.items())
        current = next((work.piece.shown for work in self._work.values()), None)
        self.listener.progress(self._pace.progress(self.report, self.total, parts, current))
