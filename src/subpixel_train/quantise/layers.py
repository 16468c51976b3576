"""A convolution in whole numbers, as every engine computes it.

The first layer of a network on luma is given luma twice: rounded to the grid, and what that left, eight times as large.
Bytes are too coarse for luma, which is finer than the bytes of red, green and blue that it comes from; its enlargement
by 2 lost 0.01 dB by it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from subpixel_train.networks.base import MEAN
from subpixel_train.quantise import grid

FINER: Final = 8
"""What rounding left of luma is shown so many times larger, so that its steps are those of fine luma."""
MIDDLE: Final = 0.5
"""What is added to it, as it may be negative."""


class Whole(NamedTuple):
    """A layer in whole numbers.

    Attributes:
        weight: (out, in, k, k), −127…127.
        bias: (out,), in units of STEP·scale.
        scale: (out,).
    """

    weight: Tensor
    bias: Tensor
    scale: Tensor


def quantised(layer: nn.Conv2d, centre: float = 0.0) -> Whole:
    """A layer in whole numbers, for input on the grid that means itself less `centre`; all in float32."""
    assert layer.bias is not None
    scale = grid.weight_scale(layer.weight)
    weight = grid.weight_steps(layer.weight, scale)
    bias = layer.bias.float() - centre * weight.sum(dim=(1, 2, 3)) * scale
    return Whole(weight, grid.bias_steps(bias, scale), scale)


def quantised_first(layer: nn.Conv2d) -> Whole:
    """The first layer of a network on luma in whole numbers, for what `split` makes of luma."""
    assert layer.bias is not None
    scale = grid.weight_scale(layer.weight)
    weight, finer = grid.weight_steps(layer.weight, scale), grid.weight_steps(layer.weight / FINER, scale)
    middle = MEAN * weight.sum(dim=(1, 2, 3)) + MIDDLE * finer.sum(dim=(1, 2, 3))
    return Whole(torch.cat((weight, finer), 1), grid.bias_steps(layer.bias.float() - middle * scale, scale), scale)


def joined_first(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Weights and bias that `quantised_first` made, times their scales, for luma less its mean in one again."""
    own, finer = weight.chunk(2, dim=1)
    return own, bias + MEAN * own.sum(dim=(1, 2, 3)) + MIDDLE * finer.sum(dim=(1, 2, 3))


def split(x: Tensor, rounded: bool = True) -> Tensor:
    """Luma rounded, and what that left: (N, C, H, W) in 0–1 → (N, 2C, H, W).

    Args:
        x: luma.
        rounded: False for the float form of a file, where nothing is left.
    """
    if not rounded:
        return torch.cat((x, torch.full_like(x, MIDDLE)), 1)
    coarse = grid.activation(x)
    return torch.cat((coarse, grid.activation((x - coarse) * FINER + MIDDLE)), 1)


def joined(parts: Tensor) -> Tensor:
    """What `split` made, in one again: (N, 2C, H, W) → (N, C, H, W)."""
    coarse, left = parts.chunk(2, dim=1)
    return coarse + (left - MIDDLE) / FINER


def convolved(layer: nn.Conv2d, x: Tensor, whole: Whole | None = None, *, careful: bool = False) -> Tensor:
    """One layer on values of the grid, (N, in, H, W) → (N, out, H, W), rounded as in the file.

    Args:
        layer: keeps the size.
        x: multiples of the grid's step; whole numbers up to 127 and those are exact in bfloat16 too.
        whole: the layer in whole numbers; None: as `quantised` makes it, for values that mean themselves.
        careful: beyond the border of x its edge goes on, not zero.
    """
    weight, bias, scale = whole or quantised(layer)
    far = layer.dilation[0] * (layer.kernel_size[0] // 2)
    if careful:
        x = functional.pad(x, (far,) * 4, mode="replicate")
    y = functional.conv2d(x, weight, padding=0 if careful else far, dilation=layer.dilation)
    return (y + (bias * grid.STEP)[:, None, None]) * scale[:, None, None]
