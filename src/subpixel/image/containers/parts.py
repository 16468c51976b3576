"""What the containers have in common."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import BinaryIO

from subpixel.types import Coding

_CHUNK = 1 << 20
PHOTOSHOP = b"Photoshop 3.0\0"


@dataclass(frozen=True, slots=True)
class Found:
    """What libvips does not tell about a file.

    Attributes:
        dpi: horizontal and vertical dots per inch, None where the file states none.
        comments: text comments, as (key, text).
        exif: EXIF block, where libvips does not hand it out.
        iptc: IPTC block, where libvips hands it out wrongly.
        lossless: True where a format with both kinds was coded without loss.
        bits: bits per sample where they are neither 8 nor 16, else 0.
        coding: how it was coded with loss, where that was read.
        reduced: True where all further pages are the first one at smaller sizes: a pyramid.
        notes: what of the file cannot be used, one line each.
        unsupported: what the file is, if it is of a kind that must not be read as a picture (a camera raw file).
    """

    dpi: tuple[float, float] | None = None
    comments: tuple[tuple[str, str], ...] = ()
    exif: bytes | None = None
    iptc: bytes | None = None
    lossless: bool = False
    bits: int = 0
    coding: Coding | None = None
    reduced: bool = False
    notes: tuple[str, ...] = ()
    unsupported: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    """Metadata to be added to an encoded file; only what its format can hold.

    Attributes:
        width: pixels.
        height: pixels, of one frame.
        alpha: True where the file has an alpha channel.
        icc, exif, xmp, iptc, dpi, comments: as in `subpixel.types.Metadata`.
    """

    width: int
    height: int
    alpha: bool = False
    icc: bytes | None = None
    exif: bytes | None = None
    xmp: bytes | None = None
    iptc: bytes | None = None
    dpi: tuple[float, float] | None = None
    comments: tuple[tuple[str, str], ...] = ()


def copy_rest(source: BinaryIO, target: BinaryIO) -> None:
    """Copy everything from where the source stands."""
    while chunk := source.read(_CHUNK):
        target.write(chunk)


def exactly(file: BinaryIO, length: int) -> bytes:
    """Read that many bytes.

    Raises:
        EOFError: the file ends before.
    """
    data = file.read(length)
    if len(data) != length:
        raise EOFError("file ends early")
    return data


def iptc_record(block: bytes) -> bytes:
    """The bare IPTC record in a block that may be JPEG's Photoshop segment (which wraps it as resource 0x0404)."""
    if not block.startswith(PHOTOSHOP):
        return block
    at = len(PHOTOSHOP)
    while block[at : at + 4] == b"8BIM" and at + 12 <= len(block):
        name = block[at + 6] + 1
        size_at = at + 6 + name + name % 2
        size = int.from_bytes(block[size_at : size_at + 4], "big")
        data = block[size_at + 4 : size_at + 4 + size]
        if block[at + 4 : at + 6] == b"\x04\x04":
            return data
        at = size_at + 4 + size + size % 2
    return b""


def number(data: bytes, code: str) -> int:
    """One number from the start of some bytes; `code` as in `struct`."""
    return int(struct.unpack_from(code, data)[0])
