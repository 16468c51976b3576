"""Memory for several pictures at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Condition, Lock
from typing import Final

from subpixel.choosing import told_squeezed
from subpixel.engines import memory_limit
from subpixel.errors import SubpixelError
from subpixel.image import DEFAULT_PIXEL_LIMIT
from subpixel.image.header import Header, read_header
from subpixel.image.streaming import is_streamed
from subpixel.plan import Plan, Target
from subpixel.upscaler import Upscaler

_SHARE: Final = 2  # half of the memory there is; the rest is the system's, and the engine's
_UNTOLD: Final = 4_000_000_000  # where the system does not tell how much there is
_BASE: Final = 150_000_000  # of every estimate: interpreter and libraries, which are there once


class Room:
    """Lets pictures in as long as memory for all of them is there; one alone is always let in."""

    def __init__(self) -> None:
        limit = memory_limit()
        self._all = _UNTOLD if limit is None else limit // _SHARE
        self._taken = 0
        self._door = Lock()  # first come, first served: a large picture is not overtaken for ever
        self._changed = Condition()

    @contextlib.contextmanager
    def take(self, need: int, stopped: Callable[[], bool]) -> Iterator[None]:
        """Wait until there is room for `need` bytes, or until `stopped`."""
        with self._door, self._changed:
            while self._taken and self._taken + need > self._all and not stopped():
                self._changed.wait(0.2)
            self._taken += need
        try:
            yield
        finally:
            with self._changed:
                self._taken -= need
                self._changed.notify_all()


def need_of(source: Path, upscaler: Upscaler, targets: tuple[Target, ...], pixel_limit: int | None) -> int:
    """Rough memory for one more picture, bytes; 0 where its header cannot be read, which is told when it is decoded."""
    try:
        header = read_header(source, pixel_limit=pixel_limit or DEFAULT_PIXEL_LIMIT)
        choose = upscaler.choose
        networks = choose.restoring if told_squeezed(header.coding) else choose.clean
        plans = upscaler.plans(header.size, targets, networks)
    except SubpixelError:
        return 0
    return max(memory_of(plan, header, upscaler) - _BASE for plan in plans)


def memory_of(plan: Plan, header: Header, upscaler: Upscaler) -> int:
    """Rough memory to make a picture by a plan, from its header, bytes."""
    streamed = is_streamed(header.format, header.frames, header.size)
    return plan.memory(
        threads=upscaler.threads,
        channels=4 if header.alpha else 3,
        sample_bytes=header.bits // 8,
        frames=header.frames,
        alpha=header.alpha,
        held=not streamed,  # most results of such pictures go to files of formats that are written in strips too
        beside=0 if streamed else None,
    )
