"""Pillow images in, images of the same mode out."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from subpixel.errors import SettingError
from subpixel.image import from_pillow, is_pillow, to_pillow
from tests.image import pictures
from tests.image.pictures import encoded, noise


def image_of(mode: str) -> Image.Image:
    rgb = Image.fromarray(noise(1, 12, 16, 3)[0])
    if mode.startswith("I;16"):
        deep = noise(1, 12, 16, 1, np.uint16)[0, :, :, 0]
        return Image.frombytes(mode, (16, 12), deep.astype(">u2" if mode.endswith("B") else "<u2").tobytes())
    if mode in ("RGBa", "La"):
        return rgb.convert({"RGBa": "RGBA", "La": "LA"}[mode]).convert(mode)
    return rgb.convert(mode)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "I;16"])
def test_modes_that_stay(mode):
    image = image_of(mode)
    back = to_pillow(from_pillow(image), image)
    assert back.mode == mode
    assert back.tobytes() == image.tobytes()


@pytest.mark.parametrize(
    ("mode", "becomes"),
    [
        ("1", "L"),
        ("P", "RGB"),
        ("PA", "RGBA"),
        ("CMYK", "RGB"),
        ("YCbCr", "RGB"),
        ("HSV", "RGB"),
        ("RGBX", "RGB"),
        ("RGBa", "RGBA"),
        ("La", "LA"),
        ("I;16B", "I;16"),
        ("I", "I"),
    ],
)
def test_modes_that_change(mode, becomes):
    image = image_of(mode)
    back = to_pillow(from_pillow(image), image)
    assert (back.mode, back.size) == (becomes, image.size)
    if mode not in ("CMYK", "I;16B"):
        np.testing.assert_array_equal(np.asarray(back), np.asarray(image.convert(becomes)))


def test_big_endian_samples_keep_their_values():
    image = image_of("I;16B")
    np.testing.assert_array_equal(
        from_pillow(image).pixels[0, :, :, 0], np.frombuffer(image.tobytes(), ">u2").reshape(12, 16)
    )


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_transparency_in_info_becomes_alpha(mode):
    image = image_of(mode)
    first = image.getpixel((0, 0))
    image.info["transparency"] = first
    picture = from_pillow(image)
    assert picture.has_alpha
    assert picture.pixels[0, 0, 0, -1] == 0
    back = to_pillow(picture, image)
    assert back.mode == {"P": "RGBA", "L": "LA", "RGB": "RGBA"}[mode]
    assert "transparency" not in back.info


def test_cmyk_by_profile():
    image = Image.new("CMYK", (8, 8), (0, 0, 0, 0))
    picture = from_pillow(image)
    assert (picture.pixels >= 250).all()
    assert picture.notes == ("CMYK converted to sRGB by a standard profile: it has none",)
    assert to_pillow(picture, image).info["icc_profile"][16:20] == b"RGB "


def test_info_is_kept_and_made_true():
    data = encoded(
        image_of("RGB"),
        "PNG",
        icc_profile=pictures.SRGB,
        dpi=(300, 300),
        exif=pictures.exif(orientation=6, thumbnail=True),
    )
    import io

    image = Image.open(io.BytesIO(data))
    picture = from_pillow(image)
    assert picture.size.width == 16  # as the program sees it: not turned
    back = to_pillow(from_pillow(image.resize((32, 24))), image)
    assert back.info["icc_profile"] == pictures.SRGB
    assert back.info["dpi"] == pytest.approx((300, 300), abs=0.01)
    block = back.getexif()
    assert block[0x010F] == "Camera Works"
    assert block[0x0112] == 6  # so that the program may still turn it
    assert block.get_ifd(0x8769)[0xA002] == 32
    assert pictures.thumbnail() not in back.info["exif"]


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (Image.new("F", (4, 4)), "mode F"),
        (Image.new("I", (4, 4), 70_000), "holds 70000"),
        (Image.new("I", (4, 4), -1), "holds -1"),
        (Image.new("RGB", (0, 4)), "0×4"),
    ],
)
def test_what_cannot_be_a_picture(image, words):
    with pytest.raises(SettingError, match=words):
        from_pillow(image)


def test_an_animation_says_which_frame():
    import io

    images = [Image.new("L", (8, 8), n) for n in (10, 20, 30)]
    data = encoded(images[0], "GIF", save_all=True, append_images=images[1:], duration=50)
    assert from_pillow(Image.open(io.BytesIO(data))).notes == ("image has 3 frames: only the current one is used",)


def test_pillow_is_recognised_without_being_imported():
    assert is_pillow(Image.new("L", (2, 2)))
    assert not is_pillow(np.zeros((2, 2)))
    code = "import sys; from subpixel.image import is_pillow; assert not is_pillow(1); assert 'PIL' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
