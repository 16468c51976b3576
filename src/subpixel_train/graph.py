"""A trained network as an ONNX graph, built node by node, and the proof that it computes the same."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, checker, helper, numpy_helper

from subpixel import __version__
from subpixel.errors import TrainingError
from subpixel.types import NetworkFile, Precision
from subpixel_train.networks import BicubicEnlarge, Chain, Network, recentre

if TYPE_CHECKING:
    from subpixel_train.networks.colour import ColourCoreInt8

OPSET: Final = 17
IR_VERSION: Final = 8  # the one that belongs to opset 17, so that runtimes of 2022 still open it

CENTRE: Final = "centre"
"""Name of the tensor that holds the luma taken as zero inside the graph."""

PARITY: Final = 1e-4
"""Largest difference to PyTorch that is allowed, 1/40 of an 8-bit level. Only the order of summation differs."""
PARITY_INT8: Final = 0.0
"""The same in int8, where all arithmetic is exact."""
PARITY_SIZES: Final = ((1, 1, 1), (1, 7, 5), (2, 33, 18), (1, 64, 97))
"""(N, H, W) on which engines are compared, odd and tiny ones among them."""


def to_onnx(network: Chain, centre: float = 0.0) -> bytes:
    """The network as it ships: "x" (N, 1, H, W) small luma → "y" (N, 1, rH, rW), all sizes free.

    Every convolution pads with zeros and all but the last are followed by a ReLU. Networks for enlarged input carry
    their bicubic enlargement in front. `centre` is subtracted from x and added to y, with the biases of the first and
    the last layer changed to match (`recentre`): the same function, but engines that compute in bfloat16 lose a fifth
    of what they lose on luma far from zero.
    """
    network = copy.deepcopy(network)
    recentre(network, centre)
    scale = network.scale
    weights = [tensor(CENTRE, torch.tensor(centre))]
    nodes = [helper.make_node("Sub", ["x", CENTRE], ["centred"], name="centred")]
    current = "centred"
    if network.input == "enlarged":
        weights.append(tensor("bicubic", BicubicEnlarge(scale).get_buffer("kernels")))
        nodes.append(convolution(current, ["bicubic"], "bicubic.out", 5))
        nodes.append(shuffle("bicubic.out", "enlarged", scale))
        current = "enlarged"
    layers = network.convolutions()
    names = {id(module): name for name, module in network.named_modules()}
    for index, layer in enumerate(layers):
        name, result = names[id(layer)], f"{names[id(layer)]}.out"
        for part, value in layer.named_parameters():
            weights.append(tensor(f"{name}.{part}", value))
        nodes.append(convolution(current, [f"{name}.weight", f"{name}.bias"], result, layer.kernel_size[0]))
        if index < len(layers) - 1:
            nodes.append(helper.make_node("Relu", [result], [f"{name}.relu"], name=f"{name}.relu"))
            result = f"{name}.relu"
        current = result
    if network.input == "small":
        nodes.append(shuffle(current, "shuffled", scale))
        current = "shuffled"
    nodes.append(helper.make_node("Add", [current, CENTRE], ["y"], name="y"))
    return assemble(f"{network.name}-x{scale}", nodes, weights)


def assemble(
    name: str, nodes: list[onnx.NodeProto], weights: list[onnx.TensorProto], channels: tuple[int, int] = (1, 1)
) -> bytes:
    """A checked ONNX file with one input "x" (N, C, H, W) and one output "y" (N, D, rH, rW), float32, sizes free.

    `channels` are C and D.
    """
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", channels[0], "H", "W"])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["N", channels[1], "rH", "rW"])
    model = helper.make_model(
        helper.make_graph(nodes, name, [x], [y], weights),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="subpixel",
        producer_version=__version__,
    )
    checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString())


def tensor(name: str, value: torch.Tensor) -> onnx.TensorProto:
    """A constant of the graph, float32."""
    return numpy_helper.from_array(np.ascontiguousarray(value.detach().cpu().numpy(), np.float32), name)


def convolution(source: str, weights: list[str], result: str, kernel: int) -> onnx.NodeProto:
    """A convolution that keeps the size by zero padding."""
    return helper.make_node("Conv", [source, *weights], [result], name=result, pads=[kernel // 2] * 4)


def shuffle(source: str, result: str, scale: int) -> onnx.NodeProto:
    """A pixel shuffle: (N, scale²·C, H, W) → (N, C, scale·H, scale·W)."""
    # CRD: the channel of a phase is row · r + column, as in torch.pixel_shuffle.
    return helper.make_node("DepthToSpace", [source], [result], name=result, blocksize=scale, mode="CRD")


def reference(network: Network, x: NDArray[np.float32], centre: float = 0.0) -> list[NDArray[np.float32]]:
    """What PyTorch gives for the same input, the padding by `centre` included.

    Args:
        network: in its padded form.
        x: (N, C, H, W).
        centre: as `to_onnx` takes it.

    Returns:
        One (N, C, sH, sW) per entry of the network's `scales`.
    """
    if not network.padded:
        raise ValueError("the shipped form pads; build the network with padded=True")
    network = copy.deepcopy(network).eval()
    if isinstance(network, Chain):
        recentre(network, centre)
    with torch.inference_mode():
        given = torch.from_numpy(x) - centre
        results = network.outputs(BicubicEnlarge(network.scale)(given) if network.input == "enlarged" else given)
        return [(result + centre).numpy() for result in results]


def check_parity(
    network: Network, model: bytes, centre: float = 0.0, *, precision: Precision = "fp32", int8: bool = False
) -> float:
    """Run the ONNX file by ONNX Runtime and OpenVINO and compare with PyTorch.

    Args:
        network: what it should compute.
        model: the file.
        centre: as `to_onnx` takes it.
        precision: of the engines.
        int8: the file is in QDQ form.

    Returns:
        The largest difference, in values of 0–1.

    Raises:
        TrainingError: an engine differs by more than `PARITY`.
    """
    worst = 0.0
    rng = np.random.default_rng(0)
    step = network.align
    inputs = [rng.random((n, network.channels, h * step, w * step), np.float32) for n, h, w in PARITY_SIZES]
    wanted = [reference(network, x, centre) for x in inputs]
    allowed = PARITY_INT8 if precision == "int8" else PARITY
    for engine, each in _engines(network, model, inputs, precision, int8):
        for x, wants, results in zip(inputs, wanted, each, strict=True):
            for want, result in zip(wants, results, strict=True):
                if result.shape != want.shape:
                    raise TrainingError(f"{engine} gives {result.shape} for {x.shape}, PyTorch {want.shape}")
                worst = max(worst, float(np.abs(result - want).max()))
        if not worst <= allowed:
            raise TrainingError(
                f"{engine} in {precision} differs from PyTorch by {worst:.1e}",
                f"at most {allowed:.0e} is allowed" if allowed else "every bit must be the same",
            )
    return worst


def check_colour(core: ColourCoreInt8, model: bytes) -> None:
    """Run the ONNX file of a network that mends colour by ONNX Runtime and OpenVINO and compare with PyTorch.

    Raises:
        TrainingError: an engine differs in a bit.
    """
    from subpixel.engines import EngineSettings, load_engine

    file = NetworkFile("colour", model, 1, 3, core.halo, int8=True)
    rng = np.random.default_rng(0)
    for engine in ("onnxruntime", "openvino"):
        run = load_engine(engine).load(file, EngineSettings(1, "int8"))
        for n, h, w in PARITY_SIZES:
            x = rng.random((n, 3, h, w), np.float32)
            x[:, 1:] = 2 * x[:, 1:] - 1
            coded = torch.from_numpy(np.concatenate((x[:, :1], x[:, 1:] * 0.5 + 0.5), axis=1))
            with torch.inference_mode():
                wanted = 2 * core(coded).numpy()
            made = run(x)[0]
            if not np.array_equal(made, wanted):
                raise TrainingError(f"{engine} differs from PyTorch by {np.abs(made - wanted).max():.1e}")


def _engines(
    network: Network, model: bytes, inputs: list[NDArray[np.float32]], precision: Precision, int8: bool
) -> Iterator[tuple[str, list[tuple[NDArray[np.float32], ...]]]]:
    from subpixel.engines.base import EngineSettings
    from subpixel.engines.onnxruntime import OnnxRuntimeEngine
    from subpixel.engines.openvino import OpenVINOEngine

    file = NetworkFile(
        f"{network.name}-x{network.scale}",
        model,
        network.scale,
        network.channels,
        network.halo,
        network.scales,
        int8=int8,
    )
    for name, engine in (("ONNX Runtime", OnnxRuntimeEngine()), ("OpenVINO", OpenVINOEngine())):
        run = engine.load(file, EngineSettings(threads=1, precision=precision))
        made = [run(x) for x in inputs]
        yield name, [result if isinstance(result, tuple) else (result,) for result in made]
