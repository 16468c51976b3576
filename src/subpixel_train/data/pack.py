"""Packs: all photographs of some folders, decoded, in one file that is mapped into memory.

    offset  bytes
    0       8       b"SPXPACK1"
    8       8       where the index starts, unsigned, little-endian
    16      8       length of the index, unsigned, little-endian
    24      32      SHA-256 of the index
    4096            pictures: (H, W, 3) uint8 each, starting at multiples of 64, zeros between them
    …               index: JSON, one object per picture: name, height, width, offset, crc32, made

After a picture may stand what trainings make of it when they start, for the factors asked for: the small picture, and
the smaller targets of networks with several outputs; `made` says where. The index holds the checksum of every part, so
the checksum of the index is that of the whole. The same pictures give the same bytes.
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
from subpixel_train.data.examples import make_picture
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
    """One picture of a pack.

    Attributes:
        name: of the file it was made of.
        height: in pixels.
        width: in pixels.
        offset: where it starts.
        crc32: of its bytes.
        made: for factors as ``"4"`` or ``"2,4"``: offset and CRC-32 of the small picture, then of each smaller target.
    """

    name: str
    height: int
    width: int
    offset: int
    crc32: int
    made: dict[str, list[tuple[int, int]]]


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
        """One picture, (H, W, 3), in the file itself: read-only. Raises PictureUnreadable where it is damaged."""
        entry = self.entries[index]
        return self._mapped(entry, entry.height, entry.width, entry.offset, entry.crc32)

    def made(self, index: int, scales: Sequence[int]) -> tuple[NDArray[np.uint8], tuple[NDArray[np.uint8], ...]] | None:
        """Small picture and targets for these factors, as `examples.make_picture` makes them; None: not in the pack."""
        entry, scale = self.entries[index], scales[-1]
        stored = entry.made.get(_key(scales))
        if stored is None:
            return None
        height, width = entry.height // scale, entry.width // scale
        small, *smaller = (
            self._mapped(entry, height * step, width * step, offset, crc32)
            for step, (offset, crc32) in zip((1, *scales), stored, strict=False)
        )
        return small, (*smaller, self.pixels(index)[: height * scale, : width * scale])

    def _mapped(self, entry: Entry, height: int, width: int, offset: int, crc32: int) -> NDArray[np.uint8]:
        flat = self._bytes[offset : offset + height * width * 3]
        if zlib.crc32(flat.data) != crc32:
            raise PictureUnreadable(f"{entry.name} in {self.path} is damaged", "make the pack again")
        return flat.reshape(height, width, 3)

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
        return self.pack.pixels(self.index)

    def read_made(self, scales: Sequence[int]) -> tuple[NDArray[np.uint8], tuple[NDArray[np.uint8], ...]] | None:
        """Small picture and targets, where they are in the pack."""
        return self.pack.made(self.index, scales)

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
    scales: Sequence[tuple[int, ...]] = (),
    progress: Callable[[Iterable[Photograph]], Iterable[Photograph]] = iter,
) -> Packed:
    """Decode photographs into a pack, one after the other, so that memory holds one at a time.

    Args:
        photographs: in this order.
        target: replaced when the pack is whole.
        scales: factors of networks whose small pictures are kept too, as ``[(2,), (2, 4)]``: trainings start at once.
        progress: goes through the photographs and shows how far it is.
    """
    entries: list[Entry] = []
    broken: list[str] = []
    with files.replacing(target) as file:
        file.write(bytes(START))
        for photograph in progress(photographs):
            try:
                pixels = photograph.read()
            except PictureUnreadable as error:
                broken.append(str(error))
                continue
            offset, crc32 = _append(file, pixels)
            made = {}
            for wanted in scales:
                picture = make_picture(photograph.name, pixels, wanted)
                made[_key(wanted)] = [_append(file, part) for part in (picture.small, *picture.targets[:-1])]
            height, width, _ = pixels.shape
            entries.append(Entry(photograph.name, height, width, offset, crc32, made))
        if not entries:
            raise TrainingError(f"none of {len(photographs)} pictures can be read", broken[0] if broken else "")
        index: list[dict[str, Any]] = [asdict(entry) for entry in entries]
        text = json.dumps(index, ensure_ascii=False, separators=(",", ":")).encode()
        start, digest = file.tell(), hashlib.sha256(text)
        file.write(text)
        file.seek(0)
        file.write(HEADER.pack(MAGIC, start, len(text), digest.digest()))
    return Packed(len(entries), start + len(text), digest.hexdigest(), tuple(broken))


def _append(file: BinaryIO, pixels: NDArray[np.uint8]) -> tuple[int, int]:
    """Write a picture; where it starts, and its CRC-32."""
    flat, offset = np.ascontiguousarray(pixels).reshape(-1), file.tell()
    file.write(flat.data)
    file.write(bytes(-file.tell() % ALIGN))
    return offset, zlib.crc32(flat.data)


def _key(scales: Sequence[int]) -> str:
    return ",".join(map(str, scales))
