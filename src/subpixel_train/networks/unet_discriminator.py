"""A U-Net that scores every pixel, its layers bounded by spectral normalisation: Real-ESRGAN's discriminator.

    picture ─ conv 64 ─────────────────────────── + ─ conv 64 ─ conv 64 ─ conv 1 ─ map of scores
                 └ conv 128 /2 ──────── + ─ ×2 ─ conv 64 ┘
                      └ conv 256 /2 + ─ ×2 ─ conv 128 ┘          kernels 4×4 on the way down, 3×3 elsewhere;
                          └ conv 512 /2 ─ ×2 ─ conv 256 ┘        LReLU after each but the last

Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data", ICCV Workshops 2021,
https://arxiv.org/abs/2107.10833, figure 6. Spectral normalisation: Miyato et al., ICLR 2018,
https://arxiv.org/abs/1802.05957: each weight matrix is divided by its largest singular value, which one step of power
iteration per pass keeps track of, so that the scores cannot grow steep.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import parametrize
from torch.nn.utils.parametrizations import spectral_norm


class UnetDiscriminator(nn.Module):
    """Real-ESRGAN's discriminator. 4,376,897 parameters on RGB with 64 base channels.

    Args:
        channels: of the pictures: 1 for luma, 3 for RGB.
        base: channels at full size; the lowest level has eight times as many.
    """

    def __init__(self, channels: int = 3, base: int = 64) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, base, 3, padding=1)
        self.down1 = spectral_norm(nn.Conv2d(base, 2 * base, 4, stride=2, padding=1, bias=False))
        self.down2 = spectral_norm(nn.Conv2d(2 * base, 4 * base, 4, stride=2, padding=1, bias=False))
        self.down3 = spectral_norm(nn.Conv2d(4 * base, 8 * base, 4, stride=2, padding=1, bias=False))
        self.up1 = spectral_norm(nn.Conv2d(8 * base, 4 * base, 3, padding=1, bias=False))
        self.up2 = spectral_norm(nn.Conv2d(4 * base, 2 * base, 3, padding=1, bias=False))
        self.up3 = spectral_norm(nn.Conv2d(2 * base, base, 3, padding=1, bias=False))
        self.refine1 = spectral_norm(nn.Conv2d(base, base, 3, padding=1, bias=False))
        self.refine2 = spectral_norm(nn.Conv2d(base, base, 3, padding=1, bias=False))
        self.score = nn.Conv2d(base, 1, 3, padding=1)

    def bounded(self) -> tuple[nn.Module, ...]:
        """The convolutions whose weights are divided by their largest singular value."""
        return tuple(module for module in self.children() if parametrize.is_parametrized(module, "weight"))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) in 0–1, sides of 8 pixels or more → (N, 1, H, W), scores (logits): above 0 for real."""
        with parametrize.cached():
            with torch.autocast(x.device.type, enabled=False):
                _ = [layer.weight for layer in self.bounded()]  # normalised in float32, once per pass
            x0 = _leaky(self.first(x))  # (N, 64, H, W)
            x1 = _leaky(self.down1(x0))  # (N, 128, H/2, W/2), halves rounded down
            x2 = _leaky(self.down2(x1))  # (N, 256, H/4, W/4)
            x3 = _leaky(self.down3(x2))  # (N, 512, H/8, W/8)
            y = _leaky(self.up1(_enlarge(x3, x2))) + x2  # (N, 256, H/4, W/4)
            y = _leaky(self.up2(_enlarge(y, x1))) + x1  # (N, 128, H/2, W/2)
            y = _leaky(self.up3(_enlarge(y, x0))) + x0  # (N, 64, H, W)
            y = _leaky(self.refine2(_leaky(self.refine1(y))))  # (N, 64, H, W)
            score: Tensor = self.score(y)  # (N, 1, H, W)
        return score


def _leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.2)


def _enlarge(x: Tensor, like: Tensor) -> Tensor:
    """To the size of `like`: ×2, and a pixel more where the side was odd."""
    return functional.interpolate(x, like.shape[-2:], mode="bilinear", align_corners=False)
