"""Pixel losses. Each takes result and target, (N, C, H, W) float32, and gives a scalar."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

Loss = Callable[[Tensor, Tensor], Tensor]


def mse(result: Tensor, target: Tensor) -> Tensor:
    """Mean squared error: what PSNR measures."""
    return functional.mse_loss(result, target)


def mae(result: Tensor, target: Tensor) -> Tensor:
    """Mean absolute error: less drawn to the few worst pixels."""
    return functional.l1_loss(result, target)


def charbonnier(result: Tensor, target: Tensor) -> Tensor:
    """A smooth mean absolute error, √(d² + ε²) with ε = 10⁻³ (Charbonnier et al., ICIP 1994)."""
    return torch.sqrt((result - target).square() + 1e-6).mean()


def psnr(result: Tensor, target: Tensor) -> Tensor:
    """Minus the mean PSNR of the crops, in units of 10 dB: log10(MSE + 10⁻⁴) per crop.

    Tables average the PSNR of pictures, a logarithm of each one's error. The plain mean of errors is ruled by the few
    pictures of grass and gravel that no network gets right; here every crop counts alike, except those better than
    40 dB, which count less.
    """
    error = (result - target).square().mean(dim=(1, 2, 3))
    return torch.log10(error + 1e-4).mean()
