"""RRDN: residual blocks of residual dense blocks, ESRGAN's generator in ISR's form.

    RGB ─ conv 3×3, G0 ─┬─ RRDB 1 ─ … ─ RRDB T ─ conv 3×3, G0 ─(+)─ conv 3×3, 3·r² ─ pixel shuffle r ─ conv 3×3, 3 ─ RGB
                        └──────────────────────────────────────┘
    RRDB: x ─ D × [x + β · dense block(x)] ─ · β ─(+)─
          └────────────────────────────────────────┘
    dense block: C × [conv 3×3, G ─ ReLU, concatenated to what went in] ─ conv 3×3, G0

Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", ECCV workshops 2018,
https://arxiv.org/abs/1809.00219; the parameters T, C, D, G, G0, the ReLUs and the single pixel shuffle as in idealo's
ISR package.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from subpixel_train.networks.base import MEAN, Float32Conv2d, Network, Settings
from subpixel_train.networks.rdn import DenseBlock


class RrdnSettings(Settings):
    """Settings of RRDN."""

    kind: Literal["rrdn"] = Field(default="rrdn", description="RRDN, ESRGAN's generator in ISR's form")
    rrdbs: int = Field(default=10, ge=1, le=64, description="T: residual blocks of residual dense blocks")
    convolutions: int = Field(default=4, ge=1, le=16, description="C: convolutions in a dense block")
    blocks: int = Field(default=3, ge=1, le=16, description="D: dense blocks in each")
    growth: int = Field(default=32, ge=1, le=512, description="G: maps that each convolution adds")
    features: int = Field(default=32, ge=1, le=512, description="G0: maps between blocks")
    beta: float = Field(default=0.2, gt=0, le=1, description="β: share of each residual that is added")


class Rrdb(nn.Module):
    """Residual in residual dense block (Wang et al., section 3.1)."""

    def __init__(self, settings: RrdnSettings) -> None:
        super().__init__()
        self.beta = settings.beta
        self.blocks = nn.ModuleList(
            DenseBlock(settings.features, settings.growth, settings.convolutions, fusion_kernel=3)
            for _ in range(settings.blocks)
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, G0, H, W) → (N, G0, H, W)."""
        inner = x  # (N, G0, H, W)
        for block in self.blocks:
            inner = inner + self.beta * block(inner)  # (N, G0, H, W)
        return x + self.beta * inner


class Rrdn(Network):
    """RRDN(T, C, D, G, G0, x) on RGB."""

    name: ClassVar[str] = "rrdn"
    title: ClassVar[str] = "RRDN"
    paper: ClassVar[str] = "https://arxiv.org/abs/1809.00219"

    def __init__(self, settings: RrdnSettings, scale: int) -> None:
        super().__init__(scale)
        features = settings.features
        self.shallow = nn.Conv2d(3, features, 3, padding=1)
        self.rrdbs = nn.ModuleList(Rrdb(settings) for _ in range(settings.rrdbs))
        self.smooth = nn.Conv2d(features, features, 3, padding=1)
        self.up = nn.Conv2d(features, 3 * scale**2, 3, padding=1)
        self.rgb = Float32Conv2d(3, 3, 3, padding=1)
        # shallow, dense blocks with their 3×3 fusion, smooth, up; rgb reaches one large pixel
        self.reach = 1 + settings.rrdbs * settings.blocks * (settings.convolutions + 1) + 1 + 1 + 1

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), RGB → (N, 3, rH, rW), RGB."""
        shallow = self.shallow(x - MEAN)  # (N, G0, H, W)
        x = shallow
        for block in self.rrdbs:
            x = block(x)  # (N, G0, H, W)
        x = self.smooth(x) + shallow  # (N, G0, H, W)
        x = functional.pixel_shuffle(self.up(x), self.scale)  # (N, 3r², H, W) → (N, 3, rH, rW)
        result: Tensor = self.rgb(x) + MEAN  # (N, 3, rH, rW)
        return result
