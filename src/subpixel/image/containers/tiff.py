"""TIFF: tables of tags (TIFF 6.0); EXIF and GPS are tables of their own that the first one points to."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO, Final

from subpixel.image import exif
from subpixel.image.containers.parts import Found, Load, exactly, iptc_record
from subpixel.image.exif import SIZES, Block, Entry

_DESCRIPTIVE: Final = frozenset({0x010D, 0x010E, 0x010F, 0x0110, 0x0131, 0x0132, 0x013B, 0x013C, 0x8298})
"""Tags of the first table that EXIF has too: document name, description, make, model, software, time, artist, …"""
_NEW_SUBFILE: Final = 0x00FE
_BITS: Final = 0x0102
_COMPRESSION: Final = 0x0103
_PHOTOMETRIC: Final = 0x0106
_SUB_IFDS: Final = 0x014A
_DNG_VERSION: Final = 0xC612
_COLOUR_FILTER_ARRAY: Final = 32_803
_POINTERS: Final = (exif.EXIF_IFD, exif.GPS_IFD)
_MOST_VALUE: Final = 1 << 20
_MOST_VALUES: Final = 1 << 24
_DAMAGE: Final = (exif.ExifDamaged, EOFError, struct.error, OSError, OverflowError, ValueError)
"""What reading tables of a hostile file can raise; libvips judges whether the pixels are whole."""
_MOST_PAGES: Final = 100_000
_MOST_COPIES: Final = 64
"""Pages that a pyramid has at most."""
_YCBCR, _LAB = 6, 8
_JPEGS: Final = (6, 7)
_IPTC: Final = 0x83BB
_LEFT_OUT: Final = (
    ((37724,), "Photoshop layers are not kept: the picture is read as it looks"),
    ((33550, 33922, 34264, 34735), "GeoTIFF tags are not kept: they hold for the old size"),
)
"""Tags that are not kept, and how to say so."""

Value = tuple[int, int, bytes]
"""TIFF type, count, bytes in the order of the block."""
Table = dict[int, "Value | Table"]


def inspect(file: BinaryIO) -> Found:
    """EXIF as a block, resolution, and whether it is a camera raw file."""
    try:
        reader = _Reader(file)
        first = reader.table(reader.first)
    except _DAMAGE:
        return Found()
    kind = _unsupported(reader, first)
    if kind:
        return Found(unsupported=kind)
    block: bytes | None = None
    try:
        tree: Table = {tag: value for tag, value in first.items() if tag in _DESCRIPTIVE}
        for tag in (exif.EXIF_IFD, exif.GPS_IFD):
            inner = reader.sub(first, tag)
            if inner:
                tree[tag] = inner
        block = build(tree, reader.order) if tree else None
    except _DAMAGE:
        pass
    iptc = first.get(_IPTC)
    record = iptc[2] if isinstance(iptc, tuple) else None
    notes = tuple(note for tags, note in _LEFT_OUT if any(tag in reader.seen for tag in tags))
    return Found(exif=block, iptc=record, dpi=reader.resolution(first), reduced=_reduced(reader), notes=notes)


def _reduced(reader: _Reader) -> bool:
    """Whether all pages after the first are smaller copies of it."""
    try:
        at, pages = reader.following(reader.first), 0
        while at and pages < _MOST_COPIES:
            if not (reader.integer(reader.table(at), _NEW_SUBFILE) or 0) & 1:
                return False
            at, pages = reader.following(at), pages + 1
    except _DAMAGE:
        return False
    return pages > 0 and not at


def _unsupported(reader: _Reader, first: Table) -> str:
    """What the file is, if its pixels would be read wrongly; else nothing."""
    photometric = reader.integer(first, _PHOTOMETRIC)
    preview = (reader.integer(first, _NEW_SUBFILE) or 0) & 1 and _SUB_IFDS in first
    if _DNG_VERSION in first or photometric == _COLOUR_FILTER_ARRAY or reader.is_cr2 or preview:
        return "a camera raw file"
    if photometric == _YCBCR and reader.integer(first, _COMPRESSION) not in _JPEGS:
        return "a YCbCr TIFF without JPEG compression"
    if photometric == _LAB and reader.integer(first, _BITS) == 8:
        return "an 8-bit Lab TIFF"
    return ""


@dataclass(frozen=True, slots=True)
class _Layout:
    """How tables are laid out: `struct` codes without byte order, and what they take.

    Attributes:
        count: of entries.
        counted: bytes of that.
        entry: tag, type and count of an entry, before the value.
        inline: bytes of a value that stand in the entry itself; otherwise an offset as long stands there.
        offset: of a value or table.
        pointer: TIFF type of an offset.
    """

    count: str
    counted: int
    entry: str
    inline: int
    offset: str
    pointer: int

    @property
    def step(self) -> int:
        """Bytes of an entry."""
        return struct.calcsize("=" + self.entry) + self.inline


_CLASSIC: Final = _Layout("H", 2, "HHI", 4, "I", 4)
_BIG: Final = _Layout("Q", 8, "HHQ", 8, "Q", 16)


class _Reader:
    """Reads tables from a file, classic or BigTIFF, without reading the pixels."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.budget = _MOST_VALUES
        self.seen: set[int] = set()
        file.seek(0)
        head = exactly(file, 16)
        self.order = "<" if head[:2] == b"II" else ">"
        self.big = struct.unpack(self.order + "H", head[2:4])[0] == 43
        self.first = int(struct.unpack_from(self.order + ("Q" if self.big else "I"), head, 8 if self.big else 4)[0])
        self.layout = _BIG if self.big else _CLASSIC
        self.is_cr2 = head[8:10] == b"CR"

    def table(self, at: int) -> Table:
        """Tags of a table, except long ones (those hold pixels, not words)."""
        code, entry_code, inline = ("Q", "HHQ", 8) if self.big else ("H", "HHI", 4)
        self.file.seek(at)
        count = struct.unpack(self.order + code, exactly(self.file, struct.calcsize(self.order + code)))[0]
        if count > 4096:
            raise exif.ExifDamaged("too many tags")
        step = struct.calcsize(self.order + entry_code) + inline
        entries = exactly(self.file, count * step)
        made: Table = {}
        for place in range(0, len(entries), step):
            tag, kind, number = struct.unpack_from(self.order + entry_code, entries, place)
            self.seen.add(tag)
            field = entries[place + step - inline : place + step]
            length = SIZES.get(kind, 0) * number
            if not length or length > _MOST_VALUE:
                continue
            if length > inline:
                self.budget -= length
                if self.budget < 0:
                    raise exif.ExifDamaged("too many values")
                self.file.seek(struct.unpack(self.order + ("Q" if self.big else "I"), field)[0])
                field = self.file.read(length)
            if len(field) >= length:
                made[tag] = (kind, number, field[:length])
        return made

    def following(self, at: int) -> int:
        """Where the table after the one at `at` stands; 0 after the last."""
        self.file.seek(at)
        (count,) = struct.unpack(self.order + self.layout.count, exactly(self.file, self.layout.counted))
        self.file.seek(count * self.layout.step, 1)
        place = exactly(self.file, self.layout.inline)
        return int(struct.unpack(self.order + self.layout.offset, place)[0])

    def integer(self, table: Table, tag: int) -> int | None:
        """First value of a SHORT, LONG or LONG8 tag."""
        value = table.get(tag)
        if not isinstance(value, tuple):
            return None
        code = {3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.get(value[0])
        return int(struct.unpack_from(self.order + code, value[2])[0]) if code else None

    def sub(self, table: Table, tag: int) -> Table:
        """The table that a tag points to, with the interoperability table inside it."""
        at = self.integer(table, tag)
        if at is None:
            return {}
        inner = self.table(at)
        if exif.INTEROP_IFD in inner:
            deeper = self.integer(inner, exif.INTEROP_IFD)
            del inner[exif.INTEROP_IFD]
            if deeper is not None:
                inner[exif.INTEROP_IFD] = self.table(deeper)
        return inner

    def resolution(self, table: Table) -> tuple[float, float] | None:
        """Dots per inch, None where the unit is not stated."""
        unit = self.integer(table, exif.RESOLUTION_UNIT)
        found = []
        for tag in (exif.X_RESOLUTION, exif.Y_RESOLUTION):
            value = table.get(tag)
            if not isinstance(value, tuple) or value[0] != 5:
                return None
            high, low = struct.unpack_from(self.order + "II", value[2])
            found.append(high / low if low else 0.0)
        if unit == 1 or not all(found):
            return None
        per_inch = 2.54 if unit == 3 else 1.0
        return found[0] * per_inch, found[1] * per_inch


def build(tree: Table, order: str) -> bytes:
    """An EXIF block from a tree of tables.

    Args:
        tree: tag → value, or → table for tags that point to one.
        order: byte order of the values, ``"<"`` or ``">"``.
    """
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8)
    return exif.PREFIX + head + _pack(tree, order, 8, 0)


def _pack(tree: Table, order: str, at: int, link: int, layout: _Layout = _CLASSIC) -> bytes:
    """One table and everything it points to, to stand at offset `at`."""
    count = len(tree)
    entries = b""
    tail = b""
    start = at + layout.counted + layout.step * count + layout.inline
    for tag in sorted(tree):
        value = tree[tag]
        place = start + len(tail)
        if isinstance(value, dict):
            entries += struct.pack(order + layout.entry + layout.offset, tag, layout.pointer, 1, place)
            tail += _pack(value, order, place, 0, layout)
        else:
            kind, number, data = value
            inside = len(data) <= layout.inline
            field = data.ljust(layout.inline, b"\0") if inside else struct.pack(order + layout.offset, place)
            entries += struct.pack(order + layout.entry, tag, kind, number) + field
            tail += b"" if inside else data
        tail += b"\0" * (len(tail) % 2)
    return struct.pack(order + layout.count, count) + entries + struct.pack(order + layout.offset, link) + tail


def _tree(block: Block, table: dict[int, Entry], order: str, pointers: tuple[int, ...] = _POINTERS) -> Table:
    """Tables of an EXIF block as a tree, its values turned to another byte order where needed.

    Only the first table may point to EXIF and GPS, and only EXIF to interoperability: a hostile one points to itself.
    """
    if sum(entry.length for entry in table.values()) > 2 * len(block.data):
        raise exif.ExifDamaged("values overlap")
    tree: Table = {}
    for tag, entry in table.items():
        if tag in pointers:
            inner = block.sub(table, tag)
            if inner:
                tree[tag] = _tree(block, inner, order, (exif.INTEROP_IFD,) if tag == exif.EXIF_IFD else ())
        elif tag not in (exif.EXIF_IFD, exif.GPS_IFD, exif.INTEROP_IFD):
            data = bytes(block.data[entry.data : entry.data + entry.length])
            tree[tag] = (entry.kind, entry.count, data if order == block.order else _swapped(data, entry.kind))
    return tree


def _swapped(data: bytes, kind: int) -> bytes:
    """Values in the other byte order."""
    width = {3: 2, 8: 2, 4: 4, 9: 4, 11: 4, 13: 4, 5: 4, 10: 4, 12: 8}.get(kind, 1)
    return b"".join(data[i : i + width][::-1] for i in range(0, len(data), width))


def amend(file: BinaryIO, load: Load) -> tuple[str, ...]:
    """Add EXIF and IPTC to a TIFF: a new first table at the end, with the old one's tags and the new ones.

    Where no resolution is known, the unit is set to none in every table: libvips states one in any case.
    """
    reader = _Reader(file)
    if load.dpi is None:
        _unstate_resolution(file, reader)
    if load.exif is None and load.iptc is None:
        return ()
    order, layout = reader.order, reader.layout
    added: Table = {}
    notes: tuple[str, ...] = ()
    if load.exif is not None:
        try:
            block = Block(exif.bare(load.exif))
            tags = _tree(block, block.table(block.first), order)
        except exif.ExifDamaged as error:
            tags, notes = {}, (f"EXIF block is damaged and was dropped: {error}",)
        added = {tag: value for tag, value in tags.items() if tag in _DESCRIPTIVE or tag in _POINTERS}
    if load.iptc is not None:
        record = iptc_record(load.iptc)
        added[_IPTC] = (7, len(record), record)
    tree: Table = {**added, **_whole_table(file, reader)}
    link = reader.following(reader.first)
    at = file.seek(0, 2)
    file.write(b"\0" * (-at % 8))
    at += -at % 8
    file.write(_pack(tree, order, at, link, layout))
    file.seek(8 if reader.big else 4)
    file.write(struct.pack(order + layout.offset, at))
    return notes


def _unstate_resolution(file: BinaryIO, reader: _Reader) -> None:
    code, step, head = ("Q", 20, 8) if reader.big else ("H", 12, 2)
    at, pages = reader.first, 0
    while at and pages < _MOST_PAGES:
        pages += 1
        file.seek(at)
        (count,) = struct.unpack(reader.order + code, exactly(file, head))
        entries = exactly(file, count * step)
        following = exactly(file, 8 if reader.big else 4)
        for place in range(0, len(entries), step):
            if struct.unpack_from(reader.order + "H", entries, place)[0] == exif.RESOLUTION_UNIT:
                file.seek(at + head + place + step - (8 if reader.big else 4))
                file.write(struct.pack(reader.order + "H", 1))
        (at,) = struct.unpack(reader.order + ("Q" if reader.big else "I"), following)


def _whole_table(source: BinaryIO, reader: _Reader) -> Table:
    """The first table with every value, the long lists of strips included."""
    made: Table = {}
    layout, order = reader.layout, reader.order
    source.seek(reader.first)
    (count,) = struct.unpack(order + layout.count, exactly(source, layout.counted))
    entries = exactly(source, layout.step * count)
    for place in range(0, len(entries), layout.step):
        tag, kind, number = struct.unpack_from(order + layout.entry, entries, place)
        field = entries[place + layout.step - layout.inline : place + layout.step]
        length = SIZES.get(kind, 1) * number
        if length > layout.inline:
            source.seek(struct.unpack(order + layout.offset, field)[0])
            made[tag] = (kind, number, exactly(source, length))
        else:
            made[tag] = (kind, number, field[:length])
    return made
