"""ONNX files made elsewhere: what their graph says, and what only running it tells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, shape_inference

from subpixel.errors import EngineError, ModelDamaged, ModelError
from subpixel.types import NetworkFile
from subpixel_train.convert import parity, reach

_SIDES: Final = (
    (1, (61, 67)),
    (2, (62, 66)),
    (4, (60, 68)),
    (8, (56, 72)),
    (16, (48, 80)),
    (32, (64, 96)),
    (64, (64, 128)),
)
"""Multiple and a size of which it is the largest common one."""


@dataclass(frozen=True, slots=True)
class Graph:
    """A graph that enlarges.

    Attributes:
        onnx: the file, weights inside, float32 in and out.
        scale: factor.
        channels: 1 or 3.
        align: H and W have to be multiples of it, and places are alike in steps of it.
        value_range: what black and white are at its input.
        halo: how far it sees.
        parameters: numbers in the file.
        macs: multiply-adds of its convolutions and matrix products by weights, per input pixel.
        activations: values held per input pixel.
    """

    onnx: bytes
    scale: int
    channels: int
    align: int
    value_range: tuple[float, float]
    halo: reach.Reach
    parameters: int
    macs: int
    activations: int

    def file(self, name: str) -> NetworkFile:
        """For an engine."""
        return NetworkFile(name, self.onnx, self.scale, self.channels, self.halo.halo, align=self.align)


def open_graph(path: Path, value_range: tuple[float, float] | None = None) -> Graph:
    """Read a graph, run it, measure it.

    Args:
        path: the file; weights kept in files beside it are taken in.
        value_range: what black and white are at its input; None: found out, 0–1 or 0–255.

    Raises:
        ModelDamaged: not ONNX, or it does not run.
        ModelError: not one picture in and one larger out, of free sizes, grey or RGB.
    """
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf's, onnx's and the system's errors share no base
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ModelDamaged(f"{path} is not an ONNX file, or damaged: {reason}", "get it again") from None
    channels = _channels(model, path)
    _float32(model)
    content = model.SerializeToString()

    def run_at(factor: int) -> parity.Run:
        return parity.runner(NetworkFile(path.stem, content, factor, channels, 0), "onnxruntime")

    try:
        run = run_at(1)
    except EngineError as error:
        raise ModelDamaged(f"{path} cannot be run: {error.what}") from None
    align, scale = _sizes(run, channels, path)
    if value_range is None:
        value_range = _range(run, channels, align, scale)
    low, high = value_range

    def plain(x: NDArray[np.float32]) -> NDArray[np.float32]:
        made: NDArray[np.float32] = (run(x * np.float32(high - low) + np.float32(low)) - low) / np.float32(high - low)
        return made

    align = reach.steps(plain, channels, scale, align)
    halo = reach.observe(plain, channels, scale, align)
    parameters = sum(int(np.prod(item.dims)) for item in model.graph.initializer if item.data_type in _FLOATS)
    macs, activations = _work(model, channels, align)
    return Graph(content, scale, channels, align, value_range, halo, parameters, macs, activations)


_FLOATS: Final = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE)


def _channels(model: onnx.ModelProto, path: Path) -> int:
    """Channels of the one input, with everything refused that tiles cannot be run through."""
    constants = {item.name for item in model.graph.initializer}
    inputs = [item for item in model.graph.input if item.name not in constants]
    outputs = model.graph.output
    if len(inputs) != 1 or len(outputs) != 1:
        names = f"{', '.join(item.name for item in inputs)} → {', '.join(item.name for item in outputs)}"
        raise ModelError(f"{path} has more than one input or output: {names}", "it should turn one picture into one")
    dims = inputs[0].type.tensor_type.shape.dim
    shape = [dim.dim_value if dim.HasField("dim_value") else 0 for dim in dims]  # 0: free
    told = "×".join(str(side) if side else "?" for side in shape)
    if inputs[0].type.tensor_type.elem_type not in (TensorProto.FLOAT, TensorProto.FLOAT16):
        raise ModelError(f"{path} takes no floats", "export it with float32 input, values 0–1 or 0–255")
    if len(shape) == 4 and shape[1] not in (1, 3) and shape[3] in (1, 3):
        raise ModelError(f"{path} takes {told}, channels last", "export it with channels first: N × C × H × W")
    if len(shape) != 4 or shape[1] not in (0, 1, 3):
        raise ModelError(f"{path} takes {told}", "it should take N × C × H × W with 1 or 3 channels")
    if shape[2] or shape[3]:
        raise ModelError(
            f"{path} takes pictures of one size only, {told}", "export it with free height and width (dynamic axes)"
        )
    return shape[1] or 3


def _float32(model: onnx.ModelProto) -> None:
    """Casts around a graph with half-precision input or output, in place."""
    graph = model.graph
    constants = {item.name for item in graph.initializer}
    for value in graph.input:
        if value.name not in constants and value.type.tensor_type.elem_type == TensorProto.FLOAT16:
            inner = f"{value.name}.half"
            for node in graph.node:
                for index, name in enumerate(node.input):
                    if name == value.name:
                        node.input[index] = inner
            graph.node.insert(0, helper.make_node("Cast", [value.name], [inner], name=inner, to=TensorProto.FLOAT16))
            value.type.tensor_type.elem_type = TensorProto.FLOAT
    for value in graph.output:
        if value.type.tensor_type.elem_type == TensorProto.FLOAT16:
            inner = f"{value.name}.half"
            for node in graph.node:
                for names in (node.input, node.output):
                    for index, name in enumerate(names):
                        if name == value.name:
                            names[index] = inner
            graph.node.append(helper.make_node("Cast", [inner], [value.name], name=inner, to=TensorProto.FLOAT))
            value.type.tensor_type.elem_type = TensorProto.FLOAT


def _sizes(run: parity.Run, channels: int, path: Path) -> tuple[int, int]:
    """The least multiple that sizes have to be, and the factor."""
    reason = ""
    for align, (height, width) in _SIDES:
        try:
            shape = run(np.full((1, channels, height, width), 0.5, np.float32)).shape
        except EngineError as error:
            reason = error.what
            continue
        scale = shape[-1] // width
        if len(shape) == 4 and shape[1] == channels and shape[2:] == (scale * height, scale * width):
            if not 2 <= scale <= 16:
                raise ModelError(f"{path} enlarges by {scale}", "only networks that enlarge, by 2 to 16, can be used")
            return align, scale
        reason = f"it makes {'×'.join(map(str, shape))} of 1×{channels}×{height}×{width}"
    raise ModelError(
        f"{path} is not a network that enlarges: {reason}", "it should give the same channels, 2 to 16 × larger"
    )


def _range(run: parity.Run, channels: int, align: int, scale: int) -> tuple[float, float]:
    """0–1 or 0–255: in which of them the result is more like its input."""
    side = 64 * align // np.gcd(64, align)
    rows, columns = np.mgrid[:side, :side].astype(np.float32) / side
    small = np.broadcast_to((0.2 + 0.3 * rows + 0.3 * columns)[None, None], (1, channels, side, side))
    errors = {}
    for top in (1.0, 255.0):
        made = run(np.ascontiguousarray(small * top, np.float32)) / top
        means = made.reshape(1, channels, side, scale, side, scale).mean(axis=(3, 5))
        errors[top] = float(np.abs(means - small)[..., 8:-8, 8:-8].mean())
    return (0.0, 255.0) if errors[255.0] < 0.5 * errors[1.0] else (0.0, 1.0)


def _work(model: onnx.ModelProto, channels: int, align: int) -> tuple[int, int]:
    """Multiply-adds with weights, and most values that a node takes and gives, per input pixel; 0 where unknown."""
    side = 64 * align // int(np.gcd(64, align))
    sized = onnx.ModelProto()
    sized.CopyFrom(model)
    constants = {item.name: list(item.dims) for item in sized.graph.initializer}
    for value in sized.graph.input:
        if value.name not in constants:
            for dim, length in zip(value.type.tensor_type.shape.dim, (1, channels, side, side), strict=True):
                dim.dim_value = length
    del sized.graph.value_info[:]
    for value in sized.graph.output:
        value.type.tensor_type.ClearField("shape")
    try:
        graph = shape_inference.infer_shapes(sized, data_prop=True).graph
    except Exception:  # an estimate: none is given where the graph does not tell
        return 0, 128
    known = {item.name: [dim.dim_value for dim in item.type.tensor_type.shape.dim] for item in
             (*graph.value_info, *graph.input, *graph.output)}  # fmt: skip
    macs, held = 0, 1
    for node in graph.node:
        result = int(np.prod(known.get(node.output[0], [0])))
        given = int(np.prod(known.get(node.input[0], [0]))) if node.input else 0
        held = max(held, result + given)
        weight = constants.get(node.input[1]) if len(node.input) > 1 else None
        if node.op_type == "Conv" and weight:
            macs += result * int(np.prod(weight[1:]))
        elif node.op_type == "ConvTranspose" and weight:
            macs += given * int(np.prod(weight[1:]))
        elif node.op_type in ("MatMul", "Gemm") and weight:
            macs += result * weight[0]
    return macs // side**2, held // side**2
