"""Mends the colour of squeezed pictures at their own size: what JPEG stores at half the size and in coarse steps.

    Y, R−G, B−G ─ conv 3×3, W ─ ReLU ─ (dilated conv 3×3, W ─ ReLU) × … ─ conv 3×3, 2 ─ + ─ R−G, B−G
         └──────────────────────── R−G, B−G ─────────────────────────────────────────┘

Networks on luma leave colour to bicubic enlargement. That is enough for clean pictures, but blocks of 16×16 pixels and
colour that bled over edges stay. Luma knows where edges are. Dilated convolutions see 14 pixels far, nearly a block of
JPEG with halved colour, for the work of a small network. Grey stays grey: callers keep what is even as it is.

To train, it is a network on RGB: luma enlarged as it is, bicubic, and mended colour too; losses look at colour alone.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from subpixel.image.colour import GREY_GAIN, GREY_OFFSET, Y_WEIGHTS
from subpixel_train.networks.base import BICUBIC_REACH, MEAN, BicubicEnlarge, Float32Conv2d, Network, Settings
from subpixel_train.quantise import grid
from subpixel_train.quantise.layers import convolved, quantised


class ColourSettings(Settings):
    """Shape of a network that mends colour."""

    kind: Literal["colour"] = Field(default="colour", description="mends the colour of squeezed pictures")
    width: int = Field(default=16, ge=1, le=256, description="channels")
    dilations: tuple[int, ...] = Field(
        default=(1, 2, 4, 4, 2, 1), min_length=2, description="distance of the taps of every convolution"
    )


class ColourCore(nn.Module):
    """What ships: coded (N, 3, H, W) → halves of R−G and B−G, (N, 2, H, W).

    Coded is luma in 16/255–235/255, and (R−G)/2 + ½ and (B−G)/2 + ½, all within 0–1.

    Attributes:
        reach, halo: pixels that a result depends on, in each direction.
    """

    scale: ClassVar[int] = 1
    unshuffle: ClassVar[int] = 1

    def __init__(self, settings: ColourSettings) -> None:
        super().__init__()
        self.settings = settings
        widths = [3, *[settings.width] * (len(settings.dilations) - 1)]
        *inner, last = zip(widths, settings.dilations, strict=True)
        self.inner = nn.ModuleList(nn.Conv2d(wide, settings.width, 3, padding=far, dilation=far) for wide, far in inner)
        self.last = Float32Conv2d(last[0], 2, 3, padding=last[1], dilation=last[1])
        self.reach = self.halo = sum(settings.dilations)
        for index, layer in enumerate(self.convolutions()):
            assert layer.bias is not None
            nn.init.orthogonal_(layer.weight, nn.init.calculate_gain("relu") if index == 0 else 0.5)
            if 0 < index < len(self.inner):  # near the identity: far taps alone would not learn
                with torch.no_grad():
                    layer.weight[:, :, 1, 1] += torch.eye(settings.width)
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.last.weight)

    def convolutions(self) -> tuple[nn.Conv2d, ...]:
        """The layers, from input to output."""
        return (*(layer for layer in self.inner if isinstance(layer, nn.Conv2d)), self.last)

    def forward(self, coded: Tensor) -> Tensor:
        """See the class."""
        y = coded - MEAN
        for layer in self.inner:
            y = functional.relu(layer(y))  # (N, W, H, W)
        mended: Tensor = coded[:, 1:] - 0.5 + self.last(y)
        return mended


class ColourCoreInt8(ColourCore):
    """The same, rounded as in the exported file; see `subpixel_train.networks.plain_int8`."""

    rounded = True

    def plain(self) -> ColourCore:
        """The same network, with the same weights, that does not round."""
        made = ColourCore(self.settings)
        made.load_state_dict(self.state_dict())
        return made.train(self.training)

    def forward(self, coded: Tensor) -> Tensor:
        """See `ColourCore`."""
        y = self.entered(coded)
        for layer in self.convolutions()[1:]:
            y = convolved(layer, grid.activation(y) if self.rounded else functional.relu(y))
        halves = coded[:, 1:] - 0.5
        return (grid.fine(halves) if self.rounded else halves) + y

    def seen(self, coded: Tensor) -> Tensor:
        """`coded` as the first layer sees it."""
        return grid.activation(coded) if self.rounded else coded

    def entered(self, coded: Tensor) -> Tensor:
        """What the first layer makes of `coded`: (N, W, H, W)."""
        first = self.convolutions()[0]
        return convolved(first, self.seen(coded), quantised(first, MEAN))


class Colour(Network):
    """The network as it is trained, on RGB."""

    name: ClassVar[str] = "colour"
    title: ClassVar[str] = "Colour"
    paper: ClassVar[str] = ""

    def __init__(self, settings: ColourSettings, scale: int) -> None:
        super().__init__(scale)
        self.core = ColourCore(settings)
        self.enlarge = BicubicEnlarge(scale, channels=3)
        self.reach = self.core.reach + BICUBIC_REACH

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, H, W), RGB in 0–1 → (N, 3, rH, rW), RGB in 0–1, not clipped."""
        coded = encoded(x.float())
        whole = torch.cat((coded[:, :1], 2 * self.core(coded).float()), dim=1)  # Y, R−G, B−G
        y, red, blue = self.enlarge(whole).chunk(3, dim=1)
        green = (y - GREY_OFFSET - Y_WEIGHTS[0] * red - Y_WEIGHTS[2] * blue) / GREY_GAIN
        return torch.cat((red + green, green, blue + green), dim=1)

    def compared(self, planes: Tensor) -> Tensor:
        """Halves of R−G and B−G: luma is not this network's."""
        return encoded(planes)[:, 1:]


def encoded(rgb: Tensor) -> Tensor:
    """RGB in 0–1, (N, 3, H, W), coded as `ColourCore` takes it."""
    red, green, blue = rgb[:, :1], rgb[:, 1:2], rgb[:, 2:]
    y = GREY_OFFSET + Y_WEIGHTS[0] * red + Y_WEIGHTS[1] * green + Y_WEIGHTS[2] * blue
    return torch.cat((y, (red - green) / 2 + 0.5, (blue - green) / 2 + 0.5), dim=1)
