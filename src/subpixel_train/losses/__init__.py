"""Losses: pixels, frequencies, structure, features, and their weighted sum for one or several outputs."""

from __future__ import annotations

from subpixel_train.losses.frequency import frequency
from subpixel_train.losses.objective import Objective, ObjectiveValue
from subpixel_train.losses.perceptual import FeatureExtractor, Perceptual
from subpixel_train.losses.pixel import Loss, charbonnier, mae, mse, psnr
from subpixel_train.losses.settings import DistillSettings, LossSettings, PerceptualSettings
from subpixel_train.losses.structure import ssim
from subpixel_train.losses.table import LOSSES

__all__ = [
    "LOSSES",
    "DistillSettings",
    "FeatureExtractor",
    "Loss",
    "LossSettings",
    "Objective",
    "ObjectiveValue",
    "Perceptual",
    "PerceptualSettings",
    "charbonnier",
    "frequency",
    "mae",
    "mse",
    "psnr",
    "ssim",
]
