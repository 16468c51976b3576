"""A shipped model's weights in eager PyTorch: its recipe's network, with the weights of its ONNX file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from torch import nn

from subpixel import zoo
from subpixel.errors import SettingError
from subpixel_train.networks import BicubicEnlarge, build
from subpixel_train.networks.plain import Plain
from subpixel_train.quantise.layers import joined_first
from subpixel_train.recipe import load

Array = NDArray[np.float32]


def torch_static(name: str, precision: str, threads: int, batch: Array) -> Callable[[], Array]:
    """A model on a batch (1, C, H, W) in fp32, or in bf16 by autocast, as it was trained."""
    torch.set_num_threads(threads)
    network = torch_network(name)
    x = torch.from_numpy(batch)

    def run() -> Array:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            result: Array = network(x).float().numpy()
            return result

    return run


def torch_network(name: str) -> nn.Module:
    """The network of a shipped model: (1, C, H, W) → (1, C, rH, rW); the same but for what it makes of the border.

    Raises:
        SettingError: the recipe describes another network than the file holds.
    """
    loaded = zoo.load_model(name)
    recipe = load(loaded.card.recipe or name)
    settings = recipe.network
    if getattr(settings, "int8", False):  # rounding between layers, which PyTorch only imitates
        settings = settings.model_copy(update={"int8": False})
    network = build(settings, recipe.scale).eval()
    filters = list(convolutions(loaded.network.onnx))
    if loaded.network.int8 and isinstance(network, Plain):
        first = joined_first(*(torch.from_numpy(part) for part in filters[0] if part is not None))
        filters[0] = first[0].numpy(), first[1].numpy()
    with torch.no_grad():
        for layer in (part for part in network.modules() if isinstance(part, nn.Conv2d)):
            # Filters that are in no layer, as those of a bicubic enlargement, are left over.
            own = next((pair for pair in filters if pair[0].shape == tuple(layer.weight.shape)), None)
            if own is None:
                raise SettingError(f"the recipe of {name} has a layer {layer} that its file lacks", "export it again")
            filters = [pair for pair in filters if pair is not own]
            weight, bias = own
            layer.weight.copy_(torch.from_numpy(weight))
            if layer.bias is not None and bias is not None:
                layer.bias.copy_(torch.from_numpy(bias))
    whole = nn.Sequential(BicubicEnlarge(recipe.scale), network) if network.input == "enlarged" else network
    return _Centred(whole, centre(loaded.network.onnx))


class _Centred(nn.Module):
    """A network on luma minus a constant, as the files of ESPCN and SRCNN are written."""

    def __init__(self, network: nn.Module, centre: float) -> None:
        super().__init__()
        self.network = network
        self.centre = centre

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x - self.centre) + self.centre if self.centre else self.network(x)


def centre(file: bytes) -> float:
    """What a graph takes for zero; 0 where it takes 0."""
    found = [constant for constant in onnx.load_from_string(file).graph.initializer if constant.name == "centre"]
    return float(numpy_helper.to_array(found[0]).ravel()[0]) if found else 0.0


def convolutions(file: bytes) -> Iterator[tuple[Array, Array | None]]:
    """Weights and biases of a graph's convolutions, in the order of the graph, as float32."""
    graph = onnx.load_from_string(file).graph
    made_by = {output: node for node in graph.node for output in node.output}
    constants = {constant.name: constant for constant in graph.initializer}

    def values(name: str) -> NDArray[np.float64]:
        if name in constants:
            return numpy_helper.to_array(constants[name]).astype(np.float64)
        node = made_by[name]
        if node.op_type == "Constant":
            return numpy_helper.to_array(node.attribute[0].t).astype(np.float64)
        if node.op_type == "DequantizeLinear":
            levels, scale = values(node.input[0]), values(node.input[1])
            zero = values(node.input[2]) if len(node.input) > 2 and node.input[2] else np.zeros_like(scale)
            axis = next((item.i for item in node.attribute if item.name == "axis"), 1)
            form = [-1 if index == axis else 1 for index in range(levels.ndim)] if scale.size > 1 else [1] * levels.ndim
            return (levels - zero.reshape(form)) * scale.reshape(form)
        return values(node.input[0])  # Cast, Identity

    for node in graph.node:
        if node.op_type == "Conv":
            bias = values(node.input[2]).astype(np.float32) if len(node.input) > 2 else None
            yield values(node.input[1]).astype(np.float32), bias
