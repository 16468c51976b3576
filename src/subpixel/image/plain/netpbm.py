"""Netpbm: PBM, PGM and PPM, plain text (P1–P3) and binary (P4–P6), up to 16 bits (netpbm.sourceforge.net/doc)."""

from __future__ import annotations

import re
from typing import BinaryIO, Final, cast

import numpy as np
from numpy.typing import NDArray

from subpixel.image.plain.parts import Header, PlainDamaged, read_exactly, read_samples
from subpixel.types import Picture, Pixels

_HEAD: Final = 4096
_FIELD: Final = re.compile(rb"(?:\s|#[^\n\r]*[\n\r])+(\d{1,9})")
_COMMENT: Final = re.compile(rb"#[^\n\r]*")
_BITMAPS, _COLOURS = (1, 4), (3, 6)


def open_header(file: BinaryIO) -> Header:
    """Variant, size and largest sample.

    Raises:
        PlainDamaged: not a Netpbm header.
    """
    file.seek(0)
    head = file.read(_HEAD)
    kind = head[1] - ord("0")
    at, fields = 2, []
    for _ in range(2 if kind in _BITMAPS else 3):
        found = _FIELD.match(head, at)
        if found is None:
            raise PlainDamaged("width, height or largest sample is missing in the header")
        fields.append(int(found[1]))
        at = found.end()
    width, height, most = (*fields, 1)[:3]
    if not width or not height or not 1 <= most <= 65_535:
        raise PlainDamaged(f"the header says {width}×{height} with samples up to {most}")
    return Header(width, height, kind, most=most, start=at + 1)


def decode(file: BinaryIO, header: Header) -> Pixels:
    """Pixels (1, H, W, 1 or 3); 8 bits where the largest sample fits, scaled to the whole range."""
    channels = 3 if header.kind in _COLOURS else 1
    shape = (1, header.height, header.width, channels)
    count = header.height * header.width * channels
    file.seek(header.start)
    if header.kind == 4:
        row = -(-header.width // 8)
        packed = np.frombuffer(read_exactly(file, row * header.height), np.uint8).reshape(header.height, row)
        bits = np.unpackbits(packed, axis=1)[:, : header.width]
        return ((1 - bits) * np.uint8(255)).reshape(shape)  # 1 is black
    if header.kind == 1:
        digits = np.frombuffer(_COMMENT.sub(b"", file.read()), np.uint8)
        digits = digits[(digits == ord("0")) | (digits == ord("1"))]
        return ((ord("1") - _first(digits, count)) * np.uint8(255)).astype(np.uint8).reshape(shape)
    if header.kind in (5, 6):
        kind = np.dtype(np.uint8 if header.most < 256 else ">u2")
        samples = cast(Pixels, read_samples(file, count * kind.itemsize).view(kind))
    else:
        samples = _numbers(_COMMENT.sub(b"", file.read()), count)
    return _scaled(samples, header.most).reshape(shape)


def _first(samples: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    if samples.size < count:
        raise PlainDamaged(f"{samples.size} samples, expected {count}")
    return samples[:count]


def _numbers(text: bytes, count: int) -> NDArray[np.uint16]:
    words = text.split(maxsplit=count)[:count]
    if len(words) < count:
        raise PlainDamaged(f"{len(words)} samples, expected {count}")
    try:
        numbers = np.array(words).astype(np.int64)
    except ValueError as error:
        raise PlainDamaged("a sample is not a number") from error
    return np.clip(numbers, 0, 65_535).astype(np.uint16)


def _scaled(samples: NDArray[np.uint8] | NDArray[np.uint16], most: int) -> Pixels:
    """Samples of 0–most spread over 0–255 or 0–65535."""
    whole, kind = (255, np.uint8) if most < 256 else (65_535, np.uint16)
    if most == whole:
        return cast(Pixels, samples.astype(kind, copy=False))
    spread = (np.minimum(samples, most).astype(np.uint32) * whole + most // 2) // most
    return cast(Pixels, spread.astype(kind))


def encode(file: BinaryIO, picture: Picture) -> None:
    """Write binary PGM or PPM."""
    pixels = picture.pixels[0]
    kind = "P5" if pixels.shape[2] == 1 else "P6"
    most = int(np.iinfo(pixels.dtype).max)
    file.write(f"{kind}\n{picture.size.width} {picture.size.height}\n{most}\n".encode())
    for row in pixels:
        file.write(row.astype(">u2").tobytes() if most > 255 else row.tobytes())
