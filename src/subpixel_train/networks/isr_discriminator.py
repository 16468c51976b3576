"""ISR's discriminator: SRGAN's convolutions with two strides and a fully convolutional end, one score per 4×4 pixels.

    picture ─ conv 64 ─ LReLU ─ conv 64 /2 ─ conv 128 ─ conv 128 /2 ─ conv 256 ─ conv 256 ─ conv 512 ─ conv 512 ─┐
                                └────────── each conv with LReLU, then BatchNorm; all kernels 3×3 ───────────────┤
    map of scores ─ conv 1×1, 1 ─ LReLU ─ conv 1×1, 1024 ────────────────────────────────────────────────────────┘

idealo's ISR, `discriminator.py` ("srgan-large"), after Ledig et al., https://arxiv.org/abs/1609.04802: only two of the
strides are kept, the normalisation stands behind the LeakyReLU, and the dense layers act on every place of the map. The
sigmoid at the end is part of the losses.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class IsrDiscriminator(nn.Module):
    """ISR's discriminator. 5,215,425 parameters on RGB with 64 base channels.

    Args:
        channels: of the pictures: 1 for luma, 3 for RGB.
        base: channels of the first layer; the last has eight times as many.
    """

    def __init__(self, channels: int = 3, base: int = 64) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, base, 3, padding=1)
        widths = (base, base, 2 * base, 2 * base, 4 * base, 4 * base, 8 * base, 8 * base)
        strides = (2, 1, 2, 1, 1, 1, 1)
        self.blocks = nn.ModuleList(
            _block(inside, outside, stride)
            for inside, outside, stride in zip(widths[:-1], widths[1:], strides, strict=True)
        )
        self.dense = nn.Conv2d(8 * base, 16 * base, 1)
        self.score = nn.Conv2d(16 * base, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) in 0–1 → (N, 1, H/4, W/4), scores (logits): above 0 for real."""
        x = functional.leaky_relu(self.first(x), 0.2)  # (N, 64, H, W)
        for block in self.blocks:
            x = block(x)  # (N, 64, H/2, W/2) … (N, 512, H/4, W/4), halves rounded up
        x = functional.leaky_relu(self.dense(x), 0.2)  # (N, 1024, H/4, W/4)
        score: Tensor = self.score(x)  # (N, 1, H/4, W/4)
        return score


def _block(inside: int, outside: int, stride: int) -> nn.Sequential:
    """Convolution, LeakyReLU, normalisation with Keras' constants (momentum 0.8 there is 0.2 here)."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride=stride, padding=1),
        nn.LeakyReLU(0.2),
        nn.BatchNorm2d(outside, eps=1e-3, momentum=0.2),
    )
