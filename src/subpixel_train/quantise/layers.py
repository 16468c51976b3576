"""A convolution in whole numbers, as every engine computes it."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from subpixel_train.quantise import grid


def quantised(layer: nn.Conv2d, centre: float = 0.0) -> tuple[Tensor, Tensor, Tensor]:
    """A layer in whole numbers, for input on the grid that means itself less `centre`.

    Returns:
        Weights (out, in, k, k) of −127…127, bias (out,) in units of STEP·scale, scale (out,); all float32.
    """
    assert layer.bias is not None
    scale = grid.weight_scale(layer.weight)
    weight = grid.weight_steps(layer.weight, scale)
    bias = layer.bias.float() - centre * weight.sum(dim=(1, 2, 3)) * scale
    return weight, grid.bias_steps(bias, scale), scale


def convolved(layer: nn.Conv2d, x: Tensor, centre: float = 0.0, *, careful: bool = False) -> Tensor:
    """One layer on values of the grid less `centre`, (N, in, H, W) → (N, out, H, W), rounded as in the file.

    Args:
        layer: keeps the size.
        x: multiples of the grid's step; whole numbers up to 127 and those are exact in bfloat16 too.
        centre: what stands for zero in x.
        careful: beyond the border of x its edge goes on, not −`centre`.
    """
    weight, bias, scale = quantised(layer, centre)
    far = layer.dilation[0] * (layer.kernel_size[0] // 2)
    if careful:
        x = functional.pad(x, (far,) * 4, mode="replicate")
    y = functional.conv2d(x, weight, padding=0 if careful else far, dilation=layer.dilation)
    return (y + (bias * grid.STEP)[:, None, None]) * scale[:, None, None]
