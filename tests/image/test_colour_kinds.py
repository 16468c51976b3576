"""CMYK, Lab, palettes, 1-bit, YCbCr, and kinds that are refused."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageCms

from subpixel.errors import PictureUnsupported
from subpixel.image import read
from tests.image.pictures import SRGB, encoded, noise, smooth


def vips_image(pixels, interpretation):
    import pyvips

    return pyvips.Image.new_from_array(pixels, interpretation=interpretation)


def patches() -> Image.Image:
    """White, black, and pure inks as CMYK, 16 pixels each."""
    inks = [(0, 0, 0, 0), (0, 0, 0, 255), (255, 0, 0, 0), (0, 255, 0, 0), (0, 0, 255, 0), (128, 128, 128, 0)]
    strip = np.repeat(np.array(inks, np.uint8)[None], 16, axis=0).repeat(16, axis=1)
    return Image.frombytes("CMYK", (strip.shape[1], strip.shape[0]), strip.tobytes())


def cmyk_profile() -> bytes:
    """A CMYK profile: libvips' own, as it embeds it."""
    import pyvips

    made = pyvips.Image.black(8, 8, bands=3).copy(interpretation="srgb").icc_export(output_profile="cmyk")
    return bytes(made.get("icc-profile-data"))


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
@pytest.mark.parametrize("with_profile", [False, True], ids=["bare", "profile"])
def test_cmyk_becomes_srgb_by_its_profile(format, with_profile):
    options = {"quality": 98, "subsampling": 0} if format == "JPEG" else {}
    if with_profile:
        options["icc_profile"] = cmyk_profile()
    picture = read(encoded(patches(), format, **options))
    assert picture.channels == 3
    seen = picture.pixels[0, 8, 8::16].astype(int)
    assert (seen[0] >= 250).all()  # no ink: paper
    assert (seen[1] <= 60).all()  # black ink
    assert seen[2][0] < 80 < seen[2][2]  # cyan: little red, much blue
    assert seen[3][1] < 100 < seen[3][0]  # magenta: little green
    assert seen[4][2] < 100 < seen[4][0]  # yellow: little blue
    expected = "its profile" if with_profile else "a standard profile: it has none"
    assert picture.notes == (f"CMYK converted to sRGB by {expected}",)
    assert picture.metadata.icc is not None
    assert picture.metadata.icc[16:20] == b"RGB "


def test_cmyk_with_a_profile_that_is_not_for_it():
    picture = read(encoded(patches(), "TIFF", icc_profile=SRGB))
    assert picture.notes == ("CMYK converted to sRGB by a standard profile: its own is not usable",)
    assert (picture.pixels[0, 8, 8] >= 250).all()


def test_cmyk_with_a_broken_profile():
    broken = cmyk_profile()[:400]
    picture = read(encoded(patches(), "TIFF", icc_profile=broken))
    assert picture.notes == ("CMYK converted to sRGB by a standard profile: its own is not usable",)


def test_deep_cmyk_stays_deep():
    inks = (np.array([[[0, 0, 0, 0], [65535, 0, 0, 0]]], np.uint16)).repeat(8, 0).repeat(8, 1)
    picture = read(vips_image(inks, "cmyk").tiffsave_buffer())
    assert picture.pixels.dtype == np.uint16
    assert (picture.pixels[0, 4, 4] > 64_000).all()
    assert picture.pixels[0, 4, 12, 0] < 20_000


def test_lab_tiff_becomes_srgb():
    image = smooth(16, 16, 3)[0]
    picture = read(vips_image(image, "srgb").colourspace("labs").tiffsave_buffer())
    assert picture.notes == ("Lab converted to sRGB",)
    assert picture.metadata.icc is None
    assert picture.pixels.dtype == np.uint16
    assert np.abs(picture.pixels[0] / 257.0 - image).max() < 2


def test_tiffs_that_would_be_read_wrongly_are_refused():
    image = Image.fromarray(smooth(16, 16, 3)[0])
    lab = ImageCms.profileToProfile(
        image, ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    with pytest.raises(PictureUnsupported, match="8-bit Lab TIFF"):
        read(encoded(lab, "TIFF"))
    with pytest.raises(PictureUnsupported, match="YCbCr TIFF without JPEG"):
        read(encoded(image.convert("YCbCr"), "TIFF"))
    with pytest.raises(PictureUnsupported, match="camera raw"):
        read(encoded(image, "TIFF", tiffinfo={50706: b"\1\4\0\0"}))


@pytest.mark.parametrize("format", ["PNG", "TIFF", "GIF"])
def test_palettes_are_expanded(format):
    image = Image.fromarray(smooth(16, 16, 3)[0]).quantize(16)
    picture = read(encoded(image, format))
    np.testing.assert_array_equal(picture.pixels[0], np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("format", ["PNG", "GIF"])
def test_a_palette_with_transparency_becomes_rgba(format):
    image = Image.fromarray(smooth(16, 16, 3)[0]).quantize(16)
    image.info["transparency"] = 3
    picture = read(encoded(image, format, transparency=3))
    assert picture.channels == 4
    np.testing.assert_array_equal(picture.pixels[0, :, :, 3] == 0, np.asarray(image) == 3)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_one_bit_becomes_black_and_white(format):
    bits = noise(1, 9, 13, 1)[0, :, :, 0] > 127
    picture = read(encoded(Image.fromarray(bits), format))
    np.testing.assert_array_equal(picture.pixels[0, :, :, 0], np.where(bits, 255, 0))


def test_fax_tiff_with_white_as_zero():
    bits = np.where(noise(1, 9, 13, 1)[0] > 127, 255, 0).astype(np.uint8)
    data = vips_image(bits, "b-w").tiffsave_buffer(bitdepth=1, miniswhite=True, compression="ccittfax4")
    np.testing.assert_array_equal(read(data).pixels[0], bits)


def test_grey_with_a_transparent_value():
    image = Image.fromarray(noise(1, 9, 13, 1)[0, :, :, 0])
    picture = read(encoded(image, "PNG", transparency=int(np.asarray(image)[0, 0])))
    assert picture.has_alpha
    assert picture.pixels[0, 0, 0, -1] == 0


@pytest.mark.parametrize("bits", [2, 4])
def test_png_with_few_grey_bits(bits):
    image = vips_image(np.arange(16, dtype=np.uint8).reshape(4, 4) * 17, "b-w")
    picture = read(image.pngsave_buffer(bitdepth=bits))
    assert picture.pixels.dtype == np.uint8
    assert picture.pixels[0].max() == 255
    assert picture.pixels[0].min() == 0


def test_jpeg_in_tiff():
    image = Image.fromarray(smooth(16, 16, 3)[0])
    picture = read(vips_image(np.asarray(image), "srgb").tiffsave_buffer(compression="jpeg", Q=98))
    assert np.abs(picture.pixels[0].astype(int) - np.asarray(image)).max() < 6


@pytest.mark.parametrize(
    ("mode", "words"), [("F", "32-bit float samples"), ("I", "signed 32-bit samples")], ids=["float", "int"]
)
def test_samples_without_a_stated_range_are_refused(mode, words):
    with pytest.raises(PictureUnsupported, match=words):
        read(encoded(Image.new(mode, (8, 8)), "TIFF"))


def test_associated_alpha_is_made_straight():
    straight = np.zeros((8, 8, 4), np.uint8)
    straight[...] = (200, 100, 50, 128)
    data = vips_image(straight, "srgb").tiffsave_buffer(premultiply=True)
    picture = read(data)
    assert np.abs(picture.pixels[0].astype(int) - straight).max() <= 2


def test_extra_channels_are_said():
    picture = read(vips_image(noise(1, 8, 8, 6)[0], "srgb").tiffsave_buffer())
    assert picture.channels == 4
    assert picture.notes == ("6 channels: only the first 4 are used",)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16], ids=["8", "16"])
def test_big_single_strip_tiff(channels, dtype):
    pixels = noise(1, 40, 30, channels, dtype)
    kind = {1: "b-w", 2: "b-w", 3: "srgb", 4: "srgb"}[channels]
    if dtype == np.uint16:
        kind = {"b-w": "grey16", "srgb": "rgb16"}[kind]
    for options in ({}, {"tile": True}, {"compression": "deflate"}, {"bigtiff": True}):
        np.testing.assert_array_equal(read(vips_image(pixels[0], kind).tiffsave_buffer(**options)).pixels, pixels)
