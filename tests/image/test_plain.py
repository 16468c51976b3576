"""BMP and Netpbm, as other programs write them and as they are broken."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subpixel.errors import PictureTooLarge, PictureUnreadable, PictureUnsupported
from subpixel.image import read, write
from subpixel.types import Metadata, Picture
from tests.image.pictures import encoded, noise, smooth


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_bmp_of_another_program(mode):
    image = Image.fromarray(smooth(13, 21, 3)[0]).convert(mode)
    picture = read(encoded(image, "BMP", dpi=(300, 300)))
    expected = np.asarray(image.convert({"1": "L", "P": "RGB"}.get(mode, mode)))
    np.testing.assert_array_equal(picture.pixels[0].squeeze(), expected)
    assert picture.metadata.dpi == pytest.approx((300, 300), abs=0.01)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_another_program_reads_our_bmp(channels, tmp_path: Path):
    pixels = noise(1, 13, 21, channels)
    write(Picture(pixels, Metadata(dpi=(300, 300))), tmp_path / "a.bmp")
    with Image.open(tmp_path / "a.bmp") as image:
        np.testing.assert_array_equal(np.asarray(image), pixels[0].squeeze())
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.02)


@pytest.mark.parametrize("mode", ["1", "L", "RGB", "I;16"])
def test_netpbm_of_another_program(mode):
    image = Image.fromarray(noise(1, 13, 21, 3)[0]).convert("RGB" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(noise(1, 13, 21, 1, np.uint16)[0, :, :, 0])
    picture = read(encoded(image, "PPM"))
    expected = np.asarray(image.convert("L") if mode == "1" else image)
    np.testing.assert_array_equal(picture.pixels[0].squeeze(), expected)
    assert picture.bits == (16 if mode == "I;16" else 8)


@pytest.mark.parametrize("channels", [1, 3])
def test_another_program_reads_our_netpbm(channels, tmp_path: Path):
    pixels = noise(1, 13, 21, channels)
    write(Picture(pixels), tmp_path / "a.ppm")
    with Image.open(tmp_path / "a.ppm") as image:
        np.testing.assert_array_equal(np.asarray(image), pixels[0].squeeze())


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"P1\n# a comment\n3 2\n1 0 1\n010\n", [[0, 255, 0], [255, 0, 255]]),
        (b"P2\n3 1\n# most\n10\n0 5 10\n", [[0, 128, 255]]),
        (b"P2 2 1 65535 0 65535", [[0, 65535]]),
        (b"P3\n1 1\n255\n1 2 3\n", [[[1, 2, 3]]]),
        (b"P4\n9 1\n\x80\x80", [[0, 255, 255, 255, 255, 255, 255, 255, 0]]),
        (b"P5 2 1 15\n\x00\x0f", [[0, 255]]),
        (b"P5 2 1 1000\n\x00\x00\x03\xe8", [[0, 65535]]),
    ],
)
def test_netpbm_variants(data, expected):
    np.testing.assert_array_equal(
        read(data).pixels[0].squeeze(-1) if np.ndim(expected) == 2 else read(data).pixels[0], expected
    )


@pytest.mark.parametrize(
    "data",
    [
        b"P5\n3 3\n255\n1234",
        b"P6\n3\n",
        b"P5 0 3 255\n",
        b"P5 3 3 70000\n" + bytes(18),
        b"P2\n3 1\n9\n1 two 3",
        b"P3\n3 1\n9\n1 2",
        b"P1\n3 3\n0101",
    ],
)
def test_broken_netpbm(data):
    with pytest.raises(PictureUnreadable, match="damaged or cut short"):
        read(data)


def bmp(
    width: int, height: int, bits: int, body: bytes, compression: int = 0, masks: bytes = b"", palette: bytes = b""
) -> bytes:
    start = 14 + 40 + len(masks) + len(palette)
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, 0, 0, 0, len(palette) // 4, 0)
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + head + masks + palette + body


def test_bmp_variants():
    top_down = bmp(1, -2, 24, b"\1\2\3\0\4\5\6\0")
    assert read(top_down).pixels[0, :, 0].tolist() == [[3, 2, 1], [6, 5, 4]]
    packed = bmp(2, 1, 16, struct.pack("<HH", 0x7FFF, 0x7C00))
    assert read(packed).pixels[0, 0].tolist() == [[255, 255, 255], [255, 0, 0]]
    green = bmp(1, 1, 16, struct.pack("<HH", 0x07E0, 0), 3, struct.pack("<III", 0xF800, 0x07E0, 0x001F))
    assert read(green).pixels[0, 0].tolist() == [[0, 255, 0]]
    four = bmp(3, 1, 4, b"\x01\x20\0\0", palette=b"\0\0\xff\0" + b"\0\xff\0\0" + b"\xff\0\0\0")
    assert read(four).pixels[0, 0].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]
    unused = bmp(1, 1, 32, b"\1\2\3\0")
    assert read(unused).pixels[0, 0].tolist() == [[3, 2, 1]]


def test_broken_bmp():
    with pytest.raises(PictureUnsupported, match="compressed BMP"):
        read(bmp(4, 4, 8, bytes(99), compression=1, palette=bytes(1024)))
    for data in (
        bmp(4, 4, 24, bytes(10)),
        bmp(0, 4, 24, bytes(10)),
        bmp(4, 4, 7, bytes(99)),
        bmp(4, 1, 8, b"\xff\0\0\0", palette=bytes(8)),
        bmp(1, 1, 32, bytes(4), 3, bytes(12)),
    ):
        with pytest.raises(PictureUnreadable, match="damaged or cut short"):
            read(data)
    with pytest.raises(PictureTooLarge):
        read(bmp(60_000, 60_000, 24, bytes(10)))
    with pytest.raises(PictureUnreadable, match="is not a picture: it starts with 'BMW is a car"):
        read(b"BMW is a car, not a picture")
