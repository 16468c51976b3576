"""The journal of a run whose results go to a store: small objects beside them, each written once.

A store keeps whole objects only, so the journal is a row of them, numbered, in ``.subpixel/journal``: lines of JSON,
read one after the other. A result is in it twice: before it gets its name (where it lies, what it will be), and
after (what the store says of it). Whatever lies between, when a run is killed, the next one brings to its end.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Final

from subpixel.batch.finding import KEPT
from subpixel.cluster.places import Place, Stamp
from subpixel.errors import OutputUnwritable, PictureError, SubpixelError

_JOURNAL: Final = f"{KEPT}/journal"
_LOCK: Final = f"{KEPT}/lock"
COMING: Final = f"{KEPT}/coming"
"""Folder of results that have no name yet."""
_GATHER_S: Final = 0.3  # lines of so long a time go into one object
_BEAT_S: Final = 20.0
_STALE_S: Final = 90.0  # a run that was not heard of for so long is dead
_MANY: Final = 64  # objects: then they are brought into one


@dataclass(frozen=True, slots=True)
class Made:
    """A result.

    Attributes:
        source: the input, in full.
        input: what it was like.
        hash: of its bytes, in hexadecimal.
        settings: hash of the settings.
        round: of ``--overwrite``, counted.
        size: bytes of the result.
        coming: where it lies until it has its name.
        stamp: what the result is like; None until it has its name.
    """

    source: str
    input: Stamp
    hash: str
    settings: str
    round: int
    size: int
    coming: str
    stamp: Stamp | None = None


class Record:
    """The journal of one place of results; for one run at a time.

    Args:
        place: where results go.
        settings: all that decides what results are like, by name.
        overwrite: everything is to be made anew: a new round, unless the last one did not come to its end.

    Attributes:
        rows: every result, by its name in the place.
        settings: hash of the settings.
        round: of ``--overwrite``, counted.
        before: settings of the last run; empty where there was none.

    Raises:
        OutputUnwritable: another run is at work there, or it cannot be written.
    """

    def __init__(self, place: Place, settings: dict[str, str], *, overwrite: bool = False) -> None:
        self.place = place
        self.rows: dict[str, Made] = {}
        self.before: dict[str, str] = {}
        self.round = 0
        self._unfinished = False
        self._run = secrets.token_hex(6)
        text = json.dumps(settings, sort_keys=True, ensure_ascii=False)
        self.settings = blake2b(text.encode(), digest_size=8).hexdigest()
        self._lines: list[str] = []
        self._door = threading.Condition()
        self._written = 0  # lines that are in the place
        self._queued = 0
        self._error: SubpixelError | None = None
        self._ended = False
        self._hold()
        try:
            numbers = self._read()
            self._next = max(numbers, default=0) + 1
            last = json.dumps(self.before, sort_keys=True, ensure_ascii=False)
            if overwrite:
                self.round += not self._unfinished or last != text
            if len(numbers) > _MANY:
                self._gathered(numbers)
            self._queue({"kind": "run", "settings": settings, "round": self.round, "unfinished": overwrite})
            self._write()
        except BaseException:
            self.place.remove(_LOCK)
            raise
        self._writer = threading.Thread(target=self._keep_writing, name="subpixel-journal", daemon=True)
        self._writer.start()

    def coming(self, name: str, made: Made) -> None:
        """A result is whole, and will get its name: returns when that is known in the place.

        Raises:
            OutputUnwritable: it cannot be written down.
        """
        self._wait(self._told(name, made))

    def named(self, name: str, made: Made) -> None:
        """A result has its name."""
        self._told(name, made)

    def forget(self, name: str) -> None:
        """A result does not get its name."""
        with self._door:
            self.rows.pop(name, None)
        self._queue({"kind": "forgotten", "name": name})

    def close(self, *, finished: bool) -> None:
        """End the run; `finished`: everything was tried."""
        if finished:
            self._queue({"kind": "ended"})
        with self._door:
            self._ended = True
            self._door.notify_all()
        self._writer.join()
        for name in (COMING, _LOCK) if self.rows else (_JOURNAL, COMING, _LOCK):
            self.place.remove(name)
        self.place.clear(KEPT)

    def _told(self, name: str, made: Made) -> int:
        with self._door:
            self.rows[name] = made
        return self._queue(_line(name, made))

    def _queue(self, row: dict[str, Any]) -> int:
        with self._door:
            self._lines.append(json.dumps(row, ensure_ascii=True))
            self._queued += 1
            self._door.notify_all()
            return self._queued

    def _wait(self, number: int) -> None:
        """Until so many lines are in the place."""
        with self._door:
            while self._written < number and self._error is None:
                self._door.wait(0.5)
            if self._error is not None:
                raise self._error

    def _keep_writing(self) -> None:
        """Write what is there, and that this run is alive; in a thread of its own."""
        beat = time.monotonic()
        while True:
            with self._door:
                if not self._lines and not self._ended:
                    self._door.wait(1.0)
                if not self._lines and self._ended:
                    return
                hurry = self._ended
            if self._lines:
                if not hurry:
                    time.sleep(_GATHER_S)
                try:
                    self._write()
                except SubpixelError as error:
                    with self._door:
                        self._error = error
                        self._door.notify_all()
                    return
            if time.monotonic() - beat > _BEAT_S:
                beat = time.monotonic()
                with suppress(SubpixelError):
                    self.place.write(_LOCK, self._owner())

    def _write(self) -> None:
        with self._door:
            lines, self._lines = self._lines, []
        if not lines:
            return
        self.place.write(f"{_JOURNAL}/{self._next:08d}.jsonl", "".join(f"{line}\n" for line in lines).encode())
        self._next += 1
        with self._door:
            self._written += len(lines)
            self._door.notify_all()

    def _read(self) -> list[int]:
        """Read everything; the numbers of the objects there are."""
        numbers = []
        for name in sorted(self.place.names(_JOURNAL)):
            if not name.endswith(".jsonl") or not name[:-6].isdecimal():
                continue
            numbers.append(int(name[:-6]))
            for line in self.place.read(f"{_JOURNAL}/{name}").splitlines():
                try:
                    self._take(json.loads(line))
                except (ValueError, KeyError, TypeError) as error:
                    hint = f"remove {self.place.url_of(KEPT)}: results that exist stay"
                    raise OutputUnwritable(f"the journal {self.place.url_of(_JOURNAL)} is damaged", hint) from error
        return numbers

    def _take(self, row: dict[str, Any]) -> None:
        kind = row["kind"]
        if kind == "all":
            self.rows.clear()
        elif kind == "run":
            self.before, self.round, self._unfinished = row["settings"], row["round"], row["unfinished"]
        elif kind == "ended":
            self._unfinished = False
        elif kind == "forgotten":
            self.rows.pop(row["name"], None)
        elif kind == "result":
            self.rows[row["name"]] = Made(
                row["source"],
                Stamp(*row["input"]),
                row["hash"],
                row["settings"],
                row["round"],
                row["size"],
                row["coming"],
                None if row["stamp"] is None else Stamp(*row["stamp"]),
            )

    def _gathered(self, numbers: list[int]) -> None:
        """One object in place of many."""
        facts = {"kind": "run", "settings": self.before, "round": self.round, "unfinished": self._unfinished}
        rows: list[dict[str, Any]] = [{"kind": "all"}, facts]
        for row in (*rows, *(_line(name, made) for name, made in self.rows.items())):
            self._queue(row)
        self._write()
        for number in numbers:
            self.place.remove(f"{_JOURNAL}/{number:08d}.jsonl")

    def _hold(self) -> None:
        """Keep other runs away.

        Raises:
            OutputUnwritable: another one is at work.
        """
        try:
            other = self._other()
            if not other:
                self.place.write(_LOCK, self._owner())
        except PictureError as error:  # the first that is asked of the place
            lock = self.place.path_of(_LOCK)
            what = error.what.replace(str(lock), self.place.shown).replace("cannot be read", "cannot be written")
            raise OutputUnwritable(what, error.hint) from error
        except OutputUnwritable as error:
            raise OutputUnwritable(error.what.replace(f"/{_LOCK}", ""), error.hint) from error
        if other:
            hint = f"wait for it, end it, or give another place with -o; if it is dead, try again in {_STALE_S:.0f} s"
            raise OutputUnwritable(f"another run ({other}) is at work in {self.place.shown}", hint)

    def _owner(self) -> bytes:
        who = {"run": self._run, "host": socket.gethostname(), "process": os.getpid(), "time": time.time()}
        return json.dumps(who).encode()

    def _other(self) -> str:
        """Another run that is at work, for people; empty where there is none."""
        if self.place.stamp(_LOCK) is None:
            return ""
        try:
            told = json.loads(self.place.read(_LOCK))
            host, process, when = str(told["host"]), int(told["process"]), float(told["time"])
        except (ValueError, KeyError, TypeError):
            return ""
        here = host == socket.gethostname()
        if (here and not _lives(process)) or abs(time.time() - when) > _STALE_S:
            return ""
        return f"process {process} on {host}"


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _line(name: str, made: Made) -> dict[str, Any]:
    return {
        "kind": "result",
        "name": name,
        "source": made.source,
        "input": [made.input.size, made.input.mark],
        "hash": made.hash,
        "settings": made.settings,
        "round": made.round,
        "size": made.size,
        "coming": made.coming,
        "stamp": None if made.stamp is None else [made.stamp.size, made.stamp.mark],
    }


def unnamed(rows: dict[str, Made]) -> Iterator[tuple[str, Made]]:
    """Results that were to get their names when a run ended."""
    yield from ((name, made) for name, made in rows.items() if made.stamp is None)
