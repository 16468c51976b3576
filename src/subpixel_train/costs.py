"""What a network costs to run: multiply-adds and values held, per pixel of the small picture."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from subpixel_train.networks import BicubicEnlarge, Network, PlainInt8


@dataclass(frozen=True, slots=True)
class Cost:
    """Costs per pixel of the small picture.

    Attributes:
        multiply_adds: of all convolutions, the bicubic enlargement among them.
        activations: most values held at a time: input and output of one convolution.
    """

    multiply_adds: int
    activations: int


def measure(network: Network, scale: int | None = None) -> Cost:
    """Run the padded network once on a small picture and count.

    Args:
        network: what to count.
        scale: of the output that alone is wanted, so that what only others need is not computed; None: of all.
    """
    network = copy.deepcopy(network).cpu().eval().requires_grad_(True)
    if isinstance(network, PlainInt8):
        network = network.plain()  # whose layers are called as modules
    side = 8 * network.align
    adds: dict[nn.Conv2d | nn.ConvTranspose2d, int] = {}
    held: dict[nn.Conv2d | nn.ConvTranspose2d, int] = {}

    def count(layer: nn.Module, given: tuple[Tensor, ...], result: Tensor) -> None:
        assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
        places = given[0] if isinstance(layer, nn.ConvTranspose2d) else result
        adds[layer] = layer.weight.numel() * places.shape[-1] * places.shape[-2]
        held[layer] = given[0].numel() + result.numel()

    kinds = (nn.Conv2d, nn.ConvTranspose2d)
    hooks = [layer.register_forward_hook(count) for layer in network.modules() if isinstance(layer, kinds)]
    small = torch.zeros(1, network.channels, side, side)
    outputs = network.outputs(BicubicEnlarge(network.scale)(small) if network.input == "enlarged" else small)
    for hook in hooks:
        hook.remove()
    if scale is not None:
        weights = [layer.weight for layer in adds]
        gradients = torch.autograd.grad(outputs[network.scales.index(scale)].sum(), weights, allow_unused=True)
        for layer, gradient in zip(list(adds), gradients, strict=True):
            if gradient is None:
                del adds[layer], held[layer]
    pixels = side * side
    bicubic = 0
    if network.input == "enlarged" or any(isinstance(part, BicubicEnlarge) for part in network.modules()):
        bicubic = 25 * network.scale**2 * network.channels
    return Cost(sum(adds.values()) // pixels + bicubic, max(held.values()) // pixels)
