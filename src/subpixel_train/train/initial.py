"""Weights to start from: another training, a safetensors file, or a shipped model."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from subpixel.errors import TrainingError
from subpixel_train import recipe
from subpixel_train.data import drawn_pairs, inputs
from subpixel_train.networks import Chain, Network, Plain, PlainInt8
from subpixel_train.networks.base import MEAN
from subpixel_train.networks.folding import fold, unfold
from subpixel_train.networks.plain import PlainSettings
from subpixel_train.pretrained import load_weights_file
from subpixel_train.quantise.layers import joined_first
from subpixel_train.recipe import shipped
from subpixel_train.train.state import RECIPE, load_weights

if TYPE_CHECKING:
    import onnx


def start_from(network: Network, source: str) -> list[str]:
    """Copy every tensor of `source` whose name and shape agree, so that ×3 and ×4 may start from the trunk of ×2.

    A plain network may start from a smaller one too: it then computes what that one does (`networks.growing`). One with
    linear channels may start from a shipped one, in which they are folded, and one that computes in int8 from one with
    linear channels: they are folded for it. One whose filters are tied over flips and turns may start from a training
    of its kind, one whose filters are free from either.

    Args:
        network: changed in place.
        source: folder of a training, a `.safetensors` file, or the name of a shipped model.

    Returns:
        Names of the tensors copied; never empty.
    """
    tensors, theirs = _tensors(network, source), _plain_recipe(source)
    if isinstance(network, Plain) and theirs and theirs[0].linear != network.settings.linear:
        if not isinstance(network, PlainInt8):  # weights of channels with a ReLU mean something else without one
            raise TrainingError(
                f"{source} has {theirs[0].linear} linear channels in a layer, this network {network.settings.linear}",
                f"give network.linear={theirs[0].linear}, or another start",
            )
        tensors, theirs = _folded(*theirs, tensors), None
    if isinstance(network, Plain):
        tensors = _in_its_form(network, theirs, tensors, source)
    tensors = network.grown_from(tensors)
    copied = []
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name in tensors and tensors[name].shape == value.shape:
                value.copy_(tensors[name])
                copied.append(name)
    if isinstance(network, Plain) and network.settings.linear and not Path(source).exists():
        unfold(network)  # a shipped start: its filters are free, and so are this network's
    if not copied:
        raise TrainingError(f"nothing in {source} fits {network.name}", "start from a model of the same network")
    return copied


def _in_its_form(
    network: Plain, theirs: tuple[PlainSettings, int] | None, tensors: dict[str, Tensor], source: str
) -> dict[str, Tensor]:
    """Tensors with filters tied over flips and turns where the network's are, and else free."""
    tied = theirs is not None and theirs[0].symmetric
    if network.settings.symmetric and not tied:
        raise TrainingError(
            f"the filters of {source} are not tied over flips and turns",
            "start from the folder of a training with network.symmetric, or from nothing",
        )
    if theirs is None or not tied or network.settings.symmetric:
        return tensors
    made = Plain(*theirs)
    made.load_state_dict(tensors)
    return made.untied().state_dict()


def _plain_recipe(source: str) -> tuple[PlainSettings, int] | None:
    """Network and factor of a training, where `source` is one of a plain network."""
    text = Path(source) / RECIPE
    made = recipe.parse(text.read_text(encoding="utf-8"), str(text), []) if text.is_file() else None
    return (made.network, made.scale) if made and isinstance(made.network, PlainSettings) else None


def _folded(settings: PlainSettings, scale: int, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a network without linear channels, for those of one with them."""
    network = Plain(settings, scale)
    network.load_state_dict(tensors)
    return fold(network, inputs(network, drawn_pairs(network))).state_dict()


def _tensors(network: Network, source: str) -> dict[str, Tensor]:
    if Path(source).is_dir():
        return load_weights(Path(source))[0]
    if Path(source).exists():
        return load_weights_file(Path(source))
    file = resources.files("subpixel") / "zoo" / "models" / source / f"{source}.onnx"
    if not file.is_file():
        stage = Path(source).name
        first = f"train it first: subpixel train {stage}" if stage in shipped() else ""
        raise TrainingError(
            f"there is no {source} to start from", first or "give a run folder, .safetensors file or shipped model"
        )
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_from_string(file.read_bytes()).graph
    tensors = {
        item.name.removesuffix(".half"): torch.from_numpy(np.array(numpy_helper.to_array(item))).float()
        for item in graph.initializer
    }
    tensors = _as_floats(graph, tensors)
    return _around_zero(network, tensors) if isinstance(network, Chain) else tensors


def _as_floats(graph: onnx.GraphProto, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a graph in whole numbers times their scales; its first layer sees no centre taken off."""
    scales = {
        node.input[0]: tensors[node.input[1]]
        for node in graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in tensors
    }
    floats = tensors | {
        name: tensors[name] * scale.reshape(-1, *[1] * (tensors[name].ndim - 1)) for name, scale in scales.items()
    }
    first = next((name.removesuffix(".weight") for name in scales if name.endswith(".weight")), None)
    if first is not None:
        weight, bias = floats[f"{first}.weight"], floats[f"{first}.bias"]
        if "finer" in tensors:
            weight, bias = joined_first(weight, bias)
        else:  # what mends colour
            bias = bias + MEAN * weight.sum(dim=(1, 2, 3))
        floats[f"{first}.weight"], floats[f"{first}.bias"] = weight, bias
    return floats


def _around_zero(network: Chain, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a shipped graph, which subtracts a centre first and adds it last, for luma as it is."""
    centre = tensors.pop("centre", torch.zeros(()))
    names = {id(module): name for name, module in network.named_modules()}
    first, *_, last = (names[id(layer)] for layer in network.convolutions())
    if f"{first}.weight" in tensors:
        tensors[f"{first}.bias"] = tensors[f"{first}.bias"] - centre * tensors[f"{first}.weight"].sum(dim=(1, 2, 3))
    if f"{last}.bias" in tensors:
        tensors[f"{last}.bias"] = tensors[f"{last}.bias"] + centre
    return tensors
