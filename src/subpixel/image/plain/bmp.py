"""BMP: Windows bitmaps without compression, 1 to 32 bits per pixel (BITMAPCOREHEADER to BITMAPV5HEADER)."""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from subpixel.image.formats import BMP_HEADERS
from subpixel.image.plain.parts import Header, PlainDamaged, PlainUnsupported, read_exactly, read_samples
from subpixel.types import Picture, Pixels

_CORE: Final = 12
_V4: Final = 108
_V5: Final = 124
_PLAIN, _BITFIELDS, _ALPHA_BITFIELDS = 0, 3, 6
_INCH_M: Final = 0.0254
_EMBEDDED: Final = b"DEBM"
_SRGB: Final = b"BGRs"
_MOST_BYTES: Final = 2**32 - 1


def open_header(file: BinaryIO) -> Header:
    """Size, depth, palette, masks, resolution and profile.

    Raises:
        PlainDamaged: not a BMP header.
        PlainUnsupported: compressed.
    """
    file.seek(0, 2)
    total = file.tell()
    file.seek(0)
    head = read_exactly(file, 18)
    start, length = struct.unpack_from("<II", head, 10)
    if length not in BMP_HEADERS:
        raise PlainDamaged(f"the header claims {length} bytes")
    info = head[14:] + read_exactly(file, length - 4)
    if length == _CORE:
        width, height, _, bits = struct.unpack_from("<HHHH", info, 4)
        compression = x = y = colours = 0
    else:
        width, height, _, bits, compression, _, x, y, colours = struct.unpack_from("<iiHHIIiiI", info, 4)
    if compression not in (_PLAIN, _BITFIELDS, _ALPHA_BITFIELDS):
        raise PlainUnsupported(f"a compressed BMP (kind {compression})")
    if bits not in (1, 2, 4, 8, 16, 24, 32) or width < 1 or height == 0:
        raise PlainDamaged(f"the header says {width}×{height} with {bits} bits")
    masks = _masks(file, info, compression, bits)
    palette = b""
    if bits <= 8:
        step = 3 if length == _CORE else 4
        entries = min(colours or 1 << bits, 1 << bits)
        raw = np.frombuffer(read_exactly(file, entries * step), np.uint8).reshape(entries, step)
        palette = raw[:, 2::-1].tobytes()
    icc = None
    if length == _V5 and info[56:60] == _EMBEDDED:
        offset, size = struct.unpack_from("<II", info, 112)
        if 128 <= size <= total and 14 + offset + size <= total:
            file.seek(14 + offset)
            icc = read_exactly(file, size)
    dpi = (round(x * _INCH_M, 2), round(y * _INCH_M, 2)) if x > 0 and y > 0 else None
    return Header(
        width=width,
        height=abs(height),
        kind=compression,
        bits=bits,
        start=start,
        upside_down=height > 0,
        palette=palette,
        masks=masks,
        dpi=dpi,
        icc=icc,
    )


def _masks(file: BinaryIO, info: bytes, compression: int, bits: int) -> tuple[int, ...]:
    """Bits of red, green, blue and alpha; empty for the usual order of 24 and 32 bits."""
    if compression == _PLAIN or bits not in (16, 32):
        return (0x7C00, 0x03E0, 0x001F, 0) if bits == 16 else ()
    count = 4 if compression == _ALPHA_BITFIELDS else 3
    if len(info) >= 56:
        return struct.unpack_from("<IIII", info, 40)
    if len(info) >= 52:
        return (*struct.unpack_from("<III", info, 40), 0)
    return (*struct.unpack(f"<{count}I", read_exactly(file, 4 * count)), 0)[:4]


def decode(file: BinaryIO, header: Header) -> Pixels:
    """Pixels (1, H, W, 1, 3 or 4), 8 bits. A grey palette gives one channel."""
    stride = -(-header.width * header.bits // 32) * 4
    file.seek(header.start)
    rows = read_samples(file, stride * header.height).reshape(header.height, stride)
    if header.upside_down:
        rows = rows[::-1]
    if header.bits <= 8:
        pixels = _from_palette(rows, header)
    elif header.masks:
        kind = np.dtype("<u2" if header.bits == 16 else "<u4")
        values = np.ascontiguousarray(rows).view(kind)[:, : header.width].astype(np.uint32)
        used = [mask for mask in header.masks if mask]
        if len(used) not in (3, 4):
            raise PlainDamaged("the header states masks for fewer than three colours")
        pixels = np.stack([_field(values, mask) for mask in used], axis=-1)
    else:
        step = header.bits // 8
        stored = rows[:, : header.width * step].reshape(header.height, header.width, step)
        # The fourth byte of 32 bits is said to be unused; programs that use it store alpha there.
        pixels = np.empty((*stored.shape[:2], 4 if step == 4 and stored[:, :, 3].any() else 3), np.uint8)
        pixels[:, :, :3] = stored[:, :, 2::-1]
        pixels[:, :, 3:] = stored[:, :, 3 : pixels.shape[2]]
    return np.ascontiguousarray(pixels)[None]


def _from_palette(rows: NDArray[np.uint8], header: Header) -> NDArray[np.uint8]:
    per_byte = 8 // header.bits
    shifts = np.arange(per_byte - 1, -1, -1, dtype=np.uint8) * np.uint8(header.bits)
    index = (rows[:, :, None] >> shifts) & np.uint8((1 << header.bits) - 1)
    index = index.reshape(header.height, -1)[:, : header.width]
    palette = np.frombuffer(header.palette, np.uint8).reshape(-1, 3)
    if int(index.max()) >= len(palette):
        raise PlainDamaged("a pixel points beyond the palette")
    grey = bool((palette == palette[:, :1]).all())
    made: NDArray[np.uint8] = palette[:, :1][index] if grey else palette[index]
    return made


def _field(values: NDArray[np.uint32], mask: int) -> NDArray[np.uint8]:
    """One colour of packed pixels, spread over 0–255."""
    shift = (mask & -mask).bit_length() - 1
    most = mask >> shift
    part = (values & np.uint32(mask)) >> np.uint32(shift)
    return ((part.astype(np.uint64) * 255 + most // 2) // most).astype(np.uint8)


def encode(file: BinaryIO, picture: Picture) -> None:
    """Write 8 bits with a grey palette, 24 bits, or 32 bits with alpha (BITMAPV4HEADER).

    Raises:
        OSError: the file would be larger than BMP can say.
    """
    pixels = picture.pixels[0]
    height, width, channels = pixels.shape
    alpha = channels in (2, 4)
    bits = {1: 8, 3: 24}.get(channels, 32)
    stride = -(-width * bits // 32) * 4
    palette = b"".join(bytes((n, n, n, 0)) for n in range(256)) if bits == 8 else b""
    length = _V4 if alpha else 40
    start = 14 + length + len(palette)
    if start + stride * height > _MOST_BYTES:
        raise OSError(f"{start + stride * height} bytes, BMP holds {_MOST_BYTES}")
    x, y = (round(value / _INCH_M) for value in picture.metadata.dpi or (0, 0))
    file.write(b"BM" + struct.pack("<IHHI", start + stride * height, 0, 0, start))
    kind = _BITFIELDS if alpha else _PLAIN
    file.write(struct.pack("<IiiHHIIiiII", length, width, height, 1, bits, kind, stride * height, x, y, 0, 0))
    if alpha:
        file.write(struct.pack("<IIII", 0x00FF0000, 0x0000FF00, 0x000000FF, 0xFF000000) + _SRGB + bytes(48))
    file.write(palette)
    padding = bytes(stride - width * bits // 8)
    for row in pixels[::-1]:
        file.write(_ordered(row).tobytes() + padding)


def _ordered(row: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8]:
    """One row as it is stored: grey, or blue, green, red, alpha."""
    channels = row.shape[1]
    if channels == 1:
        return row.astype(np.uint8, copy=False)
    order = {2: [0, 0, 0, 1], 3: [2, 1, 0], 4: [2, 1, 0, 3]}[channels]
    return row[:, order].astype(np.uint8, copy=False)
