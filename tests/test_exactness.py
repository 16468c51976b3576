"""Tiles never show: however a picture is cut, the result is the one computed in one piece, byte for byte."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subpixel import zoo
from subpixel.engines import has_bf16, has_vnni
from subpixel.plan import Target
from subpixel.types import Picture, Precision
from subpixel.upscaler import Upscaler
from tests import networks

FLOATS: tuple[Precision, ...] = ("fp32", "bf16") if has_bf16() else ("fp32",)
PRECISIONS: tuple[Precision, ...] = (*FLOATS, "int8") if has_vnni() else FLOATS
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


_HEAVY = 50_000  # multiply-adds per pixel from which on fewer sizes have to do: seconds count


def _check(model: str | Path, precision: Precision) -> None:
    """Every result of a model, alone and all in one run, on odd sizes down to 1×1, in several cuts."""
    scales = zoo.card(model).scales
    if precision == "int8" and not zoo.card(model).int8:
        pytest.skip("has no int8")
    cuts = [Upscaler(model, tile=t, threads=n, precision=precision) for t, n in ((16, 1), (23, 2), (64, 3))]
    piece = Upscaler(model, tile=WHOLE, threads=1, precision=precision)
    heavy = zoo.card(model).work > _HEAVY
    for height, width in ((1, 37), (53, 97)) if heavy else ((1, 1), (1, 37), (2, 3), (53, 97), (120, 75)):
        picture = _picture(height, width)
        for asked in {scales, *((scale,) for scale in scales)}:
            targets = [Target(scale) for scale in asked]
            wholes = piece.pictures(picture, targets)
            assert [whole.picture.size for whole in wholes] == [picture.size.times(scale) for scale in asked]
            for cut in cuts:
                for tiled, whole in zip(cut.pictures(picture, targets), wholes, strict=True):
                    np.testing.assert_array_equal(
                        tiled.picture.pixels, whole.picture.pixels, err_msg=f"{height}×{width}, tile {cut.tile}"
                    )


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", zoo.model_names())
def test_tiled_equals_whole(name: str, precision: Precision) -> None:
    _check(name, precision)


OWN: dict[str, Callable[[Path], Path]] = {
    "rgb": networks.rgb,
    "deep": lambda folder: networks.rgb(folder, scale=3, layers=12),
    "two": networks.two_outputs,
    "two-luma": lambda folder: networks.two_outputs(folder, channels=1),
    "two-strides": lambda folder: networks.two_outputs(folder, strides=True),
    "strides": networks.strided,
    "strides-4": lambda folder: networks.strided(folder, depth=2),
    "strides-8": lambda folder: networks.strided(folder, depth=3, scale=3),
    "strides-luma": lambda folder: networks.strided(folder, channels=1),
    "int8": networks.int8,
    "int8-rgb": lambda folder: networks.int8(folder, channels=3, scale=3),
}


@pytest.fixture(scope="session", params=OWN)
def own(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of another kind: on RGB, deep, with several outputs, with strides inside."""
    pytest.importorskip("onnx", reason="makes the networks: pip install onnx")
    return OWN[request.param](tmp_path_factory.mktemp("own") / request.param)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_tiled_equals_whole_for_every_kind_of_network(own: Path, precision: Precision) -> None:
    _check(own, precision)


INT8 = [name for name in zoo.model_names() if zoo.card(name).int8]


@pytest.mark.skipif(not has_vnni(), reason="this processor computes no int8")
@pytest.mark.parametrize("model", ["own", *INT8])
def test_int8_gives_the_same_pixels_in_every_engine(model: str, tmp_path: Path) -> None:
    """All arithmetic is exact, so that the order of it does not matter."""
    pytest.importorskip("onnxruntime", reason="the optional engine is not installed")
    if model == "own":
        pytest.importorskip("onnx", reason="makes the network: pip install onnx")
    source = networks.int8(tmp_path / "own") if model == "own" else model
    target = Target(zoo.card(source).scale)
    picture = _picture(261, 330)
    results = [
        Upscaler(source, engine=engine, precision="int8", tile=tile).picture(picture, target).picture.pixels
        for engine, tile in (("openvino", 64), ("onnxruntime", 100))
    ]
    np.testing.assert_array_equal(*results)


def test_the_whole_is_what_the_network_gives(own: Path) -> None:
    """Padded by repetition to what the network needs, run once by the engine, and cut."""
    from subpixel.engines import EngineSettings, load_engine

    model = zoo.load_model(own)
    card, (height, width) = model.card, (37, 51)
    margin, down, right = (n + -n % card.align for n in (card.halo, height, width))
    grey = _picture(height, width, 1).pixels[0, ..., 0].astype(np.float32) / 255
    sides = ((margin, margin + down - height), (margin, margin + right - width))
    padded = np.pad(grey, sides, mode="edge")[None, None].repeat(card.channels, axis=1)
    if card.colour == "y":
        padded = (padded * 219 + 16) / 255
    results = load_engine("openvino").load(model.network, EngineSettings(1, "fp32"))(padded.astype(np.float32))
    pixels = np.rint(grey * 255).astype(np.uint8)[None, ..., None]
    made = Upscaler(own, tile=20, precision="fp32").pictures(Picture(pixels), [Target(s) for s in card.scales])
    for result, one, scale in zip(results, made, card.scales, strict=True):
        inner = result[0, :, margin * scale :, margin * scale :][:, : height * scale, : width * scale]
        luma = inner[0] if card.colour == "y" else inner.transpose(1, 2, 0) @ (65.481, 128.553, 24.966) / 255 + 16 / 255
        expected = np.clip((luma * 255 - 16) / 219 * 255, 0, 255)
        assert np.abs(one.picture.pixels[0, ..., 0] - expected).max() < 0.51


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.integers(1, 90),
    st.integers(1, 90),
    st.sampled_from([1, 2, 3, 4]),
    st.sampled_from([np.uint8, np.uint16]),
    st.lists(st.floats(0.2, 7) | st.sampled_from([2, 4]), min_size=1, max_size=3),
    st.integers(16, 50),
)
def test_strides_and_several_outputs_for_any_factor(
    own: Path, height: int, width: int, channels: int, dtype: type, factors: list[float], tile: int
) -> None:
    picture = _picture(height, width, channels, dtype)
    targets = [Target(factor) for factor in factors]
    wholes = Upscaler(own, tile=WHOLE, threads=1, precision="fp32").pictures(picture, targets)
    tileds = Upscaler(own, tile=tile, threads=2, precision="fp32").pictures(picture, targets)
    for tiled, whole, target in zip(tileds, wholes, targets, strict=True):
        assert whole.picture.size == target.size_for(picture.size)
        np.testing.assert_array_equal(tiled.picture.pixels, whole.picture.pixels)


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
