"""Packs: all photographs of some folders, decoded, in one file that is mapped into memory.

    offset  bytes
    0       8       b"SPXPACK1"
    8       8       where the index starts, unsigned, little-endian
    16      8       length of the index, unsigned, little-endian
    24      32      SHA-256 of the index
    4096            pictures: (H, W, 3) uint8 each, starting at multiples of 64, zeros between them
    …               index: JSON, one object per picture: name, height, width, offset, crc32

The index holds the checksum of every picture, so the checksum of the index is that of the whole. The same pictures
give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import PictureUnreadable, TrainingError
from subpixel_train import files
from subpixel_train.data.photographs import Photograph

SUFFIX: Final = ".pack"
MAGIC: Final = b"SPXPACK1"
HEADER: Final = struct.Struct("<8sQQ32s")
START: Final = 4096
"""First picture: a page of memory from the beginning."""
ALIGN: Final = 64
"""Pictures start at multiples of it: a line of the processor's cache."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of a pack: its name, its size in pixels, where it starts, and the CRC-32 of its bytes."""

    name: str
    height: int
    width: int
    offset: int
    crc32: int

    @property
    def length(self) -> int:
        """Bytes."""
        return self.height * self.width * 3


class Pack:
    """An open pack.

    Args:
        path: of the file.

    Raises:
        TrainingError: not a pack, cut short, or with a damaged index. Pictures are checked when they are read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                self.entries = _read_index(file, size, path)
            self._bytes: NDArray[np.uint8] = np.memmap(path, np.uint8, mode="r")
        except OSError as error:
            raise TrainingError(f"cannot read {path}", error.strerror or str(error)) from None

    def __len__(self) -> int:
        return len(self.entries)

    def pixels(self, index: int) -> NDArray[np.uint8]:
        """One picture, (H, W, 3), in the file itself: read-only, not checked."""
        entry = self.entries[index]
        stored = self._bytes[entry.offset : entry.offset + entry.length]
        return stored.reshape(entry.height, entry.width, 3)

    def checked(self, index: int) -> NDArray[np.uint8]:
        """As `pixels`, its checksum compared. Raises PictureUnreadable."""
        pixels, entry = self.pixels(index), self.entries[index]
        if zlib.crc32(pixels.reshape(-1).data) != entry.crc32:
            raise PictureUnreadable(f"{entry.name} in {self.path} is damaged", "make the pack again")
        return pixels

    def photographs(self) -> list[Photograph]:
        """The pictures in their order."""
        return [PackPhotograph(self, index) for index in range(len(self))]


def _read_index(file: BinaryIO, size: int, path: Path) -> list[Entry]:
    head = file.read(HEADER.size)
    if len(head) < HEADER.size or not head.startswith(MAGIC):
        raise TrainingError(f"{path} is no pack", "make one with: subpixel data pack FOLDER -o set.pack")
    _, start, length, digest = HEADER.unpack(head)
    if start + length != size:
        raise TrainingError(f"{path} has {size} bytes, not {start + length}", "it is cut short: make or copy it again")
    file.seek(start)
    text = file.read(length)
    if hashlib.sha256(text).digest() != digest:
        raise TrainingError(f"the index of {path} is damaged", "make or copy the pack again")
    return [Entry(**item) for item in json.loads(text)]


@dataclass(frozen=True, slots=True)
class PackPhotograph(Photograph):
    """A photograph in a pack; reading it decodes nothing and takes no memory of its own."""

    pack: Pack
    index: int

    @property
    def name(self) -> str:  # type: ignore[override]
        """Name of the file it was made of."""
        return self.pack.entries[self.index].name

    def read(self) -> NDArray[np.uint8]:
        """(H, W, 3), sRGB, mapped from the file."""
        return self.pack.checked(self.index)

    def size(self) -> tuple[int, int]:
        """Height and width."""
        entry = self.pack.entries[self.index]
        return entry.height, entry.width


@dataclass(frozen=True, slots=True)
class Packed:
    """What was packed: number of pictures, bytes of the file, SHA-256 of its index, and what could not be read."""

    pictures: int
    size: int
    sha256: str
    broken: tuple[str, ...]


def write_pack(
    photographs: Sequence[Photograph],
    target: Path,
    *,
    progress: Callable[[Iterable[Photograph]], Iterable[Photograph]] = iter,
) -> Packed:
    """Decode photographs into a pack, one after the other, so that memory holds one at a time.

    Args:
        photographs: in this order.
        target: replaced when the pack is whole.
        progress: goes through the photographs and shows how far it is.
    """
    entries: list[Entry] = []
    broken: list[str] = []
    with files.replacing(target) as file:
        file.write(bytes(START))
        for photograph in progress(photographs):
            try:
                pixels = np.ascontiguousarray(photograph.read())
            except PictureUnreadable as error:
                broken.append(str(error))
                continue
            flat = pixels.reshape(-1)
            height, width, _ = pixels.shape
            entries.append(Entry(photograph.name, height, width, file.tell(), zlib.crc32(flat.data)))
            file.write(flat.data)
            file.write(bytes(-file.tell() % ALIGN))
        if not entries:
            raise TrainingError(f"none of {len(photographs)} pictures can be read", broken[0] if broken else "")
        index: list[dict[str, Any]] = [asdict(entry) for entry in entries]
        text = json.dumps(index, ensure_ascii=False, separators=(",", ":")).encode()
        start, digest = file.tell(), hashlib.sha256(text)
        file.write(text)
        file.seek(0)
        file.write(HEADER.pack(MAGIC, start, len(text), digest.digest()))
    return Packed(len(entries), start + len(text), digest.hexdigest(), tuple(broken))
