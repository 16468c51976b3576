"""Every loss that compares two pictures without a network, by its name in recipes."""

from __future__ import annotations

from typing import Final

from subpixel_train.losses.frequency import frequency
from subpixel_train.losses.pixel import Loss, charbonnier, mae, mse, psnr
from subpixel_train.losses.structure import ssim

LOSSES: Final[dict[str, Loss]] = {
    "mse": mse,
    "mae": mae,
    "charbonnier": charbonnier,
    "psnr": psnr,
    "frequency": frequency,
    "ssim": ssim,
}
"""Every loss by its name in recipes. `LossSettings` has a field for each."""
