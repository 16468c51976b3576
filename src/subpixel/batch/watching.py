"""New pictures of folders as they arrive: looked for again and again, taken when they are whole.

Looking again, and not the system's own notices, because those do not come from network shares, from other machines and
into containers. A file is taken when two looks in a row found it the same; one that cannot be read, or changes while it
is read, may still be on its way: it is tried again, and counts as failed when it has stayed the same for a while.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from subpixel.batch.folder import Folder
from subpixel.batch.journal import Journal, State
from subpixel.batch.run import Item
from subpixel.errors import SubpixelError

LOOK_S: Final = 1.0
"""Seconds between two looks."""
_REST: Final = 10  # of the time that a look takes: large folders are looked at less often
_SLICE_S: Final = 0.1
_PATIENCE_S: Final = 10.0  # a file that cannot be read is a failure when it has not changed for so long
_GONE: Final = 1000  # names of files that are gone are forgotten when there are more


@dataclass(slots=True)
class Watch:
    """Watches folders.

    Attributes:
        folders: they.
        journal: what was made before.
        cancel: ends it.
        every: seconds between two looks.
        idle: called once when everything that is there is through, and again after each time that there was more.
    """

    folders: Sequence[Folder]
    journal: Journal
    cancel: threading.Event
    every: float = LOOK_S
    idle: Callable[[], None] = lambda: None
    _seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    _taken: dict[str, tuple[int, int]] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)

    def items(self) -> Iterator[Item]:
        """Jobs as pictures arrive, None while there are none; ends with `cancel`."""
        quiet = False
        while not self.cancel.is_set():
            started = time.perf_counter()
            some = False
            for item in self._look():
                some = some or item is not None
                yield item
            if some:
                quiet = False
            elif not quiet and not self._seen:
                quiet = True
                self.idle()
            rest = time.perf_counter() + max(self.every, _REST * (time.perf_counter() - started) if not some else 0)
            while time.perf_counter() < rest and not self.cancel.wait(_SLICE_S):
                yield None

    def _look(self) -> Iterator[Item]:
        """What is new, and was already there at the last look as it is now."""
        now: dict[str, tuple[int, int]] = {}
        count = 0
        for folder in self.folders:
            for found in folder.walk(self.journal):
                if isinstance(found, tuple):
                    yield from self._once(found)
                    continue
                count += 1
                path = folder.source / found
                name, state = str(path), State.of(path)
                if state is None or self._taken.get(name) == (mark := (state.size, state.changed)):
                    continue
                if self._seen.get(name) != mark:
                    now[name] = mark
                    continue
                self._taken[name] = mark
                item = folder.job(found)
                if isinstance(item, tuple):
                    yield from self._once(item)
                else:
                    yield item
        self._seen = now
        if len(self._taken) > 2 * count + _GONE:
            self._taken = {name: mark for name, mark in self._taken.items() if Path(name).exists()}

    def again(self, path: Path) -> bool:
        """Whether a picture that could not be read may still be on its way; it is tried again then."""
        state = State.of(path)
        if state is None:
            return True  # gone, or given its right name
        if abs(time.time() - state.changed / 1e9) > _PATIENCE_S:
            return False
        self._taken.pop(str(path), None)
        return True

    def _once(self, failed: tuple[Path, SubpixelError]) -> Iterator[Item]:
        """Something that will not get better by looking again, told once."""
        name = str(failed[1])
        if name not in self._told:
            self._told.add(name)
            yield failed
