"""EXIF blocks: small tables of tags in the layout of TIFF (CIPA DC-008, section 4.6).

Blocks are patched in place, so that maker notes, whose offsets count from the start of the block, stay readable.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

PREFIX: Final = b"Exif\0\0"

IMAGE_WIDTH: Final = 0x0100
IMAGE_LENGTH: Final = 0x0101
ORIENTATION: Final = 0x0112
X_RESOLUTION: Final = 0x011A
Y_RESOLUTION: Final = 0x011B
RESOLUTION_UNIT: Final = 0x0128
THUMBNAIL_OFFSET: Final = 0x0201
THUMBNAIL_LENGTH: Final = 0x0202
EXIF_IFD: Final = 0x8769
GPS_IFD: Final = 0x8825
PIXEL_X: Final = 0xA002
PIXEL_Y: Final = 0xA003
INTEROP_IFD: Final = 0xA005

SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of one value of every TIFF type."""

_SHORT: Final = 3
_LONG: Final = 4
_MOST_ENTRIES: Final = 4096


class ExifDamaged(ValueError):
    """The block does not follow its own layout."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One tag of a table.

    Attributes:
        tag: number of the tag.
        kind: TIFF type of its values.
        count: how many values.
        at: offset of the entry itself.
        data: offset of its values (inside the entry when they fit in 4 bytes).
        length: bytes of its values.
    """

    tag: int
    kind: int
    count: int
    at: int
    data: int
    length: int


class Block:
    """A TIFF-like block that can be read and patched.

    Args:
        data: the block from its byte-order mark on.

    Raises:
        ExifDamaged: no byte-order mark.
    """

    def __init__(self, data: bytes) -> None:
        self.data = bytearray(data)
        order = {b"II*\0": "<", b"MM\0*": ">"}.get(bytes(data[:4]))
        if order is None:
            raise ExifDamaged("no byte-order mark")
        self.order = order

    def unpack(self, code: str, at: int) -> int:
        """One number at an offset; `code` as in `struct`."""
        try:
            return int(struct.unpack_from(self.order + code, self.data, at)[0])
        except struct.error as error:
            raise ExifDamaged("offset beyond the end") from error

    def pack(self, code: str, at: int, value: int) -> None:
        """Write one number at an offset."""
        struct.pack_into(self.order + code, self.data, at, value)

    @property
    def first(self) -> int:
        """Offset of the first table."""
        return self.unpack("I", 4)

    def table(self, at: int) -> dict[int, Entry]:
        """Tags of the table at an offset. Entries that point beyond the block are left out."""
        return {entry.tag: entry for entry in self._entries(at)}

    def _entries(self, at: int) -> Iterator[Entry]:
        count = self.unpack("H", at)
        if count > _MOST_ENTRIES:
            raise ExifDamaged("too many tags")
        for place in range(at + 2, at + 2 + 12 * count, 12):
            tag, kind = self.unpack("H", place), self.unpack("H", place + 2)
            number = self.unpack("I", place + 4)
            length = SIZES.get(kind, 0) * number
            data = place + 8 if length <= 4 else self.unpack("I", place + 8)
            if kind in SIZES and data + length <= len(self.data):
                yield Entry(tag, kind, number, place, data, length)

    def link(self, at: int) -> int:
        """Offset of the field that points to the next table."""
        return at + 2 + 12 * self.unpack("H", at)

    def sub(self, table: dict[int, Entry], tag: int) -> dict[int, Entry]:
        """The table that a tag points to; empty where there is none."""
        entry = table.get(tag)
        return self.table(self.unpack("I", entry.data)) if entry is not None and entry.length == 4 else {}

    def integer(self, entry: Entry | None) -> int | None:
        """First value of a SHORT or LONG tag."""
        if entry is None or entry.count < 1 or entry.kind not in (_SHORT, _LONG):
            return None
        return self.unpack("H" if entry.kind == _SHORT else "I", entry.data)

    def fraction(self, entry: Entry | None) -> float | None:
        """First value of a RATIONAL tag; None where the denominator is 0."""
        if entry is None or entry.count < 1 or entry.kind != 5:
            return None
        low = self.unpack("I", entry.data + 4)
        return self.unpack("I", entry.data) / low if low else None

    def set_integer(self, entry: Entry | None, value: int) -> None:
        """Overwrite a SHORT or LONG tag that holds one value; a SHORT becomes a LONG where the value needs it."""
        if entry is None or entry.count != 1 or entry.kind not in (_SHORT, _LONG):
            return
        if entry.kind == _SHORT and value <= 0xFFFF:
            self.pack("I", entry.data, 0)
            self.pack("H", entry.data, value)
        else:
            self.pack("H", entry.at + 2, _LONG)
            self.pack("I", entry.data, value)


def bare(exif: bytes) -> bytes:
    """The block without the ``Exif\\0\\0`` that JPEG puts before it."""
    return exif[len(PREFIX) :] if exif.startswith(PREFIX) else exif


def orientation(exif: bytes) -> int:
    """Orientation 1–8; 1 where none or a wrong one is stated."""
    block = Block(bare(exif))
    value = block.integer(block.table(block.first).get(ORIENTATION))
    return value if value is not None and 1 <= value <= 8 else 1


def resolution(exif: bytes) -> tuple[float, float] | None:
    """Horizontal and vertical dots per inch, None where the block states none."""
    block = Block(bare(exif))
    table = block.table(block.first)
    x, y = block.fraction(table.get(X_RESOLUTION)), block.fraction(table.get(Y_RESOLUTION))
    unit = block.integer(table.get(RESOLUTION_UNIT))
    if not x or not y or unit == 1:
        return None
    per_inch = 2.54 if unit == 3 else 1.0
    return x * per_inch, y * per_inch


def upright(exif: bytes) -> bytes:
    """The block with orientation 1, for pixels that have been turned; always starts with ``Exif\\0\\0``.

    Raises:
        ExifDamaged: not an EXIF block.
    """
    block = Block(bare(exif))
    table = block.table(block.first)
    block.set_integer(table.get(ORIENTATION), 1)
    return PREFIX + bytes(block.data)


def for_size(exif: bytes, width: int, height: int, *, orientation: int = 1) -> bytes:
    """The block made true for a picture of another size: its dimensions set, its thumbnail of the old one removed.

    Raises:
        ExifDamaged: not an EXIF block.
    """
    block = Block(bare(exif))
    first = block.first
    table = block.table(first)
    inner = block.sub(table, EXIF_IFD)
    for entry, value in (
        (table.get(IMAGE_WIDTH), width),
        (table.get(IMAGE_LENGTH), height),
        (inner.get(PIXEL_X), width),
        (inner.get(PIXEL_Y), height),
    ):
        block.set_integer(entry, value)
    block.set_integer(table.get(ORIENTATION), orientation)
    _drop_thumbnail(block, first)
    return PREFIX + bytes(block.data)


def _drop_thumbnail(block: Block, first: int) -> None:
    """Unlink the second table, which describes the thumbnail, and cut or blank the thumbnail itself."""
    link = block.link(first)
    second = block.unpack("I", link)
    if not second:
        return
    block.pack("I", link, 0)
    try:
        table = block.table(second)
    except ExifDamaged:
        return
    start = block.integer(table.get(THUMBNAIL_OFFSET))
    length = block.integer(table.get(THUMBNAIL_LENGTH))
    if start is None or length is None or start < 8 or start + length > len(block.data):
        return
    kept = block.table(first)
    tables = (kept, block.sub(kept, EXIF_IFD), block.sub(kept, GPS_IFD))
    last = max((entry.data + entry.length for table in tables for entry in table.values()), default=0)
    if start >= max(last, first, second):  # it usually comes last
        del block.data[start:]
    elif not any(e.data < start + length and start < e.data + e.length for t in tables for e in t.values()):
        block.data[start : start + length] = bytes(length)


def for_resolution(dpi: tuple[float, float]) -> bytes:
    """A block that states a resolution and nothing else."""
    return with_resolution(b"II*\0\x08\0\0\0\0\0\0\0\0\0", dpi)


def with_resolution(exif: bytes, dpi: tuple[float, float]) -> bytes:
    """The block with a resolution: its first table, with the new tags, moves to the end; all else stays in place.

    Raises:
        ExifDamaged: not an EXIF block.
    """
    block = Block(bare(exif))
    new = (X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT)
    first = block.first
    old = {e.tag: bytes(block.data[e.at : e.at + 12]) for e in block.table(first).values() if e.tag not in new}
    link = block.data[block.link(first) : block.link(first) + 4]
    block.data += b"\0" * (len(block.data) % 2)
    at = len(block.data)
    values = at + 2 + 12 * (len(old) + len(new)) + 4
    code = block.order + "HHI"
    old[X_RESOLUTION] = struct.pack(code + "I", X_RESOLUTION, 5, 1, values)
    old[Y_RESOLUTION] = struct.pack(code + "I", Y_RESOLUTION, 5, 1, values + 8)
    old[RESOLUTION_UNIT] = struct.pack(code + "HH", RESOLUTION_UNIT, _SHORT, 1, 2, 0)
    block.data += struct.pack(block.order + "H", len(old)) + b"".join(old[tag] for tag in sorted(old)) + link
    for value in dpi:
        block.data += struct.pack(block.order + "II", round(value * 1000), 1000)
    block.pack("I", 4, at)
    return PREFIX + bytes(block.data)
