"""AVIF: boxes of length, name, data (ISO/IEC 14496-12, 23008-12)."""

from __future__ import annotations

from typing import BinaryIO, Final

from subpixel.image.containers.parts import Found, Load, exactly, number
from subpixel.image.exif import PREFIX

_MOST: Final = 1 << 20  # tables larger than this are not looked through
_FILLER: Final = b"room for EXIF / "
_MOST_EXIF: Final = 64_000  # libexif makes no larger blocks
_HDR: Final = {16: "PQ", 18: "HLG"}


def inspect(file: BinaryIO) -> Found:
    """Bits per sample, whether it was coded without loss, whether it moves or is HDR."""
    file.seek(0)
    notes: list[str] = []
    bits, lossless = 0, False
    try:
        while True:
            head = exactly(file, 8)
            length, name = number(head, ">I"), head[4:]
            if name == b"ftyp" and exactly(file, 4) == b"avis":
                notes.append("AVIF sequence: only its first picture is used")
            if name == b"meta" and length <= _MOST:
                bits, lossless, curve = _properties(exactly(file, length - 8))
                if curve in _HDR:
                    notes.append(f"HDR ({_HDR[curve]}) is not kept: the picture is read as if it were sRGB")
                break
            if length < 8:
                break
            file.seek(length - (12 if name == b"ftyp" else 8), 1)
    except (EOFError, OSError):
        pass  # libvips judges whether the pixels are whole
    return Found(bits=bits, lossless=lossless, notes=tuple(notes))


def _properties(meta: bytes) -> tuple[int, bool, int]:
    """Bits per sample beyond 8 (else 0), coded without loss, transfer curve: of the first item that states them."""
    bits = 0
    at = meta.find(b"av1C")
    if 0 <= at <= len(meta) - 8 and meta[at + 6] & 0x40:
        bits = 12 if meta[at + 6] & 0x20 else 10
    at = meta.find(b"colrnclx")
    if 0 <= at <= len(meta) - 15:
        curve, matrix = number(meta[at + 10 :], ">H"), number(meta[at + 12 :], ">H")
        return bits, matrix == 0, curve  # matrix 0 stores RGB as it is, which encoders use for lossless alone
    return bits, False, 0


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
