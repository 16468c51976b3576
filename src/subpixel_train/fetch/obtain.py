"""One file of the catalogue, whole and verified: from any of its addresses, or from a mirror."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from subpixel.errors import OutputUnwritable, TrainingError
from subpixel_train.fetch import records
from subpixel_train.fetch.entries import Digest, Download
from subpixel_train.fetch.transfer import AddressFailed, Transfer

_UNPACKED: Final = 1.2
"""Bytes that unpacking takes, per byte of an archive; pictures are packed about as they are."""
_BLOCK: Final = 1 << 20


class Watcher(Protocol):
    """Told what happens; the command line shows it."""

    def stage(self, what: str) -> None:
        """A new stage begins, as ``"t91: fetching SR_training_datasets.zip"``."""
        ...

    def progress(self, done: int, total: int | None) -> None:
        """Bytes of the stage that are done; the total may be unknown."""
        ...

    def note(self, text: str) -> None:
        """Something that a person should read."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """How to get files.

    Attributes:
        watcher: told what happens.
        mirror: address of a folder that has the files under their names here; None: their own addresses.
        accept: a sha256 that is right whatever is published or recorded: the user knows better.
        pause: waits so many seconds between attempts.
    """

    watcher: Watcher
    mirror: str | None = None
    accept: str | None = None
    pause: Callable[[float], None] = time.sleep

    def addresses(self, download: Download) -> tuple[str, ...]:
        """Where to look, in this order."""
        return (f"{self.mirror.rstrip('/')}/{download.file}",) if self.mirror else download.addresses


@dataclass(frozen=True, slots=True)
class _Digests:
    sha256: str
    md5: str
    size: int


def obtain(download: Download, folder: Path, source: Source, *, again: bool = False) -> bool:
    """Have the file `folder/download.file`; it never lies there unverified.

    Where no digest is published, that of the first fetch is recorded in `folder/fetched.json`, and every later fetch
    must have the same.

    Returns:
        True if it was fetched, False if it was there.

    Raises:
        TrainingError: no address gives the right file.
        OutputUnwritable: the folder or the disk.
    """
    target = folder / download.file
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputUnwritable(f"cannot make {folder}", error.strerror or str(error)) from None
    with _locked(target):
        expected = _expected(download, folder, source)
        if target.is_file() and not again:
            found = _digests(target, expected, source.watcher)
            if _wrong(found, expected) is None:
                return False
            source.watcher.note(f"{target} is damaged (sha256 {found.sha256}): it is fetched again")
        failures = []
        for address in source.addresses(download):
            try:
                found = _fetch(address, download, target, expected, source)
            except AddressFailed as error:
                failures.append(str(error))
                continue
            records.add(folder, download.file, address, found.size, found.sha256)
            if not expected:
                source.watcher.note(
                    f"nobody publishes a digest of {download.file}: it has sha256 {found.sha256}, recorded in "
                    f"{folder / records.RECORD}, and later fetches must have the same"
                )
            return True
    raise TrainingError(
        f"{download.file} could not be fetched: {'; '.join(failures)}",
        "try again later, or take it from elsewhere with --mirror ADDRESS",
    )


def _expected(download: Download, folder: Path, source: Source) -> tuple[Digest, ...]:
    """What the file must fit: the published digest, and that of the first fetch."""
    if source.accept is not None:
        return (Digest("sha256", source.accept.lower()),)
    seen = records.read(folder).files.get(download.file)
    recorded = (Digest("sha256", seen.sha256),) if seen is not None else ()
    return recorded if download.digest is None else (download.digest, *recorded)


def _wrong(found: _Digests, expected: tuple[Digest, ...]) -> Digest | None:
    return next((digest for digest in expected if not digest.fits(found.sha256, found.md5)), None)


def _fetch(address: str, download: Download, target: Path, expected: tuple[Digest, ...], source: Source) -> _Digests:
    """Fetch from one address, verify, and give the file its name."""
    part, watcher = target.with_name(f"{target.name}.partial"), source.watcher

    def pause(seconds: float, why: str) -> None:
        watcher.stage(f"{why}; trying again in {seconds:g} s")
        source.pause(seconds)
        watcher.stage(f"fetching {download.file}")

    while True:
        watcher.stage(f"fetching {download.file}")
        transfer = Transfer(
            address,
            part,
            size=download.size if source.accept is None else None,
            trusted=bool(expected),
            unpacked=_UNPACKED if download.archive else 0.0,
            progress=watcher.progress,
            pause=pause,
        )
        transfer.run()
        found = _digests(part, expected, watcher)
        wrong = _wrong(found, expected)
        if wrong is None:
            part.replace(target)
            transfer.forget()
            return found
        transfer.forget()
        if not transfer.resumed:
            raise AddressFailed(_complaint(address, download, wrong, found, target))
        watcher.note(f"the parts of {download.file} do not fit together: it is fetched from the start")


def _complaint(address: str, download: Download, wrong: Digest, found: _Digests, target: Path) -> str:
    got = f"md5 {found.md5} (sha256 {found.sha256})" if wrong.kind == "md5" else f"sha256 {found.sha256}"
    if wrong == download.digest:
        return f"{address} gives a file with {got}, not {wrong.value} as published"
    record = target.with_name(records.RECORD)
    return f"{address} gives a file with {got}, not {wrong.value} as the first time ({record})"


def _digests(path: Path, expected: tuple[Digest, ...], watcher: Watcher) -> _Digests:
    """Digests of a file; MD5 only where it is expected, as each costs a pass over gigabytes."""
    sha256, done, total = hashlib.sha256(), 0, path.stat().st_size
    md5 = hashlib.md5(usedforsecurity=False) if any(digest.kind == "md5" for digest in expected) else None
    watcher.stage(f"checking {path.name.removesuffix('.partial')}")
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            sha256.update(block)
            if md5 is not None:
                md5.update(block)
            done += len(block)
            watcher.progress(done, total)
    return _Digests(sha256.hexdigest(), md5.hexdigest() if md5 is not None else "", total)


@contextlib.contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Keeps a second process from writing the same file; a lock of a process that died is none."""
    try:
        import fcntl
    except ImportError:  # Windows: there a file that is being written cannot be renamed over
        yield
        return
    lock = target.with_name(f".{target.name}.lock")
    handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise TrainingError(f"{target.name} is being fetched by another process", "wait for it") from None
        try:
            yield
        finally:
            lock.unlink(missing_ok=True)
    finally:
        os.close(handle)
