"""A user's own networks: RGB or luma, any value range, any scale, from a folder."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest

from subpixel.errors import SubpixelError
from subpixel.image.resample import resize
from subpixel.plan import Target
from subpixel.types import Picture
from subpixel.upscaler import Upscaler

onnx = pytest.importorskip("onnx", reason="makes the networks: pip install onnx")


def _make(folder: Path, *, scale: int, channels: int, top: float) -> Path:
    """A network that repeats every sample `scale` times, and a card that says its values run from 0 to `top`."""
    from onnx import TensorProto, helper

    weights = np.zeros((channels * scale * scale, channels, 1, 1), np.float32)
    for index in range(len(weights)):
        weights[index, index // (scale * scale)] = 1
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["input", "w"], ["c"]),
            helper.make_node("DepthToSpace", ["c"], ["d"], blocksize=scale, mode="CRD"),
            helper.make_node("Clip", ["d", "low", "high"], ["output"]),  # shows values outside the card's range
        ],
        "repeat",
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["n", channels, "h", "w"])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["n", channels, "H", "W"])],
        [
            onnx.numpy_helper.from_array(weights, "w"),
            onnx.numpy_helper.from_array(np.float32(0.01 * top), "low"),
            onnx.numpy_helper.from_array(np.float32(0.99 * top), "high"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    data = model.SerializeToString()
    folder.mkdir()
    (folder / "mine.onnx").write_bytes(data)
    (folder / "card.toml").write_text(
        f'name = "mine"\ntitle = "Mine"\nsummary = "Repeats."\ntask = "super-resolution"\nfamily = "mine"\n'
        f'scale = {scale}\ncolour = "{"rgb" if channels == 3 else "y"}"\nvalue_range = [0.0, {top:.1f}]\nhalo = 0\n'
        f'weights = "mine.onnx"\nsha256 = "{hashlib.sha256(data).hexdigest()}"\nlicence = "MIT"\n'
    )
    return folder


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("top", [1.0, 255.0])
def test_rgb_network(tmp_path: Path, engine: str, top: float) -> None:
    if engine == "onnxruntime":
        pytest.importorskip("onnxruntime", reason="the optional engine is not installed")
    folder = _make(tmp_path / "mine", scale=3, channels=3, top=top)
    pixels = np.random.default_rng(0).integers(10, 245, (1, 21, 33, 3), dtype=np.uint8)
    made = Upscaler(folder, engine=engine, precision="fp32", tile=16).picture(Picture(pixels), Target(3)).picture
    np.testing.assert_array_equal(made.pixels[0], pixels[0].repeat(3, axis=0).repeat(3, axis=1))


def test_rgb_network_on_grey_with_alpha(tmp_path: Path) -> None:
    folder = _make(tmp_path / "mine", scale=2, channels=3, top=1.0)
    pixels = np.random.default_rng(0).integers(10, 245, (1, 9, 12, 2), dtype=np.uint8)
    made = Upscaler(folder, precision="fp32").picture(Picture(pixels), Target(2)).picture
    expected = pixels[0].repeat(2, axis=0).repeat(2, axis=1).astype(int)
    assert np.abs(made.pixels[0].astype(int) - expected).max() <= 1


def test_luma_network_at_a_scale_without_a_bicubic_network(tmp_path: Path) -> None:
    """Cb and Cr are resampled tile by tile then: the same but for the last bit, which may turn one rounding."""
    folder = _make(tmp_path / "mine", scale=5, channels=1, top=1.0)
    y, x = np.mgrid[:40, :50] / 6
    colour = np.stack([np.sin(x), np.cos(y), np.sin(x + y)], axis=2) * 0.3 + 0.5
    pixels = (colour * 255).round().astype(np.uint8)[None]
    whole = Upscaler(folder, precision="fp32", tile=512, threads=1).picture(Picture(pixels), Target(5)).picture
    tiled = Upscaler(folder, precision="fp32", tile=16, threads=3).picture(Picture(pixels), Target(5)).picture
    assert np.abs(whole.pixels.astype(int) - tiled.pixels).max() <= 1
    smooth = resize(pixels[0].transpose(2, 0, 1).astype(np.float32), 200, 250).transpose(1, 2, 0)
    assert np.abs(whole.pixels[0] - smooth).mean() < 6


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
@pytest.mark.parametrize(("old", "new"), [("scale = 5", "scale = 4"), ('colour = "y"', 'colour = "rgb"')])
def test_a_card_that_is_not_the_networks(tmp_path: Path, engine: str, old: str, new: str) -> None:
    if engine == "onnxruntime":
        pytest.importorskip("onnxruntime", reason="the optional engine is not installed")
    card = _make(tmp_path / "mine", scale=5, channels=1, top=1.0) / "card.toml"
    card.write_text(card.read_text().replace(old, new))
    upscaler = Upscaler(card, engine=engine, precision="fp32")
    with pytest.raises(SubpixelError, match="mine") as caught:
        upscaler.picture(Picture(np.zeros((1, 9, 9, 3), np.uint8)), Target(4))
    assert "\n" not in str(caught.value)


def test_one_network_makes_every_factor(tmp_path: Path) -> None:
    folder = _make(tmp_path / "mine", scale=5, channels=1, top=1.0)
    made = Upscaler(folder).picture(Picture(np.full((1, 8, 8, 3), 99, np.uint8)), Target(7.3))
    assert len(made.plan.passes) == 2
    assert made.picture.size.width == 58
    assert (np.abs(made.picture.pixels.astype(int) - 99) <= 1).all()
