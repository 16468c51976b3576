"""ZIP files made while they are sent: stored, as pictures do not get smaller, and never whole in memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

_PIECE: Final = 1 << 18


class _Sink(io.RawIOBase):
    """What `zipfile` writes into: a stream that cannot go back."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting = bytearray()
        self._sent = 0

    def writable(self) -> bool:
        """It takes bytes."""
        return True

    def write(self, data: Any) -> int:
        """Take some."""
        self._waiting += data
        return len(data)

    def tell(self) -> int:
        """Bytes so far."""
        return self._sent + len(self._waiting)

    def take(self) -> bytes:
        """What was written since."""
        made, self._waiting = bytes(self._waiting), bytearray()
        self._sent += len(made)
        return made


def archive(files: Sequence[tuple[Path, str]]) -> Iterator[bytes]:
    """A ZIP file of those files under those names, piece by piece; files that are gone are left out."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED, allowZip64=True) as made:
        for (path, _), name in zip(files, distinct([name for _, name in files]), strict=True):
            try:
                source = path.open("rb")
            except FileNotFoundError:
                continue
            about = zipfile.ZipInfo.from_file(path, name)
            with source, made.open(about, "w", force_zip64=True) as target:
                while piece := source.read(_PIECE):
                    target.write(piece)
                    yield sink.take()
            yield sink.take()
    yield sink.take()


def distinct(names: Sequence[str]) -> list[str]:
    """The same names, those that come again numbered: ``a.png``, ``a (2).png``."""
    taken: set[str] = set()
    made = []
    for name in names:
        stem, dot, suffix = name.rpartition(".")
        number, one = 1, name
        while one.lower() in taken:
            number += 1
            one = f"{stem} ({number}){dot}{suffix}"
        taken.add(one.lower())
        made.append(one)
    return made
