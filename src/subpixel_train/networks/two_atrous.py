"""Two-output network 3, atrous: dilated convolutions in place of the residual blocks, more than twice the parameters.

    RGB ─ conv 64 ─ 5 × conv 64, dilation 1, 2, 4, 2, 1 ─ ×2 up ─┬─ 5 × conv 64, dilated ─ ×2 up ─ conv 1×1 ─ RGB, 4×
                                                                 └─ conv 1×1 ─ RGB, 2×         3×3, ReLU after each

The third of the five networks of the two-output study; dilated convolutions after Yu and Koltun, "Multi-Scale Context
Aggregation by Dilated Convolutions", ICLR 2016, https://arxiv.org/abs/1511.07122.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn

from subpixel_train.networks.base import MEAN
from subpixel_train.networks.two_output import FILTERS, TwoOutput, TwoOutputSettings, convolution, to_rgb


class TwoAtrousSettings(TwoOutputSettings):
    """Settings of the atrous two-output network."""

    kind: Literal["two-atrous"] = Field(default="two-atrous", description="two outputs, dilated convolutions")
    dilations: tuple[int, ...] = Field(
        default=(1, 2, 4, 2, 1),
        min_length=1,
        max_length=16,
        description="dilation of each convolution before a doubling",
    )


class TwoAtrous(TwoOutput):
    """Atrous two-output network on RGB. 371,462 parameters."""

    name: ClassVar[str] = "two-atrous"
    title: ClassVar[str] = "Two outputs, atrous"
    paper: ClassVar[str] = "https://arxiv.org/abs/1511.07122"

    def __init__(self, settings: TwoAtrousSettings, scale: int) -> None:
        super().__init__(settings, scale)
        self.enter = nn.Sequential(convolution(3), nn.ReLU())
        self.first, self.second = _dilated(settings.dilations), _dilated(settings.dilations)
        self.rgb2, self.rgb4 = to_rgb(), to_rgb()
        reach = sum(settings.dilations)
        self.reach = 1 + reach + -(-reach // 2) + 2 * self._between  # the second half works at twice the size

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W), RGB → (N, 3, 2H, 2W) and (N, 3, 4H, 4W), RGB."""
        x = self.enter(x - MEAN)  # (N, 64, H, W)
        x = self.doubled(self.first(x))  # (N, 64, 2H, 2W)
        twice = self.rgb2(x) + MEAN  # (N, 3, 2H, 2W)
        x = self.doubled(self.second(x))  # (N, 64, 4H, 4W)
        return twice, self.rgb4(x) + MEAN  # (N, 3, 4H, 4W)


def _dilated(dilations: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for dilation in dilations:
        layers += [convolution(FILTERS, dilation=dilation), nn.ReLU()]
    return nn.Sequential(*layers)
