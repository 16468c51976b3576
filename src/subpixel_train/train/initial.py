"""Weights to start from: another training, a safetensors file, or a shipped model."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from subpixel.errors import TrainingError
from subpixel_train.networks import Network
from subpixel_train.train.state import load_weights


def start_from(network: Network, source: str) -> list[str]:
    """Copy every tensor of `source` whose name and shape agree, so that ×3 and ×4 may start from the trunk of ×2.

    Args:
        network: changed in place.
        source: folder of a training, a `.safetensors` file, or the name of a shipped model.

    Returns:
        Names of the tensors copied; never empty.
    """
    tensors = _tensors(source)
    copied = []
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name in tensors and tensors[name].shape == value.shape:
                value.copy_(tensors[name])
                copied.append(name)
    if not copied:
        raise TrainingError(f"nothing in {source} fits {network.name}", "start from a model of the same network")
    return copied


def _tensors(source: str) -> dict[str, Tensor]:
    if Path(source).exists():
        return load_weights(Path(source))[0]
    file = resources.files("subpixel") / "zoo" / "models" / source / f"{source}.onnx"
    if not file.is_file():
        raise TrainingError(
            f"there is no {source} to start from", "give a run folder, .safetensors file or shipped model"
        )
    import onnx
    from onnx import numpy_helper

    graph = onnx.load_from_string(file.read_bytes()).graph
    return {item.name: torch.from_numpy(np.array(numpy_helper.to_array(item))) for item in graph.initializer}
