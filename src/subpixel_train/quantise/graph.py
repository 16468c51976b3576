"""An int8 network as one ONNX file in QDQ form, written node by node.

Weights are int8 behind a DequantizeLinear, a scale for every output channel, biases int32 behind one too. Before every
convolution stands a pair of QuantizeLinear and DequantizeLinear (uint8, 1/256, zero point 0): engines turn each pair
and the convolution after it into one in integers. Without the pairs it is the same network in float.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from subpixel_train.graph import assemble, convolution, shuffle
from subpixel_train.networks.base import MEAN
from subpixel_train.networks.colour import ColourCoreInt8
from subpixel_train.networks.plain_int8 import ExactBackProjection, PlainInt8
from subpixel_train.quantise import grid
from subpixel_train.quantise.layers import FINER, MIDDLE, Whole, quantised, quantised_first

_STEP: Final = "step"
_ZERO: Final = "zero"
_FINE_STEP: Final = "fine.step"
_FINE_STEPS: Final = "fine.steps"


class _Graph:
    """Nodes and constants, as they are added."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: torch.Tensor, kind: type[np.generic] = np.float32) -> str:
        self.constants.append(numpy_helper.from_array(values.detach().cpu().numpy().astype(kind), name))
        return name

    def node(self, kind: str, inputs: list[str], name: str, **settings: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, **settings))
        return name

    def rounded(self, source: str) -> str:
        """The pair that rounds to the grid."""
        steps = self.node("QuantizeLinear", [source, _STEP, _ZERO], f"{source}.u8")
        return self.node("DequantizeLinear", [steps, _STEP, _ZERO], f"{source}.rounded")

    def fine(self, source: str) -> str:
        """Rounding to the fine grid; the factors are powers of two, so nothing else is rounded."""
        steps = self.node("Mul", [source, _FINE_STEPS], f"{source}.steps")
        whole = self.node("Round", [steps], f"{source}.whole")
        return self.node("Mul", [whole, _FINE_STEP], f"{source}.fine")

    def split(self, source: str) -> str:
        """Luma and what its rounding leaves, as `quantise.layers.split` makes them, not rounded yet."""
        left = self.node("Sub", [source, self.rounded(source)], f"{source}.left")
        larger = self.node("Mul", [left, self.constant("finer", torch.tensor(float(FINER)))], f"{source}.larger")
        shifted = self.node("Add", [larger, self.constant("middle", torch.tensor(MIDDLE))], f"{source}.shifted")
        return self.node("Concat", [source, shifted], f"{source}.split", axis=1)

    def layer(self, source: str, name: str, layer: torch.nn.Conv2d, whole: Whole | None = None) -> str:
        """A convolution in int8; `whole` as `quantise.layers.convolved` takes it."""
        weight, bias, scale = whole or quantised(layer)
        grid.must_be_exact(name, weight, bias)
        wide = self.constant(f"{name}.scale", scale)
        wider = self.constant(f"{name}.bias.scale", scale * grid.STEP)
        self.constant(f"{name}.weight", weight, np.int8)
        self.constant(f"{name}.bias", bias, np.int32)
        kernel = self.node("DequantizeLinear", [f"{name}.weight", wide], f"{name}.weight.float", axis=0)
        shift = self.node("DequantizeLinear", [f"{name}.bias", wider], f"{name}.bias.float", axis=0)
        far = layer.dilation[0] * (layer.kernel_size[0] // 2)
        return self.node("Conv", [source, kernel, shift], name, pads=[far] * 4, dilations=list(layer.dilation))


def to_qdq(network: PlainInt8) -> bytes:
    """The network as it ships: "x" (N, 1, H, W) small luma → "y" (N, 1, rH, rW), all sizes free."""
    graph = _Graph()
    graph.constant(_STEP, torch.tensor(grid.STEP))
    graph.constants.append(numpy_helper.from_array(np.zeros((), np.uint8), _ZERO))
    graph.constant("mean", torch.tensor(MEAN))
    folded, whole = network.unshuffle, network.scale * network.unshuffle
    graph.constant(_FINE_STEP, torch.tensor(grid.FINE_STEP))
    graph.constant(_FINE_STEPS, torch.tensor(1 / grid.FINE_STEP))
    small, x = graph.fine(graph.node("Sub", ["x", "mean"], "small")), "x"
    if folded > 1:
        small, x = (graph.node("SpaceToDepth", [n], f"{n}.folded", blocksize=folded) for n in (small, x))
    first, *inner, last = network.convolutions()
    current = graph.layer(graph.rounded(graph.split(x)), "first", first, quantised_first(first))
    for index, layer in enumerate(inner):
        relu = graph.node("Relu", [current], f"{current}.relu")
        current = graph.layer(graph.rounded(relu), f"inner.{index}", layer)
    relu = graph.node("Relu", [current], f"{current}.relu")
    current = graph.layer(graph.rounded(relu), "last", last)
    weights = network.skip_weights()
    grid.must_be_fine("skip", weights, quantised(last)[2], projected=network.projection is not None)
    skip = graph.constant("skip.weight", weights)
    graph.nodes.append(convolution(small, [skip], "skip", network.skip.kernel_size[0]))
    current = graph.node("Add", [current, "skip"], "phases")
    if isinstance(network.projection, ExactBackProjection):
        current = _projected(graph, network.projection, current, small)
    graph.nodes.append(shuffle(current, "shuffled", whole))
    graph.node("Add", ["shuffled", "mean"], "y")
    return assemble(f"{network.name}-x{network.scale}", graph.nodes, graph.constants)


def colour_to_qdq(core: ColourCoreInt8) -> bytes:
    """What mends colour, as it ships: "x" (N, 3, H, W): Y, R−G, B−G → "y" (N, 2, H, W): R−G, B−G; all sizes free."""
    graph = _Graph()
    graph.constant(_STEP, torch.tensor(grid.STEP))
    graph.constants.append(numpy_helper.from_array(np.zeros((), np.uint8), _ZERO))
    graph.constant(_FINE_STEP, torch.tensor(grid.FINE_STEP))
    graph.constant(_FINE_STEPS, torch.tensor(1 / grid.FINE_STEP))
    graph.constant("half", torch.tensor([1, 0.5, 0.5]).view(3, 1, 1))
    graph.constant("middle", torch.tensor([0, 0.5, 0.5]).view(3, 1, 1))
    graph.constant("double", torch.tensor(2.0))
    for name, value in (("from", [1]), ("to", [3]), ("channels", [1])):
        graph.constant(name, torch.tensor(value), np.int64)
    halved = graph.node("Mul", ["x", "half"], "halved")
    current = graph.node("Add", [halved, "middle"], "coded")
    *inner, last = core.convolutions()
    for index, layer in enumerate(inner):
        whole = None if index else quantised(layer, MEAN)
        made = graph.layer(graph.rounded(current), f"inner.{index}", layer, whole)
        current = graph.node("Relu", [made], f"{made}.relu")
    change = graph.layer(graph.rounded(current), "last", last)
    halves = graph.fine(graph.node("Slice", [halved, "from", "to", "channels"], "halves"))
    graph.node("Mul", [graph.node("Add", [change, halves], "mended"), "double"], "y")
    return assemble("colour", graph.nodes, graph.constants, (3, 2))


def _projected(graph: _Graph, projection: ExactBackProjection, phases: str, small: str) -> str:
    """Back-projection.

    The reduction weighs every phase by a 5×5 kernel of its own and adds them up: a third of the time that two
    convolutions along rows and columns take, whose few results leave vectors empty.
    """
    reduce, enlarge = projection.get_buffer("reduce"), projection.get_buffer("enlarge")
    count = reduce.shape[1]
    for name, values in (
        ("reduce", reduce.transpose(0, 1)),
        ("sum", torch.ones(1, count, 1, 1)),
        ("enlarge", enlarge),
    ):
        graph.constant(f"projection.{name}", values)
    wide = [2, 2, 2, 2]
    for name, value in (("black", -MEAN), ("white", 1 - MEAN)):
        graph.constant(name, torch.tensor(value))
    phases = graph.fine(graph.node("Clip", [phases, "black", "white"], "clipped"))
    weighed = graph.node("Conv", [phases, "projection.reduce"], "weighed", pads=wide, group=count)
    reduced = graph.node("Conv", [weighed, "projection.sum"], "reduced")
    missing = graph.fine(graph.node("Sub", [small, reduced], "missing"))
    added = graph.node("Conv", [missing, "projection.enlarge"], "added", pads=wide)
    return graph.node("Add", [phases, added], "projected")
