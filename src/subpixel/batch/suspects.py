"""Pictures during which the program itself came to a sudden end: made last and alone, and in the end left out.

A picture that cannot be read is an error like any other. A mistake in a decoder may end the whole program, and would
end the next run at the same picture again. So a run keeps beside the results which pictures are in work, and lets
Python's faulthandler write down how the program ended. Where that is there when the next run begins, the picture in
whose thread it happened is left out with an error, or, where that is not known, all that were in work are suspects:
they are made when everything else is through, one at a time. A run that was only killed, or that the system ended for
its memory, leaves no such trace, and nobody is suspected.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from subpixel.batch.journal import State
from subpixel.errors import PictureUnreadable

_WORK: Final = "in-work.json"
_CRASH: Final = "crash.txt"
_SUSPECTS: Final = "suspects.json"
_PASSING: Final = (_WORK, _CRASH, "in-work.part", "suspects.part")
_GUILTY: Final = 2
"""Sudden ends after which a picture is left out: one among others, and one alone."""


class Suspects:
    """What is known of sudden ends in one folder of results.

    Args:
        kept: the folder of the journal; the run holds its lock.

    Attributes:
        note: one line on the last run's sudden end; empty: it had none.
    """

    def __init__(self, kept: Path) -> None:
        self._kept = kept
        self._lock = threading.Lock()
        self._working: dict[str, tuple[int, int, int]] = {}
        self.note = ""
        self._ends = _counts(_read(kept / _SUSPECTS))
        crash = _text(kept / _CRASH)
        if crash:
            self._blame(crash)
        for name in _PASSING:
            (kept / name).unlink(missing_ok=True)

    def _blame(self, crash: str) -> None:
        """Count the last run's sudden end against the pictures that were in work."""
        working = _counts(_read(self._kept / _WORK))
        threads = {source: thread for source, (thread, _) in working.items()}
        current = re.search(r"^Current thread 0x([0-9a-f]+)", crash, re.MULTILINE)
        own = [source for source, thread in threads.items() if current and thread == int(current[1], 16)]
        for source in own or threads:
            count = _GUILTY if own or len(threads) == 1 else self._ends.get(source, (0, None))[0] + 1
            self._ends[source] = (count, working[source][1])
        how = crash.partition("\n")[0].removeprefix("Fatal Python error: ")
        names = ", ".join(Path(source).name for source in own or threads) or "no picture"
        self.note = (
            f"the last run ended suddenly ({how}) while {names} {'was' if len(threads) < 2 or own else 'were'} in work"
        )
        rows = {source: [count, state.size, state.changed] for source, (count, state) in self._ends.items()}
        _write(self._kept / _SUSPECTS, rows)

    def ends(self, source: Path) -> int:
        """How many sudden ends a picture is suspected of; none once its file is another one."""
        count, state = self._ends.get(str(source.absolute()), (0, None))
        return count if count and state == State.of(source) else 0

    def error(self, source: Path) -> PictureUnreadable | None:
        """Why a picture is left out; None where it is not."""
        if self.ends(source) < _GUILTY:
            return None
        return PictureUnreadable(
            f"{source} ended the program suddenly when it was read",
            f"it is left out; to try it again remove {self._kept / _SUSPECTS}, and please report it",
        )

    @contextlib.contextmanager
    def working(self, source: Path) -> Iterator[None]:
        """While a picture is in work in the calling thread."""
        name, state = str(source.absolute()), State.of(source) or State(0, 0)
        with self._lock:
            self._working[name] = (threading.get_ident(), state.size, state.changed)
            self._keep()
        try:
            yield
        finally:
            with self._lock:
                del self._working[name]
                self._keep()

    def _keep(self) -> None:
        """Not waiting for the disk: it has to outlive the program, not the current."""
        with contextlib.suppress(OSError):
            _write(self._kept / _WORK, self._working)

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Have a sudden end of the program written down; for the one run of a command, as it is the whole program's."""
        before = faulthandler.is_enabled()
        try:
            file = (self._kept / _CRASH).open("w", encoding="utf-8")
        except OSError:
            yield
            return
        with file:
            faulthandler.enable(file)
            try:
                yield
            finally:
                faulthandler.disable()
                if before:
                    faulthandler.enable()
        (self._kept / _CRASH).unlink(missing_ok=True)

    def close(self) -> None:
        """The run is over, in order."""
        for name in _PASSING:
            with contextlib.suppress(OSError):
                (self._kept / name).unlink(missing_ok=True)


def _counts(rows: dict[str, object]) -> dict[str, tuple[int, State]]:
    """A number and the state of the file, for each."""
    made = {}
    for source, row in rows.items():
        if isinstance(row, list) and len(row) == 3 and all(isinstance(value, int) for value in row):
            made[source] = (row[0], State(row[1], row[2]))
    return made


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _read(path: Path) -> dict[str, object]:
    """An object of a JSON file; empty where there is none, or it is damaged: then nobody is suspected."""
    try:
        found = json.loads(_text(path))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _write(path: Path, rows: object) -> None:
    """Whole at any moment: one thread may end the program while another is here."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(rows), encoding="ascii")
    part.replace(path)
