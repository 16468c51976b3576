"""Tiles never show: however a picture is cut, the result is the one computed in one piece, byte for byte."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from subpixel import zoo
from subpixel.engines import has_vnni
from subpixel.plan import Target
from subpixel.types import Picture, Precision
from subpixel.upscaler import Upscaler
from tests import networks
from tests.exactness.cutting import PRECISIONS, check, picture


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", zoo.model_names())
def test_tiled_equals_whole(name: str, precision: Precision) -> None:
    check(name, precision)


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
    source_picture = picture(117, 145)
    results = [
        Upscaler(source, engine=engine, precision="int8", tile=tile).picture(source_picture, target).picture.pixels
        for engine, tile in (("openvino", 64), ("onnxruntime", 100))
    ]
    np.testing.assert_array_equal(*results)


def _peak(source: Picture, factor: float) -> int:
    """Most bytes that numpy holds while a picture is made larger, beyond the result."""
    import tracemalloc

    upscaler = Upscaler("espcn", engine="fake", tile=32, threads=2)
    upscaler.picture(picture(8, 8), Target(factor))  # what is loaded once does not count
    tracemalloc.start()
    result = upscaler.picture(source, Target(factor)).picture
    _, top = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return top - result.pixels.nbytes


def test_working_memory_does_not_grow_with_height() -> None:
    """Strips between stages are freed as the result grows: only input and output scale with the picture."""
    grown = _peak(picture(1600, 96), 5.5) - _peak(picture(200, 96), 5.5)  # two passes and a resampling
    intermediate = 6 * 6 * 4 * 3 * 96 * 1400  # what holding the pass's float result would add
    assert grown < intermediate / 10


def test_reducing_a_lot_needs_little() -> None:
    tall = _peak(picture(8000, 96), 0.02)
    assert tall < 8000 * 96 * 3 * 4 / 4, "a quarter of the picture in float32"
