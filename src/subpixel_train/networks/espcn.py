"""ESPCN: all work at the size of the small picture, enlarged by one pixel shuffle at the end.

    Y ─ conv 5×5, 64 ─ ReLU ─ conv 3×3, 64 ─ ReLU ─ conv 3×3, 32 ─ ReLU ─ conv 3×3, r² ─ pixel shuffle r ─ Y, r× larger
    └──────────────────────────── at the size of the small picture ────────────────────┘

Shi et al., "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel Convolutional Neural
Network", CVPR 2016, https://arxiv.org/abs/1609.05158.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from subpixel_train.networks.base import Chain, Float32Conv2d, Settings


class EspcnSettings(Settings):
    """ESPCN has nothing to set but the recipe's scale."""

    kind: Literal["espcn"] = Field(default="espcn", description="ESPCN")


class Espcn(Chain):
    """ESPCN on luma. 58,212 parameters at ×2, 59,657 at ×3, 61,680 at ×4."""

    name: ClassVar[str] = "espcn"
    title: ClassVar[str] = "ESPCN"
    paper: ClassVar[str] = "https://arxiv.org/abs/1609.05158"
    input: ClassVar[Literal["small", "enlarged"]] = "small"

    def __init__(self, settings: EspcnSettings, scale: int, padded: bool = True) -> None:
        super().__init__(scale, padded)
        self.reach = 5  # 2 + 1 + 1 + 1
        pad = int(padded)
        self.extract = nn.Conv2d(1, 64, 5, padding=2 * pad)
        self.map = nn.Conv2d(64, 64, 3, padding=pad)
        self.shrink = nn.Conv2d(64, 32, 3, padding=pad)
        self.phases = Float32Conv2d(32, scale**2, 3, padding=pad)
        for layer in (self.extract, self.map, self.shrink):
            nn.init.orthogonal_(layer.weight, nn.init.calculate_gain("relu"))
        nn.init.orthogonal_(self.phases.weight)
        for layer in self.convolutions():
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def convolutions(self) -> tuple[nn.Conv2d, ...]:
        """The four trained layers."""
        return self.extract, self.map, self.shrink, self.phases

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, H, W), luma in 0–1 → (N, 1, rH, rW), luma in 0–1, not clipped."""
        x = functional.relu(self.extract(x))  # (N, 64, H, W)
        x = functional.relu(self.map(x))  # (N, 64, H, W)
        x = functional.relu(self.shrink(x))  # (N, 32, H, W)
        x = self.phases(x)  # (N, r², H, W)
        return functional.pixel_shuffle(x, self.scale)  # (N, 1, rH, rW)
