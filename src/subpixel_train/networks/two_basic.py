"""Two-output network 1, basic: plain convolutions, maps doubled by repetition.

    RGB ─ conv 64 ─ conv 64 ─ ×2 up ─┬─ conv 64 ─ conv 64 ─ ×2 up ─ conv 1×1 ─ RGB, 4× larger
                                     └─ conv 1×1 ─ RGB, 2× larger                       3×3, ReLU after each

The first of the five networks of the two-output study on PASCAL VOC 2007.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor
from torch.nn import functional

from subpixel_train.networks.base import MEAN
from subpixel_train.networks.two_output import FILTERS, TwoOutput, TwoOutputSettings, convolution, to_rgb


class TwoBasicSettings(TwoOutputSettings):
    """Settings of the basic two-output network."""

    kind: Literal["two-basic"] = Field(default="two-basic", description="two outputs, plain convolutions")


class TwoBasic(TwoOutput):
    """Basic two-output network on RGB. 112,966 parameters."""

    name: ClassVar[str] = "two-basic"
    title: ClassVar[str] = "Two outputs, basic"

    def __init__(self, settings: TwoBasicSettings, scale: int) -> None:
        super().__init__(settings, scale)
        self.first1, self.first2 = convolution(3), convolution(FILTERS)
        self.second1, self.second2 = convolution(FILTERS), convolution(FILTERS)
        self.rgb2, self.rgb4 = to_rgb(), to_rgb()
        self.reach = 2 + 1 + 2 * self._between  # two convolutions, two more at twice the size

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W), RGB → (N, 3, 2H, 2W) and (N, 3, 4H, 4W), RGB."""
        x = functional.relu(self.first1(x - MEAN))  # (N, 64, H, W)
        x = functional.relu(self.first2(x))  # (N, 64, H, W)
        x = self.doubled(x)  # (N, 64, 2H, 2W)
        twice = self.rgb2(x) + MEAN  # (N, 3, 2H, 2W)
        x = functional.relu(self.second1(x))  # (N, 64, 2H, 2W)
        x = functional.relu(self.second2(x))  # (N, 64, 2H, 2W)
        x = self.doubled(x)  # (N, 64, 4H, 4W)
        return twice, self.rgb4(x) + MEAN  # (N, 3, 4H, 4W)
