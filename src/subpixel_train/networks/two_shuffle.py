"""Two-output network 5, depth-to-space: network 4 with pixel shuffles in place of upsampling.

    RGB ─ conv 64 ─ conv 64 ─ shuffle 2 ─ concat ─ conv 64 ─┬─ conv 64 ─ shuffle 2 ─ concat ─ conv 64 ─ conv 1×1 ─ RGB
     │                                      │               └─ conv 1×1 ─ RGB, 2×      │                          4×
     └─ first block of EfficientNet-B4 ─┬───┴─ conv 1×1, shuffle 4: 16 maps            │
                                        └───── conv 1×1, shuffle 8: 8 maps ────────────┘       3×3, ReLU after each

The fifth of the five networks of the two-output study, its best on both outputs. Pixel shuffle (depth-to-space) after
Shi et al., CVPR 2016, https://arxiv.org/abs/1609.05158.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from subpixel_train.networks.base import MEAN
from subpixel_train.networks.efficientnet import MAPS, FirstBlock, feature_block
from subpixel_train.networks.two_output import FILTERS, TwoOutput, convolution, to_rgb
from subpixel_train.networks.two_pretrained import FeatureSettings

_MAPS2, _MAPS4 = 16, 8  # maps of the features beside the own ones, at twice and four times the size


class TwoShuffleSettings(FeatureSettings):
    """Settings of the two-output network with pixel shuffles."""

    kind: Literal["two-shuffle"] = Field(
        default="two-shuffle", description="two outputs, features of EfficientNet-B4, pixel shuffles"
    )


class TwoShuffle(TwoOutput):
    """Two-output network with pretrained features and pixel shuffles, on RGB."""

    name: ClassVar[str] = "two-shuffle"
    title: ClassVar[str] = "Two outputs, depth-to-space"
    paper: ClassVar[str] = "https://arxiv.org/abs/1609.05158"

    def __init__(self, settings: TwoShuffleSettings, scale: int) -> None:
        super().__init__(settings, scale)
        self.features: FirstBlock = feature_block(pretrained=settings.pretrained, weights=settings.weights)
        self.spread2, self.spread4 = nn.Conv2d(MAPS, _MAPS2 * 4**2, 1), nn.Conv2d(MAPS, _MAPS4 * 8**2, 1)
        self.enter1, self.enter2 = convolution(3), convolution(FILTERS)
        self.join2 = convolution(FILTERS // 4 + _MAPS2)
        self.between = convolution(FILTERS)
        self.join4 = convolution(FILTERS // 4 + _MAPS4)
        self.rgb2, self.rgb4 = to_rgb(), to_rgb()
        self.align = self.features.align
        # the features; the joins and `between` work at twice and four times the size
        self.reach = max(2 + 1 + 1 + 1, self.features.reach + 2)

    def prepare(self, small: Iterable[Tensor]) -> None:
        """The features' squeezed mean becomes that of the training pictures."""
        self.features.calibrate(small)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W), RGB, H and W even → (N, 3, 2H, 2W) and (N, 3, 4H, 4W), RGB."""
        features = self.features(x)  # (N, 24, H/2, W/2)
        x = functional.relu(self.enter1(x - MEAN))  # (N, 64, H, W)
        x = functional.relu(self.enter2(x))  # (N, 64, H, W)
        beside = functional.pixel_shuffle(self.spread2(features), 4)  # (N, 256, H/2, W/2) → (N, 16, 2H, 2W)
        x = torch.cat((functional.pixel_shuffle(x, 2), beside), dim=1)  # (N, 16 + 16, 2H, 2W)
        x = functional.relu(self.join2(x))  # (N, 64, 2H, 2W)
        twice = self.rgb2(x) + MEAN  # (N, 3, 2H, 2W)
        x = functional.relu(self.between(x))  # (N, 64, 2H, 2W)
        beside = functional.pixel_shuffle(self.spread4(features), 8)  # (N, 512, H/2, W/2) → (N, 8, 4H, 4W)
        x = torch.cat((functional.pixel_shuffle(x, 2), beside), dim=1)  # (N, 16 + 8, 4H, 4W)
        x = functional.relu(self.join4(x))  # (N, 64, 4H, 4W)
        return twice, self.rgb4(x) + MEAN  # (N, 3, 4H, 4W)
