"""What the five two-output networks share: one small picture in, two larger ones out of one pass.

The study's task is 72×72×3 in, 144×144×3 and 288×288×3 out, loss and PSNR on both; fully convolutional, so that every
size works after training.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from subpixel_train.networks.base import Float32Conv2d, Network, Settings

FILTERS = 64
"""Maps of every convolution of the study."""


class TwoOutputSettings(Settings):
    """What all five have to set."""

    interpolation: Literal["nearest", "bilinear"] = Field(
        default="nearest", description="how maps are doubled where no pixel shuffle does it; Keras' default is nearest"
    )


class TwoOutput(Network):
    """Base of the two-output networks: ×2 and ×4 from one pass."""

    paper: ClassVar[str] = ""

    def __init__(self, settings: TwoOutputSettings, scale: int) -> None:
        if scale != 4:
            raise ValueError(f"two-output networks make ×2 and ×4: their scale is 4, not {scale}")
        super().__init__(scale)
        self.interpolation = settings.interpolation

    @property
    def scales(self) -> tuple[int, ...]:
        """×2 and ×4."""
        return (2, 4)

    def doubled(self, x: Tensor, factor: int = 2) -> Tensor:
        """(N, C, H, W) → (N, C, factor·H, factor·W), nothing learnt."""
        if self.interpolation == "nearest":
            return functional.interpolate(x, scale_factor=float(factor), mode="nearest")
        return functional.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)

    @property
    def _between(self) -> int:
        """Pixels that interpolation looks beyond the nearest."""
        return int(self.interpolation == "bilinear")


def convolution(inside: int, outside: int = FILTERS, dilation: int = 1) -> nn.Conv2d:
    """A 3×3 convolution that keeps the size."""
    return nn.Conv2d(inside, outside, 3, padding=dilation, dilation=dilation)


def to_rgb() -> Float32Conv2d:
    """The 1×1 convolution that turns maps into R, G, B."""
    return Float32Conv2d(FILTERS, 3, 1)
