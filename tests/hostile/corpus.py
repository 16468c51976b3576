"""Broken and hostile pictures, made from our own with a fixed seed: the same files every time.

Every kind of damage that files meet (cut short, bits turned over) and that people make (lengths that lie, headers that
claim absurd sizes, profiles that unpack without end, directories that point at themselves, a thousand frames
and more).
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

import subpixel
from subpixel.types import Metadata

EXAMPLES = Path(__file__).parents[2] / "examples"
GOOD = "good"
"""What names of pictures begin with that are whole."""
_SEED = 1887
_TRUNCATIONS, _FLIPS, _LENGTHS = 120, 130, 130  # of each base picture, at most
_LIES = (0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFFF0)

_GREY = ((258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1))
"""Entries of a TIFF directory: 8 bits, not compressed, black is 0."""


def _base() -> Iterator[tuple[str, bytes]]:
    """Whole pictures of every format, small, with everything in them that a format holds."""
    scene = subpixel.read(EXAMPLES / "scene.png").pixels[:, 60:124, 100:196]
    squeezed = subpixel.read(EXAMPLES / "squeezed.jpg")
    exif = squeezed.metadata.exif
    metadata = Metadata(
        icc=squeezed.metadata.icc, exif=exif, xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>", dpi=(72, 72)
    )
    alpha = np.concatenate((scene, scene[..., :1]), axis=3)
    deep = scene.astype(np.uint16) * 257
    kinds: list[tuple[str, str, object, dict[str, object]]] = [
        ("rgb.png", "png", scene, {}),
        ("deep.png", "png", deep, {}),
        ("alpha.png", "png", alpha, {}),
        ("a.jpg", "jpeg", scene, {"quality": 90}),
        ("a.webp", "webp", scene, {"quality": 90}),
        ("lossless.webp", "webp", alpha, {"lossless": True}),
        ("a.tif", "tiff", scene, {}),
        ("deep.tif", "tiff", deep, {}),
        ("a.avif", "avif", scene, {"quality": 80}),
        ("a.bmp", "bmp", scene, {}),
        ("a.ppm", "ppm", scene, {}),
    ]
    for name, format, pixels, options in kinds:
        yield name, _coded(subpixel.Picture(pixels, metadata), format, options)  # type: ignore[arg-type]
    still = Image.fromarray(scene[0])
    yield "progressive.jpg", _pillow(still, "JPEG", progressive=True, quality=85)
    yield "cmyk.jpg", _pillow(still.convert("CMYK"), "JPEG")
    yield "palette.png", _pillow(still.quantize(64), "PNG")
    yield "interlaced.png", _interlaced(64, 48)
    frames = [still.rotate(10 * turn) for turn in range(1, 5)]
    yield "moving.gif", _pillow(still, "GIF", save_all=True, append_images=frames, duration=50)
    yield "moving.webp", _pillow(still, "WEBP", save_all=True, append_images=frames, duration=50)
    yield "pages.tif", _pillow(still, "TIFF", save_all=True, append_images=frames)


def _coded(picture: subpixel.Picture, format: str, options: dict[str, object]) -> bytes:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a.{format}"
        subpixel.write(picture, path, format=format, **options)  # type: ignore[arg-type]
        return path.read_bytes()


def _pillow(picture: Image.Image, format: str, **options: object) -> bytes:
    data = io.BytesIO()
    picture.save(data, format, **options)
    return data.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(width: int, height: int, *more: bytes, colour: int = 2, data: bytes = b"", interlaced: int = 0) -> bytes:
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, interlaced))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _interlaced(width: int, height: int) -> bytes:
    rows = b""
    for x0, y0, dx, dy in (
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ):
        across, down = -(-(width - x0) // dx), -(-(height - y0) // dy)
        rows += (b"\0" + b"\x40\x80\xc0" * across) * down
    return _png(width, height, data=zlib.compress(rows), interlaced=1)


@cache
def _bomb(megabytes: int) -> bytes:
    """Very little that unpacks to very much."""
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()


def _tiff(*entries: tuple[int, int, int, int], following: int = 0) -> bytes:
    """A little-endian directory: (tag, type, count, value)."""
    rows = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    return b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + rows + struct.pack("<I", following)


def _special() -> Iterator[tuple[str, bytes]]:
    """What people make on purpose."""
    good = zlib.compress((b"\0" + bytes(3 * 16)) * 16)
    for name, width, height in (
        ("wide", 2**31 - 1, 1), ("high", 1, 2**31 - 1), ("large", 60000, 60000), ("none", 0, 16), ("claims", 4000, 4000)
    ):  # fmt: skip
        yield f"huge-{name}.png", _png(width, height, data=good)
        yield f"huge-{name}.ppm", b"P6\n%d %d\n255\n" % (width, height) + bytes(99)
        size = struct.pack("<IiiHHIIiiII", 40, width, min(height, 2**31 - 1), 1, 24, 0, 0, 0, 0, 0, 0)
        yield f"huge-{name}.bmp", b"BM" + struct.pack("<IHHI", 200, 0, 0, 54) + size + bytes(99)
        short = struct.pack("<HH", width & 0xFFFF, height & 0xFFFF)
        yield (
            f"huge-{name}.gif",
            b"GIF89a" + short + b"\x80\0\0" + bytes(6) + b",\0\0\0\0" + short + b"\0\x02\x02\x44\x01\0;",
        )
        canvas = struct.pack("<I", width - 1 & 0xFFFFFF)[:3] + struct.pack("<I", height - 1 & 0xFFFFFF)[:3]
        extended = b"VP8X\x0a\0\0\0\x02\0\0\0" + canvas
        yield f"huge-{name}.webp", b"RIFF" + struct.pack("<I", 4 + len(extended)) + b"WEBP" + extended
        strip = ((273, 4, 1, 8), (278, 4, 1, height), (279, 4, 1, 0x7FFFFFFF))
        yield f"huge-{name}.tif", _tiff((256, 4, 1, width), (257, 4, 1, height), *_GREY, *strip)
        frame = struct.pack(">HH", height & 0xFFFF, width & 0xFFFF)
        yield (
            f"huge-{name}.jpg",
            b"\xff\xd8\xff\xc0\0\x11\x08" + frame + b"\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xff\xd9",
        )
    for size in (1, 64, 200):
        yield f"profile-{size}.png", _png(16, 16, _chunk(b"iCCP", b"a\0\0" + _bomb(size)), data=good)
        yield f"text-{size}.png", _png(16, 16, _chunk(b"zTXt", b"Comment\0\0" + _bomb(size)), data=good)
        yield f"more-{size}.png", _png(16, 16, data=_bomb(size))
    yield "many-chunks.png", _png(16, 16, *(_chunk(b"tEXt", b"k%d\0v" % n) for n in range(20_000)), data=good)
    still = Image.new("RGB", (16, 16), (9, 99, 199))
    plain = _pillow(still, "JPEG")
    loop = _tiff((34665, 4, 1, 8), (0x8825, 4, 1, 8), (274, 3, 1, 6), following=8)
    deep = _tiff(*((tag, 2, 0xFFFFFFF0, 8) for tag in range(270, 330)), following=0xFFFFFFF0)
    for name, block in (("loop", loop), ("counts", deep), ("short", loop[:11]), ("empty", b""), ("nest", loop * 400)):
        body = b"Exif\0\0" + block
        yield f"exif-{name}.jpg", plain[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + plain[2:]
        yield f"exif-{name}.png", _png(16, 16, _chunk(b"eXIf", block), data=good)
        if block:
            yield f"exif-{name}.tif", block + bytes(64)
    profile = struct.pack(">I", 0xFFFFFFFF) + bytes(32) + b"acsp" + bytes(88) + struct.pack(">I", 0xFFFFFFFF)
    for count, number in ((1, 1), (255, 1), (0, 0), (2, 2)):
        body = b"ICC_PROFILE\0" + bytes((number, count)) + profile
        parts = (b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body) * 40
        yield f"icc-{count}-{number}.jpg", plain[:2] + parts + plain[2:]
    yield "nested.jpg", plain[:2] + (b"\xff\xe1\xff\xff" + plain * 90)[:65537] + plain[2:]
    frames = [Image.new("P", (8, 8), number % 256) for number in range(1200)]
    yield "frames.gif", _pillow(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=20, optimize=False)
    shown = [Image.new("RGB", (8, 8), (number % 256, number // 256, 9)) for number in range(1500)]
    yield "frames.webp", _pillow(shown[0], "WEBP", save_all=True, append_images=shown[1:], duration=20)
    yield "frames.tif", _pillow(shown[0], "TIFF", save_all=True, append_images=shown[1:1000])
    strip = ((273, 4, 1, 8), (278, 4, 1, 4), (279, 4, 1, 16))
    yield "round.tif", _tiff((256, 4, 1, 4), (257, 4, 1, 4), *_GREY, *strip, following=8)
    for name, data in (
        ("empty", b""),
        ("text", b"hello"),
        ("zeros", bytes(5000)),
        ("script", b"<svg onload='x'/>"),
        ("dots", b"." * 99),
    ):
        for suffix in ("png", "jpg", "tif", "gif"):
            yield f"{name}.{suffix}", data


def _damaged(name: str, data: bytes, dice: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """What happens to one picture."""
    steps = sorted({*range(0, len(data), 1024), *range(0, len(data), max(1, len(data) // _TRUNCATIONS))})
    for length in steps:
        yield f"cut-{length:06}-{name}", data[:length]
    for number in range(_FLIPS):
        hostile = bytearray(data)
        reach = len(data) if number % 2 else min(len(data), 400)
        for place in dice.integers(0, reach, int(dice.integers(1, 9))):
            hostile[place] ^= 1 << int(dice.integers(0, 8))
        yield f"bits-{number:04}-{name}", bytes(hostile)
    for number in range(_LENGTHS):
        hostile = bytearray(data)
        place, lie = int(dice.integers(2, min(len(data) - 4, 600))), _LIES[number % len(_LIES)]
        form: Callable[..., bytes] = struct.pack
        code = (">I", "<I", ">H", "<H")[number % 4]
        packed = form(code, lie & (0xFFFF if code.endswith("H") else 0xFFFFFFFF))
        hostile[place : place + len(packed)] = packed
        yield f"length-{number:04}-{name}", bytes(hostile)


def corpus() -> Iterator[tuple[str, bytes]]:
    """Names and bytes of every file, hostile ones in folders by what they were made from, good ones beside them."""
    dice = np.random.default_rng(_SEED)
    for name, data in _base():
        folder = name.replace(".", "-")
        yield f"{folder}/{GOOD}-{name}", data
        for hostile, damaged in _damaged(name, data, dice):
            yield f"{folder}/{hostile}", damaged
    for name, data in _special():
        yield f"special/{name}", data


def write_corpus(folder: Path, every: int = 1) -> int:
    """Write it, or one of `every` damaged files beside all the others; returns how many there are."""
    count = 0
    for number, (name, data) in enumerate(corpus()):
        if number % every and f"/{GOOD}-" not in name and not name.startswith("special/"):
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        count += 1
    return count
