"""Files that are not what they say: one clear line each, nothing on the terminal, no crash."""

from __future__ import annotations

import os
import struct
import zlib
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subpixel.errors import (
    PictureError,
    PictureMissing,
    PictureTooLarge,
    PictureUnreadable,
    PictureUnsupported,
    SubpixelError,
)
from subpixel.image import FORMATS, read, write
from subpixel.types import Metadata, Picture
from tests.image.pictures import encoded, exif, noise, smooth

EACH = pytest.mark.parametrize("row", FORMATS, ids=lambda row: row.name)


@cache
def sample(name: str) -> bytes:
    """A file of a format with pixels that do not compress to nothing, and metadata."""
    import tempfile

    row = next(row for row in FORMATS if row.name == name)
    pixels = (smooth(48, 64, 3) // 2 + noise(1, 48, 64, 3) // 2).astype(np.uint8)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{row.suffixes[0]}"
        write(Picture(pixels, Metadata(exif=exif(), dpi=(300, 300), comments=(("a", "b"),))), path)
        return path.read_bytes()


def refusal(data: bytes | Path) -> PictureError:
    with pytest.raises(PictureError) as caught:
        read(data)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300
    return caught.value


def test_missing(tmp_path: Path):
    for path in (tmp_path / "none.png", tmp_path / "no" / "none.png", str(tmp_path / "none.png")):
        with pytest.raises(PictureMissing, match="does not exist"):
            read(path)


def test_a_part_of_the_path_is_a_file(tmp_path: Path):
    (tmp_path / "a").write_text("x")
    with pytest.raises(PictureMissing):
        read(tmp_path / "a" / "b.png")


def test_names_that_cannot_be(tmp_path: Path):
    with pytest.raises(PictureMissing, match="too long"):
        read(tmp_path / ("x" * 300 + ".png"))
    with pytest.raises(PictureMissing):
        read("a\0b.png")


def test_names_that_a_terminal_should_not_see(tmp_path: Path):
    with pytest.raises(PictureMissing) as caught:
        read(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\x1b[2J.png"))
    str(caught.value).encode("utf-8")
    assert "\x1b" not in str(caught.value)


def test_names_that_are_no_text(tmp_path: Path):
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")
    write(Picture(smooth(8, 8, 3)), path)
    assert read(path).size.width == 8


def test_folder(tmp_path: Path):
    with pytest.raises(PictureUnreadable, match="is a folder"):
        read(tmp_path)


def test_device():
    with pytest.raises(PictureUnreadable, match="not a regular file"):
        read("/dev/null")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(sample("png"))
    (tmp_path / "a.png").chmod(0)
    with pytest.raises(PictureUnreadable, match="no permission"):
        read(tmp_path / "a.png")


def test_empty(tmp_path: Path):
    (tmp_path / "a.png").touch()
    with pytest.raises(PictureUnreadable, match="is empty"):
        read(tmp_path / "a.png")
    with pytest.raises(PictureUnreadable, match="is empty"):
        read(b"")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"hello world, this is text\nand more", "starts with 'hello world, thi'"),
        (b"\x00\x01\x02\x03\x04\x05\x06\x07", "starts with 00 01 02 03 04 05 06 07"),
        (b"x", "starts with 'x'"),
        (b"\n\n\n", "not a picture"),
    ],
)
def test_text_named_png(data, words, tmp_path: Path):
    (tmp_path / "a.png").write_bytes(data)
    error = refusal(tmp_path / "a.png")
    assert isinstance(error, PictureUnreadable)
    assert "a.png is not a picture" in str(error)
    assert words in str(error)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', "an SVG drawing"),
        (b"%PDF-1.7\n", "a PDF document"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "a HEIC picture"),
        (b"\xff\x0a\xfa\x7f", "a JPEG XL picture"),
        (b"8BPS\0\1", "a Photoshop document"),
        (b"\0\0\0\x18ftypisom\0\0\2\0isomiso2", "a video"),
    ],
)
def test_other_kinds_are_named_and_never_rendered(data, what, tmp_path: Path):
    (tmp_path / "a.png").write_bytes(data)
    error = refusal(tmp_path / "a.png")
    assert isinstance(error, PictureUnsupported)
    assert what in str(error)


def huge_png(width: int, height: int) -> bytes:
    """A PNG whose header claims a size that its few bytes cannot fill."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def test_absurd_dimensions_are_refused_by_the_header():
    with pytest.raises(PictureTooLarge, match=r"60000×60000.*--pixel-limit 3600000000"):
        read(huge_png(60_000, 60_000))


def test_the_limit_can_be_raised_and_lowered():
    with pytest.raises(PictureUnreadable):  # allowed to try now: the pixels are missing
        read(huge_png(30_000, 20_000), pixel_limit=600_000_000)
    data = sample("png")
    assert read(data, pixel_limit=48 * 64).size.pixels == 48 * 64
    with pytest.raises(PictureTooLarge, match="64×48"):
        read(data, pixel_limit=48 * 64 - 1)


@EACH
def test_the_limit_holds_for_every_format(row):
    with pytest.raises(PictureTooLarge, match="64×48"):
        read(sample(row.name), pixel_limit=1000)


def test_the_limit_counts_all_frames():
    images = [Image.new("RGB", (32, 32), (n, 0, 0)) for n in range(10)]
    data = encoded(images[0], "GIF", save_all=True, append_images=images[1:], duration=50)
    with pytest.raises(PictureTooLarge, match="32×32 pixels in 10 frames"):
        read(data, pixel_limit=5000)


@EACH
def test_truncated_anywhere(row, capfd):
    """Cut inside the pixels it must be an error, never a grey picture; cut behind them it may still be whole."""
    data = sample(row.name)
    whole = read(data).pixels
    for length in sorted({*range(0, 64, 7), *range(64, len(data), max(1, len(data) // 25)), len(data) - 1}):
        try:
            pixels = read(data[:length]).pixels
        except SubpixelError as error:
            assert isinstance(error, PictureUnreadable)
            assert "\n" not in str(error)
        else:
            assert length > 0.9 * len(data)
            np.testing.assert_array_equal(pixels, whole)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("options", [{"progressive": True}, {"quality": 30}], ids=str)
def test_truncated_jpeg(options):
    data = encoded(Image.fromarray(noise(1, 64, 64, 3)[0]), "JPEG", **options)
    for part in (0.2, 0.5, 0.9, 0.99):
        error = refusal(data[: int(part * len(data))])
        assert "damaged or cut short" in str(error)


@EACH
def test_flipped_bits_never_crash_and_stay_quiet(row, capfd):
    data = sample(row.name)
    random = np.random.default_rng(7)
    for _ in range(60):
        hostile = bytearray(data)
        for place in random.integers(0, len(data), random.integers(1, 6)):
            hostile[place] ^= 1 << random.integers(0, 8)
        check(bytes(hostile))
    assert capfd.readouterr() == ("", "")


@EACH
def test_hostile_headers_never_crash_and_stay_quiet(row, capfd):
    """The same in the first bytes, where the tables and lengths are; and bytes put to 0 and 255."""
    data = sample(row.name)
    random = np.random.default_rng(8)
    for _ in range(60):
        hostile = bytearray(data)
        for place in random.integers(4, min(400, len(data)), 3):
            hostile[place] = random.choice([0, 1, 127, 128, 255])
        check(bytes(hostile))
    assert capfd.readouterr() == ("", "")


def check(data: bytes) -> None:
    """Either a picture or one line."""
    try:
        picture = read(data, pixel_limit=4_000_000)
    except SubpixelError as error:
        assert "\n" not in str(error)
    else:
        assert picture.pixels.ndim == 4
        assert all("\n" not in note for note in picture.notes)


@EACH
def test_rubbish_after_the_magic(row):
    for length in (16, 64, 500):
        check(sample(row.name)[:16] + bytes(length))
        check(sample(row.name)[:16] + np.random.default_rng(length).bytes(length))


def test_small_damage_inside_a_jpeg_is_read_with_a_note():
    data = bytearray(encoded(Image.fromarray(smooth(128, 128, 3)[0]), "JPEG", quality=90))
    start = data.index(b"\xff\xda") + 14
    data[start + 300 : start + 300] = b"\xff\xd0\xff\xd0"  # restart markers that do not belong there
    picture = read(bytes(data))
    assert len(picture.notes) == 1
    assert picture.notes[0].startswith("file is damaged, but was read: ")


def test_a_file_that_changes_is_read_anew(tmp_path: Path):
    path = tmp_path / "a.png"
    for value in (10, 200):
        write(Picture(np.full((1, 8, 8, 3), value, np.uint8)), path, overwrite=True)
        assert (read(path).pixels == value).all()
