"""Two-output network 4, pretrained features: a picture's features from an ImageNet network go in beside its own.

    RGB ─ conv 64 ─ conv 64 ─ ×2 up ─ concat ─ conv 64 ─┬─ conv 64 ─ ×2 up ─ concat ─ conv 64 ─ conv 1×1 ─ RGB, 4×
     │                                  │               └─ conv 1×1 ─ RGB, 2×   │           3×3, ReLU after each
     └─ first block of EfficientNet-B4 ─┴─ 24 maps at half the size, ×4 up ─────┴─ ×8 up

The fourth of the five networks of the two-output study: every doubling is followed by a convolution, half of the third
network's parameters. Features after Tan and Le, "EfficientNet", ICML 2019, https://arxiv.org/abs/1905.11946.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from subpixel_train.networks.base import MEAN
from subpixel_train.networks.efficientnet import MAPS, FirstBlock, feature_block
from subpixel_train.networks.two_output import FILTERS, TwoOutput, TwoOutputSettings, convolution, to_rgb


class FeatureSettings(TwoOutputSettings):
    """Where the features come from."""

    pretrained: bool = Field(
        default=True, description="ImageNet's weights, frozen; false: a fresh block that is trained with the rest"
    )
    weights: str | None = Field(
        default=None, description="file with EfficientNet-B4's weights; none: from the cache (subpixel data fetch)"
    )


class TwoPretrainedSettings(FeatureSettings):
    """Settings of the two-output network with pretrained features."""

    kind: Literal["two-pretrained"] = Field(
        default="two-pretrained", description="two outputs, features of EfficientNet-B4"
    )


class TwoPretrained(TwoOutput):
    """Two-output network with pretrained features, on RGB."""

    name: ClassVar[str] = "two-pretrained"
    title: ClassVar[str] = "Two outputs, pretrained features"
    paper: ClassVar[str] = "https://arxiv.org/abs/1905.11946"

    def __init__(self, settings: TwoPretrainedSettings, scale: int) -> None:
        super().__init__(settings, scale)
        self.features: FirstBlock = feature_block(pretrained=settings.pretrained, weights=settings.weights)
        self.enter1, self.enter2 = convolution(3), convolution(FILTERS)
        self.join2 = convolution(FILTERS + MAPS)
        self.between = convolution(FILTERS)
        self.join4 = convolution(FILTERS + MAPS)
        self.rgb2, self.rgb4 = to_rgb(), to_rgb()
        self.align = self.features.align
        # the features; the joins and `between` work at twice and four times the size
        self.reach = max(2 + 1 + 1 + 1, self.features.reach + 2) + 2 * self._between

    def prepare(self, small: Iterable[Tensor]) -> None:
        """The features' squeezed mean becomes that of the training pictures."""
        self.features.calibrate(small)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W), RGB, H and W even → (N, 3, 2H, 2W) and (N, 3, 4H, 4W), RGB."""
        features = self.features(x)  # (N, 24, H/2, W/2)
        x = functional.relu(self.enter1(x - MEAN))  # (N, 64, H, W)
        x = functional.relu(self.enter2(x))  # (N, 64, H, W)
        x = _beside(self.doubled(x), self.doubled(features, 4))  # (N, 88, 2H, 2W)
        x = functional.relu(self.join2(x))  # (N, 64, 2H, 2W)
        twice = self.rgb2(x) + MEAN  # (N, 3, 2H, 2W)
        x = functional.relu(self.between(x))  # (N, 64, 2H, 2W)
        x = _beside(self.doubled(x), self.doubled(features, 8))  # (N, 88, 4H, 4W)
        x = functional.relu(self.join4(x))  # (N, 64, 4H, 4W)
        return twice, self.rgb4(x) + MEAN  # (N, 3, 4H, 4W)


def _beside(own: Tensor, features: Tensor) -> Tensor:
    return torch.cat((own, features.to(own.dtype)), dim=1)
