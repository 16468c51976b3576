"""What was made of what: kept beside the results, so that a run that was killed goes on, and nothing is made twice.

The folder ``.subpixel`` among the results holds an SQLite file with one row for each result. A row is written when a
result is whole and on the disk, but has no name yet; it says what its file's size and time of change are, which a new
name does not change. So a result is finished if the row is there and the file fits it, whenever the program was killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b, file_digest
from pathlib import Path
from threading import RLock
from types import TracebackType
from typing import Final

from subpixel.batch.finding import KEPT
from subpixel.batch.lock import Hold
from subpixel.errors import DiskFull, OutputUnwritable
from subpixel.image.targets import sweep, unwritable

_VERSION: Final = 1
_FILE: Final = "journal.sqlite"
_SAME_NS: Final = 2_000_000_000
"""Times of results that are nearer are the same: FAT keeps every other second."""
_TABLES: Final = """
CREATE TABLE results (
    path BLOB PRIMARY KEY,       -- from the folder of results
    source BLOB NOT NULL,        -- the input, in full
    source_size INTEGER NOT NULL, source_changed INTEGER NOT NULL, source_hash BLOB NOT NULL,
    settings INTEGER NOT NULL, round INTEGER NOT NULL,
    size INTEGER NOT NULL, changed INTEGER NOT NULL,
    old_size INTEGER, old_changed INTEGER  -- of the result that this one replaces
) WITHOUT ROWID;
CREATE TABLE settings (id INTEGER PRIMARY KEY, text TEXT UNIQUE NOT NULL);
CREATE TABLE folders (path BLOB PRIMARY KEY, made INTEGER NOT NULL) WITHOUT ROWID;  -- written to since the last end
CREATE TABLE facts (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class State:
    """What a file is like.

    Attributes:
        size: bytes.
        changed: when it was last changed, nanoseconds.
    """

    size: int
    changed: int

    @classmethod
    def of(cls, path: Path) -> State | None:
        """The state of a file; None where there is none."""
        try:
            return cls.told(path.stat())
        except OSError:
            return None

    @classmethod
    def told(cls, facts: os.stat_result) -> State:
        """The state that the system tells."""
        return cls(facts.st_size, facts.st_mtime_ns)

    def like(self, other: State | None) -> bool:
        """Whether they are the same, as far as every file system keeps times."""
        return other is not None and self.size == other.size and abs(self.changed - other.changed) <= _SAME_NS


@dataclass(frozen=True, slots=True)
class Row:
    """A result that was made.

    Attributes:
        source: the input, in full.
        input: its state.
        hash: of its bytes.
        settings: number of the settings.
        round: of ``--overwrite``, counted.
        output: state of the result.
        old: of the result that it replaces.
    """

    source: Path
    input: State
    hash: bytes
    settings: int
    round: int
    output: State
    old: State | None

    def wrote(self, there: State) -> bool:
        """Whether a file that is there was made by us, by this run or the one before it."""
        return there.like(self.output) or there.like(self.old) or there.size == 0  # a name taken, then killed

    def is_stale(self, there: State) -> bool:
        """Whether a file that is there is the one before this result, which was killed before it got its name."""
        if there == self.output:
            return False
        return there in (self.old, State(0, there.changed)) or (there.like(self.old) and not there.like(self.output))


def digest(path: Path) -> bytes:
    """Hash of a file's bytes.

    Raises:
        OSError: it cannot be read, or is no file, from which nothing might ever come.
    """
    if not path.is_file():
        raise OSError(f"{path} is no file")
    with path.open("rb") as file:
        return file_digest(file, lambda: blake2b(digest_size=16)).digest()


class Journal:
    """The journal of one folder of results; for one run at a time.

    Args:
        root: the folder of results; made if missing.
        settings: all that decides what results are like, by name.
        overwrite: everything is to be made anew: a new round, unless the last one did not come to its end.
        peek: look only: nothing is written, and other runs may be at work.

    Attributes:
        kept: the folder of the journal.
        differs: how the settings are others than those of the last run, one line for each; empty: they are the same.

    Raises:
        OutputUnwritable: another run is at work there, or it cannot be written.
    """

    def __init__(self, root: Path, settings: dict[str, str], *, overwrite: bool = False, peek: bool = False) -> None:
        self.root = root
        self.kept = root / KEPT
        self.differs: tuple[str, ...] = ()
        self.note = ""
        self._made = [folder for folder in (root, *root.parents) if not folder.exists()]
        self._lock = RLock()
        self._known: set[bytes] = set()
        self._hold: Hold | None = None
        if peek:
            with self._failing():
                self._data = _copied(self.kept / _FILE)
                self._begin(settings, overwrite)
            return
        try:
            self.kept.mkdir(parents=True, exist_ok=True)
            self._hold = Hold(self.kept / "lock", root)
        except OSError as error:
            self._unmake()
            reason = error if not isinstance(error, FileExistsError | NotADirectoryError) else None
            raise unwritable(root, reason or OSError(0, "a file is in the way")) from error
        try:
            with self._failing():
                self._data = self._opened()
                self._swept()
                self._begin(settings, overwrite)
        except BaseException:
            self._hold.release()
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(finished=kind is None)

    def close(self, *, finished: bool) -> None:
        """End the run; `finished`: everything was tried, whether it was made or failed.

        Where nothing was ever made, nothing of the journal stays.
        """
        if self._hold is None:
            self._data.close()
            return
        with self._lock:
            with contextlib.suppress(sqlite3.Error, OSError), self._data:
                self._data.execute("DELETE FROM folders")
                if finished:
                    self._set("unfinished", 0)
            empty = False
            with contextlib.suppress(sqlite3.Error):
                empty = self._data.execute("SELECT 1 FROM results LIMIT 1").fetchone() is None
            self._data.close()
            self._hold.release()
            if empty:
                for end in ("", "-wal", "-shm"):
                    (self.kept / f"{_FILE}{end}").unlink(missing_ok=True)
                self._unmake()

    def row(self, target: Path) -> Row | None:
        """What is known of a result."""
        with self._lock, self._failing():
            found = self._data.execute("SELECT * FROM results WHERE path = ?", (self._key(target),)).fetchone()
        if found is None:
            return None
        _, source, source_size, source_changed, hashed, settings, turn, size, changed, old_size, old_changed = found
        return Row(
            Path(os.fsdecode(source)),
            State(source_size, source_changed),
            hashed,
            settings,
            turn,
            State(size, changed),
            None if old_size is None else State(old_size, old_changed),
        )

    def is_result(self, path: Path) -> bool:
        """Whether a file was made here, and is not an input then."""
        with self._lock, self._failing():
            found = self._data.execute("SELECT 1 FROM results WHERE path = ?", (self._key(path),)).fetchone()
        return found is not None

    def is_current(self, row: Row) -> bool:
        """Whether a result was made with the settings of this run, and not before everything was to be made anew."""
        return row.settings == self._settings and row.round >= self._round

    def is_last_round(self, row: Row) -> bool:
        """Whether a result was made since everything was to be made anew."""
        return row.round >= self._round

    def add(self, source: Path, state: State, hashed: bytes, outputs: Sequence[tuple[Path, State]]) -> None:
        """All results of a picture are whole, and get their names now.

        Raises:
            DiskFull, OutputUnwritable: the journal cannot be written.
        """
        full = os.fsencode(source.absolute())
        with self._lock, self._failing(), self._data:
            for path, made in outputs:
                old = State.of(path)
                self._data.execute(
                    "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (self._key(path), full, state.size, state.changed, hashed, self._settings, self._round,
                     made.size, made.changed, old and old.size, old and old.changed),
                )  # fmt: skip

    def forget(self, targets: Sequence[Path]) -> None:
        """Results did not get their names: where something else is there, it is not ours."""
        for target in targets:
            row, there = self.row(target), State.of(target)
            if row is not None and there is not None and not row.wrote(there):
                with self._lock, self._failing(), self._data:
                    self._data.execute("DELETE FROM results WHERE path = ?", (self._key(target),))

    def touch(self, target: Path, source: Path, state: State) -> None:
        """An input has moved, or got another time, and is the same: remember where and when."""
        with self._lock, self._failing(), self._data:
            self._data.execute(
                "UPDATE results SET source = ?, source_changed = ? WHERE path = ?",
                (os.fsencode(source.absolute()), state.changed, self._key(target)),
            )

    def enter(self, folder: Path, made: bool) -> None:
        """Results will be written to a folder, which was `made` for them or not."""
        key = self._key(folder)
        if key in self._known:
            return
        with self._lock, self._failing(), self._data:
            self._data.execute("INSERT OR IGNORE INTO folders VALUES (?, ?)", (key, made))
        self._known.add(key)

    def _key(self, path: Path) -> bytes:
        """A path from the folder of results, so that this can be moved."""
        return os.fsencode(os.path.relpath(path, self.root))

    def _opened(self) -> sqlite3.Connection:
        """The data; what is damaged is put aside."""
        path = self.kept / _FILE
        try:
            return _connected(path)
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            shutil.move(path, path.with_suffix(".damaged"))
            self.note = f"the journal in {self.kept} was damaged: a new one was begun, results that exist stay"
            return _connected(path)

    def _swept(self) -> None:
        """Remove what a killed run left of files in the making, and folders that it made for them."""
        rows = self._data.execute("SELECT path, made FROM folders ORDER BY length(path) DESC").fetchall()
        for name, made in rows:
            folder = self.root / os.fsdecode(name)
            sweep(folder)
            if made and folder != self.root:
                with contextlib.suppress(OSError):
                    folder.rmdir()
        with self._data:
            self._data.execute("DELETE FROM folders")

    def _begin(self, settings: dict[str, str], overwrite: bool) -> None:
        text = json.dumps(settings, sort_keys=True, ensure_ascii=False)
        last = self._data.execute("SELECT text FROM settings WHERE id = ?", (self._fact("settings"),)).fetchone()
        if last is not None and last[0] != text:
            self.differs = tuple(differences(json.loads(last[0]), settings))
        with self._data:
            self._data.execute("INSERT OR IGNORE INTO settings (text) VALUES (?)", (text,))
            found = self._data.execute("SELECT id FROM settings WHERE text = ?", (text,)).fetchone()
            self._settings = int(found[0])
            self._round = self._fact("round")
            if overwrite:
                self._round += not self._fact("unfinished") or self._settings != self._fact("settings")
                self._set("round", self._round)
            self._set("unfinished", overwrite)
            self._set("settings", self._settings)

    def _fact(self, name: str) -> int:
        found = self._data.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return 0 if found is None else int(found[0])

    def _set(self, name: str, value: int) -> None:
        self._data.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def _unmake(self) -> None:
        """Remove the folders that were made for the journal, as far as they are empty."""
        with contextlib.suppress(OSError):
            (self.kept / "lock").unlink()
        for folder in (self.kept, *self._made):
            with contextlib.suppress(OSError):
                folder.rmdir()

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        """SQLite's errors as ours."""
        try:
            yield
        except sqlite3.Error as error:
            full = "full" in str(error)
            kind = DiskFull if full else OutputUnwritable
            raise kind(f"{self.kept} cannot be written", "the disk is full" if full else str(error)) from error


def _copied(path: Path) -> sqlite3.Connection:
    """A copy of the data in memory; empty where there is none that can be read."""
    data = sqlite3.connect(":memory:", check_same_thread=False)
    with contextlib.suppress(sqlite3.Error, OSError), tempfile.TemporaryDirectory() as folder:
        for end in ("", "-wal"):
            if path.with_name(path.name + end).exists():
                shutil.copy(path.with_name(path.name + end), Path(folder) / (_FILE + end))
        with contextlib.closing(sqlite3.connect(Path(folder) / _FILE)) as there:
            there.backup(data)
    if data.execute("PRAGMA user_version").fetchone()[0] != _VERSION:
        data.close()
        data = sqlite3.connect(":memory:", check_same_thread=False)
        data.executescript(_TABLES)
    return data


def _connected(path: Path) -> sqlite3.Connection:
    data = sqlite3.connect(path, check_same_thread=False, isolation_level="IMMEDIATE")
    try:
        # One process at a time has it, see `Hold`: no locks of SQLite's own, which network shares often lack.
        data.execute("PRAGMA locking_mode = EXCLUSIVE")
        data.execute("PRAGMA journal_mode = WAL")  # a row costs one wait for the disk and not three
        data.execute("PRAGMA synchronous = FULL")
        version = data.execute("PRAGMA user_version").fetchone()[0]
        if version > _VERSION:
            hint = "use that version, or remove the file: results that exist stay"
            raise OutputUnwritable(f"{path} was written by a newer version of subpixel", hint)
        if version == 0:
            data.executescript(f"BEGIN;{_TABLES}PRAGMA user_version = {_VERSION};COMMIT;")
    except BaseException:
        data.close()
        raise
    return data


def _names(networks: set[str]) -> str:
    return ", ".join(sorted({network.partition("@")[0] for network in networks}))


def differences(before: dict[str, str], now: dict[str, str]) -> Iterator[str]:
    """``scale x2 → x4``, …; of networks, those that came and went."""
    for name in sorted({*before, *now}):
        old, new = before.get(name, ""), now.get(name, "")
        if old == new:
            continue
        if name == "model":
            olds, news = (set(text.split(", ")) for text in (old, new))
            old, new = _names(olds - news), _names(news - olds)
            if old == new:
                new = f"other weights of {new}"
        yield f"{name} {old or '–'} → {new or '–'}"
