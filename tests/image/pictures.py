"""Pictures and metadata that the tests of this room make."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageCms

MAKER_NOTE = b"maker note \x00\x01\x02" * 4
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/" '
    b'tiff:Orientation="6" tiff:ImageWidth="41"><exif:PixelXDimension>41</exif:PixelXDimension>'
    b"<exif:PixelYDimension>30</exif:PixelYDimension></rdf:Description></rdf:RDF></x:xmpmeta>"
)
IPTC = b"\x1c\x02\x69\x00\x05title\x1c\x02\x78\x00\x07caption"
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def noise(frames: int, height: int, width: int, channels: int, dtype: Any = np.uint8, seed: int = 0) -> Any:
    """Random samples over the whole range."""
    most = np.iinfo(dtype).max
    return np.random.default_rng(seed).integers(0, most, (frames, height, width, channels), dtype=dtype, endpoint=True)


def smooth(height: int, width: int, channels: int, dtype: Any = np.uint8) -> Any:
    """A gradient that lossy coding keeps well, (1, H, W, C)."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [x / (width - 1), y / (height - 1), (x + y) / (height + width - 2), 1 - 0.5 * x / (width - 1)][:channels]
    return (np.stack(planes, -1)[None] * np.iinfo(dtype).max).astype(dtype)


def exif(*, orientation: int = 1, width: int = 41, height: int = 30, thumbnail: bool = False) -> bytes:
    """A camera's EXIF block: make, time, exposure, maker note, GPS, dimensions, resolution, perhaps a thumbnail."""
    block = Image.Exif()
    block[0x010F] = "Camera Works"
    block[0x0110] = "Model é"
    block[0x0112] = orientation
    block[0x011A] = 300.0
    block[0x011B] = 300.0
    block[0x0128] = 2
    block[0x0132] = "2024:02:29 12:34:56"
    block[0x0100] = width
    block[0x0101] = height
    inner = block.get_ifd(0x8769)
    inner[0x829A] = (1, 250)
    inner[0x9003] = "2024:02:29 12:34:56"
    inner[0x927C] = MAKER_NOTE
    inner[0xA002] = width
    inner[0xA003] = height
    gps = block.get_ifd(0x8825)
    gps[1] = "N"
    gps[2] = (48.0, 51.0, 24.0)
    gps[3] = "E"
    gps[4] = (2.0, 21.0, 3.0)
    data = block.tobytes()
    return with_thumbnail(data) if thumbnail else data


def thumbnail() -> bytes:
    """A small JPEG, as cameras put into EXIF."""
    file = io.BytesIO()
    Image.new("RGB", (16, 12), (200, 30, 30)).save(file, "JPEG")
    return file.getvalue()


def with_thumbnail(block: bytes) -> bytes:
    """The block with a second table that holds a thumbnail, at its end."""
    import struct

    data = bytearray(block[6:])
    order = "<" if data[:2] == b"II" else ">"
    first = struct.unpack_from(order + "I", data, 4)[0]
    link = first + 2 + 12 * struct.unpack_from(order + "H", data, first)[0]
    data += b"\0" * (len(data) % 2)
    at, small = len(data), thumbnail()
    struct.pack_into(order + "I", data, link, at)
    data += struct.pack(order + "H", 2)
    data += struct.pack(order + "HHII", 0x0201, 4, 1, at + 2 + 24 + 4)
    data += struct.pack(order + "HHII", 0x0202, 4, 1, len(small))
    data += struct.pack(order + "I", 0) + small
    return block[:6] + bytes(data)


def read_exif(path: Path) -> tuple[dict[int, Any], dict[int, Any], dict[int, Any]]:
    """Main, EXIF and GPS tags of a file, as Pillow sees them."""
    with Image.open(path) as image:
        block = image.getexif()
        return dict(block), dict(block.get_ifd(0x8769)), dict(block.get_ifd(0x8825))


def encoded(image: Image.Image, format: str, **options: Any) -> bytes:
    """A file made by Pillow."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()
