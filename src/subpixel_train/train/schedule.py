"""The learning rate over a training, as a share of the rate at the start."""

from __future__ import annotations

import math

from subpixel_train.recipe import OptimiserSettings


def share(settings: OptimiserSettings, step: int, steps: int) -> float:
    """Share of the starting rate that holds at `step` of `steps`, counted from 0."""
    warm = min(1.0, (step + 1) / settings.warmup) if settings.warmup else 1.0
    done = min(1.0, step / max(1, steps - 1))
    match settings.shape:
        case "constant":
            fall = 1.0
        case "cosine":
            fall = settings.final + (1 - settings.final) * 0.5 * (1 + math.cos(math.pi * done))
        case "exponential":
            fall = settings.final**done
    return warm * fall
