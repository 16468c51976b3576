"""SRCNN: three convolutions that refine the bicubic enlargement.

    Y ─ bicubic ×r ─ conv 9×9, 64 ─ ReLU ─ conv 1×1, 32 ─ ReLU ─ conv 5×5, 1 ─ Y, r× larger
                     patch extraction      non-linear mapping    reconstruction

Dong et al., "Image Super-Resolution Using Deep Convolutional Networks", ECCV 2014 and TPAMI,
https://arxiv.org/abs/1501.00092.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from subpixel_train.networks.base import Chain, Float32Conv2d, Settings


class SrcnnSettings(Settings):
    """SRCNN (9-1-5) has nothing to set but the recipe's scale."""

    kind: Literal["srcnn"] = Field(default="srcnn", description="SRCNN")


class Srcnn(Chain):
    """SRCNN on luma. 8,129 parameters."""

    name: ClassVar[str] = "srcnn"
    title: ClassVar[str] = "SRCNN"
    paper: ClassVar[str] = "https://arxiv.org/abs/1501.00092"
    input: ClassVar[Literal["small", "enlarged"]] = "enlarged"

    def __init__(self, settings: SrcnnSettings, scale: int, padded: bool = True) -> None:
        super().__init__(scale, padded)
        self.reach = 6  # 4 + 0 + 2
        pad = int(padded)
        self.extract = nn.Conv2d(1, 64, 9, padding=4 * pad)
        self.map = nn.Conv2d(64, 32, 1)
        self.reconstruct = Float32Conv2d(32, 1, 5, padding=2 * pad)
        for layer in self.convolutions():
            # The paper draws from N(0, 0.001²) and needs 10⁸ steps of SGD; He's start reaches the same much sooner.
            nn.init.kaiming_normal_(layer.weight, nonlinearity="linear" if layer is self.reconstruct else "relu")
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def convolutions(self) -> tuple[nn.Conv2d, ...]:
        """The three trained layers."""
        return self.extract, self.map, self.reconstruct

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, H, W), luma of the enlarged picture in 0–1 → (N, 1, H, W), luma in 0–1, not clipped."""
        x = functional.relu(self.extract(x))  # (N, 64, H, W)
        x = functional.relu(self.map(x))  # (N, 32, H, W)
        x = self.reconstruct(x)  # (N, 1, H, W)
        return x
