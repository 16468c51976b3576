"""Two-output network 2, residual: residual blocks in place of the plain convolutions.

    RGB ─ conv 64 ─ blocks ─ ×2 up ─┬─ blocks ─ ×2 up ─ conv 1×1 ─ RGB, 4× larger
                                    └─ conv 1×1 ─ RGB, 2× larger
    block: x ─ conv 64 ─ ReLU ─ conv 64 ─(+)─
           └──────────────────────────────┘

The second of the five networks of the two-output study; residual blocks after He et al., "Deep Residual Learning for
Image Recognition", CVPR 2016, https://arxiv.org/abs/1512.03385, without batch normalisation.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from subpixel_train.networks.base import MEAN
from subpixel_train.networks.two_output import FILTERS, TwoOutput, TwoOutputSettings, convolution, to_rgb


class TwoResidualSettings(TwoOutputSettings):
    """Settings of the residual two-output network."""

    kind: Literal["two-residual"] = Field(default="two-residual", description="two outputs, residual blocks")
    blocks: int = Field(default=1, ge=1, le=16, description="residual blocks before each doubling")


class ResidualBlock(nn.Module):
    """x + conv(ReLU(conv(x)))."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = convolution(FILTERS), convolution(FILTERS)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 64, H, W) → (N, 64, H, W)."""
        result: Tensor = x + self.second(functional.relu(self.first(x)))
        return result


class TwoResidual(TwoOutput):
    """Residual two-output network on RGB. 149,894 parameters with one block before each doubling."""

    name: ClassVar[str] = "two-residual"
    title: ClassVar[str] = "Two outputs, residual"
    paper: ClassVar[str] = "https://arxiv.org/abs/1512.03385"

    def __init__(self, settings: TwoResidualSettings, scale: int) -> None:
        super().__init__(settings, scale)
        self.enter = convolution(3)
        self.first = nn.Sequential(*(ResidualBlock() for _ in range(settings.blocks)))
        self.second = nn.Sequential(*(ResidualBlock() for _ in range(settings.blocks)))
        self.rgb2, self.rgb4 = to_rgb(), to_rgb()
        self.reach = 1 + 2 * settings.blocks + settings.blocks + 2 * self._between

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, H, W), RGB → (N, 3, 2H, 2W) and (N, 3, 4H, 4W), RGB."""
        x = functional.relu(self.enter(x - MEAN))  # (N, 64, H, W)
        x = self.doubled(self.first(x))  # (N, 64, 2H, 2W)
        twice = self.rgb2(x) + MEAN  # (N, 3, 2H, 2W)
        x = self.doubled(self.second(x))  # (N, 64, 4H, 4W)
        return twice, self.rgb4(x) + MEAN  # (N, 3, 4H, 4W)
