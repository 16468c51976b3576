"""Worker processes seen from the server: started, given tasks, watched, ended and started again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from subpixel.web.limits import Limits
from subpixel.web.messages import WORD, Failed, Reply, Share, Task, Work
from subpixel.web.problems import Refused

log = logging.getLogger("subpixel.web")

_LOOK: Final = 0.1
"""Seconds between looks at a worker's memory and clock."""
_START: Final = 60.0
"""Seconds that starting may take."""
_OBEDIENCE: Final = 3.0
"""Seconds in which a worker has to end what was cancelled; it is ended otherwise."""
_TASKS: Final = 500
"""Tasks after which a worker is replaced: decoders leak."""
_LINE: Final = 1 << 20
_PAGE: Final = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096

Told = Callable[[float], None]
"""Called with how far a task is, 0–1."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of worker.

    Attributes:
        name: for people and metrics.
        nice: how far it stands back behind the server and other workers.
        networks: loads networks when it starts.
    """

    name: str
    nice: int
    networks: bool


@dataclass(slots=True)
class Wishes:
    """How long a task may take.

    Attributes:
        quiet: seconds without a word.
        total: seconds in all.
    """

    quiet: float
    total: float


class Dead(Exception):
    """The worker ended before it answered."""


@dataclass
class Worker:
    """One worker process, which does one task at a time.

    Attributes:
        kind: what it is for.
        limits: what it may take.
        threads: tiles computed side by side.
        restarts: how often it had to be started again.
        memory: bytes it used when it was looked at last.
        closing: it is not to be started again.
    """

    kind: Kind
    limits: Limits
    threads: int
    restarts: int = 0
    memory: int = 0
    closing: bool = False
    _process: Process | None = None
    _number: int = 0
    _done: int = 0
    _heard: float = 0.0
    _ready: bool = False
    _why: Refused | None = None
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def alive(self) -> bool:
        """True where the process is there, and ready."""
        return self._ready and self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """Of the process."""
        return self._process.pid if self._process is not None and self.alive else None

    async def start(self) -> None:
        """Start the process, and wait until it is ready.

        Raises:
            Refused: it does not start.
        """
        words = [
            sys.executable, "-P", "-m", "subpixel.web.worker",
            "--memory", str(self.limits.memory), "--file", str(self.limits.disk_bytes),
            "--threads", str(self.threads), "--nice", str(self.kind.nice),
        ]  # fmt: skip
        if self.kind.networks:
            words.append("--networks")
        hidden = {name: value for name, value in os.environ.items() if not name.startswith("SUBPIXEL_TOKEN")}
        self._why, self._done = None, 0
        self._process = await asyncio.create_subprocess_exec(
            *words, stdin=PIPE, stdout=PIPE, limit=_LINE, env={**hidden, "OPENBLAS_NUM_THREADS": "1"}
        )
        try:
            await asyncio.wait_for(self._next(), _START)
        except (TimeoutError, Dead):
            await self.stop()
            raise Refused("internal", "a worker process does not start", "the server's log tells more") from None
        self._ready = True

    async def warm(self) -> None:
        """Start the process before its first task.

        Raises:
            Refused: it does not start.
        """
        if not self.alive and not self._turn.locked():
            async with self._turn:
                if not self.alive:
                    await self._again()

    def used(self) -> int:
        """Bytes of memory in use now."""
        return resident(self._process.pid) if self._process is not None and self.alive else 0

    async def stop(self) -> None:
        """End the process at once."""
        process, self._process, self._ready = self._process, None, False
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        await process.wait()
        self.memory = 0

    async def do(self, task: Task, wishes: Wishes, told: Told | None = None) -> Reply:
        """One task.

        Args:
            task: what to do.
            wishes: how long it may take.
            told: how far it is.

        Returns:
            What the worker answered; `Failed` where it could not, or fell.

        Raises:
            asyncio.CancelledError: this call was cancelled; so was the task.
        """
        async with self._turn:
            if not self.alive:
                try:
                    await self._again()
                except Refused as why:
                    return why.failed
            self._number += 1
            self._why = None
            number = self._number
            assert self._process is not None and self._process.stdin is not None
            watch = asyncio.create_task(self._watch(wishes))
            self._heard = time.monotonic()
            try:
                self._process.stdin.write(Work(number=number, task=task).model_dump_json().encode() + b"\n")
                await self._process.stdin.drain()
                while True:
                    said, reply = await self._next()
                    self._heard = time.monotonic()
                    if said != number:
                        continue
                    if not isinstance(reply, Share):
                        break
                    if told is not None:
                        told(reply.share)
            except (Dead, ConnectionError):
                return await self._fallen()
            except asyncio.CancelledError:
                await asyncio.shield(self._cancel(number))
                raise
            finally:
                watch.cancel()
            self._done += 1
            if self._done >= _TASKS:
                await self.stop()
            return reply

    async def _again(self) -> None:
        if self.closing:
            raise Refused("stopping", "the server is being stopped", "send it again later")
        if self._process is not None:
            self.restarts += 1
            await self.stop()
        await self.start()

    async def _next(self) -> tuple[int, Reply]:
        """The next thing that the worker says."""
        assert self._process is not None and self._process.stdout is not None
        try:
            line = await self._process.stdout.readline()
            if not line:
                raise Dead
            word = WORD.validate_json(line)
        except (ValueError, ValidationError):  # a line without end, or one that means nothing
            raise Dead from None
        return word.number, word.reply

    async def _watch(self, wishes: Wishes) -> None:
        """End the process where it takes too much memory or time."""
        started = time.monotonic()
        while self._process is not None:
            await asyncio.sleep(_LOOK)
            now = time.monotonic()
            self.memory = resident(self._process.pid)
            if self.limits.memory and self.memory > self.limits.memory:
                self._why = Refused(
                    "memory",
                    f"the work took more than {self.limits.memory / 1e9:.1f} GB of memory",
                    "use a smaller picture or factor, or start the server with a larger --memory",
                    case="limit",
                    values={"limit_bytes": self.limits.memory},
                )
            elif now - started > wishes.total or now - self._heard > wishes.quiet:
                spent = round(now - started)
                what = f"the work took more than {spent} s"
                self._why = Refused("time", what, "use a smaller file or factor", values={"seconds": spent})
            if self._why is not None:
                with contextlib.suppress(ProcessLookupError):
                    self._process.kill()
                return

    async def _fallen(self) -> Failed:
        """The process ended: why, and a new one in its place."""
        process = self._process
        code = await process.wait() if process is not None else None
        if self.closing:
            return Failed(slug="stopping", detail="the server is being stopped")
        why = self._why or Refused(
            "crashed",
            "the process that worked on the file ended suddenly",
            "the file is probably damaged: save it again, in another format",
        )
        log.warning("worker %s ended (%s): %s", self.kind.name, code, why)
        with contextlib.suppress(Refused):
            await self._again()
        return why.failed

    async def _cancel(self, number: int) -> None:
        """Tell the worker that a task is not wanted any more, and wait for it to end that."""
        if self.closing:
            await self.stop()
            return
        try:
            assert self._process is not None and self._process.stdin is not None
            self._process.stdin.write(b"cancel %d\n" % number)

            async def ended() -> None:
                while True:
                    said, reply = await self._next()
                    if said == number and not isinstance(reply, Share):
                        return

            await asyncio.wait_for(ended(), _OBEDIENCE)
        except (TimeoutError, Dead, ConnectionError):
            with contextlib.suppress(Refused):
                await self._again()


def resident(pid: int) -> int:
    """Bytes of memory that a process has in use, 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0
