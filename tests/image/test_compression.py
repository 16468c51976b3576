"""What is known of a picture's compression: read off files, or told from pixels."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import subpixel
from subpixel.image import compression
from subpixel.image.arrays import from_array
from subpixel.image.coding import jpeg_quality, luma_steps, vp8_coding, webp_quality
from subpixel.image.compression import Limits, assess
from subpixel.types import Coding, Picture

pillow = pytest.importorskip("PIL.Image", reason="Pillow makes the files")


def _scene(height: int = 160, width: int = 200, seed: int = 0) -> np.ndarray:
    """Something like a photograph: shapes and texture of all sizes, soft, not clipped."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3))
    for size in (4, 8, 16, 32, 64):
        small = rng.random((height // size + 2, width // size + 2, 3)) - 0.5
        large = np.stack(
            [
                np.asarray(pillow.fromarray(small[..., index].astype(np.float32)).resize((width, height), 3))
                for index in range(3)
            ],
            axis=2,
        )
        total += large * size**0.7
    total += rng.normal(0, 0.15, total.shape)
    low, high = total.min(), total.max()
    return ((total - low) / (high - low) * 235 + 10).round().astype(np.uint8)


def _coded(pixels: np.ndarray, kind: str = "JPEG", **options: object) -> bytes:
    file = io.BytesIO()
    pillow.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("quality", [1, 30, 49, 50, 62, 75, 90, 95, 100])
@pytest.mark.parametrize(("subsampling", "chroma"), [(0, "4:4:4"), (1, "4:2:2"), (2, "4:2:0")])
def test_jpeg_says_its_quality(quality: int, subsampling: int, chroma: str) -> None:
    for progressive in (False, True):
        data = _coded(_scene(40, 56), quality=quality, subsampling=subsampling, progressive=progressive)
        assert subpixel.read(data).coding == Coding("JPEG", quality, chroma)  # type: ignore[arg-type]
        with pillow.open(io.BytesIO(data)) as opened:
            from subpixel.image.pillow import from_pillow

            assert from_pillow(opened).coding == Coding("JPEG", quality, chroma)  # type: ignore[arg-type]


def test_grey_jpeg_has_no_chroma() -> None:
    assert subpixel.read(_coded(_scene(40, 56)[..., 0], quality=80)).coding == Coding("JPEG", 80, "grey")


def test_tables_of_other_encoders_get_the_nearest_quality() -> None:
    rng = np.random.default_rng(0)
    for quality in (30, 60, 85):
        steps = luma_steps(quality)
        other = np.maximum(1, np.rint(steps * rng.uniform(0.8, 1.25, steps.shape))).astype(np.int64)
        assert abs(jpeg_quality(other) - quality) <= 3
    flat = [16] * 64
    read = subpixel.read(_coded(_scene(40, 56), qtables=[flat, flat]))
    assert read.coding is not None
    assert 60 <= read.coding.quality <= 85, "between what its low and what its high frequencies are like"


@given(st.binary(max_size=200), st.integers(0, 255))
@settings(max_examples=200, deadline=None)
def test_damaged_segments_say_nothing_wrong(data: bytes, marker: int) -> None:
    from subpixel.image.coding import JpegTables

    tables = JpegTables()
    tables.take(marker, data)
    tables.take(0xC0, data)
    found = tables.coding()
    assert found is None or 1 <= found.quality <= 100
    coded = vp8_coding(b"\x10\0\0\x9d\x01\x2a" + data)
    assert coded is None or 1 <= coded.quality <= 100


@pytest.mark.parametrize("quality", [10, 30, 50, 75, 90, 100])
def test_webp_says_its_quality(quality: int) -> None:
    read = subpixel.read(_coded(_scene(), "WEBP", quality=quality))
    assert read.coding is not None
    assert read.coding.name == "WebP"
    assert abs(read.coding.quality - quality) <= 8
    assert subpixel.read(_coded(_scene(), "WEBP", lossless=True)).coding is None


def test_webp_quality_turns_libwebp_round() -> None:
    for quality in range(5, 100):  # libwebp's QualityToCompression
        linear = quality / 100 * 2 / 3 if quality < 75 else 2 * quality / 100 - 1
        assert abs(webp_quality(int(127 * (1 - linear ** (1 / 3)))) - quality) <= 2


@pytest.mark.parametrize("quality", [20, 50, 74, 82])
@pytest.mark.parametrize("corner", [(0, 0), (3, 5)])
def test_pixels_remember_a_jpeg(quality: int, corner: tuple[int, int]) -> None:
    with pillow.open(io.BytesIO(_coded(_scene(), quality=quality))) as opened:
        pixels = np.ascontiguousarray(np.asarray(opened)[corner[0] :, corner[1] :])
    found = assess(from_array(pixels))
    assert found.squeezed
    if found.quality is not None or quality > 50:
        assert found.quality == quality
        assert found.reason == f"was once a JPEG of quality {quality}"
    deep = assess(from_array(pixels.astype(np.float32) / 255))
    assert deep.quality == found.quality, "floats remember too"


def test_a_jpeg_coded_again_finely_is_still_squeezed() -> None:
    with pillow.open(io.BytesIO(_coded(_scene(), quality=50))) as opened:
        again = _coded(np.asarray(opened), quality=96)
    found = assess(subpixel.read(again))
    assert found.squeezed
    assert found.quality == 50
    assert found.reason == "JPEG of quality 96, chroma halved; was once a JPEG of quality 50"


def test_clean_pictures_are_clean() -> None:
    for seed in range(8):
        found = assess(from_array(_scene(96 + 8 * seed, 120, seed)))
        assert not found.squeezed, found
        assert found.quality is None
        assert found.reason == "no sign of compression"


@given(st.integers(1, 40), st.integers(1, 70), st.integers(1, 4), st.sampled_from([np.uint8, np.uint16]))
@settings(max_examples=40, deadline=None)
def test_any_size_can_be_judged(height: int, width: int, channels: int, dtype: type) -> None:
    pixels = np.random.default_rng(height).integers(0, np.iinfo(dtype).max, (1, height, width, channels)).astype(dtype)
    found = assess(Picture(pixels))
    assert found.reason
    assert found.quality is None or 1 <= found.quality <= 100


def test_limits_are_settings() -> None:
    picture = subpixel.read(_coded(_scene(), quality=82, subsampling=0))
    assert assess(picture).reason == "JPEG of quality 82"
    assert assess(picture).squeezed
    assert not assess(picture, Limits(quality=78)).squeezed


def test_a_jpeg_just_above_the_limit_is_not_squeezed_by_what_its_pixels_remember() -> None:
    for quality in range(88, 94):
        found = assess(subpixel.read(_coded(_scene(), quality=quality)))
        assert not found.squeezed and found.quality == quality


def test_webp_has_a_limit_of_its_own() -> None:
    for quality, squeezed in ((60, True), (78, False)):
        file = io.BytesIO()
        pillow.fromarray(_scene()).save(file, "WEBP", quality=quality)
        assert assess(subpixel.read(file.getvalue())).squeezed == squeezed


def test_large_pictures_take_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []
    bands = compression._bands

    def counted(*words: Any, **named: Any) -> Any:
        made = bands(*words, **named)
        looked.append(made.size)
        return made

    monkeypatch.setattr(compression, "_bands", counted)
    for side in (200, 1000, 4000):
        assess(Picture(np.zeros((1, side, side, 1), np.uint8)))
    assert looked[0] == 192 * 200
    assert max(looked) <= compression._SAMPLES


def test_benchmark_pictures(request: pytest.FixtureRequest) -> None:
    """On the real sets: clean ones pass for clean, compressed ones are recognised, saved as PNG too."""
    import os

    folder = Path(os.environ.get("SUBPIXEL_DATA", "")) / "benchmark/Set14/LR/x2"
    if not os.environ.get("SUBPIXEL_DATA") or not folder.is_dir():
        pytest.skip("needs SUBPIXEL_DATA")
    pictures = [subpixel.read(path) for path in sorted(folder.iterdir())]
    clean = [assess(Picture(one.pixels)).squeezed for one in pictures]
    assert not any(clean)
    for quality in (30, 50, 70):
        again = [subpixel.read(_coded(one.pixels[0].squeeze(), quality=quality)) for one in pictures]
        assert all(assess(one).quality == quality for one in again)
        told = [assess(Picture(one.pixels)).squeezed for one in again]
        assert sum(told) >= len(told) - 1


def _reread(pixels: np.ndarray, quality: int) -> np.ndarray:
    with pillow.open(io.BytesIO(_coded(pixels, quality=quality))) as opened:
        return np.asarray(opened)


def test_a_turned_picture_remembers() -> None:
    found = assess(Picture(np.ascontiguousarray(np.rot90(_reread(_scene(), 60)))[None]))
    assert found.squeezed and found.quality is not None and abs(found.quality - 60) <= 3


def test_cropped_and_coded_finely_again_is_still_squeezed() -> None:
    rng = np.random.default_rng(4)
    scene = np.clip(_scene() + rng.normal(0, 6, _scene().shape), 0, 255).astype(np.uint8)
    again = _coded(_reread(scene, 30)[3:, 5:], quality=92)
    found = assess(subpixel.read(again))
    assert found.squeezed and found.quality is not None and found.quality <= 40


@pytest.mark.parametrize("width", [200, 256, 333, 512])
@pytest.mark.parametrize("turned", [False, True])
def test_gradients_were_no_jpeg(width: int, turned: bool) -> None:
    ramp = np.linspace(0, 255, width).round().astype(np.uint8)
    pixels = np.tile(ramp[:, None] if turned else ramp, (1, width) if turned else (width, 1))
    assert not assess(Picture(pixels[None, ..., None].repeat(3, axis=3))).squeezed


def test_noise_of_a_dark_room_shows_and_a_little_does_not() -> None:
    y, x = np.mgrid[:300, :400]
    scene = 128 + 60 * np.sin(x / 40)[..., None] * np.cos(y / 55)[..., None] * np.array([1, 0.8, 0.6])
    scene[:90] = 255  # a window: clipped, without noise
    for spread, shown in ((12, True), (16, True), (3, False)):
        noisy = scene + np.random.default_rng(1).normal(0, spread, scene.shape)
        noisy[:90] = 255
        found = assess(Picture(np.clip(np.rint(noisy), 0, 255).astype(np.uint8)[None]))
        assert found.squeezed is shown, found
        if shown:
            assert "noise of" in found.reason


def test_dense_text_and_palettes_are_not_noise() -> None:
    rng = np.random.default_rng(0)
    text = (rng.random((200, 300, 1)) < 0.3).astype(np.uint8) * 255
    palette = rng.integers(0, 256, (40, 3), np.uint8)[rng.integers(0, 40, (200, 300))]
    for pixels in (text, text.repeat(3, axis=2), palette):
        assert not assess(Picture(pixels[None])).squeezed


def test_pillow_pictures_changed_in_place_are_looked_at() -> None:
    """Pillow keeps a JPEG's tables whatever was done to its samples since."""
    data = _coded(_scene(), quality=62)
    as_read = pillow.open(io.BytesIO(data))
    assert subpixel.image.from_pillow(as_read).coding is not None
    smaller = pillow.open(io.BytesIO(data))
    smaller.thumbnail((100, 70))
    drafted = pillow.open(io.BytesIO(data))
    drafted.draft("RGB", (100, 70))
    for image in (smaller, drafted):
        assert subpixel.image.from_pillow(image).coding is None


def test_the_first_frame_of_an_animation_tells(tmp_path: Path) -> None:
    frames = [pillow.fromarray(np.roll(_scene(), shift, axis=1)) for shift in (0, 8, 16)]
    for name, options in (("lossy", {"quality": 20}), ("lossless", {"lossless": True})):
        path = tmp_path / f"{name}.webp"
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=50, **options)
        coding = subpixel.read(path).coding
        assert (coding is None) if name == "lossless" else (coding is not None and coding.quality < 40)
