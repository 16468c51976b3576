"""Perceptual loss: result and target compared by the features that a recognition network finds in them.

Johnson et al., "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016,
https://arxiv.org/abs/1603.08155; in ISR as the mean over the chosen layers of VGG19, weight 0.0833.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, Protocol

import torch
from torch import Tensor, nn

from subpixel_train.losses.pixel import Loss, mae, mse
from subpixel_train.losses.settings import PerceptualSettings
from subpixel_train.networks import squeezenet, vgg19

CRITERIA: Final[dict[str, Loss]] = {"mse": mse, "mae": mae}
SQUEEZENET_DEVIATIONS: Final = {
    **{"conv1": 0.9, "fire2": 2.3, "fire3": 4.2, "fire4": 3.9, "fire5": 5.6},
    **{"fire6": 2.8, "fire7": 1.9, "fire8": 0.7, "fire9": 0.5},
}
"""Standard deviation of the features of SqueezeNet's layers over photographs: without it one layer outweighs all."""


class FeatureExtractor(Protocol):
    """A frozen recognition network."""

    def __call__(self, x: Tensor, /) -> list[Tensor]:
        """(N, 3, H, W), RGB in 0–1 → (N, Cₖ, Hₖ, Wₖ) for each chosen layer, in the order they were asked for."""
        ...


class Perceptual(nn.Module):
    """Mean over the chosen layers of the distance between the features of result and target, not weighted.

    Args:
        extractor: finds the features. It normalises its input itself.
        criterion: ``"mse"`` or ``"mae"``.
        units: what the features of each layer are divided by; None: taken as they are.
    """

    def __init__(
        self, extractor: FeatureExtractor, criterion: str = "mse", units: tuple[float, ...] | None = None
    ) -> None:
        super().__init__()
        self.extractor = extractor
        self.units = units
        self.criterion = CRITERIA[criterion]
        if isinstance(extractor, nn.Module):
            extractor.requires_grad_(False).eval()

    @classmethod
    def of(cls, settings: PerceptualSettings) -> Perceptual:
        """The loss of a recipe.

        Raises:
            TrainingError: the extractor's weights are not there, or a layer has no such name.
        """
        extractor = load_extractor(settings)
        if settings.extractor == "vgg19":
            return cls(extractor, settings.criterion)  # as ISR and SRGAN
        layers = settings.layers or squeezenet.DEFAULT
        return cls(extractor, settings.criterion, tuple(SQUEEZENET_DEVIATIONS[layer] for layer in layers))

    def train(self, mode: bool = True) -> Perceptual:
        """Stays as it is: the extractor never learns."""
        return super().train(False)

    def forward(self, result: Tensor, target: Tensor) -> Tensor:
        """Two times (N, C, H, W) in 0–1, C = 3 (RGB) or 1 (luma, taken as grey) → a scalar in float32."""
        with torch.autocast(result.device.type, enabled=False):
            with torch.no_grad():
                wanted = self.extractor(_rgb(target))
            found = self.extractor(_rgb(result))
            units = self.units or (1.0,) * len(wanted)
            terms = [self.criterion(f / unit, w / unit) for f, w, unit in zip(found, wanted, units, strict=True)]
            return torch.stack(terms).mean()


def load_extractor(settings: PerceptualSettings) -> FeatureExtractor:
    """The extractor of a recipe with its published weights, in evaluation mode."""
    weights = Path(settings.weights).expanduser() if settings.weights else None
    extractor: FeatureExtractor
    match settings.extractor:
        case "vgg19":
            extractor = vgg19.load_extractor(settings.layers, weights)
        case "squeezenet":
            extractor = squeezenet.load_extractor(settings.layers, weights)
    return extractor


def _rgb(x: Tensor) -> Tensor:
    """Three channels in float32; luma is repeated."""
    return x.float().expand(-1, 3, -1, -1)
