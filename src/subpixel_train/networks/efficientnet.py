"""The first block of EfficientNet-B4: 24 maps of small patterns at half the size, learnt on ImageNet.

    RGB ─ normalise ─ conv 3×3, 48, /2 ─ BN ─ SiLU ─ depthwise 3×3 ─ BN ─ SiLU ─(×)─ conv 1×1, 24 ─ BN
                                                                        └ squeeze ┘
    squeeze: mean of each map ─ conv 1×1, 12 ─ SiLU ─ conv 1×1, 48 ─ sigmoid

Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019,
https://arxiv.org/abs/1905.11946; this is the stem and `blocks.0.0` of its B4 (`block1a` in Keras). Squeeze and
excitation: Hu et al., CVPR 2018, https://arxiv.org/abs/1709.01507.

Two things differ from a network that classifies:

- The mean of a map goes over the whole picture, so a tile would give other features than the picture it was cut from.
  With `squeeze="fixed"` a stored mean takes its place, and the block looks no farther than its convolutions do.
- Batch norm always uses its stored statistics. Fresh ones leave values as they are, so that batch norm is then a
  trained factor and offset per map.

Padding is symmetric, as in PyTorch: map (i, j) is centred on pixel (2i, 2j). TensorFlow's "SAME" pads even sizes only
at the right and at the bottom, so there it is centred on (2i + 1, 2j + 1): the same features, one pixel aside.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from subpixel.errors import TrainingError
from subpixel_train import pretrained as published

STEM, REDUCED, MAPS = 48, 12, 24
EPSILON: Final = 1e-5
"""Of batch norm, as in timm's `efficientnet_b4` and in torchvision's; TensorFlow's weights were trained with 1e-3."""

_NORM: Final = ("weight", "bias", "running_mean", "running_var")
_LAYERS: Final = (
    # own, timm, torchvision, what of it
    ("stem", "conv_stem", "features.0.0", ("weight",)),
    ("stem_norm", "bn1", "features.0.1", _NORM),
    ("depthwise", "blocks.0.0.conv_dw", "features.1.0.block.0.0", ("weight",)),
    ("depthwise_norm", "blocks.0.0.bn1", "features.1.0.block.0.1", _NORM),
    ("reduce", "blocks.0.0.se.conv_reduce", "features.1.0.block.1.fc1", ("weight", "bias")),
    ("expand", "blocks.0.0.se.conv_expand", "features.1.0.block.1.fc2", ("weight", "bias")),
    ("project", "blocks.0.0.conv_pw", "features.1.0.block.2.0", ("weight",)),
    ("project_norm", "blocks.0.0.bn2", "features.1.0.block.2.1", _NORM),
)


class StoredNorm(nn.Module):
    """Batch norm that never looks at its batch: (x − mean) / √(variance + ε) · weight + bias."""

    def __init__(self, maps: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(maps))
        self.bias = nn.Parameter(torch.zeros(maps))
        self.running_mean: Tensor
        self.running_var: Tensor
        self.register_buffer("running_mean", torch.zeros(maps))
        self.register_buffer("running_var", torch.ones(maps) - EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C, H, W)."""
        return functional.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, eps=EPSILON)


class FirstBlock(nn.Module):
    """EfficientNet-B4 up to its first block. 4,332 parameters.

    Args:
        squeeze: ``"picture"``: means over the whole picture, as published; ``"fixed"``: the stored `squeeze_mean`.

    Attributes:
        reach: input pixels that a map's value depends on, in each direction from the pixels it stands for.
        align: input pixels per map's value, in each direction.
        squeeze_mean: (48,), zeros until set; part of the state dict where `squeeze` is ``"fixed"``.
    """

    reach: int = 4  # value i stands for pixels 2i and 2i + 1, and sees 2i − 3 … 2i + 3
    align: int = 2

    def __init__(self, squeeze: Literal["picture", "fixed"] = "fixed") -> None:
        super().__init__()
        self.squeeze = squeeze
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.tensor(published.IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(published.IMAGENET_DEVIATION).view(3, 1, 1), persistent=False)
        self.stem = nn.Conv2d(3, STEM, 3, stride=2, padding=1, bias=False)
        self.stem_norm = StoredNorm(STEM)
        self.depthwise = nn.Conv2d(STEM, STEM, 3, padding=1, groups=STEM, bias=False)
        self.depthwise_norm = StoredNorm(STEM)
        self.reduce = nn.Conv2d(STEM, REDUCED, 1)
        self.expand = nn.Conv2d(REDUCED, STEM, 1)
        self.project = nn.Conv2d(STEM, MAPS, 1, bias=False)
        self.project_norm = StoredNorm(MAPS)
        self.squeeze_mean: Tensor
        self.register_buffer("squeeze_mean", torch.zeros(STEM), persistent=squeeze == "fixed")
        for layer in (self.stem, self.depthwise, self.reduce, self.expand, self.project):
            nn.init.kaiming_normal_(layer.weight)  # nothing here normalises, so keep the variance layer by layer
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), RGB in 0–1 → (N, 24, ⌈H/2⌉, ⌈W/2⌉)."""
        x = self._to_squeeze(x)  # (N, 48, ⌈H/2⌉, ⌈W/2⌉)
        x = x * self._gate(x)  # (N, 48, ⌈H/2⌉, ⌈W/2⌉)
        maps: Tensor = self.project_norm(self.project(x))  # (N, 24, ⌈H/2⌉, ⌈W/2⌉)
        return maps

    def _to_squeeze(self, x: Tensor) -> Tensor:
        x = (x - self.mean) / self.deviation  # (N, 3, H, W)
        x = functional.silu(self.stem_norm(self.stem(x)))  # (N, 48, ⌈H/2⌉, ⌈W/2⌉)
        return functional.silu(self.depthwise_norm(self.depthwise(x)))  # (N, 48, ⌈H/2⌉, ⌈W/2⌉)

    def _gate(self, x: Tensor) -> Tensor:
        fixed = self.squeeze == "fixed"
        mean = (
            self.squeeze_mean.view(1, STEM, 1, 1) if fixed else x.mean(dim=(2, 3), keepdim=True)
        )  # (1 or N, 48, 1, 1)
        return torch.sigmoid(self.expand(functional.silu(self.reduce(mean))))  # (1 or N, 48, 1, 1)

    @torch.no_grad()
    def calibrate(self, batches: Iterable[Tensor]) -> None:
        """Set `squeeze_mean` to what the maps' means are over these pictures.

        Args:
            batches: each (N, 3, H, W), RGB in 0–1; all pictures count alike.
        """
        total, count = torch.zeros_like(self.squeeze_mean, dtype=torch.float64), 0
        for batch in batches:
            total += self._to_squeeze(batch.to(self.squeeze_mean)).double().mean(dim=(2, 3)).sum(dim=0)
            count += len(batch)
        if not count:
            raise TrainingError("there is no picture to calibrate the squeeze with", "give at least one batch")
        self.squeeze_mean.copy_(total / count)

    @torch.no_grad()
    def estimate_squeeze(self) -> None:
        """Set `squeeze_mean` without pictures, from what batch norm knows of those it was trained on.

        Over them its results have the mean `bias` and the deviation |`weight`|; for a normal distribution the mean of
        SiLU follows by quadrature.
        """
        steps = torch.linspace(-6, 6, 241, dtype=torch.float64)
        share = torch.exp(-steps * steps / 2)
        norm = self.depthwise_norm
        values = norm.bias.double()[:, None] + norm.weight.double().abs()[:, None] * steps.to(norm.bias.device)
        mean = (functional.silu(values) * (share / share.sum()).to(values)).sum(dim=1)  # (48,)
        self.squeeze_mean.copy_(mean)

    def load(self, weights: Mapping[str, Tensor], source: str = "these weights") -> None:
        """Take the block out of EfficientNet-B4's weights under timm's or torchvision's names.

        Sets `squeeze_mean` by `estimate_squeeze`.

        Args:
            weights: the whole network's or just the block's.
            source: where they are from, for the error's message.

        Raises:
            TrainingError: not EfficientNet-B4.
        """
        column = 1 if "conv_stem.weight" in weights else 2
        wanted = {f"{row[0]}.{what}": f"{row[column]}.{what}" for row in _LAYERS for what in row[3]}
        published.take(self, weights, wanted, "EfficientNet-B4", source)
        self.estimate_squeeze()


def feature_block(*, pretrained: bool, weights: str | Path | None = None) -> FirstBlock:
    """The block as part of a network that enlarges: local (`squeeze="fixed"`).

    Args:
        pretrained: True: ImageNet's weights, frozen; False: a fresh block, to be trained.
        weights: file with EfficientNet-B4's weights; None: the one in the cache.

    Raises:
        TrainingError: `pretrained`, and there is no file, or it is not EfficientNet-B4.
    """
    block = FirstBlock("fixed")
    if pretrained:
        if not published.weights_follow():
            path = published.find(("efficientnet-b4", "efficientnet-b4-torchvision"), weights)
            block.load(published.load_weights_file(path), str(path))
        block.requires_grad_(False)
    return block
