"""Every row of the format table, by every depth and every kind of channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from subpixel.errors import OutputUnwritable, SettingError
from subpixel.image import FORMATS, Format, check_target, read, write
from subpixel.types import Metadata, Picture, Size
from tests.image.pictures import SRGB, noise, smooth


def rows(chosen):
    return pytest.mark.parametrize("row", [row for row in FORMATS if chosen(row)], ids=lambda row: row.name)


EACH = rows(lambda row: True)
EXACT = rows(lambda row: row.coding != "lossy" and row.colours > 256)
LOSSLESS = rows(lambda row: row.coding != "lossy")
LOSSY = rows(lambda row: row.coding != "lossless")
BOTH = rows(lambda row: row.coding == "both")
DEPTH = pytest.mark.parametrize("dtype", [np.uint8, np.uint16], ids=["8", "16"])
CHANNELS = pytest.mark.parametrize("channels", [1, 2, 3, 4])


def as_stored(pixels, row: Format):
    """What a lossless file of this format gives back."""
    channels = pixels.shape[3]
    if row.alpha == "none" and channels in (2, 4):
        most = int(np.iinfo(pixels.dtype).max)
        alpha = pixels[..., -1:].astype(np.int64)
        pixels = np.rint((pixels[..., :-1] * alpha + most * (most - alpha)) / most).astype(pixels.dtype)
        channels -= 1
    if pixels.dtype == np.uint16 and max(row.bits) == 8:
        pixels = np.rint(pixels / 257.0).astype(np.uint8)
    elif pixels.dtype == np.uint16 and max(row.bits) < 16:
        most = 2 ** max(row.bits) - 1
        few = np.rint(pixels / 65535.0 * most).astype(np.uint16)
        pixels = (few << (16 - max(row.bits))) | (few >> (2 * max(row.bits) - 16))
    if (row.grey == "none" and channels < 3) or (row.grey == "opaque" and channels == 2):
        pixels = np.concatenate([pixels[..., :1]] * 3 + ([pixels[..., 1:]] if channels == 2 else []), axis=-1)
    return pixels


@EXACT
@DEPTH
@CHANNELS
def test_lossless_formats_give_back_every_sample(row, dtype, channels, tmp_path: Path):
    pixels = noise(1, 30, 41, channels, dtype)
    write(Picture(pixels), tmp_path / f"a{row.suffixes[0]}", lossless=True if row.coding == "both" else None)
    back = read(tmp_path / f"a{row.suffixes[0]}")
    expected = as_stored(pixels, row)
    assert back.pixels.dtype == expected.dtype
    np.testing.assert_array_equal(back.pixels, expected)
    assert back.metadata.format == row.name
    assert back.notes == ()


@LOSSY
@DEPTH
@CHANNELS
def test_lossy_coding_stays_close(row, dtype, channels, tmp_path: Path):
    pixels = smooth(48, 64, channels, dtype)
    write(Picture(pixels), tmp_path / f"a{row.suffixes[0]}")
    back = read(tmp_path / f"a{row.suffixes[0]}")
    expected = as_stored(pixels, row)
    assert back.pixels.shape == expected.shape
    assert back.pixels.dtype == expected.dtype
    most = np.iinfo(expected.dtype).max
    error = np.abs(back.pixels.astype(float) - expected.astype(float)) / most
    if expected.shape[3] in (2, 4):
        error *= expected[..., -1:] / most  # colours that do not show may change
    assert error.mean() < 0.01
    assert error.max() < 0.06


@LOSSLESS
@CHANNELS
def test_few_colours_are_kept_exactly(row, channels, tmp_path: Path):
    pixels = (noise(1, 24, 32, channels) // 128 * 255).astype(np.uint8)
    notes = write(Picture(pixels), tmp_path / f"a{row.suffixes[0]}", lossless=True if row.coding == "both" else None)
    back = read(tmp_path / f"a{row.suffixes[0]}").pixels
    expected = as_stored(pixels, row)
    assert back.shape == expected.shape
    shown = expected[..., -1:] > 0 if channels in (2, 4) and row.alpha != "none" else np.ones_like(expected[..., :1])
    np.testing.assert_array_equal(back * (shown > 0), expected * (shown > 0))
    assert notes == (() if row.alpha != "none" or channels in (1, 3) else notes)


@EACH
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (7, 1), (3, 65)])
def test_small_and_odd_sizes(row, shape, tmp_path: Path):
    pixels = np.full((1, *shape, 3), 200, np.uint8)
    write(Picture(pixels), tmp_path / f"a{row.suffixes[0]}")
    back = read(tmp_path / f"a{row.suffixes[0]}").pixels
    assert back.shape == pixels.shape
    assert np.abs(back.astype(int) - 200).max() <= 2


@EACH
@DEPTH
def test_white_and_black_stay_white_and_black(row, dtype, tmp_path: Path):
    most = np.iinfo(dtype).max
    pixels = np.zeros((1, 16, 32, 3), dtype)
    pixels[:, :, 16:] = most
    write(Picture(pixels), tmp_path / f"a{row.suffixes[0]}", lossless=True if row.coding == "both" else None)
    back = read(tmp_path / f"a{row.suffixes[0]}").pixels
    assert back[0, 8, 30].tolist() == [np.iinfo(back.dtype).max] * 3
    assert back[0, 8, 1].tolist() == [0] * 3


@EACH
def test_every_suffix_and_name_leads_to_the_format(row, tmp_path: Path):
    for suffix in row.suffixes:
        assert check_target(tmp_path / f"a{suffix}") == row.name
        assert check_target(tmp_path / f"a{suffix.upper()}") == row.name
    assert check_target(tmp_path / "a", format=row.name.upper()) == row.name
    assert check_target(tmp_path / "a.other", format=row.name) == row.name


@EACH
def test_bytes_and_str_and_path_read_alike(row, tmp_path: Path):
    path = tmp_path / f"ä ö[n=2]{row.suffixes[0]}"
    write(Picture(smooth(20, 30, 3)), path)
    one, two, three = read(path), read(str(path)), read(path.read_bytes())
    np.testing.assert_array_equal(one.pixels, two.pixels)
    np.testing.assert_array_equal(one.pixels, three.pixels)
    assert one.metadata == two.metadata == three.metadata


@EACH
def test_the_content_decides_not_the_name(row, tmp_path: Path):
    path = tmp_path / f"a{row.suffixes[0]}"
    write(Picture(smooth(20, 30, 3)), path)
    for wrong in (".png", ".jpg", ".txt", ""):
        renamed = tmp_path / f"b{wrong}"
        renamed.write_bytes(path.read_bytes())
        assert read(renamed).metadata.format == row.name


@EACH
def test_pixels_are_contiguous_and_writable(row, tmp_path: Path):
    write(Picture(smooth(20, 30, 3)), tmp_path / f"a{row.suffixes[0]}")
    pixels = read(tmp_path / f"a{row.suffixes[0]}").pixels
    assert pixels.flags.c_contiguous
    pixels[...] = 0


@EACH
def test_too_large_for_the_format_is_refused_before_the_work(row, tmp_path: Path):
    size = Size(row.max_side + 1, 8)
    with pytest.raises(OutputUnwritable, match=f"{row.title} holds at most {row.max_side} pixels a side"):
        check_target(tmp_path / f"a{row.suffixes[0]}", size=size)
    assert check_target(tmp_path / f"a{row.suffixes[0]}", size=Size(row.max_side, 8)) == row.name


@pytest.mark.parametrize("name", ["jpeg", "webp", "gif"])
def test_the_largest_side_can_really_be_written(name, tmp_path: Path):
    row = next(row for row in FORMATS if row.name == name)
    pixels = np.zeros((1, 1, row.max_side, 3), np.uint8)
    write(Picture(pixels), tmp_path / f"a{row.suffixes[0]}")
    assert read(tmp_path / f"a{row.suffixes[0]}").size == Size(row.max_side, 1)
    with pytest.raises(OutputUnwritable):
        write(Picture(np.zeros((1, 1, row.max_side + 1, 3), np.uint8)), tmp_path / f"b{row.suffixes[0]}")
    assert not (tmp_path / f"b{row.suffixes[0]}").exists()


@EACH
def test_quality_and_lossless_are_honoured_or_said(row, tmp_path: Path):
    picture = Picture(noise(1, 64, 64, 3) // 2 + smooth(64, 64, 3) // 2)
    suffix = row.suffixes[0]
    low = write(picture, tmp_path / f"low{suffix}", quality=20)
    if row.coding == "lossless":
        assert f"{row.title} is always lossless: quality is not used" in low
        return
    write(picture, tmp_path / f"high{suffix}", quality=98)
    assert (tmp_path / f"low{suffix}").stat().st_size < (tmp_path / f"high{suffix}").stat().st_size
    if row.coding == "lossy":
        with pytest.raises(SettingError, match="cannot be lossless"):
            write(picture, tmp_path / f"x{suffix}", lossless=True)


@pytest.mark.parametrize("quality", [0, 101, -5])
def test_quality_out_of_range(quality, tmp_path: Path):
    with pytest.raises(SettingError, match=f"quality is {quality}"):
        write(Picture(smooth(8, 8, 3)), tmp_path / "a.jpg", quality=quality)
    assert list(tmp_path.iterdir()) == []


@BOTH
@pytest.mark.parametrize("icc", [None, SRGB], ids=["bare", "profile"])
@DEPTH
def test_lossless_in_is_lossless_out_unless_asked(row, icc, dtype, tmp_path: Path):
    pixels = as_stored(noise(1, 32, 32, 3, dtype), row)
    suffix = row.suffixes[0]
    write(Picture(pixels, Metadata(icc=icc)), tmp_path / f"a{suffix}", lossless=True)
    first = read(tmp_path / f"a{suffix}")
    assert first.metadata.lossless
    write(first, tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(read(tmp_path / f"b{suffix}").pixels, pixels)
    write(first, tmp_path / f"c{suffix}", lossless=False)
    assert not read(tmp_path / f"c{suffix}").metadata.lossless
    write(first, tmp_path / f"d{suffix}", quality=50)
    assert not read(tmp_path / f"d{suffix}").metadata.lossless
    write(Picture(pixels, Metadata(icc=icc)), tmp_path / f"e{suffix}")
    assert not read(tmp_path / f"e{suffix}").metadata.lossless


@pytest.mark.parametrize("bits", [10, 12])
def test_avif_keeps_its_own_depth(bits, tmp_path: Path):
    import pyvips

    few = noise(1, 32, 40, 3, np.uint16) >> (16 - bits)
    few[0, 0, 0], few[0, 0, 1] = 2**bits - 1, 0
    image = pyvips.Image.new_from_array(few[0] << (16 - bits), interpretation="rgb16")
    (tmp_path / "a.avif").write_bytes(image.heifsave_buffer(compression="av1", bitdepth=bits, lossless=True))
    first = read(tmp_path / "a.avif")
    np.testing.assert_array_equal(first.pixels >> (16 - bits), few)
    assert first.pixels[0, 0, 0].tolist() == [65535] * 3
    assert first.metadata.bits == bits
    assert write(first, tmp_path / "b.avif") == ()
    second = read(tmp_path / "b.avif")
    assert second.metadata.bits == bits
    np.testing.assert_array_equal(second.pixels, first.pixels)


def test_without_suffix_the_format_stays(tmp_path: Path):
    write(Picture(smooth(8, 8, 3), Metadata(format="webp")), tmp_path / "a")
    assert read(tmp_path / "a").metadata.format == "webp"
    with pytest.raises(SettingError, match="has no suffix"):
        write(Picture(smooth(8, 8, 3)), tmp_path / "b")


def test_unknown_suffix_and_unknown_format(tmp_path: Path):
    with pytest.raises(SettingError, match=r"no format goes by '\.xyz'"):
        check_target(tmp_path / "a.xyz")
    with pytest.raises(SettingError, match="did you mean jpeg"):
        check_target(tmp_path / "a", format="jepg")


def test_what_is_dropped_is_said(tmp_path: Path):
    picture = Picture(noise(1, 20, 20, 4, np.uint16))
    assert write(picture, tmp_path / "a.jpg") == (
        "JPEG holds no alpha: laid on white",
        "JPEG holds 8 bits: 16-bit samples rounded",
    )
    assert write(picture, tmp_path / "a.avif") == ("AVIF holds 12 bits: 16-bit samples rounded",)
    assert "GIF holds no half-transparent pixels: each is shown or hidden" in write(picture, tmp_path / "a.gif")
    assert "GIF holds 256 colours a frame: reduced" in write(picture, tmp_path / "b.gif")


def test_opaque_alpha_is_no_loss(tmp_path: Path):
    pixels = smooth(16, 16, 4)
    pixels[..., 3] = 255
    assert write(Picture(pixels), tmp_path / "a.jpg") == ()
