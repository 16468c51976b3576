"""The jobs of a server on their way: accepted, given to workers, followed, finished, removed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from subpixel.web.api import Job, Removed, Result, Settings
from subpixel.web.calls import Calls, being_stopped, unexpected
from subpixel.web.events import Events
from subpixel.web.folder import Folder, new_id
from subpixel.web.limits import Options
from subpixel.web.messages import Enlarge, Failed, Looked, Made, Reply
from subpixel.web.metrics import Metrics
from subpixel.web.problems import Refused
from subpixel.web.shown import Shares, job_of
from subpixel.web.store import Full, Row, Store
from subpixel.web.upload import Upload
from subpixel.web.waiting import Waiting
from subpixel.web.workers import Kind, Wishes, Worker

log = logging.getLogger("subpixel.web")

LOOK: Final = Kind("look", 0, networks=False)
QUICK: Final = Kind("quick", 3, networks=True)
SLOW: Final = Kind("slow", 8, networks=False)
_TELL: Final = 0.1
"""Seconds between two events of one job's progress."""
_POSITIONS: Final = 1.0
"""Seconds between two events of places in the queue."""
_SWEEP: Final = 20.0
_ATTEND: Final = 2.0
"""Seconds between looks whether a worker is there."""
_AGAIN: Final = 1.0
"""Seconds after which a change that the disk did not take is tried again."""
_END: Final = 1.0
"""Seconds after which tasks that did not end are told again."""
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Client:
    """Who sent a request.

    Attributes:
        owner: whose jobs it may list.
        peer: its address, for limits.
    """

    owner: str
    peer: str


class Desk:
    """Everything behind the interface.

    Args:
        options: how the server runs.
        folder: the data folder, held by this server.
    """

    def __init__(self, options: Options, folder: Folder) -> None:
        self.options, self.limits, self.folder = options, options.limits, folder
        self.store = Store(folder.database)
        self.events = Events()
        self.waiting = Waiting(options.limits.small_seconds)
        self.look, self.quick, self.slow = (
            Worker(kind, options.limits, options.threads) for kind in (LOOK, QUICK, SLOW)
        )
        self.calls = Calls(self.waiting, self.look, options.limits)
        self.metrics = Metrics(self)
        self.shares = Shares()
        self._running: dict[str, asyncio.Task[Reply]] = {}
        self._taken: set[str] = set()
        self._unwanted: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._told: dict[str, float] = {}
        self._positions_told = 0.0

    @property
    def workers(self) -> tuple[Worker, ...]:
        """All of them."""
        return self.look, self.quick, self.slow

    @property
    def running(self) -> int:
        """Jobs under work."""
        return len(self._running)

    async def start(self) -> None:
        """Take up what was left, start workers."""
        self.folder.sweep(self.store.ids())
        for row in self.store.restart():
            if row.attempts >= self.limits.attempts:
                problem = Refused(
                    "crashed",
                    f"the server ended {row.attempts} times while it worked on this file",
                    "the file is probably damaged: save it again, in another format",
                    case="server",
                    values={"many": row.attempts},
                )
                await self._finish(row, "failed", problem=problem)
            else:
                await self.waiting.add_job(row)
        for worker in self.workers:
            self._spawn(self._attend(worker))
        self._spawn(self._lane(self.quick, quick=True))
        self._spawn(self._lane(self.slow, quick=False))
        self._spawn(self._sweep())
        if self.options.measure:
            self._spawn(self.calls.measure(lambda: self.quick.alive and not self._running))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    @staticmethod
    async def _attend(worker: Worker) -> None:
        """Have a worker ready before it is needed, also again where it fell while it had nothing to do."""
        while True:
            try:
                await worker.warm()
            except Refused:
                pass
            except OSError as error:  # too many processes, no memory
                log.error("worker %s cannot be started, which is tried again: %s", worker.kind.name, error)
            await asyncio.sleep(_ATTEND)

    async def stop(self) -> None:
        """Put back what is under work, end workers."""
        self.events.close()
        for worker in self.workers:
            worker.closing = True
        left = set(self._tasks)
        while left:
            for task in left:
                task.cancel()
            _, left = await asyncio.wait(left, timeout=_END)
        for worker in self.workers:
            await worker.stop()
        self.store.close()
        self.folder.close()

    async def check_queue(self, client: Client) -> None:
        """Refuse a job where too many wait, before its upload is taken; `accept` looks once more.

        Raises:
            Refused: of this client, or of all.
        """
        if self.waiting.jobs >= self.limits.queue:
            raise self._full(Full("queue", self.waiting.jobs))
        mine = await asyncio.to_thread(self.store.unfinished, client.peer)
        if mine >= self.limits.jobs_per_client:
            raise self._full(Full("client", mine))

    def _full(self, full: Full) -> Refused:
        slug, whose = ("queue-full", "jobs wait") if full.of == "queue" else ("too-many", "jobs of yours wait or run")
        right = "send it again when some are done"
        what, after = f"{full.many} {whose} already", self._patience()
        return Refused(slug, what, right, retry_after=after, values={"many": full.many})

    def _patience(self) -> int:
        """Seconds until there is room, roughly."""
        rows = self.waiting.rows()
        return int(min(60.0, max(1.0, rows[0].expected if rows else 1.0)))

    async def accept(
        self, client: Client, upload: Upload, name: str, settings: Settings, looked: Looked, wanted: str = ""
    ) -> Row:
        """An upload becomes a job, of the id `wanted`: from here on it will be done, whatever happens.

        Raises:
            Refused: too many wait, or it cannot be kept.
        """
        row = Row(
            id=wanted or new_id(),
            owner=client.owner,
            peer=client.peer,
            name=name or f"picture.{looked.format}",
            state="queued",
            kind=looked.kind,
            width=looked.width,
            height=looked.height,
            frames=looked.frames,
            format=looked.format,
            bytes=upload.bytes or 0,
            settings=settings,
            suffix=looked.suffix,
            expected=looked.seconds,
            created=time.time(),
        )
        adding = asyncio.create_task(self._add(row, upload))
        await asyncio.shield(adding)  # whoever hangs up now has a job nevertheless, whole
        return row

    async def _add(self, row: Row, upload: Upload) -> None:
        """A job with its file, or neither."""
        limits = self.limits
        await asyncio.to_thread(self.folder.accept, upload.folder, row.id)
        try:
            await asyncio.to_thread(self.store.add, row, queue=limits.queue, per_client=limits.jobs_per_client)
        except Exception as error:
            await asyncio.to_thread(self.folder.drop, self.folder.jobs / row.id)
            if isinstance(error, Full):
                raise self._full(error) from None
            if isinstance(error, sqlite3.Error):
                what = f"the job cannot be kept: {error}"
                raise Refused("quota", what, "remove jobs that are done", case="disk") from None
            raise
        await self.waiting.add_job(row)
        self.tell(row)

    def show(self, row: Row) -> Job:
        """A job as clients see it."""
        return job_of(row, self.shares, self.waiting.position(row.id), self.limits.keep_seconds)

    def tell(self, row: Row) -> None:
        """Tell listeners about a job."""
        if self.events.wanted(row.owner, row.id):
            self.events.tell(row.owner, self.show(row))

    async def _lane(self, worker: Worker, *, quick: bool) -> None:
        """Give a worker one thing after the other."""
        while True:
            found = await self.waiting.next(quick=quick)
            try:
                if isinstance(found, Row):
                    self._taken.add(found.id)
                    try:
                        await self._do(worker, found)
                    finally:
                        self._taken.discard(found.id)
                        self._unwanted.discard(found.id)
                else:
                    await found(worker)
            except asyncio.CancelledError:
                raise
            except Exception:
                log.exception("the %s lane met an error that nobody foresaw", worker.kind.name)
                await asyncio.sleep(1)

    async def _do(self, worker: Worker, row: Row) -> None:
        """One job, from the queue to its end."""
        now = time.time()
        if not await self._surely(self.store.begin, row.id, now):
            return
        row = replace(row, state="running", started=now, attempts=row.attempts + 1)
        self.shares.begin(row.id)
        self.tell(row)
        self._tell_positions()
        output = self.folder.result(row.id, row.suffix)
        task = Enlarge(
            kind=row.kind,
            source=str(self.folder.source(row.id)),
            output=str(output),
            settings=row.settings,
            bounds=self.calls.bounds,
            room=self.folder.room,
            resume=True,
        )
        wishes = Wishes(self.limits.quiet_seconds, self.limits.job_seconds)
        work = asyncio.create_task(worker.do(task, wishes, lambda share: self._progress(row, share)))
        self._running[row.id] = work
        if row.id in self._unwanted:  # cancelled between the queue and here
            work.cancel()
        try:
            reply = await work
        except asyncio.CancelledError:
            if being_stopped():
                work.cancel()
                with contextlib.suppress(sqlite3.Error):  # the next start takes up what is under work anyway
                    self.store.put_back(row.id)
                raise
            reply = Failed(slug="cancelled", detail="it was cancelled")
        finally:
            self._running.pop(row.id, None)
        if isinstance(reply, Failed) and reply.slug == "stopping":
            self.store.put_back(row.id)
            return
        await self._over(row, reply)

    async def _over(self, row: Row, reply: Reply) -> None:
        """A worker has answered."""
        try:
            if row.id in self._unwanted or (isinstance(reply, Failed) and reply.slug == "cancelled"):
                await self._finish(row, "cancelled")
            elif isinstance(reply, Made):
                path = self.folder.result(row.id, row.suffix)
                size = (await asyncio.to_thread(path.stat)).st_size
                self.folder.count(row.id)
                if self.folder.used > self.limits.disk_bytes:  # another one was written meanwhile
                    await asyncio.to_thread(path.unlink)
                    right = "remove jobs that are done"
                    raise Refused("quota", "there is no room for the result", right, case="result")
                result = Result(
                    width=reply.width,
                    height=reply.height,
                    bytes=size,
                    format=self._format(row),
                    model=" + ".join(reply.models) or "resampling",
                    scale=round(reply.scale, 4),
                    seconds=round(reply.seconds, 3),
                    words=reply.words,
                    notes=reply.notes,
                )
                await self._finish(row, "done", result=result)
            else:
                await self._finish(row, "failed", problem=unexpected(reply))
        except Refused as why:
            await self._finish(row, "failed", problem=why)
        except OSError:
            missing = Refused("internal", "the result is not there", "send the file again")
            await self._finish(row, "failed", problem=missing)

    @staticmethod
    async def _surely(change: Callable[..., bool], *values: object, **named: object) -> bool:
        """A change of the jobs that has to be kept: where the disk does not take it, again until it does."""
        while True:
            try:
                return await asyncio.to_thread(change, *values, **named)
            except sqlite3.OperationalError as error:
                log.error("the jobs cannot be written, which is tried again: %s", error)
                await asyncio.sleep(_AGAIN)

    @staticmethod
    def _format(row: Row) -> str:
        return {"jpg": "jpeg", "tif": "tiff"}.get(row.suffix[1:], row.suffix[1:])

    async def _finish(
        self, row: Row, state: Any, *, result: Result | None = None, problem: Refused | None = None
    ) -> None:
        """A job is over, and everybody hears so; once."""
        now = time.time()
        why = None if problem is None else problem.job_problem
        if await self._surely(self.store.finish, row.id, state, now, result=result, problem=why):
            await asyncio.to_thread(self.folder.tidy, row.id, row.suffix)
            self.folder.count(row.id)
            self.metrics.job_over(row, state, now)
            self.tell(replace(row, state=state, finished=now, result=result, problem=why))
        self.shares.end(row.id)
        self._told.pop(row.id, None)

    def _progress(self, row: Row, share: float) -> None:
        self.shares.put(row.id, share)
        now = time.monotonic()
        if now - self._told.get(row.id, 0.0) >= _TELL:
            self._told[row.id] = now
            self.tell(row)

    def _tell_positions(self) -> None:
        """Places in the queue have changed."""
        now = time.monotonic()
        if now - self._positions_told >= _POSITIONS and self.events.listeners:
            self._positions_told = now
            for row in self.waiting.rows():
                self.tell(row)

    async def cancel(self, row: Row) -> None:
        """Stop a job; nothing happens to one that is over."""
        if self.waiting.take_back(row.id):
            await self._finish(row, "cancelled")
            self._tell_positions()
            return
        if row.id not in self._taken:
            if row.state == "queued":  # on its way into the queue
                await self._finish(row, "cancelled")
            return
        self._unwanted.add(row.id)
        if row.id in self._running:
            self._running[row.id].cancel()
        while row.id in self._taken:
            await asyncio.sleep(0.02)

    async def remove(self, row: Row) -> None:
        """Stop a job, and forget it with its files."""
        await self.cancel(row)
        if await asyncio.to_thread(self.store.remove, row.id):
            await asyncio.to_thread(self.folder.drop, self.folder.jobs / row.id)
            self.events.tell(row.owner, Removed(id=row.id))

    async def _sweep(self) -> None:
        """Remove jobs whose time is over."""
        while True:
            try:
                for row in await asyncio.to_thread(self.store.expired, time.time() - self.limits.keep_seconds):
                    await self.remove(row)
            except (OSError, sqlite3.Error):
                log.exception("old jobs cannot be removed, which is tried again")
            await asyncio.sleep(min(_SWEEP, max(0.2, self.limits.keep_seconds / 4)))

    async def call(self, work: Callable[..., Answer], *values: object) -> Answer:
        """A call of the store, in a thread."""
        return await asyncio.to_thread(work, *values)
