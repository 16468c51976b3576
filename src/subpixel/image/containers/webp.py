"""WebP: RIFF chunks; metadata need the extended header VP8X (RFC 9649)."""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

from subpixel.image import exif
from subpixel.image.coding import vp8_coding
from subpixel.image.containers.parts import Found, Load, copy_rest, exactly, number
from subpixel.types import Coding

_ICC, _ALPHA, _EXIF, _XMP = 0x20, 0x10, 0x08, 0x04
_HEADER: Final = 12
_FRAME_HEAD: Final = 128  # bytes of a frame that hold its header
_MOST_CHUNKS: Final = 100_000


def inspect(file: BinaryIO) -> Found:
    """Whether it was coded without loss; if not, how strongly it was squeezed."""
    lossless = False
    coding: Coding | None = None
    file.seek(_HEADER)
    try:
        for _ in range(_MOST_CHUNKS):
            head = exactly(file, 8)
            name, length = head[:4], number(head[4:], "<I")
            whole = length
            if name == b"VP8L":
                lossless = True
            elif name == b"VP8 " and coding is None:
                start = exactly(file, min(length, _FRAME_HEAD))
                coding = vp8_coding(start)
                length -= len(start)
            elif name == b"ANMF" and length >= 24:
                start = exactly(file, min(length, _FRAME_HEAD))
                length -= len(start)
                place = 16  # behind where and how long the frame is shown; alpha may come before the picture
                if start[place : place + 4] == b"ALPH":
                    skipped = number(start[place + 4 : place + 8], "<I")
                    place += 8 + skipped + skipped % 2
                    if place >= len(start):
                        over = min(length, place - len(start))
                        file.seek(over, 1)
                        length -= over
                        start, place = exactly(file, min(length, _FRAME_HEAD)), 0
                        length -= len(start)
                lossless = lossless or start[place : place + 4] == b"VP8L"
                if start[place : place + 4] == b"VP8 " and coding is None:
                    coding = vp8_coding(start[place + 8 :])
            file.seek(length + whole % 2, 1)
    except EOFError:
        pass  # libvips judges whether the pixels are whole
    return Found(lossless=lossless, coding=None if lossless else coding)


def _chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def embed(source: BinaryIO, target: BinaryIO, load: Load) -> tuple[str, ...]:
    """Copy a WebP; the profile goes before the pixels, EXIF and XMP after them."""
    flags = (
        (_ICC if load.icc is not None else 0)
        | (_EXIF if load.exif is not None else 0)
        | (_XMP if load.xmp is not None else 0)
    )
    head = exactly(source, _HEADER)
    if not flags:
        target.write(head)
        copy_rest(source, target)
        return ()
    target.write(head)
    first = exactly(source, 8)
    if first[:4] == b"VP8X":
        body = exactly(source, number(first[4:], "<I"))
        target.write(first + bytes([body[0] | flags]) + body[1:])
        first = b""
    else:
        alpha = _ALPHA if load.alpha else 0
        size = (load.width - 1).to_bytes(3, "little") + (load.height - 1).to_bytes(3, "little")
        target.write(_chunk(b"VP8X", bytes([flags | alpha, 0, 0, 0]) + size))
    if load.icc is not None:
        target.write(_chunk(b"ICCP", load.icc))
    target.write(first)
    copy_rest(source, target)
    if load.exif is not None:
        target.write(_chunk(b"EXIF", exif.bare(load.exif)))
    if load.xmp is not None:
        target.write(_chunk(b"XMP ", load.xmp))
    length = target.tell()
    target.seek(4)
    target.write(struct.pack("<I", length - 8))
    target.seek(length)
    return ()
