"""AVIF: boxes of length, name, data (ISO/IEC 14496-12, 23008-12)."""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

from subpixel.image.containers.parts import Found, Load, exactly, number
from subpixel.image.exif import PREFIX

_MOST: Final = 1 << 20  # tables larger than this are not looked through
_MOST_BOXES: Final = 1000
_MOST_ITEMS: Final = 10_000
_CODED_HEAD: Final = 256
_SEQUENCE_HEADER: Final = 1
_FILLER: Final = b"room for EXIF / "
_MOST_EXIF: Final = 64_000  # libexif makes no larger blocks
_HDR: Final = {16: "PQ", 18: "HLG"}


def inspect(file: BinaryIO) -> Found:
    """Bits per sample, whether it was coded without loss, whether it moves or is HDR."""
    file.seek(0)
    notes: list[str] = []
    meta = b""
    try:
        for _ in range(_MOST_BOXES):
            head = exactly(file, 8)
            length, name = number(head, ">I"), head[4:]
            if name == b"ftyp" and exactly(file, 4) == b"avis":
                notes.append("AVIF sequence: only its first picture is used")
            if name == b"meta" and 8 <= length <= _MOST:
                meta = exactly(file, length - 8)
                break
            if length < 8:
                break
            file.seek(length - (12 if name == b"ftyp" else 8), 1)
    except (EOFError, OSError):
        pass  # libvips judges whether the pixels are whole
    bits, matrix, curve = _properties(meta)
    if matrix is None:
        matrix = _stored_matrix(file, meta)
    if curve in _HDR:
        notes.append(f"HDR ({_HDR[curve]}) is not kept: the picture is read as if it were sRGB")
    # Matrix 0 stores RGB as it is, which encoders use for lossless coding alone.
    return Found(bits=bits, lossless=matrix == 0, notes=tuple(notes))


def _properties(meta: bytes) -> tuple[int, int | None, int]:
    """Bits per sample beyond 8 (else 0), colour matrix, transfer curve: of the first item that states them."""
    bits = 0
    at = meta.find(b"av1C")
    if 0 <= at <= len(meta) - 8 and meta[at + 6] & 0x40:
        bits = 12 if meta[at + 6] & 0x20 else 10
    at = meta.find(b"colrnclx")
    if 0 <= at <= len(meta) - 15:
        return bits, number(meta[at + 12 :], ">H"), number(meta[at + 10 :], ">H")
    return bits, None, 0


def _stored_matrix(file: BinaryIO, meta: bytes) -> int | None:
    """The colour matrix in the coded picture itself, where a profile has taken its place in the tables."""
    try:
        file.seek(_first_extent(meta))
        data = file.read(_CODED_HEAD)
        while len(data) >= 2:
            kind, at = (data[0] >> 3) & 15, 2 if data[0] & 4 else 1
            if not data[0] & 2:
                return None
            length, shift = 0, 0
            while True:
                length |= (data[at] & 0x7F) << shift
                shift += 7
                at += 1
                if not data[at - 1] & 0x80:
                    break
            if kind == _SEQUENCE_HEADER:
                return _matrix_of_sequence(data[at : at + length])
            data = data[at + length :]
    except (EOFError, IndexError, ValueError, OSError, OverflowError, struct.error):
        pass
    return None


def _first_extent(meta: bytes) -> int:
    """Where the primary item lies in the file (boxes `pitm` and `iloc`)."""
    at = meta.index(b"pitm") + 4
    primary = number(meta[at + 4 :], ">I" if meta[at] else ">H")
    at = meta.index(b"iloc") + 4
    version = meta[at]
    sizes = (meta[at + 4] >> 4, meta[at + 4] & 15, meta[at + 5] >> 4, meta[at + 5] & 15 if version else 0)
    offset_size, length_size, base_size, index_size = sizes
    id_size = 4 if version == 2 else 2
    at += 6
    count = int.from_bytes(meta[at : at + id_size], "big")
    at += id_size
    for _ in range(min(count, _MOST_ITEMS)):
        item = int.from_bytes(meta[at : at + id_size], "big")
        at += id_size + (2 if version else 0) + 2
        base = int.from_bytes(meta[at : at + base_size], "big")
        at += base_size
        extents = number(meta[at:], ">H")
        at += 2 + index_size
        if item == primary:
            return base + int.from_bytes(meta[at : at + offset_size], "big")
        at += extents * (index_size + offset_size + length_size) - index_size
    raise ValueError("no such item")


def _matrix_of_sequence(header: bytes) -> int | None:
    """Matrix coefficients of a still picture's sequence header (AV1 specification, 5.5); None where it states none."""
    bits = _Bits(header)
    profile, _, reduced = bits.take(3), bits.take(1), bits.take(1)
    if not reduced:
        return None
    bits.take(5)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    bits.take(width_bits + height_bits + 3 + 3)
    deep = bits.take(1)
    if profile == 2 and deep:
        bits.take(1)
    if profile != 1:
        bits.take(1)
    return bits.take(24) & 0xFF if bits.take(1) else None


class _Bits:
    """Bits of some bytes, highest first."""

    def __init__(self, data: bytes) -> None:
        self.left = len(data) * 8
        self.value = int.from_bytes(data, "big")

    def take(self, count: int) -> int:
        """The next bits as a number."""
        self.left -= count
        if self.left < 0:
            raise ValueError("too few bits")
        return (self.value >> self.left) & ((1 << count) - 1)


def room_for(exif: bytes) -> str:
    """Text that, stored as a picture's description, makes libvips reserve a block at least as large as this one.

    libvips can only write EXIF that it has put together itself, without maker notes. `amend` then lays the true block
    over the reserved one. Empty where the block is too large for this.
    """
    return (_FILLER * (len(exif) // len(_FILLER) + 4)).decode() if len(exif) <= _MOST_EXIF else ""


def amend(file: BinaryIO, load: Load) -> tuple[str, ...]:
    """Lay the EXIF block over the room that `room_for` has made."""
    if load.exif is None:
        return ()
    file.seek(0)
    data = file.read()
    filler = data.find(_FILLER * 4)
    start = data.rfind(PREFIX, 0, filler) if filler >= 0 else -1
    if start < 0:
        return (f"EXIF dropped: {len(load.exif)} bytes, AVIF files are written with at most {_MOST_EXIF}",)
    stop = filler
    while data.startswith(_FILLER, stop):
        stop += len(_FILLER)
    block = load.exif if load.exif.startswith(PREFIX) else PREFIX + load.exif
    file.seek(start)
    file.write(block.ljust(stop - start, b"\0"))
    return ()
