"""What happens to jobs, told to whoever listens, as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from subpixel.web.api import Job, Removed

BEAT: Final = 10.0
"""Seconds of silence after which a comment is sent, so that a dead connection is noticed."""

First: TypeAlias = Callable[[], Awaitable[list[Job]]]
"""Gives the jobs as they are."""


@dataclass(eq=False)
class _Listener:
    """One open connection. Of a job that changes quicker than the connection takes, only the last state is kept."""

    wants: Callable[[str, str], bool]
    peer: str
    news: dict[str, Job | Removed] = field(default_factory=dict)
    rang: asyncio.Event = field(default_factory=asyncio.Event)


class Events:
    """Listeners, and what they are told. Used from the event loop alone."""

    def __init__(self) -> None:
        self._listeners: set[_Listener] = set()
        self._closing = False

    @property
    def listeners(self) -> int:
        """Open connections."""
        return len(self._listeners)

    def of(self, peer: str) -> int:
        """Open connections of an address."""
        return sum(listener.peer == peer for listener in self._listeners)

    def tell(self, owner: str, job: Job | Removed) -> None:
        """Something happened to a job."""
        for listener in self._listeners:
            if listener.wants(owner, job.id):
                listener.news[job.id] = job
                listener.rang.set()

    def wanted(self, owner: str, job: str) -> bool:
        """True where somebody listens to that job."""
        return any(listener.wants(owner, job) for listener in self._listeners)

    def close(self) -> None:
        """End every stream."""
        self._closing = True
        for listener in self._listeners:
            listener.rang.set()

    async def of_job(self, peer: str, job: str, first: First) -> AsyncIterator[bytes]:
        """One job, as it is and whenever it changes, until it is over. `first` is asked once the stream listens."""
        async for made in self._stream(_Listener(lambda _, other: other == job, peer), first, until_over=True):
            yield made

    async def of_owner(self, peer: str, owner: str, first: First) -> AsyncIterator[bytes]:
        """All jobs of a client, as they are and whenever one changes; without end."""
        async for made in self._stream(_Listener(lambda whose, _: whose == owner, peer), first, until_over=False):
            yield made

    async def _stream(self, listener: _Listener, first: First, *, until_over: bool) -> AsyncIterator[bytes]:
        self._listeners.add(listener)
        try:
            before: dict[str, Job | Removed] = {job.id: job for job in await first()}
            listener.news = before | listener.news
            listener.rang.set()
            yield b"retry: 2000\n\n"
            while not self._closing:
                try:
                    await asyncio.wait_for(listener.rang.wait(), BEAT)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                listener.rang.clear()
                news, listener.news = listener.news, {}
                for job in news.values():
                    yield event(job)
                    if until_over and (isinstance(job, Removed) or job.over):
                        return
        finally:
            self._listeners.discard(listener)


def event(job: Job | Removed) -> bytes:
    """One event."""
    kind = "removed" if isinstance(job, Removed) else "job"
    return f"event: {kind}\ndata: {job.model_dump_json()}\n\n".encode()
