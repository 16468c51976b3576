"""Channels without a ReLU made channels with one that changes nothing, so that a network ships as a plain one.

A sum that is never less than −o, plus o, passes a ReLU as it is; what the next convolution makes of o is the same
everywhere and comes off its bias. So every linear channel is shifted by as much as it went below zero on some pictures,
and scaled to about what its layer's other channels reach: int8 has one grid for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from subpixel_train.networks.base import MEAN
from subpixel_train.networks.partial_relu import REACH
from subpixel_train.networks.plain import Plain
from subpixel_train.networks.symmetry import ORDER


@torch.no_grad()
def fold(network: Plain, small: Iterable[Tensor]) -> Plain:
    """The same network without linear channels.

    Args:
        network: with linear channels.
        small: pictures (N, 1, H, W) in 0–1; values that go below those are cut off.
    """
    alike = ORDER if network.settings.symmetric else 1
    network = network.untied()
    linear = network.settings.linear
    made = Plain(network.settings.model_copy(update={"linear": 0, "fake_quantise": False}), network.scale)
    made.load_state_dict(network.state_dict())
    given = [functional.pad(x.float() - MEAN, (network.halo,) * 4, mode="replicate") for x in small]
    given = [functional.pixel_unshuffle(x, network.unshuffle) for x in given]
    for felt, (layer, following) in enumerate(pairwise(made.convolutions()), 1):
        sums = torch.cat([_channels(layer(x), felt) for x in given], 1)
        # Channels that are flips and turns of one another are scaled alike: what is symmetric stays so.
        low, high = _shared(sums[:linear].amin(1), alike), -_shared(-sums[:linear].amax(1), alike)
        reach = (high - low).clamp_min(1e-6)
        top = float(sums[linear:].max())
        factor = (REACH * top if top > 0 else float(reach.max())) / reach
        _rescale(layer, following, factor, -low * factor)
        given = [layer(x).relu() for x in given]
    return made.train(network.training)


@torch.no_grad()
def unfold(network: Plain) -> None:
    """Take the shift out of linear channels again, in place: they are zero where the picture is the mean grey.

    For a network with linear channels that was given the weights of a folded one: it computes the same, but beyond the
    border of a crop, which is padded with zeros, should stand grey.
    """
    linear = network.settings.linear
    flat = torch.zeros(network.unshuffle**2)
    for layer, following in pairwise(network.convolutions()):
        assert layer.bias is not None
        sums = layer.bias + layer.weight.sum((2, 3)) @ flat
        _rescale(layer, following, torch.ones(linear), -sums[:linear])
        flat = torch.cat((torch.zeros(linear), sums[linear:].relu()))


def _shared(ends: Tensor, alike: int) -> Tensor:
    """The least of every `alike` following values, for each of them."""
    return ends.view(-1, alike).amin(1).repeat_interleave(alike)


def _channels(sums: Tensor, border: int) -> Tensor:
    """(N, C, H, W) → (C, pixels), without so many pixels at the border, where padding is felt."""
    return sums[..., border:-border, border:-border].transpose(0, 1).flatten(1)


def _rescale(layer: nn.Conv2d, following: nn.Conv2d, factor: Tensor, shift: Tensor) -> None:
    """Let the first channels of a layer be `factor` times what they were, plus `shift`; the next layer undoes it."""
    assert layer.bias is not None and following.bias is not None
    linear = len(factor)
    layer.weight[:linear] *= factor[:, None, None, None]
    layer.bias[:linear] = layer.bias[:linear] * factor + shift
    following.weight[:, :linear] /= factor[None, :, None, None]
    following.bias -= torch.einsum("oikl,i->o", following.weight[:, :linear], shift)
