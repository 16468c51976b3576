"""All eight orientations, by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageOps

from subpixel.image import exif as exif_block
from subpixel.image import read
from subpixel.image.reading import turned
from tests.image import pictures
from tests.image.pictures import encoded, noise

EIGHT = pytest.mark.parametrize("orientation", range(1, 9))


@EIGHT
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_lossless_files_come_upright(format, orientation):
    image = Image.fromarray(noise(1, 5, 8, 3)[0])
    options = {"lossless": True, "exact": True} if format == "WEBP" else {}
    data = encoded(image, format, exif=pictures.exif(orientation=orientation, width=8, height=5), **options)
    picture = read(data)
    image.getexif()[0x0112] = orientation
    np.testing.assert_array_equal(picture.pixels[0], np.asarray(ImageOps.exif_transpose(image)))
    assert picture.metadata.exif is not None
    assert exif_block.orientation(picture.metadata.exif) == 1


@EIGHT
@pytest.mark.parametrize("format", ["JPEG", "AVIF"])
def test_lossy_files_come_upright(format, orientation):
    image = Image.fromarray(np.kron(noise(1, 2, 3, 3)[0], np.ones((16, 16, 1), np.uint8)))
    data = encoded(image, format, exif=pictures.exif(orientation=orientation), quality=95, subsampling="4:4:4")
    picture = read(data)
    image.getexif()[0x0112] = orientation
    expected = np.asarray(ImageOps.exif_transpose(image)).astype(int)
    assert picture.pixels[0].shape == expected.shape
    assert np.abs(picture.pixels[0] - expected).max() < 32
    assert exif_block.orientation(picture.metadata.exif) == 1


@EIGHT
def test_every_frame_is_turned(orientation):
    frames = noise(3, 4, 6, 2, np.uint16)
    made = turned(frames, orientation)
    for frame, original in zip(made, frames, strict=True):
        np.testing.assert_array_equal(frame, turned(original[None], orientation)[0])
    assert made.flags.c_contiguous


def test_resolution_turns_with_the_picture():
    block = Image.Exif()
    block[0x0112], block[0x011A], block[0x011B], block[0x0128] = 6, 300.0, 150.0, 2
    data = encoded(Image.new("RGB", (6, 4)), "PNG", exif=block.tobytes())
    assert read(data).metadata.dpi == (150.0, 300.0)


def test_an_orientation_that_does_not_exist_is_ignored():
    assert read(encoded(Image.new("RGB", (6, 4)), "PNG", exif=pictures.exif(orientation=77))).size.width == 6
