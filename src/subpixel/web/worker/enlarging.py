"""Files made larger, with networks that stay loaded between them."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np

from subpixel import zoo
from subpixel.errors import Cancelled
from subpixel.plan import Target
from subpixel.results import Chosen
from subpixel.types import Picture, Size
from subpixel.upscaler import Upscaler
from subpixel.web.api import Settings
from subpixel.web.messages import Enlarge, Made
from subpixel.web.worker.confinement import room_for_files
from subpixel.web.worker.films import upright_size

_KEPT: Final = 3
"""Upscalers whose networks stay in memory."""

Key: TypeAlias = tuple[str | None, str, bool | None]


class Enlarging:
    """Makes files larger.

    Args:
        threads: tiles computed side by side.
        share: told how far a task is, 0–1.
        cancel: set where a task is not wanted any more.
    """

    def __init__(self, threads: int, share: Callable[[float], None], cancel: threading.Event) -> None:
        self.threads, self._share, self._cancel = threads, share, cancel
        self._upscalers: OrderedDict[Key, Upscaler] = OrderedDict()

    def warm(self) -> None:
        """Load the engine and the networks that most requests want, on a picture of a few pixels."""
        picture = Picture(np.zeros((1, 16, 16, 3), np.uint8))
        self.upscaler(Settings()).picture(picture, Target(4))

    def upscaler(self, settings: Settings, restore: bool | None = None) -> Upscaler:
        """The upscaler for these settings; `restore` decides where they leave it open."""
        wanted = settings.restoring if settings.restoring is not None else restore
        if settings.model is not None and zoo.restores(settings.model):
            wanted = None
        key = (settings.model, settings.quality or zoo.DEFAULT_QUALITY, wanted)
        if key not in self._upscalers:
            while len(self._upscalers) >= _KEPT:
                self._upscalers.popitem(last=False)[1].close()
            self._upscalers[key] = Upscaler(
                settings.model,
                quality=settings.quality or zoo.DEFAULT_QUALITY,
                restore=wanted,
                threads=self.threads,
            )
        self._upscalers.move_to_end(key)
        return self._upscalers[key]

    def told(self, done: int, total: int) -> None:
        """Progress of networks; stops the work where it is not wanted any more.

        Raises:
            Cancelled: it is not.
        """
        if self._cancel.is_set():
            raise Cancelled("the work was cancelled")
        self._share(done / total)

    def enlarge(self, task: Enlarge) -> Made:
        """One file.

        Raises:
            SubpixelError: it cannot be read, or the result not written.
        """
        with room_for_files(task.room):
            return self._film(task) if task.kind == "video" else self._picture(task)

    def _picture(self, task: Enlarge) -> Made:
        started = time.perf_counter()
        made = self.upscaler(task.settings).file(
            task.source,
            task.output,
            task.settings.target,
            overwrite=True,
            pixel_limit=task.bounds.pixels,
            progress=self.told,
        )
        seconds = time.perf_counter() - started
        return Made(
            width=made.after.width,
            height=made.after.height,
            models=made.models,
            scale=made.after.width / made.before.width,
            seconds=seconds,
            words=words(made.before, made.after, made.models, seconds, made.chosen, made.precision),
            notes=made.notes,
        )

    def _film(self, task: Enlarge) -> Made:
        from subpixel import video

        started = time.perf_counter()
        target = task.settings.target

        def told(now: video.Progress) -> None:
            if now.total:
                self._share(min(now.done / now.total, 1.0))
            else:
                self._share(0.0)

        made = video.upscale(
            task.source,
            task.output,
            scale=target.scale,
            width=target.width,
            height=target.height,
            quality=task.settings.quality or zoo.DEFAULT_QUALITY,
            upscaler=self.upscaler(task.settings),
            overwrite=True,
            resume=task.resume and Path(f"{task.output}.journal").exists(),
            progress=told,
            cancel=self._cancel,
        )
        seconds = time.perf_counter() - started
        before = upright_size(video.probe(task.source), made.before)
        after = upright_size(video.probe(task.output), made.after)
        return Made(
            width=after.width,
            height=after.height,
            models=made.models,
            scale=after.width / before.width,
            seconds=seconds,
            words=f"{made.frames} frames, {words(before, after, made.models, seconds, Chosen(), None)}",
            notes=made.notes,
        )


def words(
    before: Size, after: Size, models: tuple[str, ...], seconds: float, chosen: Chosen, precision: str | None
) -> str:
    """What was done, in one line: ``640×480 → 2560×1920 by crisp-x4 in int8, 1.3 s``."""
    by = " + ".join(models) or "resampling"
    fold = " eight-fold" if chosen.eightfold else ""
    how = f" in {precision}" if precision and models else ""
    why = f" ({chosen.reason})" if chosen.reason else ""
    took = f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
    return f"{before} → {after} by {by}{fold}{how}, {took}{why}"
