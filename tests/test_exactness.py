"""Tiles never show: however a picture is cut, the result is the one computed in one piece, byte for byte."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subpixel import zoo
from subpixel.engines import has_bf16
from subpixel.plan import Target
from subpixel.types import Picture, Precision
from subpixel.upscaler import Upscaler

PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16") if has_bf16() else ("fp32",)
WHOLE = 8192


def _picture(height: int, width: int, channels: int = 3, dtype: type = np.uint8, seed: int = 1) -> Picture:
    """Texture, edges and flat areas, so that a seam would show."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = np.stack([np.sin(x / (3 + c)) * np.cos(y / (5 - c)) for c in range(channels)], axis=2)
    mixed = 0.5 + 0.3 * waves + 0.2 * rng.standard_normal((height, width, channels))
    mixed[height // 3 : height // 2, width // 4 : width // 2] = 0.9
    top = np.iinfo(dtype).max
    return Picture((np.clip(mixed, 0, 1) * top).round().astype(dtype)[None])


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", zoo.model_names())
def test_tiled_equals_whole(name: str, precision: Precision) -> None:
    scale = zoo.card(name).scale
    for height, width in ((1, 1), (1, 37), (2, 3), (53, 97), (120, 75)):
        picture = _picture(height, width)
        whole = Upscaler(name, tile=WHOLE, threads=1, precision=precision).picture(picture, Target(scale)).picture
        assert whole.size == picture.size.times(scale)
        for tile, threads in ((16, 1), (23, 2), (64, 3)):
            tiled = Upscaler(name, tile=tile, threads=threads, precision=precision).picture(picture, Target(scale))
            np.testing.assert_array_equal(tiled.picture.pixels, whole.pixels, err_msg=f"{height}×{width}, tile {tile}")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.sampled_from([1, 2, 3, 4]),
    st.sampled_from([np.uint8, np.uint16]),
    st.floats(0.2, 7),
    st.integers(16, 50),
)
def test_tiled_equals_whole_for_any_factor(
    height: int, width: int, channels: int, dtype: type, factor: float, tile: int
) -> None:
    picture = _picture(height, width, channels, dtype)
    whole = Upscaler("espcn", tile=WHOLE, threads=1, precision="fp32").picture(picture, Target(factor)).picture
    tiled = Upscaler("espcn", tile=tile, threads=2, precision="fp32").picture(picture, Target(factor)).picture
    assert whole.size == Target(factor).size_for(picture.size)
    assert whole.pixels.dtype == dtype
    np.testing.assert_array_equal(tiled.pixels, whole.pixels)


def _peak(picture: Picture, factor: float) -> int:
    """Most bytes that numpy holds while a picture is made larger, beyond the result."""
    import tracemalloc

    upscaler = Upscaler("espcn", engine="fake", tile=32, threads=2)
    upscaler.picture(_picture(8, 8), Target(factor))  # what is loaded once does not count
    tracemalloc.start()
    result = upscaler.picture(picture, Target(factor)).picture
    _, top = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return top - result.pixels.nbytes


def test_working_memory_does_not_grow_with_height() -> None:
    """Strips between stages are freed as the result grows: only input and output scale with the picture."""
    grown = _peak(_picture(1600, 96), 5.5) - _peak(_picture(200, 96), 5.5)  # two passes and a resampling
    intermediate = 6 * 6 * 4 * 3 * 96 * 1400  # what holding the pass's float result would add
    assert grown < intermediate / 10


def test_reducing_a_lot_needs_little() -> None:
    tall = _peak(_picture(8000, 96), 0.02)
    assert tall < 8000 * 96 * 3 * 4 / 4, "a quarter of the picture in float32"
