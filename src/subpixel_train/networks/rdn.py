"""RDN: residual dense blocks, whose features are all kept and fused at the end.

    RGB ─ conv 3×3, G0 ─┬─ conv 3×3, G0 ─ RDB 1 ─┬─ RDB 2 ─┬─ … ─ RDB D ─┐
              F₋₁       │         F₀             └─────────┴── concat ───┴─ conv 1×1, G0 ─ conv 3×3, G0 ─(+)─ UPN ─ RGB
                        └───────────────────────────────────────────────────────────────────────────────┘
    RDB: x ─ C × [conv 3×3, G ─ ReLU, result concatenated to what went in] ─ conv 1×1, G0 ─(+)─
         └─────────────────────────────────────────────────────────────────────────────────┘
    UPN: conv 5×5, 64 ─ ReLU ─ conv 3×3, 32 ─ ReLU ─ conv 3×3, 3·r² ─ pixel shuffle r ─ conv 3×3, 3

Zhang et al., "Residual Dense Network for Image Super-Resolution", CVPR 2018, https://arxiv.org/abs/1802.08797; the
end (UPN) and the parameters' names C, D, G, G0 as in idealo's ISR package.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from subpixel_train.networks.base import MEAN, Float32Conv2d, Network, Settings


class RdnSettings(Settings):
    """Settings of RDN."""

    kind: Literal["rdn"] = Field(default="rdn", description="RDN, the residual dense network")
    convolutions: int = Field(default=6, ge=1, le=16, description="C: convolutions in a block")
    blocks: int = Field(default=20, ge=1, le=64, description="D: blocks")
    growth: int = Field(default=64, ge=1, le=512, description="G: maps that each convolution adds")
    features: int = Field(default=64, ge=1, le=512, description="G0: maps between blocks")


class DenseBlock(nn.Module):
    """Residual dense block (Zhang et al., section 3.3): each convolution sees all that came before it."""

    def __init__(self, features: int, growth: int, convolutions: int, fusion_kernel: int = 1) -> None:
        super().__init__()
        self.grow = nn.ModuleList(
            nn.Conv2d(features + index * growth, growth, 3, padding=1) for index in range(convolutions)
        )
        self.fuse = nn.Conv2d(features + convolutions * growth, features, fusion_kernel, padding=fusion_kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        """(N, G0, H, W) → (N, G0, H, W), what is to be added to x."""
        kept = x  # (N, G0, H, W)
        for layer in self.grow:
            kept = torch.cat((kept, functional.relu(layer(kept))), dim=1)  # (N, G0 + c·G, H, W)
        fused: Tensor = self.fuse(kept)  # (N, G0, H, W)
        return fused


class Rdn(Network):
    """RDN(C, D, G, G0, x) on RGB. 2,619,392 parameters as ISR's psnr-small (C3 D10 G64 G0 64 ×2)."""

    name: ClassVar[str] = "rdn"
    title: ClassVar[str] = "RDN"
    paper: ClassVar[str] = "https://arxiv.org/abs/1802.08797"

    def __init__(self, settings: RdnSettings, scale: int) -> None:
        super().__init__(scale)
        features = settings.features
        self.shallow = nn.Conv2d(3, features, 3, padding=1)
        self.enter = nn.Conv2d(features, features, 3, padding=1)
        self.blocks = nn.ModuleList(
            DenseBlock(features, settings.growth, settings.convolutions) for _ in range(settings.blocks)
        )
        self.fuse = nn.Conv2d(settings.blocks * features, features, 1)
        self.smooth = nn.Conv2d(features, features, 3, padding=1)
        self.up1 = nn.Conv2d(features, 64, 5, padding=2)
        self.up2 = nn.Conv2d(64, 32, 3, padding=1)
        self.up3 = nn.Conv2d(32, 3 * scale**2, 3, padding=1)
        self.rgb = Float32Conv2d(3, 3, 3, padding=1)
        # shallow, enter, blocks, smooth, up1 (5×5), up2, up3; rgb reaches one large pixel
        self.reach = 1 + 1 + settings.blocks * settings.convolutions + 1 + 2 + 1 + 1 + 1

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), RGB → (N, 3, rH, rW), RGB."""
        shallow = self.shallow(x - MEAN)  # (N, G0, H, W)
        x = self.enter(shallow)  # (N, G0, H, W)
        kept = []
        for block in self.blocks:
            x = x + block(x)  # (N, G0, H, W)
            kept.append(x)
        x = self.smooth(self.fuse(torch.cat(kept, dim=1))) + shallow  # (N, D·G0, H, W) → (N, G0, H, W)
        x = functional.relu(self.up1(x))  # (N, 64, H, W)
        x = functional.relu(self.up2(x))  # (N, 32, H, W)
        x = functional.pixel_shuffle(self.up3(x), self.scale)  # (N, 3r², H, W) → (N, 3, rH, rW)
        result: Tensor = self.rgb(x) + MEAN  # (N, 3, rH, rW)
        return result
