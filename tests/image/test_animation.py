"""Frames, their times, loops and pages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from subpixel.image import FORMATS, read, write
from subpixel.types import Metadata, Picture
from tests.image.pictures import encoded, noise, smooth

ANIMATED = pytest.mark.parametrize("row", [row for row in FORMATS if row.animation], ids=lambda row: row.name)
STILL = pytest.mark.parametrize("row", [row for row in FORMATS if not row.many], ids=lambda row: row.name)


def frames(count: int, channels: int = 3):
    """Few colours, every frame another."""
    return np.concatenate([np.full((1, 20, 24, channels), 30 * (n + 1), np.uint8) for n in range(count)])


@ANIMATED
@pytest.mark.parametrize("loop", [0, 1, 5])
@pytest.mark.parametrize("delays", [(50, 120, 200, 70), (40, 40, 40, 40)])
def test_times_and_loops_survive(row, delays, loop, tmp_path: Path):
    path = tmp_path / f"a{row.suffixes[0]}"
    write(Picture(frames(4), Metadata(delays=delays, loop=loop)), path, lossless=True if row.coding == "both" else None)
    back = read(path)
    assert back.metadata.delays == delays
    assert back.metadata.loop == loop
    np.testing.assert_array_equal(back.pixels, frames(4))
    with Image.open(path) as image:
        assert image.n_frames == 4


@ANIMATED
def test_an_animation_moves_between_formats(row, tmp_path: Path):
    for other in (other for other in FORMATS if other.animation):
        path = tmp_path / f"{row.name}-{other.name}{row.suffixes[0]}"
        write(Picture(frames(3), Metadata(delays=(50, 100, 150), loop=3)), path)
        target = path.with_suffix(f".b{other.suffixes[0]}")
        write(read(path), target)
        assert read(target).metadata.delays == (50, 100, 150)
        assert read(target).metadata.loop == 3


@pytest.mark.parametrize("format", ["GIF", "WEBP"])
def test_animations_of_another_program(format):
    images = [Image.fromarray(frame) for frame in frames(3)]
    options = {"lossless": True} if format == "WEBP" else {}
    data = encoded(
        images[0], format, save_all=True, append_images=images[1:], duration=[50, 120, 200], loop=0, **options
    )
    picture = read(data)
    assert picture.metadata.delays == (50, 120, 200)
    assert picture.metadata.loop == 0
    np.testing.assert_array_equal(picture.pixels[..., :3], frames(3))


def test_partial_frames_are_composed():
    first = Image.new("RGB", (20, 20), (255, 0, 0))
    second = first.copy()
    second.paste((0, 0, 255), (5, 5, 9, 9))
    picture = read(encoded(first, "GIF", save_all=True, append_images=[second], duration=100))
    assert picture.pixels.shape[:3] == (2, 20, 20)
    assert picture.pixels[1, 0, 0, :3].tolist() == [255, 0, 0]
    assert picture.pixels[1, 6, 6, :3].tolist() == [0, 0, 255]


@ANIMATED
def test_transparent_animations(row, tmp_path: Path):
    pixels = frames(3, 4)
    pixels[..., 3] = 255
    pixels[:, :10, :, 3] = 0
    path = tmp_path / f"a{row.suffixes[0]}"
    write(Picture(pixels, Metadata(delays=(100, 100, 100))), path)
    np.testing.assert_array_equal(read(path).pixels[..., 3], pixels[..., 3])


@STILL
def test_stills_take_the_first_frame_and_say_so(row, tmp_path: Path):
    path = tmp_path / f"a{row.suffixes[0]}"
    notes = write(Picture(frames(3), Metadata(delays=(50, 50, 50))), path)
    assert notes == (f"{row.title} holds one frame: the first of 3 is written",)
    assert read(path).frames == 1


def test_tiff_pages_of_one_size_are_all_kept(tmp_path: Path):
    pages = noise(3, 12, 17, 3, np.uint16)
    assert write(Picture(pages), tmp_path / "a.tif") == ()
    back = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(back.pixels, pages)
    assert back.metadata.delays == ()
    assert write(back, tmp_path / "b.tif") == ()
    np.testing.assert_array_equal(read(tmp_path / "b.tif").pixels, pages)


def test_tiff_pages_with_exif_stay_linked(tmp_path: Path):
    from tests.image.pictures import exif

    pages = noise(3, 12, 17, 3)
    assert write(Picture(pages, Metadata(exif=exif())), tmp_path / "a.tif") == ()
    back = read(tmp_path / "a.tif")
    np.testing.assert_array_equal(back.pixels, pages)
    assert back.metadata.exif is not None


def test_tiff_pages_of_several_sizes():
    small, large = Image.fromarray(noise(1, 8, 8, 3)[0]), Image.fromarray(noise(1, 16, 16, 3)[0])
    picture = read(encoded(large, "TIFF", save_all=True, append_images=[small, small]))
    np.testing.assert_array_equal(picture.pixels[0], np.asarray(large))
    assert picture.notes == ("3 pages of different kinds or sizes: only the first is used",)


def test_pages_become_an_animation_and_back_with_a_note(tmp_path: Path):
    assert write(Picture(frames(3)), tmp_path / "a.gif") == ("pages become frames of 100 ms",)
    assert read(tmp_path / "a.gif").metadata.delays == (100, 100, 100)
    notes = write(read(tmp_path / "a.gif"), tmp_path / "a.tif")
    assert notes == ("TIFF holds pages without times: the times of 3 frames are dropped",)


def test_animated_png_and_avif_say_what_is_lost():
    images = [Image.fromarray(frame) for frame in frames(3)]
    apng = encoded(images[0], "PNG", save_all=True, append_images=images[1:], duration=50)
    assert read(apng).notes == ("animated PNG: only its first frame is used",)
    avif = encoded(images[0], "AVIF", save_all=True, append_images=images[1:], duration=50)
    assert read(avif).notes == ("AVIF sequence: only its first picture is used",)


def test_times_are_rounded_to_what_the_format_holds(tmp_path: Path):
    notes = write(Picture(frames(3), Metadata(delays=(33, 45, 100))), tmp_path / "a.gif")
    assert notes == ("GIF holds times in steps of 10 ms: rounded",)
    assert read(tmp_path / "a.gif").metadata.delays == (30, 50, 100)


def test_missing_times_are_those_of_the_last_frame(tmp_path: Path):
    write(Picture(frames(3), Metadata(delays=(50, 80))), tmp_path / "a.webp")
    assert read(tmp_path / "a.webp").metadata.delays == (50, 80, 80)


def test_one_frame_is_no_animation():
    picture = read(encoded(Image.fromarray(smooth(8, 8, 3)[0]), "GIF", duration=100))
    assert picture.frames == 1
    assert picture.metadata.delays == ()
