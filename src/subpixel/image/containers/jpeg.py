"""JPEG: marker segments of at most 65,533 bytes before the scan (ITU-T T.81, JFIF 1.02, Exif 2.32, ICC.1 annex B.4)."""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

from subpixel.image import exif
from subpixel.image.coding import JpegTables
from subpixel.image.containers.parts import PHOTOSHOP, Found, Load, copy_rest, exactly, number

_MOST: Final = 65_533
_MOST_SEGMENTS: Final = 10_000
_MOST_GARBAGE: Final = 4096
_XMP: Final = b"http://ns.adobe.com/xap/1.0/\0"
_EXTENDED_XMP: Final = b"http://ns.adobe.com/xmp/extension/\0"
_ICC: Final = b"ICC_PROFILE\0"
_SOI: Final = b"\xff\xd8"


def inspect(file: BinaryIO) -> Found:
    """Resolution (JFIF first, then EXIF), comments, and how strongly the picture was squeezed."""
    dpi: tuple[float, float] | None = None
    exif_dpi: tuple[float, float] | None = None
    comments: list[tuple[str, str]] = []
    notes: list[str] = []
    tables = JpegTables()
    file.seek(2)
    try:
        for _ in range(_MOST_SEGMENTS):
            marker = _next_marker(file)
            if marker in (0xDA, 0xD9):
                break
            length = number(exactly(file, 2), ">H") - 2
            data = exactly(file, max(length, 0))
            if marker == 0xE0 and data.startswith(b"JFIF\0") and len(data) >= 12:
                unit, x, y = struct.unpack_from(">BHH", data, 7)
                if unit in (1, 2) and x and y:
                    per_inch = 2.54 if unit == 2 else 1.0
                    dpi = (x * per_inch, y * per_inch)
            elif marker == 0xE1 and data.startswith(exif.PREFIX):
                exif_dpi = _resolution(data)
            elif marker == 0xE1:
                notes += _left_out(data, notes)
            elif marker == 0xFE:
                comments.append(("Comment", _decode(data)))
            else:
                tables.take(marker, data)
    except EOFError:
        pass  # libvips judges whether the pixels are whole
    # A JFIF header that says 72 beside an EXIF block that says otherwise is a default, not a statement.
    stated = exif_dpi if exif_dpi is not None and dpi in (None, (72.0, 72.0), (96.0, 96.0)) else dpi
    return Found(dpi=stated, comments=tuple(comments), coding=tables.coding(), notes=tuple(notes))


def _left_out(segment: bytes, said: list[str]) -> list[str]:
    """What an XMP segment announces that stands elsewhere in the file and is not read; each said once."""
    found = []
    if segment.startswith(_XMP) and b"hdr-gain-map" in segment:
        found.append("HDR gain map is not kept: the picture is read as its standard version")
    if segment.startswith(_XMP) and (b'MotionPhoto="1"' in segment or b'MicroVideo="1"' in segment):
        found.append("motion photo: its video is not kept")
    if segment.startswith(_EXTENDED_XMP):
        found.append("extended XMP is not kept")
    return [line for line in found if line not in said]


def _next_marker(file: BinaryIO) -> int:
    skipped = 0
    byte = exactly(file, 1)
    while byte != b"\xff":
        skipped += 1
        if skipped > _MOST_GARBAGE:
            raise EOFError("no marker")
        byte = exactly(file, 1)
    while byte == b"\xff":
        skipped += 1
        if skipped > _MOST_GARBAGE:
            raise EOFError("no marker")
        byte = exactly(file, 1)
    return byte[0]


def _resolution(data: bytes) -> tuple[float, float] | None:
    try:
        return exif.resolution(data)
    except exif.ExifDamaged:
        return None


def _decode(data: bytes) -> str:
    try:
        return data.rstrip(b"\0").decode("utf-8")
    except UnicodeDecodeError:
        return data.rstrip(b"\0").decode("latin-1")


def _segment(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def embed(source: BinaryIO, target: BinaryIO, load: Load) -> tuple[str, ...]:
    """Copy a JPEG and put JFIF, EXIF, XMP, IPTC, ICC and comments before its tables."""
    notes: list[str] = []
    exactly(source, len(_SOI))
    x, y = (min(max(round(value), 1), 65_535) for value in load.dpi or (1, 1))
    target.write(_SOI + _segment(0xE0, b"JFIF\0" + struct.pack(">HBHHBB", 0x0102, load.dpi is not None, x, y, 0, 0)))
    if load.exif is not None:
        block = load.exif if load.exif.startswith(exif.PREFIX) else exif.PREFIX + load.exif
        if len(block) <= _MOST:
            target.write(_segment(0xE1, block))
        else:
            notes.append(f"EXIF dropped: {len(block)} bytes, JPEG holds {_MOST}")
    if load.xmp is not None:
        if len(_XMP) + len(load.xmp) <= _MOST:
            target.write(_segment(0xE1, _XMP + load.xmp))
        else:
            notes.append(f"XMP dropped: {len(load.xmp)} bytes, JPEG holds {_MOST - len(_XMP)}")
    if load.iptc is not None:
        block = load.iptc if load.iptc.startswith(PHOTOSHOP) else _photoshop(load.iptc)
        if len(block) <= _MOST:
            target.write(_segment(0xED, block))
        else:
            notes.append(f"IPTC dropped: {len(block)} bytes, JPEG holds {_MOST}")
    if load.icc is not None:
        notes += _write_icc(target, load.icc)
    for _, text in load.comments:
        target.write(_segment(0xFE, text.encode("utf-8")[:_MOST]))
    copy_rest(source, target)
    return tuple(notes)


def _write_icc(target: BinaryIO, icc: bytes) -> list[str]:
    size = _MOST - len(_ICC) - 2
    count = -(-len(icc) // size)
    if count > 255:
        return [f"ICC profile dropped: {len(icc)} bytes, JPEG holds {255 * size}"]
    for index in range(count):
        target.write(_segment(0xE2, _ICC + bytes([index + 1, count]) + icc[index * size : (index + 1) * size]))
    return []


def _photoshop(iptc: bytes) -> bytes:
    """A bare IPTC record (as TIFF stores it) in the Photoshop resource that JPEG wants."""
    return PHOTOSHOP + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + b"\0" * (len(iptc) % 2)
