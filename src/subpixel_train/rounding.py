"""Weights that bfloat16 holds exactly, rounded so that flat areas keep their level.

An engine that computes in bfloat16 rounds every weight to 8 significant bits. Each rounding is harmless, but in a flat
area all errors of a kernel act on equal values and add up: white came out three levels too dark. Here the weights are
rounded beforehand, one after another, each up or down, whichever keeps the sum over the flat areas nearest to what it
was (error diffusion, as in dithering). float32 and bfloat16 engines then work with the very same weights.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from subpixel.image.colour import GREY_GAIN, GREY_OFFSET
from subpixel_train.networks import Chain, recentre

LEVELS: Final = tuple(range(0, 256, 15))
"""Greys whose flat areas are kept, in 8-bit levels: black, white and sixteen between."""


@torch.no_grad()
def settle(network: Chain, centre: float) -> None:
    """Round all weights of a chain of convolutions and ReLUs to bfloat16, in place; biases stay float32.

    Args:
        network: whose convolutions, in order, have ReLUs between.
        centre: luma that is zero inside the exported graph.
    """
    recentre(network, centre)
    layers = network.convolutions()
    luma = torch.tensor([GREY_OFFSET + GREY_GAIN * level / 255 - centre for level in LEVELS], dtype=torch.float64)
    flat = luma[:, None]  # (levels, in): what a layer is given in a flat area, the same at every pixel
    for layer in layers:
        exact = layer.weight.double()
        rows, taps = exact.flatten(1), layer.kernel_size[0] * layer.kernel_size[1]
        layer.weight.copy_(_rounded(rows, _bfloat16(flat).repeat_interleave(taps, dim=1)).reshape(exact.shape))
        flat = flat @ exact.sum(dim=(2, 3)).T
        if layer.bias is not None:
            flat = flat + layer.bias.double()
        flat = flat.clamp_min(0)  # ReLU; after the last layer nothing is read any more
    recentre(network, -centre)


def _rounded(rows: Tensor, given: Tensor) -> Tensor:
    """Round (out, n) weights so that rows @ given.T, for (levels, n) inputs, stays put; the weightiest first."""
    near = _bfloat16(rows)
    spacing = torch.exp2(near.abs().clamp_min(2.0**-60).log2().floor() - 7)
    far = _bfloat16(torch.where(near > rows, near - spacing, near + spacing))
    result, error = near.clone(), torch.zeros(len(rows), len(given), dtype=torch.float64)
    for column in (spacing.mean(0) * given.abs().mean(0)).argsort(descending=True).tolist():
        with_near = error + (near[:, column] - rows[:, column])[:, None] * given[:, column]
        with_far = error + (far[:, column] - rows[:, column])[:, None] * given[:, column]
        better = with_far.square().sum(1) < with_near.square().sum(1)
        result[:, column] = torch.where(better, far[:, column], near[:, column])
        error = torch.where(better[:, None], with_far, with_near)
    return result


def _bfloat16(values: Tensor) -> Tensor:
    return values.bfloat16().double()
