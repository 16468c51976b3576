"""VGG19 cut at chosen layers: features for perceptual losses, learnt on ImageNet.

    RGB ─ normalise ─ [conv 3×3, 64  ─ ReLU] × 2 ─ max-pool 2     block1, at full size
                    ─ [conv 3×3, 128 ─ ReLU] × 2 ─ max-pool 2     block2, at 1/2
                    ─ [conv 3×3, 256 ─ ReLU] × 4 ─ max-pool 2     block3, at 1/4
                    ─ [conv 3×3, 512 ─ ReLU] × 4 ─ max-pool 2     block4, at 1/8
                    ─ [conv 3×3, 512 ─ ReLU] × 4                  block5, at 1/16

Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015,
https://arxiv.org/abs/1409.1556. Features are those after the ReLU, as in Keras.

A layer has one name here, Keras's, or its number in Keras's list of layers, which idealo's ISR counts by (its 5 and 9):

    1 block1_conv1    4 block2_conv1    7 block3_conv1   12 block4_conv1   17 block5_conv1
    2 block1_conv2    5 block2_conv2    8 block3_conv2   13 block4_conv2   18 block5_conv2
                                        9 block3_conv3   14 block4_conv3   19 block5_conv3
                                       10 block3_conv4   15 block4_conv4   20 block5_conv4

torchvision and timm both call the convolutions `features.N`, where N counts convolutions, ReLUs and pools from 0: their
`features.7` is block2_conv2 and their `features.14` is block3_conv3.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from subpixel.errors import TrainingError
from subpixel_train import pretrained as published

_BLOCKS: Final = ((2, 64), (2, 128), (4, 256), (4, 512), (4, 512))  # convolutions and maps of each


@dataclass(frozen=True, slots=True)
class Layer:
    """One convolution of VGG19 and its ReLU.

    Attributes:
        name: Keras's name.
        keras: its number in Keras's list of layers.
        published: its number in torchvision's and timm's `features`.
        maps: it makes.
        block: 1 to 5; from the second on, a max-pool stands before the block's first convolution.
    """

    name: str
    keras: int
    published: int
    maps: int
    block: int


def _layers() -> tuple[Layer, ...]:
    found, keras, published_as = [], 1, 0
    for block, (convolutions, maps) in enumerate(_BLOCKS, start=1):
        for index in range(1, convolutions + 1):
            found.append(Layer(f"block{block}_conv{index}", keras, published_as, maps, block))
            keras, published_as = keras + 1, published_as + 2  # convolution and ReLU
        keras, published_as = keras + 1, published_as + 1  # pool
    return tuple(found)


LAYERS: Final = _layers()
DEFAULT: Final = ("block2_conv2", "block3_conv3")
"""ISR's 5 and 9."""


def layer(name: str) -> Layer:
    """The layer of that name, or of that number in Keras's list.

    Raises:
        TrainingError: there is none.
    """
    for known in LAYERS:
        if name in (known.name, str(known.keras)):
            return known
    names = [known.name for known in LAYERS]
    near = difflib.get_close_matches(name, names, 1, 0.5)
    choice = f"did you mean {near[0]}?" if near else f"there are {names[0]} to {names[-1]}, or Keras's numbers, as 5"
    raise TrainingError(f"VGG19 has no layer {name!r}", choice)


class Vgg19(nn.Module):
    """VGG19 up to the last layer that is asked for. 20,024,384 parameters whole, 1,735,488 for ISR's layers.

    Args:
        layers: whose features are given: Keras's names or numbers.
    """

    def __init__(self, layers: Sequence[str] = DEFAULT) -> None:
        super().__init__()
        self.chosen = tuple(layer(name) for name in layers)
        last = max(chosen.keras for chosen in self.chosen)
        self.layers = tuple(known for known in LAYERS if known.keras <= last)
        before = (3, *(known.maps for known in self.layers))
        self.convolutions = nn.ModuleDict(
            {
                known.name: nn.Conv2d(channels, known.maps, 3, padding=1)
                for channels, known in zip(before, self.layers, strict=False)
            }
        )
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.tensor(published.IMAGENET_MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(published.IMAGENET_DEVIATION).view(3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> list[Tensor]:
        """(N, 3, H, W), RGB in 0–1 → (N, maps, H/2ᵇ⁻¹, W/2ᵇ⁻¹), rounded down, for each chosen layer of block b."""
        x = (x - self.mean) / self.deviation  # (N, 3, H, W)
        found: dict[str, Tensor] = {}
        block = 1
        for known in self.layers:
            if known.block > block:
                x = functional.max_pool2d(x, 2)  # (N, C, H/2, W/2)
                block = known.block
            x = functional.relu(self.convolutions[known.name](x))  # (N, maps, H/2ᵇ⁻¹, W/2ᵇ⁻¹)
            found[known.name] = x
        return [found[chosen.name] for chosen in self.chosen]

    def load(self, weights: Mapping[str, Tensor], source: str = "these weights") -> None:
        """Take the convolutions out of VGG19's weights under torchvision's or timm's names.

        Args:
            weights: the whole network's, or at least those of the convolutions that are here.
            source: where they are from, for the error's message.

        Raises:
            TrainingError: not VGG19 (the variant with batch norm is another network).
        """
        wanted = {
            f"convolutions.{known.name}.{what}": f"features.{known.published}.{what}"
            for known in self.layers
            for what in ("weight", "bias")
        }
        published.take(self, weights, wanted, "VGG19", source)


def load_extractor(layers: Sequence[str] | None = None, weights: Path | None = None) -> Vgg19:
    """VGG19 with ImageNet's weights, frozen, in evaluation mode.

    Args:
        layers: whose features are given; None: ISR's.
        weights: file with them; None: the one in the cache.

    Raises:
        TrainingError: no such layer or file, or another network's weights.
    """
    network = Vgg19(DEFAULT if layers is None else layers)
    path = published.find(("vgg19",), weights)
    network.load(published.load_weights_file(path), str(path))
    return network.requires_grad_(False).eval()
