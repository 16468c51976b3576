"""The learning rate over a training, as a share of the rate at the start."""

from __future__ import annotations

import math

from subpixel_train.train.optimiser_settings import OptimiserSettings


def share(settings: OptimiserSettings, step: int, steps: int, epoch_steps: int = 1) -> float:
    """Share of the starting rate that holds at a step.

    Args:
        settings: the shape of the fall.
        step: counted from 0.
        steps: of the whole training.
        epoch_steps: steps of an epoch, the unit of shapes step and milestones.
    """
    warm = min(1.0, (step + 1) / settings.warmup) if settings.warmup else 1.0
    done = min(1.0, step / max(1, steps - 1))
    epoch = step // epoch_steps  # epochs that are over
    match settings.shape:
        case "constant":
            fall = 1.0
        case "cosine":
            fall = settings.final + (1 - settings.final) * 0.5 * (1 + math.cos(math.pi * done))
        case "exponential":
            fall = settings.final**done
        case "step":
            fall = max(settings.final, settings.factor ** (epoch // settings.every))
        case "milestones":
            fall = max(settings.final, settings.factor ** sum(epoch >= stone for stone in settings.milestones))
    return warm * fall
