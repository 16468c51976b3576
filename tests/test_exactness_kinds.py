"""The same for networks of every kind and for any factor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from subpixel import zoo
from subpixel.plan import Target
from subpixel.types import Picture, Precision
from subpixel.upscaler import Upscaler
from tests import networks
from tests.exactness.cutting import PRECISIONS, WHOLE, check, picture, upscaler

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
    check(own, precision)


def test_the_whole_is_what_the_network_gives(own: Path) -> None:
    """Padded by repetition to what the network needs, run once by the engine, and cut."""
    from subpixel.engines import EngineSettings, load_engine

    model = zoo.load_model(own)
    card, (height, width) = model.card, (37, 51)
    margin, down, right = (n + -n % card.align for n in (card.halo, height, width))
    grey = picture(height, width, 1).pixels[0, ..., 0].astype(np.float32) / 255
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


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
    source = picture(height, width, channels, dtype)
    targets = [Target(factor) for factor in factors]
    piece, cut = upscaler(own, 1), upscaler(own, 2)
    piece.tile, cut.tile = WHOLE, tile
    wholes, tileds = piece.pictures(source, targets), cut.pictures(source, targets)
    for tiled, whole, target in zip(tileds, wholes, targets, strict=True):
        assert whole.picture.size == target.size_for(source.size)
        np.testing.assert_array_equal(tiled.picture.pixels, whole.picture.pixels)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
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
    source = picture(height, width, channels, dtype)
    piece, cut = upscaler("espcn", 1), upscaler("espcn", 2)
    piece.tile, cut.tile = WHOLE, tile
    whole, tiled = (one.picture(source, Target(factor)).picture for one in (piece, cut))
    assert whole.size == Target(factor).size_for(source.size)
    assert whole.pixels.dtype == dtype
    np.testing.assert_array_equal(tiled.pixels, whole.pixels)
