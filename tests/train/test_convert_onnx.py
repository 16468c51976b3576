"""ONNX files made elsewhere: what they are is read, and found out by running them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="converting needs PyTorch: pip install 'subpixel[train,convert]'")
onnx = pytest.importorskip("onnx", reason="converting needs onnx: pip install 'subpixel[train,convert]'")

from drawn import draw  # noqa: E402
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

import subpixel  # noqa: E402
from subpixel import zoo  # noqa: E402
from subpixel.errors import ModelDamaged, ModelError, SettingError  # noqa: E402
from subpixel_train.convert import Options, convert, cost  # noqa: E402

SCALE = 2


@pytest.fixture(scope="module", autouse=True)
def memory_as_counted() -> Iterator[None]:
    """Memory is measured in a process of its own, which test_convert_isr does for once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cost, "values_held", lambda onnx, **facts: facts["guess"])
        yield


def enlarging(
    path: Path,
    *,
    channels: int = 3,
    kernel: int = 5,
    top: float = 1.0,
    kind: int = TensorProto.FLOAT,
    shape: tuple[object, ...] | None = None,
    stride: int = 1,
    pools: bool = False,
    scale: int = SCALE,
    out: int | None = None,
) -> Path:
    """A network of one convolution and a pixel shuffle: what it makes is what went in, softened.

    Args:
        path: where to.
        channels: of input and output.
        kernel: of the convolution; half of it is how far the network sees.
        top: what white is.
        kind: type of input and output.
        shape: of the input.
        stride: side of the blocks that a pooling and an enlargement in front make of the picture.
        pools: add a tenth of the picture's mean.
        scale: factor.
        out: name of a second output.
    """
    rng = np.random.default_rng(3)
    out_channels = channels * scale**2
    weights = np.zeros((out_channels, channels, kernel, kernel))
    for index in range(out_channels):
        one = rng.random((kernel, kernel))
        weights[index, index // scale**2] = one / one.sum()
    number = np.float16 if kind == TensorProto.FLOAT16 else np.float32
    constants = [numpy_helper.from_array(weights.astype(number), "w")]
    nodes, current = [], "picture"
    if stride > 1:
        sides = {"kernel_shape": [stride, stride], "strides": [stride, stride]}
        nodes.append(helper.make_node("MaxPool", [current], ["p"], **sides))
        constants.append(numpy_helper.from_array(np.array([1, 1, stride, stride], np.float32), "sizes"))
        nodes.append(helper.make_node("Resize", ["p", "", "sizes"], ["q"], mode="nearest",
                                      coordinate_transformation_mode="asymmetric", nearest_mode="floor"))  # fmt: skip
        current = "q"
    nodes.append(helper.make_node("Conv", [current, "w"], ["c"], pads=[kernel // 2] * 4))
    current = "c"
    if pools:
        constants.append(numpy_helper.from_array(np.array(0.1, number), "tenth"))
        nodes.append(helper.make_node("GlobalAveragePool", ["c"], ["mean"]))
        nodes.append(helper.make_node("Mul", ["mean", "tenth"], ["part"]))
        nodes.append(helper.make_node("Add", ["c", "part"], ["d"]))
        current = "d"
    nodes.append(helper.make_node("DepthToSpace", [current], ["shuffled"], blocksize=scale, mode="CRD"))
    constants.append(numpy_helper.from_array(np.array(top, number), "top"))
    constants.append(numpy_helper.from_array(np.array(0, number), "zero"))
    nodes.append(helper.make_node("Clip", ["shuffled", "zero", "top"], ["large"]))
    x = helper.make_tensor_value_info("picture", kind, shape or ["n", channels, "h", "w"])
    outputs = [helper.make_tensor_value_info("large", kind, ["n", channels, "H", "W"])]
    if out:
        nodes.append(helper.make_node("Identity", ["large"], [out]))
        outputs.append(helper.make_tensor_value_info(out, kind, ["n", channels, "H", "W"]))
    model = helper.make_model(
        helper.make_graph(nodes, "net", [x], outputs, constants),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
    )
    onnx.save(model, path)
    return path


def test_scale_colour_halo_and_costs_are_found(tmp_path: Path) -> None:
    made = convert(enlarging(tmp_path / "net.onnx", kernel=7), tmp_path / "out")
    card = zoo.card(tmp_path / "out")
    assert (card.name, card.scale, card.colour, card.halo, card.align) == ("net", 2, "rgb", 3, 1)
    assert card.value_range == (0.0, 1.0)
    assert card.parameters == 12 * 3 * 49 + 2  # with the two bounds
    assert card.macs == 12 * 3 * 49
    assert "Tiles never show." in card.summary
    assert made.difference < 1e-5
    assert (tmp_path / "out" / "net.onnx").is_file()
    picture = draw(40, 50, 1)
    large = np.asarray(subpixel.upscale(picture, scale=2, model=tmp_path / "out"))
    back = large.reshape(40, 2, 50, 2, 3).mean(axis=(1, 3))
    assert np.abs(back - picture).mean() < 30, "it softens, no more"


@pytest.mark.parametrize("given", [None, (0.0, 255.0)])
def test_a_range_to_255_is_found_or_given(given: tuple[float, float] | None, tmp_path: Path) -> None:
    source = enlarging(tmp_path / "net.onnx", top=255.0)
    if given is None:  # without its bounds it would be right in any range: nothing to find
        model = onnx.load(source)
        bias = numpy_helper.from_array(np.full(12, 20, np.float32), "bias")
        model.graph.initializer.append(bias)
        model.graph.node[0].input.append("bias")
        onnx.save(model, source)
    convert(source, tmp_path / "out", Options(value_range=given))
    assert zoo.card(tmp_path / "out").value_range == (0.0, 255.0)
    made = np.asarray(subpixel.upscale(draw(20, 20, 1), scale=2, model=tmp_path / "out"))
    assert 60 < made.mean() < 200


def test_half_precision_at_the_ends_becomes_float(tmp_path: Path) -> None:
    convert(enlarging(tmp_path / "net.onnx", kind=TensorProto.FLOAT16), tmp_path / "out")
    graph = onnx.load(tmp_path / "out" / "net.onnx").graph
    assert {value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)} == {TensorProto.FLOAT}
    subpixel.upscale(draw(20, 20, 1), scale=2, model=tmp_path / "out")


def test_steps_inside_are_found(tmp_path: Path) -> None:
    """Sizes that are no multiple of 4 run, but places are alike in steps of 4 only."""
    convert(enlarging(tmp_path / "net.onnx", stride=4), tmp_path / "out")
    card = zoo.card(tmp_path / "out")
    assert card.align == 4 and card.halo % 4 == 0 and card.halo <= 8
    picture = draw(50, 70, 4)
    results = []
    for tile in (1024, 32):
        with subpixel.Upscaler(tmp_path / "out", precision="fp32", threads=1, tile=tile) as upscaler:
            results.append(np.asarray(upscaler.upscale(picture, scale=2)).astype(int))
    assert np.abs(results[0] - results[1]).max() <= 1


def test_what_looks_at_everything_is_said(tmp_path: Path) -> None:
    made = convert(enlarging(tmp_path / "net.onnx", pools=True), tmp_path / "out")
    assert any(note.startswith("It looks at the whole picture") for note in made.notes)
    assert "looks at the whole picture" in zoo.card(tmp_path / "out").summary


def test_grey(tmp_path: Path) -> None:
    convert(enlarging(tmp_path / "net.onnx", channels=1), tmp_path / "out")
    assert zoo.card(tmp_path / "out").colour == "y"
    convert(tmp_path / "net.onnx", tmp_path / "studio", Options(studio=True))
    assert zoo.card(tmp_path / "studio").value_range == (0.0, 1.0)


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"shape": ("n", 3, 64, 64)}, "one size only, .×3×64×64: export it with free height and width"),
        ({"shape": ("n", "h", "w", 3)}, "channels last"),
        ({"shape": ("n", 4, "h", "w")}, "1 or 3 channels"),
        ({"scale": 1}, "enlarges by 1"),
        ({"out": "again"}, "more than one input or output: picture → large, again"),
    ],
)
def test_what_tiles_cannot_be_run_through_is_refused(form: dict[str, object], said: str, tmp_path: Path) -> None:
    source = enlarging(tmp_path / "net.onnx", **form)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match=said):
        convert(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_what_is_no_onnx_is_refused(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(b"not a network at all")
    with pytest.raises(ModelDamaged, match="is not an ONNX file, or damaged"):
        convert(tmp_path / "net.onnx")
    whole = enlarging(tmp_path / "whole.onnx")
    with pytest.raises(SettingError, match="--half is for weights"):
        convert(whole, tmp_path / "out", Options(half=True))
