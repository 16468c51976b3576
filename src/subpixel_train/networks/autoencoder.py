"""Autoencoder super-resolution: the enlarged picture is folded down and unfolded again, with maps passed across.

    RGB ─ bicubic ×r ─ conv 64 ─ conv 64 ─┬──────────────── add ───────────────(+)─ conv 3 ─ RGB
                                          │ max-pool                            │ conv 64, conv 64
                                          └─ conv 128 ─ conv 128 ─┬── add ──(+)─┘ ×2 up
                                                                  │ max-pool │ conv 128, conv 128
                                                                  └─ conv 256 ─┘ ×2 up          all 3×3, ReLU

A design spread by tutorials, after the convolutional autoencoder with symmetric skip connections of Mao et al., "Image
Restoration Using Very Deep Convolutional Encoder-Decoder Networks", NIPS 2016, https://arxiv.org/abs/1603.09056. Its
published list of improvements is here as options.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from subpixel_train.networks.base import BICUBIC_REACH, MEAN, BicubicEnlarge, Float32Conv2d, Network, Settings

_WIDTH = 64


class AutoencoderSettings(Settings):
    """Settings of the autoencoder."""

    kind: Literal["autoencoder"] = Field(default="autoencoder", description="autoencoder on the enlarged picture")
    depth: int = Field(default=2, ge=1, le=5, description="max-pools; each further one doubles the filters")
    upsampling: Literal["nearest", "transposed", "shuffle"] = Field(
        default="nearest",
        description="how the decoder doubles the size: repeated, transposed convolution, pixel shuffle",
    )
    regularisation: float = Field(
        default=0.0, ge=0, le=1, description="range r of dynamic regularisation (arXiv 1909.11862); 0: none"
    )


class DynamicRegularisation(nn.Module):
    """Random scaling of maps whose strength follows the training loss (Wang et al., arXiv 1909.11862).

    While the smoothed loss falls, the strength s grows by `step`; when it rises, s shrinks: the network is disturbed
    as much as it can bear. In training maps are multiplied by 1 + s·U(−r, r), one number per sample and map.
    """

    strength: Tensor
    smoothed: Tensor

    def __init__(self, reach: float, step: float = 0.001, memory: float = 0.99) -> None:
        super().__init__()
        self.reach, self.step, self.memory = reach, step, memory
        self.register_buffer("strength", torch.zeros(()))
        self.register_buffer("smoothed", torch.tensor(float("nan")))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → the same; unchanged outside training."""
        if not self.training or self.reach == 0:
            return x
        factor = torch.empty(x.shape[0], x.shape[1], 1, 1, device=x.device).uniform_(-self.reach, self.reach)
        return x * (1 + self.strength * factor).to(x.dtype)

    def observe(self, loss: Tensor) -> None:
        """Let the strength follow the loss of the last step."""
        before = torch.where(self.smoothed.isnan(), loss, self.smoothed)
        self.smoothed.copy_(self.memory * before + (1 - self.memory) * loss)
        rises = (self.smoothed > before).to(self.strength.dtype)
        self.strength.add_(self.step * (1 - 2 * rises)).clamp_(0, 1)


class _Pair(nn.Module):
    """Two 3×3 convolutions, each with a ReLU."""

    def __init__(self, inside: int, outside: int, regularisation: float) -> None:
        super().__init__()
        self.first = nn.Conv2d(inside, outside, 3, padding=1)
        self.second = nn.Conv2d(outside, outside, 3, padding=1)
        self.disturb = DynamicRegularisation(regularisation) if regularisation else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) → (N, out, H, W)."""
        x = functional.relu(self.first(x))  # (N, out, H, W)
        x = functional.relu(self.second(x))  # (N, out, H, W)
        result: Tensor = self.disturb(x)
        return result


class Autoencoder(Network):
    """Autoencoder on RGB. 1,110,403 parameters as published (depth 2, nearest); the encoder alone 555,328."""

    name: ClassVar[str] = "autoencoder"
    title: ClassVar[str] = "Autoencoder"
    paper: ClassVar[str] = "https://arxiv.org/abs/1603.09056"

    def __init__(self, settings: AutoencoderSettings, scale: int) -> None:
        super().__init__(scale)
        depth, self.upsampling = settings.depth, settings.upsampling
        widths = [_WIDTH * 2**level for level in range(depth + 1)]  # 64, 128, 256
        self.enlarge = BicubicEnlarge(scale, padded=False, channels=3)
        self.encoder = nn.ModuleList(
            _Pair(inside, outside, settings.regularisation)
            for inside, outside in zip([3, *widths[:-2]], widths[:-1], strict=True)
        )
        self.bottom = nn.Conv2d(widths[-2], widths[-1], 3, padding=1)
        # A pixel shuffle turns four maps into one of twice the side.
        share = 4 if self.upsampling == "shuffle" else 1
        self.doublers = nn.ModuleList(
            nn.ConvTranspose2d(width, width, 3, stride=2, padding=1, output_padding=1)
            for width in reversed(widths[1:])
            if self.upsampling == "transposed"
        )
        self.decoder = nn.ModuleList(
            _Pair(widths[level + 1] // share, widths[level], settings.regularisation)
            for level in reversed(range(depth))
        )
        self.rgb = Float32Conv2d(_WIDTH, 3, 3, padding=1)
        side = 2**depth
        self.align = side // math.gcd(side, scale)
        # Enlarged pixels: two convolutions down and two up on each level, the bottom, the last, and where in a pooled
        # pixel a pixel lies; a transposed convolution looks one pixel of the lower level further.
        further = sum(2 ** (level + 1) for level in range(depth)) if self.upsampling == "transposed" else 0
        enlarged = sum(4 * 2**level for level in range(depth)) + side + 1 + side - 1 + further
        self.reach = BICUBIC_REACH + -(-enlarged // scale)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), RGB → (N, 3, rH, rW), RGB. H and W have to be multiples of `align`."""
        x = self.enlarge(functional.pad(x - MEAN, (BICUBIC_REACH,) * 4, mode="replicate"))  # (N, 3, rH, rW)
        kept = []
        for level in self.encoder:
            kept.append(level(x))  # (N, 64·2^level, rH / 2^level, rW / 2^level)
            x = functional.max_pool2d(kept[-1], 2)
        x = functional.relu(self.bottom(x))  # (N, 256, rH/4, rW/4)
        for index, level in enumerate(self.decoder):
            x = level(self._doubled(x, index)) + kept[-1 - index]
        result: Tensor = self.rgb(x) + MEAN  # (N, 3, rH, rW)
        return result

    def _doubled(self, x: Tensor, index: int) -> Tensor:
        match self.upsampling:
            case "transposed":
                result: Tensor = functional.relu(self.doublers[index](x))  # (N, C, 2H, 2W)
                return result
            case "shuffle":
                return functional.pixel_shuffle(x, 2)  # (N, C / 4, 2H, 2W)
            case _:
                return functional.interpolate(x, scale_factor=2.0, mode="nearest")  # (N, C, 2H, 2W)

    def observe(self, loss: Tensor) -> None:
        """Dynamic regularisation follows the loss of each step."""
        for module in self.modules():
            if isinstance(module, DynamicRegularisation):
                module.observe(loss.detach())
