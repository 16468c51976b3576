"""The weighted sum of a recipe's losses over a network's outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn

from subpixel.errors import TrainingError
from subpixel_train.losses.perceptual import FeatureExtractor, Perceptual
from subpixel_train.losses.pixel import Loss
from subpixel_train.losses.settings import LossSettings
from subpixel_train.losses.table import LOSSES

ABSOLUTE: Final = frozenset({"ssim", "perceptual"})
"""Losses that depend on the level of the pictures and not on their difference alone."""


@dataclass(frozen=True, slots=True)
class ObjectiveValue:
    """What the training lowers, and what it is made of.

    Attributes:
        total: scalar to run backward from.
        parts: each loss, detached and without its weight: ``"mae"``, or with several outputs ``"mae/1"``, ``"mae/2"`` …
            from the smallest output.
    """

    total: Tensor
    parts: dict[str, Tensor]


class Objective(nn.Module):
    """Sum over losses and outputs of weight of the loss · weight of the output · loss.

    With one output and one loss of weight 1 the total is that function's value, bit for bit.

    Args:
        settings: weights.
        outputs: number of the network's outputs.
        centre: level that was subtracted from results and targets; put back for the losses that need it.
        extractor: finds features in place of the one that `settings.perceptual` names.

    Raises:
        TrainingError: another number of weights than of outputs, or the extractor cannot be loaded.
    """

    def __init__(
        self,
        settings: LossSettings,
        outputs: int = 1,
        *,
        centre: float = 0.0,
        extractor: FeatureExtractor | None = None,
    ) -> None:
        super().__init__()
        shares = settings.outputs or [1 / outputs] * outputs
        if len(shares) != outputs:
            raise TrainingError(
                f"loss.outputs has {len(shares)} weights", f"the network has {outputs} outputs: give one each, or none"
            )
        self.shares, self.centre = tuple(shares), centre
        self.losses: dict[str, tuple[float, Loss]] = {name: (weight, LOSSES[name]) for name, weight in settings.plain()}
        self.perceptual: Perceptual | None = None
        if settings.perceptual is not None:
            self.perceptual = (
                Perceptual(extractor, settings.perceptual.criterion)
                if extractor is not None
                else Perceptual.of(settings.perceptual)
            )
            self.losses["perceptual"] = (settings.perceptual.weight, self.perceptual)

    def forward(self, results: tuple[Tensor, ...], targets: tuple[Tensor, ...]) -> ObjectiveValue:
        """Compare each output with its target.

        Args:
            results: (N, C, Hₖ, Wₖ), one per output, 0–1 minus `centre`, any float type.
            targets: the same shapes.

        Returns:
            The total and its parts, computed in float32.
        """
        total, parts = None, {}
        several = len(self.shares) > 1
        for index, (share, result, target) in enumerate(zip(self.shares, results, targets, strict=True), 1):
            with torch.autocast(result.device.type, enabled=False):
                a, b = result.float(), target.float()
                for name, (weight, loss) in self.losses.items():
                    shift = self.centre if name in ABSOLUTE else 0.0
                    value = loss(a + shift, b + shift) if shift else loss(a, b)
                    parts[f"{name}/{index}" if several else name] = value.detach()
                    term = value * (weight * share)
                    total = term if total is None else total + term
        assert total is not None
        return ObjectiveValue(total, parts)
