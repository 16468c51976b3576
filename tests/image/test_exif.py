"""EXIF blocks, valid and hostile."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from subpixel.image import exif
from subpixel.image.containers import tiff
from tests.image import pictures


def loaded(block: bytes) -> Image.Exif:
    made = Image.Exif()
    made.load(block)
    return made


def test_only_what_must_change_changes():
    before = pictures.exif(orientation=3)
    after = exif.for_size(before, 41, 30)
    different = [place for place, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    assert len(different) == 1  # orientation


def test_a_short_becomes_a_long_for_a_large_picture():
    after = loaded(exif.for_size(pictures.exif(), 100_000, 70_000))
    assert (after[0x0100], after[0x0101]) == (100_000, 70_000)
    assert (after.get_ifd(0x8769)[0xA002], after.get_ifd(0x8769)[0xA003]) == (100_000, 70_000)


def test_the_thumbnail_is_cut_off_where_it_is_last():
    block = pictures.exif(thumbnail=True)
    after = exif.for_size(block, 82, 60)
    assert len(after) <= len(block) - len(pictures.thumbnail())
    assert loaded(after).get_ifd(0x8825)[2] == (48.0, 51.0, 24.0)


def test_the_thumbnail_is_blanked_where_something_follows():
    block = exif.with_resolution(pictures.exif(thumbnail=True), (240, 240))
    after = exif.for_size(block, 82, 60)
    assert len(after) == len(block)
    assert pictures.thumbnail()[20:60] not in after
    assert loaded(after)[0x011A] == 240.0


def test_resolution():
    assert exif.resolution(pictures.exif()) == (300.0, 300.0)
    assert exif.resolution(exif.with_resolution(pictures.exif(), (96, 48))) == (96.0, 48.0)
    assert exif.resolution(exif.for_resolution((72.5, 150))) == (72.5, 150.0)
    block = Image.Exif()
    block[0x011A], block[0x011B], block[0x0128] = 100.0, 100.0, 3
    assert exif.resolution(block.tobytes()) == (254.0, 254.0)


def test_with_resolution_keeps_everything_else():
    before, after = loaded(pictures.exif()), loaded(exif.with_resolution(pictures.exif(), (96, 48)))
    assert dict(before.get_ifd(0x8769)) == dict(after.get_ifd(0x8769))
    assert dict(before.get_ifd(0x8825)) == dict(after.get_ifd(0x8825))
    assert before[0x010F] == after[0x010F]


def test_with_and_without_the_prefix():
    block = pictures.exif(orientation=8)
    assert exif.orientation(block) == exif.orientation(block[6:]) == 8
    assert exif.upright(block) == exif.upright(block[6:])


@pytest.mark.parametrize(
    "block", [b"", b"Exif\0\0", b"Exif\0\0II*\0", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"rubbish" * 9]
)
def test_rubbish(block):
    for call in (exif.orientation, exif.upright, exif.resolution, lambda data: exif.for_size(data, 8, 8)):
        with pytest.raises(exif.ExifDamaged):
            call(block)


def test_hostile_blocks_never_do_worse_than_being_refused():
    random = np.random.default_rng(3)
    valid = pictures.exif(thumbnail=True)
    for _ in range(1500):
        block = bytearray(valid)
        for place in random.integers(6, len(block), random.integers(1, 5)):
            block[place] = random.choice([0, 1, 2, 127, 128, 255])
        for call in (
            exif.upright,
            exif.resolution,
            lambda data: exif.for_size(data, 80, 60),
            lambda data: exif.with_resolution(data, (72, 72)),
        ):
            try:
                call(bytes(block))
            except exif.ExifDamaged:
                continue


def test_a_tree_is_built_as_it_is_read():
    order = "<"
    tree: tiff.Table = {
        0x010F: (2, 4, b"abc\0"),
        0x0132: (2, 20, b"2024:02:29 12:34:56\0"),
        exif.EXIF_IFD: {0xA002: (4, 1, b"\x29\0\0\0"), exif.INTEROP_IFD: {1: (2, 4, b"R98\0")}},
        exif.GPS_IFD: {1: (2, 2, b"N\0")},
    }
    block = loaded(tiff.build(tree, order))
    assert block[0x010F] == "abc"
    assert block[0x0132] == "2024:02:29 12:34:56"
    assert block.get_ifd(0x8769)[0xA002] == 41
    assert block.get_ifd(0x8825)[1] == "N"
