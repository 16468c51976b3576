"""Small networks with random weights, written as models of one's own: on RGB, with several outputs, with strides."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAPS = 8
"""Features of every hidden layer."""


class Graph:
    """An ONNX graph in the making: every method adds a node and gives the name of its result."""

    def __init__(self, channels: int, seed: int = 0) -> None:
        self.channels = channels
        self.nodes: list[Any] = []
        self.weights: list[Any] = []
        self._random = np.random.default_rng(seed)

    def node(self, kind: str, *inputs: str, **settings: Any) -> str:
        from onnx import helper

        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **settings))
        return name

    def constant(self, value: NDArray[np.float32]) -> str:
        from onnx import numpy_helper

        name = f"w{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(value, np.float32), name))
        return name

    def conv(
        self,
        x: str,
        inside: int,
        outside: int,
        *,
        stride: int = 1,
        dilation: int = 1,
        gain: float = 1.0,
        kernel: int = 3,
    ) -> str:
        shape = (outside, inside, kernel, kernel)
        values = self._random.standard_normal(shape) * gain / np.sqrt(inside * kernel * kernel)
        bias = 0.1 * gain * self._random.standard_normal(outside)
        pads = [dilation * (kernel // 2)] * 4
        return self.node(
            "Conv",
            x,
            self.constant(values),
            self.constant(bias),
            pads=pads,
            strides=[stride] * 2,
            dilations=[dilation] * 2,
        )

    def relu(self, x: str) -> str:
        return self.node("Relu", x)

    def shuffle(self, x: str, factor: int) -> str:
        return self.node("DepthToSpace", x, blocksize=factor, mode="CRD")

    def repeated(self, x: str, factor: int) -> str:
        """The picture with every pixel repeated: what a result is, with a little of the network added."""
        kernel = np.zeros((self.channels * factor**2, self.channels, 1, 1), np.float32)
        for index in range(len(kernel)):
            kernel[index, index // factor**2] = 1
        return self.shuffle(self.node("Conv", x, self.constant(kernel)), factor)

    def result(self, features: str, inside: int, factor: int, picture: str, whole: int) -> str:
        """Features at 1 / `factor` of the result's size → the result, `whole` times as large as the picture."""
        detail = self.shuffle(self.conv(features, inside, self.channels * factor**2, gain=0.1), factor)
        return self.node("Add", detail, self.repeated(picture, whole))

    def rounded(self, x: str, step: float = 2.0**-8) -> str:
        """Quantised to uint8, and back."""
        pair = [self.constant(np.float32(step)), self._typed(np.zeros((), np.uint8))]
        return self.node("DequantizeLinear", self.node("QuantizeLinear", x, *pair), *pair)

    def int8_conv(self, x: str, inside: int, outside: int, *, gain: float = 1.0) -> str:
        """A convolution whose weights are int8, and whose scales leave sums exact."""
        values = self._random.standard_normal((outside, inside, 3, 3)) * 40
        weight = self._typed(np.clip(np.rint(values), -127, 127).astype(np.int8))
        scale = self.constant(np.full(outside, 2.0 ** np.round(np.log2(gain / 40 / np.sqrt(9 * inside)))))
        bias = self.constant(self._random.integers(-8, 8, outside) / 256)
        return self.node("Conv", x, self.node("DequantizeLinear", weight, scale, axis=0), bias, pads=[1] * 4)

    def _typed(self, value: NDArray[Any]) -> str:
        from onnx import numpy_helper

        self.weights.append(numpy_helper.from_array(value, f"w{len(self.weights)}"))
        return str(self.weights[-1].name)

    def onnx(self, outputs: dict[str, str], made_channels: int = 0) -> bytes:
        from onnx import TensorProto, helper

        def tensor(name: str, *sides: str) -> Any:
            channels = self.channels if name == "x" else made_channels or self.channels
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", channels, *sides])

        nodes = [*self.nodes, *(helper.make_node("Identity", [made], [name]) for name, made in outputs.items())]
        made = [tensor(name, f"{name}_h", f"{name}_w") for name in outputs]
        graph = helper.make_graph(nodes, "test", [tensor("x", "h", "w")], made, self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        return bytes(model.SerializeToString())


def write(folder: Path, onnx: bytes, **card: object) -> Path:
    """A model's folder. `card` adds fields, or replaces them."""
    folder.mkdir(parents=True)
    name = folder.name
    (folder / f"{name}.onnx").write_bytes(onnx)
    fields: dict[str, object] = {
        "name": name,
        "title": name,
        "summary": "For tests.",
        "task": "super-resolution",
        "family": name,
        "scale": 2,
        "colour": "rgb",
        "halo": 0,
        "weights": f"{name}.onnx",
        "sha256": hashlib.sha256(onnx).hexdigest(),
        "licence": "MIT",
        **card,
    }
    lines = [f"{key} = {_toml(value)}" for key, value in fields.items()]
    (folder / "card.toml").write_text("\n".join(lines).replace("'", '"'), encoding="utf-8")
    return folder


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | list) else repr(value)


def rgb(folder: Path, *, scale: int = 2, layers: int = 2, channels: int = 3) -> Path:
    """Convolutions, pixel shuffle. Halo: layers + 1."""
    graph = Graph(channels)
    x = graph.relu(graph.conv("x", channels, MAPS))
    for _ in range(layers - 1):
        x = graph.relu(graph.conv(x, MAPS, MAPS))
    onnx = graph.onnx({"y": graph.result(x, MAPS, scale, "x", scale)})
    return write(folder, onnx, scale=scale, halo=layers + 1, colour="rgb" if channels == 3 else "y")


def two_outputs(folder: Path, *, channels: int = 3, strides: bool = False) -> Path:
    """×2 and ×4 of one run, the second from the first's features. Halo 4; with strides 7, and align 2.

    With strides: a convolution of stride 2 sees 1 pixel on each side, another one at half the size 2 more, an odd pixel
    1 more to the left; then come two convolutions at the full size, and two at twice the size.
    """
    graph = Graph(channels, seed=1)
    near = graph.relu(graph.conv("x", channels, MAPS))
    if strides:
        far = graph.relu(graph.conv("x", channels, 4 * MAPS, stride=2))
        far = graph.relu(graph.conv(far, 4 * MAPS, 4 * MAPS))
        near = graph.node("Concat", near, graph.shuffle(far, 2), axis=1)
    inside = 2 * MAPS if strides else MAPS
    x = graph.relu(graph.conv(near, inside, MAPS))
    twice = graph.result(x, MAPS, 2, "x", 2)
    x = graph.shuffle(graph.relu(graph.conv(x, MAPS, 4 * MAPS)), 2)
    x = graph.relu(graph.conv(x, MAPS, MAPS))
    onnx = graph.onnx({"y2": twice, "y4": graph.result(x, MAPS, 2, "x", 4)})
    halo, align = (7, 2) if strides else (4, 1)
    return write(folder, onnx, scale=4, scales=[2, 4], halo=halo, align=align, colour="rgb" if channels == 3 else "y")


def strided(folder: Path, *, scale: int = 2, depth: int = 1, channels: int = 3) -> Path:
    """Features at 1 / 2, 1 / 4 … of the size beside those at the full one. Align 2^depth."""
    graph = Graph(channels, seed=2)
    near = graph.relu(graph.conv("x", channels, MAPS))
    far, inside = "x", channels
    for _ in range(depth):
        far, inside = graph.relu(graph.conv(far, inside, MAPS, stride=2)), MAPS
    factor = 2**depth
    far = graph.shuffle(graph.relu(graph.conv(far, MAPS, MAPS * factor**2)), factor)
    x = graph.node("Concat", near, far, axis=1)
    x = graph.relu(graph.conv(x, 2 * MAPS, MAPS))
    onnx = graph.onnx({"y": graph.result(x, MAPS, scale, "x", scale)})
    # Strides: 1 + 2 + … pixels; one at 1 / factor of the size; where a pixel lies in its block; two at the full size.
    halo = (factor - 1) + factor + (factor - 1) + 2
    return write(folder, onnx, scale=scale, halo=halo, align=factor, colour="rgb" if channels == 3 else "y")


def int8(folder: Path, *, scale: int = 2, channels: int = 1) -> Path:
    """Convolutions in int8 in QDQ form, with the picture's repeated pixels added in float. Halo 4."""
    graph = Graph(channels, seed=3)
    x = graph.rounded("x")
    for index in range(3):
        x = graph.rounded(graph.relu(graph.int8_conv(x, MAPS if index else channels, MAPS)))
    detail = graph.shuffle(graph.int8_conv(x, MAPS, channels * scale**2, gain=0.1), scale)
    onnx = graph.onnx({"y": graph.node("Add", detail, graph.repeated("x", scale))})
    return write(folder, onnx, scale=scale, halo=4, int8=True, colour="rgb" if channels == 3 else "y")


def mending(folder: Path, *, outputs: int = 2) -> Path:
    """Changes colour at the picture's own size, by what luma and colour around it are. Halo 2."""
    graph = Graph(3, seed=4)
    change = graph.conv(graph.relu(graph.conv("x", 3, MAPS)), MAPS, outputs, gain=0.2)
    kernel = np.zeros((outputs, 3, 1, 1), np.float32)
    kernel[0, 1] = kernel[-1, 2] = 1
    onnx = graph.onnx({"y": graph.node("Add", change, graph.node("Conv", "x", graph.constant(kernel)))}, outputs)
    return write(folder, onnx, scale=1, halo=2, task="colour")
