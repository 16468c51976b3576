"""PNG: chunks of length, name, data, checksum (ISO/IEC 15948; eXIf by its third edition)."""

from __future__ import annotations

import struct
import zlib
from typing import BinaryIO, Final

from subpixel.image.containers.parts import Found, Load, copy_rest, exactly, number
from subpixel.image.exif import bare

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_XMP_KEY: Final = "XML:com.adobe.xmp"
_MOST_TEXT: Final = 1 << 20  # a comment longer than this is no comment
_MOST_CHUNKS: Final = 1_000_000
_SRGB_GAMMA: Final = 45_455
_INCH_M: Final = 0.0254


def inspect(file: BinaryIO) -> Found:
    """Resolution and text comments, before and after the pixels."""
    dpi: tuple[float, float] | None = None
    comments: list[tuple[str, str]] = []
    notes: list[str] = []
    gamma, tagged = _SRGB_GAMMA, False
    file.seek(len(_SIGNATURE))
    try:
        for _ in range(_MOST_CHUNKS):
            head = exactly(file, 8)
            length, name = number(head, ">I"), head[4:]
            if name == b"IEND":
                break
            if name == b"pHYs" and length == 9:
                data = exactly(file, length)
                x, y = struct.unpack(">II", data[:8])
                if data[8] == 1 and x and y:
                    dpi = (round(x * _INCH_M, 2), round(y * _INCH_M, 2))  # 300 dpi is stored as 11,811 per metre
                file.seek(4, 1)
            elif name in (b"tEXt", b"zTXt", b"iTXt") and length <= _MOST_TEXT:
                comment = _text(name, exactly(file, length))
                if comment is not None and comment[0] != _XMP_KEY and not comment[0].startswith("Raw profile type"):
                    comments.append(comment)
                file.seek(4, 1)
            elif name == b"gAMA" and length == 4:
                gamma = number(exactly(file, 4), ">I")
                file.seek(4, 1)
            else:
                tagged = tagged or name in (b"iCCP", b"sRGB")
                if name == b"acTL":
                    notes.append("animated PNG: only its first frame is used")
                file.seek(length + 4, 1)
    except EOFError:
        pass  # libvips judges whether the pixels are whole
    if not tagged and abs(gamma - _SRGB_GAMMA) > 0.05 * _SRGB_GAMMA:
        notes.append(f"gamma of 1/{100_000 / max(gamma, 1):.2f} is not applied: the picture is read as sRGB")
    return Found(dpi=dpi, comments=tuple(comments), notes=tuple(notes))


def _text(name: bytes, data: bytes) -> tuple[str, str] | None:
    key, _, rest = data.partition(b"\0")
    try:
        if name == b"tEXt":
            text = rest.decode("latin-1")
        elif name == b"zTXt":
            text = _inflate(rest[1:]).decode("latin-1")
        else:
            packed = rest[0]
            _, _, tail = rest[2:].partition(b"\0")
            _, _, body = tail.partition(b"\0")
            text = (_inflate(body) if packed else body).decode("utf-8")
    except (zlib.error, UnicodeDecodeError, IndexError):
        return None
    return key.decode("latin-1"), text


def _inflate(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, _MOST_TEXT)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _comment(key: str, text: str) -> bytes:
    label = key.encode("latin-1", "replace")[:79].strip() or b"Comment"
    try:
        return _chunk(b"tEXt", label + b"\0" + text.encode("latin-1"))
    except UnicodeEncodeError:
        return _chunk(b"iTXt", label + b"\0\0\0\0\0" + text.encode("utf-8"))


def embed(source: BinaryIO, target: BinaryIO, load: Load) -> tuple[str, ...]:
    """Copy a PNG and put the metadata right after its header, where readers that stop early find them."""
    target.write(exactly(source, len(_SIGNATURE) + 25))
    if load.icc is not None:
        target.write(_chunk(b"iCCP", b"icc\0\0" + zlib.compress(load.icc)))
    if load.dpi is not None:
        x, y = (round(value / _INCH_M) for value in load.dpi)
        target.write(_chunk(b"pHYs", struct.pack(">IIB", x, y, 1)))
    if load.exif is not None:
        target.write(_chunk(b"eXIf", bare(load.exif)))
    if load.xmp is not None:
        target.write(_chunk(b"iTXt", _XMP_KEY.encode() + b"\0\0\0\0\0" + load.xmp))
    for key, text in load.comments:
        target.write(_comment(key, text))
    while True:  # libvips states a resolution even where there is none
        head = exactly(source, 8)
        if head[4:] == b"pHYs":
            exactly(source, number(head, ">I") + 4)
        else:
            target.write(head)
            break
    copy_rest(source, target)
    return ()
