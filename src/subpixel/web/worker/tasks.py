"""Every kind of task, done: a task in, a reply out; what can be said to a person is said, whatever is wrong."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Final

from subpixel.errors import (
    Cancelled,
    ModelUnknown,
    OutputError,
    PictureTooLarge,
    PictureUnreadable,
    PictureUnsupported,
    SettingError,
    SubpixelError,
)
from subpixel.web.api import PICTURE_FORMATS, VIDEO_FORMATS
from subpixel.web.messages import Enlarge, Failed, Guess, Look, Measure, Preview, Reply, Task, View
from subpixel.web.worker.enlarging import Enlarging
from subpixel.web.worker.looking import TooLarge, check_sides, look
from subpixel.web.worker.showing import Showing
from subpixel.web.worker.timing import Timing

_OPTION: Final = re.compile(r"--([a-z][a-z-]*)[ =](?=\S)")
_MOST: Final = 2000
_ADVICE: Final = {
    "truncated": "copy or save the file again where it comes from, and send that",
    "not-a-picture": f"send {', '.join(PICTURE_FORMATS)}, or a video: {', '.join(VIDEO_FORMATS)}",
}


class Tasks:
    """Does tasks, and keeps what the next one may need: networks, the picture that was looked at last.

    Args:
        threads: tiles computed side by side.
        share: told how far a task is, 0–1.
        cancel: set where a task is not wanted any more.
        memory: bytes that this process may have, 0: what there is.
    """

    def __init__(
        self, threads: int, share: Callable[[float], None], cancel: threading.Event, *, memory: int = 0
    ) -> None:
        self._enlarging = Enlarging(threads, share, cancel)
        self._showing = Showing(self._enlarging, memory)
        self._timing = Timing(threads)

    def warm(self, *, networks: bool) -> None:
        """Import what the first task would wait for."""
        from subpixel.image.libvips import vips

        vips()
        if networks:
            self._enlarging.warm()

    def do(self, task: Task) -> Reply:
        """One task."""
        try:
            return self._do(task)
        except SubpixelError as error:
            return failed(error, task)

    def _do(self, task: Task) -> Reply:
        match task:
            case Look():
                return look(task, self._timing)
            case Enlarge():
                return self._enlarging.enlarge(task)
            case View():
                return self._showing.view(task)
            case Preview():
                return self._showing.preview(task)
            case Guess():
                check_sides(task)
                return self._timing.guess(task.sides)
            case Measure():
                return self._timing.measure(task.model)


def failed(error: SubpixelError, task: Task) -> Failed:
    """An error of the rooms below, for someone who sees neither this computer's paths nor a command line."""
    names = {getattr(task, name, "") for name in ("source", "output", "result")} - {""}

    def shown(text: str) -> str:
        for name in sorted(names, key=len, reverse=True):
            text = text.replace(name, "the file")
        return _OPTION.sub(r"\1=", text)[:_MOST]

    slug, case, values = _slug(error), "", dict[str, str | int | float]()
    detail, right = shown(error.what), shown(error.hint)
    settings = task.sides.settings if isinstance(task, Guess) else getattr(task, "settings", None)
    if isinstance(error, TooLarge):
        case, values = error.case, {**error.values}
    elif slug == "too-large" and isinstance(task, Look | Enlarge | View | Preview):
        case, values = "picture", {"limit_pixels": task.bounds.pixels}
        right = "use a smaller file, or start the server with a larger --pixels"
    elif slug == "memory":
        right = "use a smaller factor"
    elif slug == "quota":
        detail, case = "there is no room for the result", "result"
        right = "remove jobs that are done, or start the server with a larger --disk"
    elif slug == "unknown-model":
        right = right.replace("subpixel models lists", "GET /v1/models lists")
        values = {"model": getattr(settings, "model", None) or ""}
    elif slug == "unknown-format":
        values = {"format": getattr(settings, "format", "")}
    elif slug in ("truncated", "not-a-picture"):  # what decoders say is a reason, and no advice
        reason = right.partition("; formats are")[0]
        detail = f"{detail}: {reason}" if reason and reason != "unknown reason" else detail
        right = _ADVICE[slug]
    elif slug == "unsupported" and "video" in right:
        case = "video"
    return Failed(slug=slug, detail=detail[:_MOST], right=right, case=case, values=values)


def _slug(error: SubpixelError) -> str:
    what = error.what
    kinds: tuple[tuple[type[SubpixelError], str], ...] = (
        (PictureTooLarge, "too-large"),
        (PictureUnsupported, "unsupported"),
        (ModelUnknown, "unknown-model"),
        (Cancelled, "cancelled"),
        (OutputError, "quota" if "disk" in error.hint or "larger than the system" in error.hint else "setting"),
    )
    for kind, slug in kinds:
        if isinstance(error, kind):
            return slug
    if isinstance(error, PictureUnreadable):
        return "empty" if "is empty" in what else "not-a-picture" if "is not a picture" in what else "truncated"
    if isinstance(error, SettingError):
        if "of memory" in what:
            return "memory"
        if "format" in what:
            return "unknown-format"
        return "factor" if "factor" in what or "times the picture" in what else "setting"
    return "internal"
