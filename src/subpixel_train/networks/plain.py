"""The house's own network: plain 3×3 convolutions on luma, shaped for a CPU's vector units.

    Y ─ unshuffle u ─ conv 3×3, W ─ act ─┬─ (conv 3×3, W ─ act) × depth ─ conv 3×3, (ru)² ─ + ─ shuffle r·u ─ Y, r× larger
    └────────────────── each pixel repeated r·r times, or bicubic ───────────────────────────┘

Nothing but convolutions whose activation the engine folds in, wide enough to fill its vectors. With u = 2 the pixels of
2×2 squares become channels: four times as many weights, and twice the sight, for the same work. The last convolution
adds to an enlargement of the input in the space before the shuffle, so that the network only makes what is missing.
Every inner convolution starts near the identity: what other networks train as a skip around it, and fold away after, is
here from the start a part of the one convolution that runs.

After ETDS (Chao et al., CVPR 2023, https://arxiv.org/abs/2301.xxxxx) in folding everything into plain convolutions.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from subpixel_train.networks.base import MEAN, BicubicEnlarge, Float32Conv2d, Network, Settings


class PlainSettings(Settings):
    """Shape of a plain network."""

    kind: Literal["plain"] = Field(default="plain", description="plain 3×3 convolutions on luma")
    width: int = Field(default=32, ge=1, le=512, description="channels")
    depth: int = Field(default=7, ge=0, le=64, description="inner convolutions, between the first and the last")
    unshuffle: Literal[1, 2] = Field(default=1, description="2: squares of 2×2 pixels become channels first")
    activation: Literal["relu", "leaky", "prelu", "silu"] = Field(default="relu", description="after all but the last")
    skip: Literal["repeat", "bicubic"] = Field(default="repeat", description="enlargement that the network adds to")
    start: Literal["identity", "orthogonal"] = Field(default="identity", description="how inner convolutions begin")


class Plain(Network):
    """A plain network on luma."""

    name: ClassVar[str] = "plain"
    title: ClassVar[str] = "Plain"
    paper: ClassVar[str] = ""
    channels: ClassVar[int] = 1

    def __init__(self, settings: PlainSettings, scale: int) -> None:
        super().__init__(scale)
        self.settings = settings
        width, self.unshuffle = settings.width, settings.unshuffle
        self.align = self.unshuffle
        inner = [nn.Conv2d(width, width, 3, padding=1) for _ in range(settings.depth)]
        self.first = nn.Conv2d(self.unshuffle**2, width, 3, padding=1)
        self.inner = nn.ModuleList(inner)
        self.last = Float32Conv2d(width, (scale * self.unshuffle) ** 2, 3, padding=1)
        self.activations = nn.ModuleList(_activation(settings.activation, width) for _ in range(settings.depth + 1))
        self.bicubic = BicubicEnlarge(scale) if settings.skip == "bicubic" else None
        self.reach = (settings.depth + 2) * self.unshuffle + self.unshuffle - 1
        self._begin(settings)

    def _begin(self, settings: PlainSettings) -> None:
        nn.init.orthogonal_(self.first.weight, nn.init.calculate_gain("relu"))
        nn.init.zeros_(self.last.weight)
        for layer in self.inner:
            if settings.start == "identity":
                nn.init.orthogonal_(layer.weight, 0.5)
                with torch.no_grad():
                    layer.weight[:, :, 1, 1] += torch.eye(settings.width)
            else:
                nn.init.orthogonal_(layer.weight, nn.init.calculate_gain("relu"))
        for layer in (self.first, *self.inner, self.last):
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, H, W), luma in 0–1 → (N, 1, rH, rW), luma in 0–1, not clipped. H, W: multiples of `unshuffle`."""
        whole = self.scale * self.unshuffle
        y = functional.pixel_unshuffle(x - MEAN, self.unshuffle)  # (N, u², H/u, W/u)
        y = self.activations[0](self.first(y))  # (N, W, H/u, W/u)
        for layer, activation in zip(self.inner, self.activations[1:], strict=True):
            y = activation(layer(y))  # (N, W, H/u, W/u)
        y = functional.pixel_shuffle(self.last(y), whole)  # (N, 1, rH, rW)
        if self.bicubic is not None:
            return y + self.bicubic(x.float())
        return y + functional.interpolate(x.float(), scale_factor=self.scale, mode="nearest")


def _activation(kind: str, width: int) -> nn.Module:
    match kind:
        case "leaky":
            return nn.LeakyReLU(0.1)
        case "prelu":
            return nn.PReLU(width, init=0.1)
        case "silu":
            return nn.SiLU()
        case _:
            return nn.ReLU()
