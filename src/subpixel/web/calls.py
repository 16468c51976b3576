"""What clients wait for: looks into files, and small work of workers with networks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final, TypeVar

from subpixel import zoo
from subpixel.web.api import Settings
from subpixel.web.limits import Limits
from subpixel.web.messages import Bounds, Failed, Look, Looked, Measure, Measured, Reply, Task
from subpixel.web.problems import Refused
from subpixel.web.upload import Upload
from subpixel.web.waiting import Waiting
from subpixel.web.workers import Wishes, Worker

_RETRY: Final = 5
_IDLE: Final = 1.0
"""Seconds between looks whether somebody waits, while models are measured."""
_BREATH: Final = 0.05
_SETTLED: Final = 3.0
"""Seconds after the start when that begins."""
Answer = TypeVar("Answer")


class Calls:
    """Requests that a client waits for.

    Args:
        waiting: where those stand that need networks.
        look: the worker that looks.
        limits: how many may wait.

    Attributes:
        looking: how many wait for a look.
        speeds: seconds for a megapixel of result by model, as far as they were measured; None: it cannot be run.
    """

    def __init__(self, waiting: Waiting, look: Worker, limits: Limits) -> None:
        self.waiting, self.look, self.limits = waiting, look, limits
        self.looking = 0
        self.speeds: dict[str, float | None] = {}

    @property
    def bounds(self) -> Bounds:
        """What a task may ask for."""
        return Bounds(pixels=self.limits.pixels, result_pixels=self.limits.result_pixels)

    async def looking_at(self, task: Task) -> Reply:
        """A task of the worker that looks.

        Raises:
            Refused: too many wait for it.
        """
        if self.looking >= self.limits.waiting:
            raise Refused("busy", f"{self.looking} requests wait already", "try again soon", retry_after=_RETRY)
        self.looking += 1
        try:
            return await self.look.do(task, Wishes(self.limits.look_seconds, self.limits.look_seconds))
        finally:
            self.looking -= 1

    async def looked(self, upload: Upload, settings: Settings) -> Looked:
        """What an upload is.

        Raises:
            Refused: nothing that could be enlarged so.
        """
        if upload.bytes is None:
            what = "no file was sent, or one without a byte"
            right = "send one as the part file of multipart/form-data, or as the body"
            raise Refused("empty", what, right, case="nothing")
        if upload.bytes == 0:
            raise Refused("empty", "the file is empty", "0 bytes came: choose it again")
        reply = await self.looking_at(Look(source=str(upload.source), settings=settings, bounds=self.bounds))
        return expect(reply, Looked)

    async def now(self, task: Task, seconds: float) -> Reply:
        """A task of a worker with networks that somebody waits for: in turn with the small jobs.

        Raises:
            Refused: too many wait already.
        """
        if self.waiting.calls >= self.limits.waiting:
            raise Refused(
                "busy",
                f"{self.waiting.calls} requests wait already",
                "try again soon, or POST /v1/jobs",
                retry_after=_RETRY,
            )
        answer: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()

        async def call(worker: Worker) -> None:
            if answer.done():
                return
            work = asyncio.create_task(worker.do(task, Wishes(seconds, seconds)))
            answer.add_done_callback(lambda done: work.cancel() if done.cancelled() else None)
            try:
                reply = await work
            except asyncio.CancelledError:
                if not being_stopped():
                    return  # the client is gone
                if not answer.done():
                    answer.set_exception(Refused("stopping", "the server is being stopped", "send it again later"))
                raise
            if not answer.done():
                answer.set_result(reply)

        await self.waiting.add_call(call)
        try:
            return await answer
        finally:
            self.waiting.take_back(call)

    async def measure(self, idle: Callable[[], bool]) -> None:
        """Find out how quick the models are while nobody waits and `idle` says yes: those of the line first."""
        await asyncio.sleep(_SETTLED)
        line = (zoo.default_models(one, restore=squeezed) for one in zoo.QUALITIES for squeezed in (False, True))
        for name in dict.fromkeys([*(name for models in line for name in models.values()), *zoo.model_names()]):
            while self.waiting.calls or self.waiting.jobs or self.looking or not idle():
                await asyncio.sleep(_IDLE)
            with contextlib.suppress(Refused):
                measured = expect(await self.now(Measure(model=name), self.limits.look_seconds), Measured)
                self.speeds[name] = measured.seconds_per_megapixel
            await asyncio.sleep(_BREATH)


def expect(reply: Reply, kind: type[Answer]) -> Answer:
    """A reply of the kind that belongs to its task.

    Raises:
        Refused: the worker could not, or said something else.
    """
    if not isinstance(reply, kind):
        raise unexpected(reply)
    return reply


def being_stopped() -> bool:
    """True where this very task was cancelled, not only what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def unexpected(reply: Reply) -> Refused:
    """The problem of a reply that is no result."""
    if isinstance(reply, Failed):
        return Refused.from_worker(reply)
    return Refused("internal", "a worker said something that nobody asked", "try again")
