"""Pixel losses. Each takes result and target, (N, C, H, W) float32, and gives a scalar."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

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


LOSSES: Final[dict[str, Loss]] = {"mse": mse, "mae": mae, "charbonnier": charbonnier}
"""Every loss by its name in recipes."""
