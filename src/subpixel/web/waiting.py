"""Who is next: requests that somebody waits for, in turn with small jobs; large jobs; and each client in turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from subpixel.web.store import Row
from subpixel.web.workers import Worker

Call: TypeAlias = Callable[[Worker], Awaitable[None]]
"""A request that a client waits for, to be run on a worker."""


@dataclass
class Waiting:
    """Everything that waits for a worker with networks.

    There are two lanes, each with a worker of its own. The quick one takes requests and small jobs in turn, never a
    large one: so a large job never keeps small ones waiting. The slow one takes large jobs, and what the quick one
    leaves.

    Attributes:
        small_seconds: expected time up to which a job is small.
    """

    small_seconds: float
    _calls: list[Call] = field(default_factory=list)
    _jobs: dict[str, Row] = field(default_factory=dict)
    _served: dict[tuple[str, ...], int] = field(default_factory=dict)
    _turns: int = 0
    _job_is_due: bool = False
    _places: dict[str, int] = field(default_factory=dict)
    _rang: asyncio.Condition = field(default_factory=asyncio.Condition)

    def is_small(self, row: Row) -> bool:
        """True for jobs of the quick lane."""
        return row.kind == "picture" and row.expected <= self.small_seconds

    @property
    def calls(self) -> int:
        """Requests that wait."""
        return len(self._calls)

    @property
    def jobs(self) -> int:
        """Jobs that wait."""
        return len(self._jobs)

    def rows(self) -> list[Row]:
        """Jobs that wait, in the order they came."""
        return list(self._jobs.values())

    def position(self, job: str) -> int | None:
        """A job's place in its lane, from 1, as far as the order they came tells; None where it does not wait."""
        if len(self._places) != len(self._jobs):
            lanes = {True: 0, False: 0}
            self._places = {}
            for row in self._jobs.values():
                small = self.is_small(row)
                lanes[small] += 1
                self._places[row.id] = lanes[small]
        return self._places.get(job)

    async def _ring(self) -> None:
        async with self._rang:
            self._rang.notify_all()

    async def add_job(self, row: Row) -> None:
        """A job waits."""
        self._jobs[row.id] = row
        self._places = {}
        await self._ring()

    async def add_call(self, call: Call) -> None:
        """A request waits."""
        self._calls.append(call)
        await self._ring()

    def take_back(self, what: str | Call) -> bool:
        """A job or request is not wanted any more; False where it does not wait."""
        if isinstance(what, str):
            self._places = {}
            return self._jobs.pop(what, None) is not None
        if what in self._calls:
            self._calls.remove(what)
            return True
        return False

    async def next(self, *, quick: bool) -> Row | Call:
        """What a worker is to do next, as soon as there is something for it."""
        async with self._rang:
            while True:
                found = self._next(quick=quick)
                if found is not None:
                    return found
                await self._rang.wait()

    def _next(self, *, quick: bool) -> Row | Call | None:
        large = None if quick else self._fairest(small=False)
        if large is not None:
            return large
        job = self._fairest(small=True) if self._job_is_due or not self._calls else None
        self._job_is_due = job is None  # one request, one job: neither keeps the other waiting
        if job is None and self._calls:
            return self._calls.pop(0)
        return job

    def _fairest(self, *, small: bool) -> Row | None:
        """The oldest job of the client that was served the longest time ago: first by address, then by page."""
        candidates = [row for row in self._jobs.values() if self.is_small(row) == small]
        if not candidates:
            return None

        def turn(row: Row) -> tuple[int, int, float]:
            return self._served.get((row.peer,), 0), self._served.get((row.peer, row.owner), 0), row.created

        row = min(candidates, key=turn)
        del self._jobs[row.id]
        self._places = {}
        self._turns += 1
        if len(self._served) > 10_000:  # addresses and pages that came once
            self._served.clear()
        self._served[row.peer,] = self._served[row.peer, row.owner] = self._turns
        return row
