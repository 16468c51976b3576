"""The data folder: what is where in it, who may use it, how full it is.

jobs.sqlite3, lock          jobs; held by the one server that works here
jobs/ID/source, result.png  files of a job: names that the server made, never a client's
incoming/ID/…               uploads on their way, and files of requests that are answered at once
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from pathlib import Path
from typing import BinaryIO, Final

from subpixel.errors import OutputUnwritable
from subpixel.image.targets import lock_file
from subpixel.web.limits import Limits
from subpixel.web.problems import Refused

SOURCE: Final = "source"
_BLOCK: Final = 4096
"""Bytes that the smallest file, and a folder, take of a disk."""


def new_id() -> str:
    """128 random bits, hexadecimal."""
    return secrets.token_hex(16)


class InUse(OutputUnwritable):
    """Another server works in this folder.

    Attributes:
        address: where that one listens, empty where it did not say.
    """

    def __init__(self, root: Path, address: str) -> None:
        self.address = address
        where = f" at {address}" if address else ""
        super().__init__(
            f"a server works in {root} already{where}",
            f"open {address}, or give this one a folder of its own, as --data other"
            if address
            else "give --data other",
        )


class Folder:
    """The data folder.

    Args:
        root: made where there is none.
        limits: how much it may hold.

    Raises:
        OutputUnwritable: it cannot be made or written.
        InUse: another server works in it.
    """

    def __init__(self, root: Path, limits: Limits) -> None:
        self.root, self._limits = root.absolute(), limits
        self.jobs, self.incoming = self.root / "jobs", self.root / "incoming"
        self._coming: dict[str, int] = {}  # bytes of uploads that are no jobs yet
        self._lock: BinaryIO | None = None
        try:
            for folder in (self.root, self.jobs, self.incoming):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._hold()
            shutil.rmtree(self.incoming)
            self.incoming.mkdir(mode=0o700)
        except OSError as error:
            self.close()
            why = (error.strerror or str(error)).lower()
            raise OutputUnwritable(
                f"the data folder {root} cannot be written: {why}", "give another one, as --data ~/subpixel"
            ) from error
        self._sizes = {path.name: folder_bytes(path) for path in self.jobs.iterdir()}

    def _hold(self) -> None:
        """Take the folder, for as long as this process lives."""
        path = self.root / "lock"
        self._lock = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600), "r+b")
        if not lock_file(self._lock):
            address = self._lock.read(200).decode("ascii", "replace").strip()
            self._lock.close()
            self._lock = None
            raise InUse(self.root, address)

    def say(self, address: str) -> None:
        """Leave word where this server listens."""
        if self._lock is not None:
            self._lock.seek(0)
            self._lock.truncate()
            self._lock.write(address.encode("ascii", "replace"))
            self._lock.flush()

    def close(self) -> None:
        """Let go of the folder."""
        if self._lock is not None:
            with contextlib.suppress(OSError):
                self._lock.truncate(0)
            self._lock.close()
            self._lock = None

    @property
    def used(self) -> int:
        """What all files of jobs, and uploads on their way, take of the disk, in bytes."""
        return sum(self._sizes.values()) + sum(self._coming.values())

    @property
    def room(self) -> int:
        """Bytes that may still be written, never less than 0."""
        free = shutil.disk_usage(self.root).free - self._limits.free_bytes
        return max(0, min(self._limits.disk_bytes - self.used, free))

    @property
    def database(self) -> Path:
        """The file of the jobs."""
        return self.root / "jobs.sqlite3"

    def source(self, job: str) -> Path:
        """A job's upload."""
        return self.jobs / job / SOURCE

    def result(self, job: str, suffix: str) -> Path:
        """A job's result."""
        return self.jobs / job / f"result{suffix}"

    def check_room(self, more: int) -> None:
        """Refuse `more` bytes where there is no room for them.

        Raises:
            Refused: the quota is used up, or the disk is full.
        """
        if self.used + more > self._limits.disk_bytes:
            raise Refused(
                "quota",
                f"{self.used / 1e9:.1f} GB of {self._limits.disk_bytes / 1e9:.1f} GB are used",
                "remove jobs that are done, or start the server with a larger --disk",
                case="used",
                values={"used_bytes": self.used, "limit_bytes": self._limits.disk_bytes},
            )
        if shutil.disk_usage(self.root).free < more + self._limits.free_bytes:
            raise Refused("quota", "the server's disk is nearly full", "remove jobs that are done", case="disk")

    def new_incoming(self) -> Path:
        """A folder for an upload.

        Raises:
            Refused: it cannot be made.
        """
        made = self.incoming / new_id()
        try:
            made.mkdir(mode=0o700)
        except OSError as error:
            raise unwritable(error) from None
        return made

    def expect(self, incoming: Path, size: int) -> None:
        """An upload will have so many bytes, or has: they count until it is dropped or becomes a job's.

        Raises:
            Refused: there is no room for them.
        """
        self.check_room(max(0, size - self._coming.get(incoming.name, 0)))
        self._coming[incoming.name] = size

    def accept(self, incoming: Path, job: str) -> None:
        """An upload becomes a job's, and is on the disk.

        Raises:
            Refused: it cannot be moved.
        """
        try:
            with (incoming / SOURCE).open("rb") as file:
                os.fsync(file.fileno())
            incoming.rename(self.jobs / job)
        except OSError as error:
            if (self.jobs / job).exists():
                raise Refused("busy", "the same upload is becoming a job", "send it again", retry_after=1) from None
            raise unwritable(error) from None
        self._coming.pop(incoming.name, None)
        self.count(job)

    def copy(self, job: str, into: Path) -> None:
        """The upload of another job once more: a second name for the same file where the file system has those."""
        try:
            os.link(self.source(job), into / SOURCE)
        except FileNotFoundError:
            raise
        except OSError:  # a file system without hard links
            shutil.copyfile(self.source(job), into / SOURCE)

    def count(self, job: str) -> None:
        """Files of a job came or went."""
        self._sizes[job] = folder_bytes(self.jobs / job)

    def tidy(self, job: str, suffix: str) -> None:
        """Remove what unfinished work left beside a job's upload and result."""
        kept = (SOURCE, f"result{suffix}")
        for path in list((self.jobs / job).iterdir()) if (self.jobs / job).is_dir() else ():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path.name not in kept:
                path.unlink(missing_ok=True)

    def drop(self, folder: Path) -> None:
        """A folder is not needed any more."""
        shutil.rmtree(folder, ignore_errors=True)
        (self._sizes if folder.parent == self.jobs else self._coming).pop(folder.name, None)

    def sweep(self, known: set[str]) -> None:
        """Remove the files of jobs that nobody knows."""
        for path in list(self.jobs.iterdir()):
            if path.name not in known:
                self.drop(path)


def unwritable(error: OSError) -> Refused:
    """The problem of an upload that the disk does not take."""
    what = f"the upload cannot be written: {error.strerror}"
    return Refused("quota", what, "remove jobs that are done", case="disk")


def folder_bytes(folder: Path) -> int:
    """What a folder and all files in it take of the disk: many tiny files fill it, too."""
    total = _BLOCK
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):
            size = path.stat().st_size if path.is_file() else 1
            total += -(-size // _BLOCK) * _BLOCK
    return total
