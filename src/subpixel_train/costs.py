"""What a network costs to run: multiply-adds and values held, per pixel of the small picture."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from subpixel_train.networks import BicubicEnlarge, Network


@dataclass(frozen=True, slots=True)
class Cost:
    """Costs per pixel of the small picture.

    Attributes:
        multiply_adds: of all convolutions, the bicubic enlargement among them.
        activations: most values held at a time: input and output of one convolution.
    """

    multiply_adds: int
    activations: int


def measure(network: Network) -> Cost:
    """Run the padded network once on a small picture and count."""
    network = copy.deepcopy(network).cpu().eval()
    side = 8 * network.align
    counted, held = [0], [0]

    def count(layer: nn.Module, given: tuple[Tensor, ...], result: Tensor) -> None:
        if isinstance(layer, nn.ConvTranspose2d):
            counted[0] += layer.weight.numel() * given[0].shape[-1] * given[0].shape[-2]
        elif isinstance(layer, nn.Conv2d):
            counted[0] += layer.weight.numel() * result.shape[-1] * result.shape[-2]
        held[0] = max(held[0], given[0].numel() + result.numel())

    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    hooks = [layer.register_forward_hook(count) for layer in network.modules() if isinstance(layer, kinds)]
    with torch.inference_mode():
        small = torch.zeros(1, network.channels, side, side)
        network(BicubicEnlarge(network.scale)(small) if network.input == "enlarged" else small)
    for hook in hooks:
        hook.remove()
    pixels = side * side
    bicubic = 0
    if network.input == "enlarged" or any(isinstance(part, BicubicEnlarge) for part in network.modules()):
        bicubic = 25 * network.scale**2 * network.channels
    return Cost(counted[0] // pixels + bicubic, held[0] // pixels)
