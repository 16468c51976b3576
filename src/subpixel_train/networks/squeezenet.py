"""SqueezeNet 1.0 cut at chosen layers: features for perceptual losses from a network of 5 MB, learnt on ImageNet.

    RGB ─ conv 7×7, 96, /2 ─ ReLU ─ max-pool 3, /2 ─ fire2 128 ─ fire3 128 ─ fire4 256        conv1 at 1/2, these at 1/4
        ─ max-pool 3, /2 ─ fire5 256 ─ fire6 384 ─ fire7 384 ─ fire8 512                      at 1/8
        ─ max-pool 3, /2 ─ fire9 512                                                          at 1/16
    fire: x ─ conv 1×1, s ─ ReLU ─┬─ conv 1×1, e ─ ReLU ─ concat: 2e maps
                                  └─ conv 3×3, e ─ ReLU ─┘

Iandola et al., "SqueezeNet: AlexNet-level accuracy with 50x fewer parameters", https://arxiv.org/abs/1602.07360.

The first convolution is not padded, so how its input is normalised can be part of its weights: the authors' Caffe
weights take B, G, R in 0–255 minus a mean, torchvision's take R, G, B minus a mean by a deviation, and both are loaded
into a network that takes R, G, B in 0–1. Features of the authors' weights are divided by 57.4, the deviation of
ImageNet's pictures, so that weights of losses mean about the same with both.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from subpixel.errors import TrainingError
from subpixel_train import pretrained as published

_FIRES: Final = {  # maps squeezed to, maps of each of the two expansions; place in torchvision's `features`
    "fire2": (16, 64, 3),
    "fire3": (16, 64, 4),
    "fire4": (32, 128, 5),
    "fire5": (32, 128, 7),
    "fire6": (48, 192, 8),
    "fire7": (48, 192, 9),
    "fire8": (64, 256, 10),
    "fire9": (64, 256, 12),
}
_POOLED: Final = frozenset({"fire2", "fire5", "fire9"})  # a max-pool stands before them
_CONVOLUTIONS: Final = (  # of a fire module: own name, the authors', torchvision's
    ("squeeze", "conv1x1_1", "squeeze"),
    ("expand1", "conv1x1_2", "expand1x1"),
    ("expand3", "conv3x3_2", "expand3x3"),
)
_CAFFE_MEAN: Final = (123.0, 117.0, 104.0)  # R, G, B in 0–255
_CAFFE_DEVIATION: Final = 57.4  # of ImageNet's pictures in 0–255, all channels

LAYERS: Final = ("conv1", *_FIRES)
DEFAULT: Final = ("conv1", "fire4")
"""The richest at half and at a quarter of the size, as ISR's choice from VGG19."""


class Fire(nn.Module):
    """Squeeze to few maps, expand by 1×1 and by 3×3."""

    def __init__(self, channels: int, squeezed: int, expanded: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.expand1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, 2e, H, W)."""
        x = functional.relu(self.squeeze(x))  # (N, s, H, W)
        return functional.relu(torch.cat((self.expand1(x), self.expand3(x)), dim=1))  # (N, 2e, H, W)


class SqueezeNet(nn.Module):
    """SqueezeNet 1.0 up to the last layer that is asked for. 735,424 parameters whole (without the classifier).

    Args:
        layers: whose features are given: conv1, fire2, … fire9; each after its ReLU.
    """

    def __init__(self, layers: Sequence[str] = DEFAULT) -> None:
        super().__init__()
        for name in layers:
            if name not in LAYERS:
                near = difflib.get_close_matches(name, LAYERS, 1, 0.5)
                choice = f"did you mean {near[0]}?" if near else f"there are {', '.join(LAYERS)}"
                raise TrainingError(f"SqueezeNet has no layer {name!r}", choice)
        self.chosen = tuple(layers)
        self.conv1 = nn.Conv2d(3, 96, 7, stride=2)
        last = max(LAYERS.index(name) for name in layers)
        fires, channels = {}, 96
        for name in LAYERS[1 : last + 1]:
            squeezed, expanded, _ = _FIRES[name]
            fires[name] = Fire(channels, squeezed, expanded)
            channels = 2 * expanded
        self.fires = nn.ModuleDict(fires)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W), RGB in 0–1, H and W at least 21 → (N, maps, about H/2 … H/16, W/2 … W/16) per chosen layer."""
        x = functional.relu(self.conv1(x))  # (N, 96, (H − 5) // 2, (W − 5) // 2)
        found = {"conv1": x}
        for name, fire in self.fires.items():
            if name in _POOLED:
                x = functional.max_pool2d(x, 3, 2, ceil_mode=True)  # (N, C, H/2, W/2)
            x = fire(x)  # (N, 2e, H, W)
            found[name] = x
        return [found[name] for name in self.chosen]

    def load(self, weights: Mapping[str, Tensor], source: str = "these weights") -> None:
        """Take the layers out of SqueezeNet 1.0's weights under the authors' names (Caffe's) or torchvision's.

        Args:
            weights: the whole network's, or at least those of the layers that are here; any float type.
            source: where they are from, for the error's message.

        Raises:
            TrainingError: not SqueezeNet 1.0 (1.1 is another network).
        """
        caffe = "conv1.weight" in weights
        wanted = {f"conv1.{what}": f"{'conv1' if caffe else 'features.0'}.{what}" for what in ("weight", "bias")}
        for name in self.fires:
            for own, theirs, torchvisions in _CONVOLUTIONS:
                from_ = f"{name}.{theirs}" if caffe else f"features.{_FIRES[name][2]}.{torchvisions}"
                wanted |= {f"fires.{name}.{own}.{what}": f"{from_}.{what}" for what in ("weight", "bias")}
        published.take(self, weights, wanted, "SqueezeNet 1.0", source)
        if caffe:
            self._turn_caffe()
            self._take_in([value / 255 for value in _CAFFE_MEAN], [_CAFFE_DEVIATION / 255] * 3)
        else:
            self._take_in(published.IMAGENET_MEAN, published.IMAGENET_DEVIATION)

    @torch.no_grad()
    def _turn_caffe(self) -> None:
        """From B, G, R to R, G, B; and every feature divided by the deviation that the input will be divided by.

        With ReLU and max-pools a factor on all biases and on the input is a factor on every feature.
        """
        self.conv1.weight.copy_(self.conv1.weight.flip(1))
        for name, parameter in self.named_parameters():
            if name.endswith(".bias"):
                parameter.copy_(parameter / _CAFFE_DEVIATION)

    @torch.no_grad()
    def _take_in(self, mean: Sequence[float], deviation: Sequence[float]) -> None:
        """Make (x − mean) / deviation, per channel, part of the first convolution."""
        assert self.conv1.bias is not None
        weight = self.conv1.weight.double() / torch.tensor(deviation, dtype=torch.float64).view(1, 3, 1, 1)
        offset = (weight * torch.tensor(mean, dtype=torch.float64).view(1, 3, 1, 1)).sum(dim=(1, 2, 3))
        self.conv1.bias.copy_(self.conv1.bias.double() - offset)
        self.conv1.weight.copy_(weight)


def load_extractor(layers: Sequence[str] | None = None, weights: Path | None = None) -> SqueezeNet:
    """SqueezeNet 1.0 with ImageNet's weights, frozen, in evaluation mode.

    Args:
        layers: whose features are given; None: conv1 and fire4.
        weights: file with them; None: the one in the cache, or in `features/` of the data folder.

    Raises:
        TrainingError: no such layer or file, or another network's weights.
    """
    network = SqueezeNet(DEFAULT if layers is None else layers)
    path = published.find(("squeezenet",), weights)
    network.load(published.load_weights_file(path), str(path))
    return network.requires_grad_(False).eval()
