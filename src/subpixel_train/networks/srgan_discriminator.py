"""SRGAN's discriminator: eight convolutions that end in one score per picture.

    picture ─ conv 64 ─ LReLU ─┬ conv 64 /2 ─ conv 128 ─ conv 128 /2 ─ conv 256 ─ conv 256 /2 ─ conv 512 ─ conv 512 /2 ┐
                               └──────────────── each conv with BatchNorm and LReLU; all kernels 3×3 ──────────────────┤
    score ─ dense 1 ─ LReLU ─ dense 1024 ─ average over 6×6 fields ────────────────────────────────────────────────────┘

Ledig et al., "Photo-Realistic Single Image Super-Resolution Using a Generative Adversarial Network", CVPR 2017,
https://arxiv.org/abs/1609.04802, figure 4. The paper's crops of 96×96 arrive at the dense layer as 6×6; other sizes
are averaged to 6×6 fields, which changes nothing at 96×96. The sigmoid at the end is part of the losses.
"""

from __future__ import annotations

import itertools

from torch import Tensor, nn
from torch.nn import functional

FIELD = 6
"""Side of the map that enters the dense layer: 96 / 2⁴."""


class SrganDiscriminator(nn.Module):
    """SRGAN's discriminator. 23,563,649 parameters on RGB with 64 base channels.

    Args:
        channels: of the pictures: 1 for luma, 3 for RGB.
        base: channels of the first layer; the last has eight times as many.
    """

    def __init__(self, channels: int = 3, base: int = 64) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, base, 3, padding=1)
        widths = (base, base, 2 * base, 2 * base, 4 * base, 4 * base, 8 * base, 8 * base)
        self.blocks = nn.ModuleList(
            _block(inside, outside, stride=2 if index % 2 == 0 else 1)
            for index, (inside, outside) in enumerate(itertools.pairwise(widths))
        )
        self.dense = nn.Linear(8 * base * FIELD * FIELD, 16 * base)
        self.score = nn.Linear(16 * base, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) in 0–1, sides of 16 pixels or more → (N, 1), scores (logits): above 0 for real."""
        x = functional.leaky_relu(self.first(x), 0.2)  # (N, 64, H, W)
        for block in self.blocks:
            x = block(x)  # (N, 64, H/2, W/2) … (N, 512, H/16, W/16), halves rounded up
        x = functional.adaptive_avg_pool2d(x, FIELD)  # (N, 512, 6, 6)
        x = functional.leaky_relu(self.dense(x.flatten(1)), 0.2)  # (N, 1024)
        score: Tensor = self.score(x)  # (N, 1)
        return score


def _block(inside: int, outside: int, stride: int) -> nn.Sequential:
    """Convolution, normalisation, LeakyReLU; the shift of the normalisation stands for the bias."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outside),
        nn.LeakyReLU(0.2),
    )
