"""Structural similarity as a loss."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from subpixel.errors import TrainingError

WINDOW: Final = 11
"""Side of the Gaussian window in pixels."""
SIGMA: Final = 1.5
"""Standard deviation of the window in pixels."""
C1: Final = 0.01**2
"""Constant beside the means: (K1 · L)² with a dynamic range L of 1."""
C2: Final = 0.03**2
"""Constant beside the variances: (K2 · L)² with a dynamic range L of 1."""


def ssim(result: Tensor, target: Tensor) -> Tensor:
    """1 − SSIM (Wang et al., IEEE TIP 2004, equation 13), each channel by itself, the mean of all.

    Gaussian window of 11×11 with σ = 1.5, only where it lies wholly inside the picture; dynamic range 1; computed in
    float32, under autocast too. On luma it is one minus `subpixel.measure.ssim` of the unrounded picture.

    Args:
        result: (N, C, H, W), 0–1, sides of 11 pixels or more.
        target: (N, C, H, W), 0–1.

    Returns:
        A scalar from 0 (equal) to 2.

    Raises:
        TrainingError: crops smaller than the window.
    """
    height, width = result.shape[-2:]
    if min(height, width) < WINDOW:
        raise TrainingError(
            f"SSIM of crops of {width}×{height} pixels",
            f"its window has {WINDOW}×{WINDOW}: raise data.crop, or set loss.ssim to 0",
        )
    with torch.autocast(result.device.type, enabled=False):
        a, b = result.float(), target.float()
        mean_a, mean_b, square_a, square_b, product = _blur(torch.stack((a, b, a * a, b * b, a * b)))
        var_a, var_b, covariance = square_a - mean_a**2, square_b - mean_b**2, product - mean_a * mean_b
        above = (2 * mean_a * mean_b + C1) * (2 * covariance + C2)
        below = (mean_a**2 + mean_b**2 + C1) * (var_a + var_b + C2)
        loss: Tensor = 1 - (above / below).mean()
        return loss


def _blur(planes: Tensor) -> Tensor:
    """Weighted mean under the window, only where it fits: (…, H, W) → (…, H − 10, W − 10)."""
    weights = torch.tensor(_gaussian(), dtype=planes.dtype, device=planes.device)
    x = planes.reshape(-1, 1, *planes.shape[-2:])
    x = functional.conv2d(x, weights.reshape(1, 1, -1, 1))
    x = functional.conv2d(x, weights.reshape(1, 1, 1, -1))
    return x.reshape(*planes.shape[:-2], *x.shape[-2:])


@lru_cache(maxsize=1)
def _gaussian() -> tuple[float, ...]:
    """Weights of the window along one axis, sum 1."""
    offset = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    weight = torch.exp(-offset.square() / (2 * SIGMA**2))
    return tuple((weight / weight.sum()).tolist())
