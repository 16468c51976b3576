"""What a photographer would miss: profile, EXIF, XMP, IPTC, resolution, comments."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from subpixel.image import FORMATS, read, write
from subpixel.image import exif as exif_block
from subpixel.types import Metadata, Picture
from tests.image import pictures
from tests.image.pictures import encoded, noise, smooth

FULL = Metadata(
    icc=pictures.SRGB,
    exif=pictures.exif(),
    xmp=pictures.XMP,
    iptc=pictures.IPTC,
    dpi=(300.0, 150.0),
    comments=(("Author", "Zoë"), ("Title", "絵")),
)


def rows(chosen=lambda row: True):
    return pytest.mark.parametrize("row", [row for row in FORMATS if chosen(row)], ids=lambda row: row.name)


def enlarged(row, metadata: Metadata, tmp_path: Path):
    """A picture written at another size than its metadata say, its path, its notes."""
    path = tmp_path / f"a{row.suffixes[0]}"
    notes = write(Picture(smooth(60, 82, 3), metadata), path)
    return read(path), path, notes


@rows()
def test_what_the_format_holds_arrives_and_the_rest_is_said(row, tmp_path: Path):
    back, _, notes = enlarged(row, FULL, tmp_path)
    told = "\n".join(notes)
    assert (back.metadata.icc == FULL.icc) == row.icc
    assert ("ICC" in told) == (not row.icc)
    assert (back.metadata.exif is not None) == row.exif
    assert ("EXIF" in told) == (not row.exif)
    assert (back.metadata.xmp is not None) == row.xmp
    assert ("XMP" in told) == (not row.xmp)
    assert (back.metadata.iptc is not None) == row.iptc
    assert ("IPTC" in told) == (not row.iptc)
    if row.dpi == "none":
        assert "300 dpi dropped" in told
    else:
        assert back.metadata.dpi == pytest.approx((300, 150), abs=0.02)
    assert bool(back.metadata.comments) == row.comments
    assert ("comments: 2 dropped" in told) == (not row.comments)
    assert all("\n" not in note for note in notes)


@rows(lambda row: row.exif)
def test_exif_is_true_for_the_new_size_and_keeps_everything_else(row, tmp_path: Path):
    _, path, _ = enlarged(row, FULL, tmp_path)
    main, inner, gps = pictures.read_exif(path)
    assert main[0x010F] == "Camera Works"
    assert main[0x0110].encode("latin-1", "ignore") or main[0x0110]
    assert main[0x0132] == "2024:02:29 12:34:56"
    assert inner[0x9003] == "2024:02:29 12:34:56"
    assert float(inner[0x829A][0] / inner[0x829A][1] if isinstance(inner[0x829A], tuple) else inner[0x829A]) == 1 / 250
    assert inner[0x927C] == pictures.MAKER_NOTE
    assert (gps[1], gps[2], gps[3], gps[4]) == ("N", (48.0, 51.0, 24.0), "E", (2.0, 21.0, 3.0))
    assert (inner[0xA002], inner[0xA003]) == (82, 60)
    assert (main[0x0100], main[0x0101]) == (82, 60)
    assert main.get(0x0112, 1) == 1


@rows(lambda row: row.exif)
def test_the_thumbnail_of_the_old_picture_is_gone(row, tmp_path: Path):
    block = pictures.exif(thumbnail=True)
    small = pictures.thumbnail()
    assert small in block
    _, path, _ = enlarged(row, Metadata(exif=block), tmp_path)
    assert small not in path.read_bytes()
    assert small[100:160] not in path.read_bytes()
    assert pictures.read_exif(path)[0][0x010F] == "Camera Works"


@rows(lambda row: row.exif)
def test_a_turned_picture_is_not_turned_twice(row, tmp_path: Path):
    back, path, _ = enlarged(row, Metadata(exif=pictures.exif(orientation=6)), tmp_path)
    assert pictures.read_exif(path)[0].get(0x0112, 1) == 1
    assert back.size.width == 82
    assert exif_block.orientation(back.metadata.exif) == 1


@rows(lambda row: row.xmp)
def test_xmp_is_true_for_the_new_size(row, tmp_path: Path):
    back, _, _ = enlarged(row, Metadata(xmp=pictures.XMP), tmp_path)
    xmp = back.metadata.xmp
    assert b'tiff:Orientation="1"' in xmp
    assert b'tiff:ImageWidth="82"' in xmp
    assert b"<exif:PixelXDimension>82<" in xmp
    assert b"<exif:PixelYDimension>60<" in xmp
    assert re.sub(rb"\d+", b"", xmp) == re.sub(rb"\d+", b"", pictures.XMP)


@rows(lambda row: row.dpi != "none")
@pytest.mark.parametrize("dpi", [(72.0, 72.0), (300.0, 300.0), (600.0, 300.0), None])
def test_resolution_is_kept_and_none_is_made_up(row, dpi, tmp_path: Path):
    back, path, notes = enlarged(row, Metadata(dpi=dpi), tmp_path)
    assert notes == ()
    if dpi is None:
        assert back.metadata.dpi is None
        with Image.open(path) as image:
            assert image.info.get("dpi") in (None, (1, 1), (72.0, 72.0)) or image.info["dpi"][0] <= 1
    else:
        assert back.metadata.dpi == pytest.approx(dpi, abs=0.02)


@rows(lambda row: row.dpi == "exif")
def test_resolution_joins_exif_that_states_none(row, tmp_path: Path):
    block = Image.Exif()
    block[0x010F] = "Camera Works"
    block.get_ifd(0x8769)[0x927C] = pictures.MAKER_NOTE
    back, path, notes = enlarged(row, Metadata(exif=block.tobytes(), dpi=(240.0, 240.0)), tmp_path)
    assert notes == ()
    assert back.metadata.dpi == (240.0, 240.0)
    main, inner, _ = pictures.read_exif(path)
    assert main[0x010F] == "Camera Works"
    assert inner[0x927C] == pictures.MAKER_NOTE


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_metadata_written_by_another_program_are_read(format, tmp_path: Path):
    image = Image.fromarray(noise(1, 30, 41, 3)[0])
    options = {"exif": pictures.exif(), "icc_profile": pictures.SRGB}
    if format in ("JPEG", "PNG", "TIFF"):
        options["dpi"] = (300, 300)
    if format in ("JPEG", "WEBP", "AVIF"):
        options["xmp"] = pictures.XMP
    metadata = read(encoded(image, format, **options)).metadata
    assert metadata.icc == pictures.SRGB
    assert metadata.dpi == pytest.approx((300, 300))
    assert b"Camera Works" in metadata.exif
    assert pictures.MAKER_NOTE in metadata.exif
    if "xmp" in options:
        assert b"exif:PixelXDimension" in metadata.xmp


@pytest.mark.parametrize("source", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@rows(lambda row: row.exif)
def test_exif_moves_between_all_formats(source, row, tmp_path: Path):
    image = Image.fromarray(noise(1, 30, 41, 3)[0])
    first = read(encoded(image, source, exif=pictures.exif()))
    path = tmp_path / f"a{row.suffixes[0]}"
    assert write(first, path) == ()
    main, inner, gps = pictures.read_exif(path)
    assert main[0x010F] == "Camera Works"
    assert inner[0x927C] == pictures.MAKER_NOTE
    assert gps[2] == (48.0, 51.0, 24.0)


def test_png_text_of_every_kind():
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Zoë")
    info.add_text("Long", "word " * 400, zip=True)
    info.add_itxt("Title", "絵", lang="ja")
    info.add_itxt("Packed", "絵" * 100, zip=True)
    picture = read(encoded(Image.new("RGB", (8, 8)), "PNG", pnginfo=info))
    assert dict(picture.metadata.comments) == {
        "Author": "Zoë",
        "Long": "word " * 400,
        "Title": "絵",
        "Packed": "絵" * 100,
    }


def test_png_text_survives(tmp_path: Path):
    comments = (("Author", "Zoë"), ("Title", "絵"), ("parameters", "a\nb"))
    write(Picture(smooth(8, 8, 3), Metadata(comments=comments)), tmp_path / "a.png")
    assert read(tmp_path / "a.png").metadata.comments == comments
    with Image.open(tmp_path / "a.png") as image:
        assert image.text == dict(comments)


@pytest.mark.parametrize(("format", "suffix"), [("JPEG", ".jpg"), ("GIF", ".gif")])
def test_jpeg_and_gif_comments_survive(format, suffix, tmp_path: Path):
    picture = read(encoded(Image.new("RGB", (8, 8)), format, comment=b"hello there"))
    assert picture.metadata.comments == (("Comment", "hello there"),)
    write(picture, tmp_path / f"a{suffix}")
    with Image.open(tmp_path / f"a{suffix}") as image:
        assert image.info["comment"] == b"hello there"


def test_a_profile_in_several_jpeg_segments(tmp_path: Path):
    icc = pictures.SRGB[:128] + np.random.default_rng(0).bytes(150_000)
    write(Picture(smooth(8, 8, 3), Metadata(icc=icc)), tmp_path / "a.jpg")
    assert read(tmp_path / "a.jpg").metadata.icc == icc


def test_exif_too_large_for_jpeg_is_said(tmp_path: Path):
    block = pictures.exif() + bytes(70_000)
    assert "EXIF dropped: " in write(Picture(smooth(8, 8, 3), Metadata(exif=block)), tmp_path / "a.jpg")[0]
    assert write(Picture(smooth(8, 8, 3), Metadata(exif=block)), tmp_path / "a.png") == ()
    assert "EXIF dropped: " in write(Picture(smooth(8, 8, 3), Metadata(exif=block)), tmp_path / "a.avif")[0]


def test_damaged_exif_is_dropped_and_said(tmp_path: Path):
    notes = write(Picture(smooth(8, 8, 3), Metadata(exif=b"Exif\0\0rubbish")), tmp_path / "a.jpg")
    assert notes == ("EXIF block is damaged and was dropped: no byte-order mark",)


@rows(lambda row: not row.icc)
@pytest.mark.parametrize("channels", [3, 4])
def test_colours_stay_put_where_the_profile_cannot_go(row, channels, tmp_path: Path):
    """A P3 picture in a file without profiles: the samples become those of sRGB."""
    import pyvips

    pixels = np.full((1, 16, 16, channels), 255, np.uint8)
    pixels[0, :, :, :3] = (120, 160, 90)
    rgb = pyvips.Image.new_from_array(pixels[0, :, :, :3], interpretation="srgb")
    wide = rgb.icc_transform("p3", input_profile="srgb")
    picture = Picture(pixels.copy(), Metadata(icc=bytes(wide.get("icc-profile-data"))))
    picture.pixels[0, :, :, :3] = wide.numpy()
    assert np.abs(picture.pixels.astype(int) - pixels).max() > 4
    path = tmp_path / f"a{row.suffixes[0]}"
    assert write(picture, path) == (f"{row.title} holds no ICC profile: colours converted to sRGB",)
    assert np.abs(read(path).pixels[..., :3].astype(int) - pixels[..., :3]).max() <= 2


def test_what_stands_elsewhere_in_a_jpeg_is_said():
    image = Image.new("RGB", (8, 8))
    gain = encoded(image, "JPEG", xmp=b'<x xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" hdrgm:Version="1.0"/>')
    assert read(gain).notes == ("HDR gain map is not kept: the picture is read as its standard version",)
    motion = encoded(image, "JPEG", xmp=b'<x GCamera:MotionPhoto="1"/>')
    assert read(motion).notes == ("motion photo: its video is not kept",)


def test_a_png_gamma_is_said():
    data = encoded(Image.new("RGB", (8, 8)), "PNG")
    for gamma, notes in ((45_455, ()), (100_000, ("gamma of 1/1.00 is not applied: the picture is read as sRGB",))):
        body = b"gAMA" + struct.pack(">I", gamma)
        chunk = struct.pack(">I", 4) + body + struct.pack(">I", zlib.crc32(body))
        assert read(data[:33] + chunk + data[33:]).notes == notes


@rows()
@pytest.mark.parametrize("dpi", [(0.0, 300.0), (1e9, 1e9), (float("nan"), 72.0)])
def test_a_resolution_that_cannot_be(row, dpi, tmp_path: Path):
    notes = write(Picture(smooth(8, 8, 3), Metadata(dpi=dpi, exif=pictures.exif())), tmp_path / f"a{row.suffixes[0]}")
    assert any(note.startswith("resolution dropped") for note in notes)


def test_layers_and_maps_in_tiff_are_said():
    image = Image.new("RGB", (8, 8))
    assert "layers" in read(encoded(image, "TIFF", tiffinfo={37724: b"layers"})).notes[0]
    assert "GeoTIFF" in read(encoded(image, "TIFF", tiffinfo={33550: (1.0, 1.0, 0.0)})).notes[0]


def test_an_exif_block_that_points_to_itself(tmp_path: Path):
    """EXIF whose table of EXIF tags is itself: refused or read, but in no time and with no traceback."""
    block = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2)
    block += struct.pack("<HHII", 0x8769, 4, 1, 8) + struct.pack("<HHII", 0xA005, 4, 1, 8) + bytes(4)
    for row in FORMATS:
        path = tmp_path / f"a{row.suffixes[0]}"
        write(Picture(smooth(8, 8, 3), Metadata(exif=block)), path)
        read(path)


def test_a_profile_for_other_channels_is_dropped_and_said(tmp_path: Path):
    grey = smooth(8, 8, 1)
    assert write(Picture(grey, Metadata(icc=pictures.SRGB)), tmp_path / "a.png") == (
        "ICC profile dropped: it is not for these channels",
    )
    assert write(Picture(grey, Metadata(icc=pictures.SRGB)), tmp_path / "a.webp") == ()


def test_jfif_default_does_not_hide_the_resolution_in_exif():
    data = encoded(Image.new("RGB", (8, 8)), "JPEG", exif=pictures.exif(), dpi=(72, 72))
    assert read(data).metadata.dpi == (300.0, 300.0)


@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_exif_in_both_byte_orders(order, tmp_path: Path):
    image = Image.fromarray(noise(1, 30, 41, 3)[0])
    picture = read(encoded(image, "JPEG", exif=pictures.exif()))
    swapped = replace(picture.metadata, exif=_in_order(picture.metadata.exif, order))
    write(Picture(picture.pixels, swapped), tmp_path / "a.tif")
    main, inner, gps = pictures.read_exif(tmp_path / "a.tif")
    assert main[0x010F] == "Camera Works"
    assert inner[0xA002] == 41
    assert gps[4] == (2.0, 21.0, 3.0)
    again = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(again.pixels, picture.pixels)
    assert exif_block.resolution(picture.metadata.exif) == (300.0, 300.0)


def _in_order(exif: bytes, order: str) -> bytes:
    block = Image.Exif()
    block.load(exif)
    block.endian = order
    fresh = Image.Exif()
    fresh.endian = order
    for tag, value in dict(block).items():
        if tag not in (0x8769, 0x8825):
            fresh[tag] = value
    for pointer in (0x8769, 0x8825):
        for tag, value in block.get_ifd(pointer).items():
            fresh.get_ifd(pointer)[tag] = value
    data = fresh.tobytes()
    assert data[6:8] == (b"II" if order == "<" else b"MM")
    return data


def test_profiles_are_valid_for_other_programs(tmp_path: Path):
    for row in FORMATS:
        if row.icc:
            path = tmp_path / f"a{row.suffixes[0]}"
            write(Picture(smooth(16, 16, 3), FULL), path)
            with Image.open(path) as image:
                image.load()
                assert image.info["icc_profile"] == pictures.SRGB
                ImageCms.ImageCmsProfile(__import__("io").BytesIO(image.info["icc_profile"]))


@rows(lambda row: row.exif)
def test_a_second_pass_changes_nothing_more(row, tmp_path: Path):
    first, _, _ = enlarged(row, FULL, tmp_path)
    path = tmp_path / f"b{row.suffixes[0]}"
    assert write(first, path) == ()
    second = read(path)
    assert replace(second.metadata, exif=None) == replace(first.metadata, exif=None)
    if row.name != "tiff":  # offsets of its own stand among the tags there
        assert pictures.read_exif(path) == pictures.read_exif(tmp_path / f"a{row.suffixes[0]}")
