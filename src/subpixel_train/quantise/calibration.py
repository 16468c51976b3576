"""Fitting a trained plain network to the int8 grid by a few pictures, without training.

After a ReLU a layer may be multiplied by any factor that the next one divides by. The factor of each layer is chosen
so that clipping at the grid's end and rounding on it together leave the least squared error, with a margin for edges
stronger than those shown; of several margins the one whose results are nearest to those in float is taken. Then, layer
by layer, the mean that rounding shifted is taken out of the biases (Nagel et al., "Data-Free Quantization", ICCV 2019,
https://arxiv.org/abs/1906.04721).
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from subpixel.errors import TrainingError
from subpixel_train.networks.base import MEAN
from subpixel_train.quantise import grid
from subpixel_train.quantise.layers import convolved
from subpixel_train.quantise.rounding import round_weights

if TYPE_CHECKING:
    from subpixel_train.networks.colour import ColourCoreInt8
    from subpixel_train.networks.plain_int8 import PlainInt8

_ENDS: Final = 60
"""Ends of the grid that are tried, as shares of the largest value."""
_MARGINS: Final = (1.0, 1.15, 1.3, 1.5)
"""Factors on the best ends that are tried: an edge that is clipped costs more than its share in the squares tells."""
_SAMPLES: Final = 1 << 20
"""Values of a layer that its range is chosen by."""


@torch.no_grad()
def fit(network: PlainInt8 | ColourCoreInt8, small: Iterable[Tensor]) -> None:
    """Scale the layers of a network for the grid and correct their biases, in place; in float it stays the same.

    Args:
        network: trained in float, with ReLU.
        small: pictures (N, 1, H, W) in 0–1, like those it will be given.

    Raises:
        TrainingError: no picture.
    """
    halo = network.halo  # beyond which the padding, which differs, is not felt
    given = [functional.pad(x.float(), (halo,) * 4, mode="replicate") for x in small]
    if not given:
        raise TrainingError("there are no pictures to calibrate by", "data.held_out of the recipe should be 1 or more")
    training, in_float = network.training, network.plain().eval()
    network.eval()
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    wanted = [in_float(x) for x in given]
    pictures = [functional.pixel_unshuffle(x, network.unshuffle) for x in given]  # (N, u², H/u, W/u)
    tried = []
    for margin in _MARGINS:
        network.load_state_dict(weights)
        _scale(network, pictures, margin)
        _correct(network, pictures)
        error = sum(
            float(_inside(network(x) - want, halo * network.scale).square().sum())
            for x, want in zip(given, wanted, strict=True)
        )
        tried.append((error, {name: value.clone() for name, value in network.state_dict().items()}))
    network.load_state_dict(min(tried, key=lambda one: one[0])[1])
    network.train(training)


def _scale(network: PlainInt8 | ColourCoreInt8, pictures: list[Tensor], margin: float) -> None:
    """Scale every layer so that the grid ends at `margin` times what fits its values best."""
    layers = network.convolutions()
    exact = [x - MEAN for x in pictures]
    for layer, following in pairwise(layers):
        exact = [functional.relu(layer(x)) for x in exact]
        factor = grid.TOP / (margin * _end(torch.cat([x.flatten() for x in exact])))
        layer.weight.mul_(factor)
        _bias(layer).mul_(factor)
        following.weight.div_(factor)
        exact = [x * factor for x in exact]


def _end(values: Tensor) -> float:
    """Where uint8 values should end: least squared error of `values`, clipped there and rounded."""
    stride = max(1, values.numel() // _SAMPLES)
    values = values[::stride]
    largest = float(values.max())
    if largest <= 0:  # a layer that is silent on all pictures
        return grid.TOP

    def error(end: float) -> float:
        step = end / 255
        return float(((values / step).round().clamp(max=255) * step - values).square().mean())

    return min((largest * (index + 1) / _ENDS for index in range(_ENDS // 8, _ENDS)), key=error)


def _correct(network: PlainInt8 | ColourCoreInt8, pictures: list[Tensor]) -> None:
    """Give every channel of every layer the mean that it has in float."""
    exact, rounded = [x - MEAN for x in pictures], [network.seen(x) - MEAN for x in pictures]
    halo = network.halo // network.unshuffle
    for index, layer in enumerate(network.convolutions()):
        wanted = [layer(x) for x in exact]
        bias = _bias(layer)[:, None, None]
        round_weights(layer, rounded, [x - bias for x in wanted], halo)
        made = [convolved(layer, x) for x in rounded] if index else [network.entered(x) for x in pictures]
        inner = [_inside(want - make, halo) for want, make in zip(wanted, made, strict=True)]
        shift = torch.cat([x.transpose(0, 1).flatten(1) for x in inner], dim=1).mean(1)
        _bias(layer).add_(shift)
        exact = [functional.relu(x) for x in wanted]
        rounded = [grid.activation(x + shift[:, None, None]) for x in made]


def _inside(x: Tensor, border: int) -> Tensor:
    return x[..., border:-border, border:-border]


def _bias(layer: nn.Conv2d) -> Tensor:
    assert layer.bias is not None
    return layer.bias
