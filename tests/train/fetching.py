"""A file to fetch, and a source that keeps notes in place of a progress bar."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

from server import Server

from subpixel_train.fetch.entries import Digest, Download
from subpixel_train.fetch.obtain import Source

CONTENT = random.Random(7).randbytes(1_500_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Notes:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.stages: list[str] = []
        self.notes: list[str] = []
        self.last: tuple[int, int | None] = (0, None)

    def stage(self, what: str) -> None:
        self.stages.append(what)

    def progress(self, done: int, total: int | None) -> None:
        self.last = (done, total)

    def note(self, text: str) -> None:
        self.notes.append(text)


def source(**more: object) -> tuple[Source, Notes, list[float]]:
    """A source that keeps notes and the pauses it would have made."""
    notes, pauses = Notes(), []
    return Source(notes, pause=pauses.append, **more), notes, pauses  # type: ignore[arg-type]


def file_of(server: Server, *addresses: str, digest: Digest | None = None, size: int | None = None) -> Download:
    return Download("a.bin", tuple(server.at(name) for name in addresses or ("a.bin",)), size, digest)


def whole(folder: Path) -> bool:
    """The file is there, and nothing else but the record."""
    assert sorted(path.name for path in folder.iterdir()) == ["a.bin", "fetched.json"]
    return (folder / "a.bin").read_bytes() == CONTENT
