"""Files through the whole path: what a photographer would miss is still there."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest

import subpixel
from subpixel.plan import Target
from subpixel.types import Metadata, Picture, Size
from subpixel.upscaler import Upscaler

pillow = pytest.importorskip("PIL.Image", reason="Pillow makes the files: pip install pillow")


@pytest.fixture(scope="module")
def upscaler() -> Upscaler:
    return Upscaler("espcn")


def _smooth(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / 9), np.cos(y / 7), np.sin((x + y) / 11)], axis=2)
    return ((waves * 0.4 + 0.5) * 255).round().astype(np.uint8)


def test_camera_jpeg(upscaler: Upscaler, tmp_path: Path) -> None:
    """Turned by its tag, with profile, GPS, resolution: upright, larger, everything kept and true."""
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = pillow.Exif()
    exif[0x0112] = 6  # turn 90° clockwise to stand upright
    exif[0x010F] = "Camera Works"
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    exif.get_ifd(0x8769)[0xA002] = 40
    exif.get_ifd(0x8769)[0xA003] = 30
    exif.get_ifd(0x8825)[1] = "N"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 30.0)
    source = tmp_path / "photo.jpg"
    pillow.fromarray(_smooth(30, 40)).save(source, exif=exif, icc_profile=profile, dpi=(300, 300), quality=95)
    result = upscaler.file(source, tmp_path / "large.jpg", Target(3))
    assert result.after == Size(90, 120)
    with pillow.open(tmp_path / "large.jpg") as large:
        assert large.size == (90, 120)
        assert large.info["icc_profile"] == profile
        assert [round(float(d)) for d in large.info["dpi"]] == [300, 300]
        kept = large.getexif()
        assert kept.get(0x0112, 1) == 1
        assert kept[0x010F].rstrip("\0") == "Camera Works"
        photo = kept.get_ifd(0x8769)
        assert photo[0x9003].rstrip("\0") == "2024:05:06 07:08:09"
        assert (photo[0xA002], photo[0xA003]) == (90, 120)
        assert [float(part) for part in kept.get_ifd(0x8825)[2]] == [48.0, 51.0, 30.0]
        turned = np.asarray(large.convert("RGB").resize((30, 40), pillow.BOX), float)
    upright = np.rot90(_smooth(30, 40), -1).astype(float)
    assert np.abs(turned - upright).mean() < 4


def test_sixteen_bit_png(upscaler: Upscaler, tmp_path: Path) -> None:
    ramp = np.linspace(0, 65_535, 50 * 60 * 3).round().astype(np.uint16).reshape(1, 50, 60, 3)
    subpixel.write(Picture(ramp, Metadata(dpi=(200.0, 200.0))), tmp_path / "a.png")
    upscaler.file(tmp_path / "a.png", tmp_path / "b.png", Target(2))
    back = subpixel.read(tmp_path / "b.png")
    assert (back.bits, back.channels, back.size) == (16, 3, Size(120, 100))
    assert back.metadata.dpi == pytest.approx((200, 200), rel=1e-3)
    assert np.abs(back.pixels[0, ::2, ::2].astype(int) - ramp[0]).mean() < 400


@pytest.mark.parametrize("suffix", [".gif", ".webp"])
def test_animation(upscaler: Upscaler, tmp_path: Path, suffix: str) -> None:
    frames = [pillow.fromarray(np.roll(_smooth(24, 32), 5 * index, axis=1)) for index in range(4)]
    times = [40, 100, 250, 70]
    options = {"lossless": True} if suffix == ".webp" else {}
    source = tmp_path / f"a{suffix}"
    frames[0].save(source, save_all=True, append_images=frames[1:], duration=times, loop=3, **options)
    upscaler.file(source, tmp_path / f"b{suffix}", Target(2))
    with pillow.open(tmp_path / f"b{suffix}") as large:
        assert large.size == (64, 48)
        assert large.n_frames == 4
        seen = []
        for index in range(4):
            large.seek(index)
            large.load()
            seen.append(large.info["duration"])
        assert seen == times
    assert subpixel.read(tmp_path / f"b{suffix}").metadata.loop == subpixel.read(source).metadata.loop


def test_cmyk_becomes_rgb_and_says_so(upscaler: Upscaler, tmp_path: Path) -> None:
    pillow.fromarray(_smooth(30, 40)).convert("CMYK").save(tmp_path / "print.jpg", quality=95)
    result = upscaler.file(tmp_path / "print.jpg", tmp_path / "b.jpg", Target(2))
    assert any("CMYK" in note for note in result.notes)
    with pillow.open(tmp_path / "b.jpg") as large:
        assert large.mode == "RGB"


@pytest.mark.parametrize(
    ("suffix", "channels", "bits"),
    [
        (".png", 1, 8),
        (".png", 2, 16),
        (".tif", 1, 16),
        (".tif", 4, 8),
        (".webp", 4, 8),
        (".avif", 3, 8),
        (".ppm", 3, 8),
    ],
)
def test_format_and_depth_stay(upscaler: Upscaler, tmp_path: Path, suffix: str, channels: int, bits: int) -> None:
    kind = np.uint8 if bits == 8 else np.uint16
    pixels = np.random.default_rng(4).integers(0, np.iinfo(kind).max + 1, (1, 20, 26, channels), dtype=kind)
    subpixel.write(Picture(pixels), tmp_path / f"a{suffix}")
    result = upscaler.file(tmp_path / f"a{suffix}", tmp_path / f"b{suffix}", Target(2))
    back = subpixel.read(tmp_path / f"b{suffix}")
    assert (back.bits, back.channels, back.size) == (bits, channels, Size(52, 40))
    assert back.metadata.format == subpixel.read(tmp_path / f"a{suffix}").metadata.format
    assert result.notes == ()


def test_pillow_images_keep_profile_and_resolution() -> None:
    data = io.BytesIO()
    pillow.fromarray(_smooth(10, 12)).save(data, "png", dpi=(150, 150), icc_profile=b"profile")
    out = subpixel.upscale(pillow.open(data), scale=2)
    assert out.info["icc_profile"] == b"profile"
    assert out.size == (24, 20)
