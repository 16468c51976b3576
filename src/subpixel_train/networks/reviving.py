"""Channels of a plain network that never fire are begun anew.

A ReLU whose input is negative everywhere gives nothing and learns nothing: it stays so. At the high rates that train a
network in minutes a third of the channels, and half of a network's that was grown, end like this, and the network is in
effect a smaller one. As in G. Sokar, R. Agarwal, P. S. Castro and U. Evci, "The Dormant Neuron Phenomenon in Deep
Reinforcement Learning", ICML 2023, https://arxiv.org/abs/2302.12902, such a channel gets new weights to take from and
weights of zero to give to: the network computes what it did, and has the channel to learn with.

Where they begin anew with random weights, new channels here fire for half of the pixels of a batch, as strongly as the
layer's others do.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

SELDOM = 1e-3
"""Share of pixels below which a channel counts as dead."""


@torch.no_grad()
def revive(
    layers: Sequence[nn.Conv2d], x: Tensor, means: Sequence[dict[str, Tensor]], seed: int, linear: int = 0
) -> int:
    """Begin dead channels anew, in place.

    Args:
        layers: convolutions with ReLU between them, first to last; the last one's channels are the result and stay.
        x: (N, C, H, W), what the first layer is given, of a batch of training.
        means: for each layer its running means by ``"weight"`` and ``"bias"``, changed alike; or empty.
        seed: random weights follow from it.
        linear: first channels of each layer that have no ReLU, and cannot die.

    Returns:
        How many channels were begun anew.
    """
    draw = torch.Generator().manual_seed(seed)
    count = 0
    for index, (layer, after) in enumerate(pairwise(layers)):
        y = _result(layer, x)
        fires = (y > 0).float().mean((0, 2, 3))
        dead = fires < SELDOM
        dead[:linear] = False
        if bool(dead.any()) and not bool(dead.all()):
            count += int(dead.sum())
            strength = y[:, ~dead].std((0, 2, 3)).median()
            _begin(layer, dead, x, strength, draw)
            after.weight[:, dead] = 0
            for name in ("weight", "bias"):
                if means:
                    means[index][name][dead] = getattr(layer, name)[dead]
            if means:
                means[index + 1]["weight"][:, dead] = 0
            y = _result(layer, x)
        x = torch.cat((y[:, :linear], y[:, linear:].relu()), 1)
    return count


def _result(layer: nn.Conv2d, x: Tensor) -> Tensor:
    return functional.conv2d(x, layer.weight, layer.bias, layer.stride, layer.padding)


def _begin(layer: nn.Conv2d, dead: Tensor, x: Tensor, strength: Tensor, draw: torch.Generator) -> None:
    """Random weights for dead channels, such that each is zero on average over `x` and varies by `strength`."""
    assert layer.bias is not None
    fresh = torch.randn(layer.weight[dead].shape, generator=draw).to(layer.weight)
    y = functional.conv2d(x, fresh, None, layer.stride, layer.padding)
    fresh *= (strength / y.std((0, 2, 3)).clamp_min(1e-12))[:, None, None, None]
    layer.weight[dead] = fresh
    layer.bias[dead] = -functional.conv2d(x, fresh, None, layer.stride, layer.padding).mean((0, 2, 3))
