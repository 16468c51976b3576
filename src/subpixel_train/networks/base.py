"""What every trainable network tells the rest of the house: its scale, its reach, its layers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import ClassVar, Final, Literal

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.nn import functional


class Float32Conv2d(nn.Conv2d):
    """A convolution that stays in float32 under bfloat16 autocast.

    For last layers: near 1.0 bfloat16 has steps of 1/128–1/256, a whole level of an 8-bit picture.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(N, in, H, W) in any float type → (N, out, H', W') in float32."""
        with torch.autocast(x.device.type, enabled=False):
            return super().forward(x.float())


class Settings(BaseModel):
    """Base of the networks' settings: frozen, no unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Network(nn.Module, ABC):
    """Base of the trainable networks. Values in and out are 0–1, not clipped; RGB networks take R, G, B.

    Attributes:
        name: its name in recipes.
        paper: where it was published.
        title: its name in tables.
        input: ``"small"`` for networks that work on the small picture, ``"enlarged"`` for those that refine its
            bicubic enlargement.
        channels: 1 for luma, 3 for RGB.
        reach: pixels of its own input that a result depends on, in each direction.
        align: with strides inside, input has to start at multiples of so many small pixels and have such sides.
        scale: upscale factor; the largest where there are several outputs.
        padded: True where padding keeps the size; False gives only results that saw no padding.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    paper: ClassVar[str]
    input: ClassVar[Literal["small", "enlarged"]] = "small"
    channels: ClassVar[int] = 3
    align: int = 1
    reach: int

    def __init__(self, scale: int, padded: bool = True) -> None:
        super().__init__()
        self.scale = scale
        self.padded = padded

    @property
    def scales(self) -> tuple[int, ...]:
        """Factor of each output, rising."""
        return (self.scale,)

    @property
    def step(self) -> int:
        """Output pixels per input pixel, in each direction: the scale, or 1 for enlarged input."""
        return self.scale if self.input == "small" else 1

    @property
    def halo(self) -> int:
        """Pixels of the small picture that a result depends on, in each direction; a multiple of `align`."""
        halo = self.reach if self.input == "small" else BICUBIC_REACH + -(-self.reach // self.scale)
        return -(-halo // self.align) * self.align

    @property
    def trained_parameters(self) -> int:
        """Number of weights and biases, frozen ones included."""
        return sum(p.numel() for p in self.parameters())

    def outputs(self, x: Tensor) -> tuple[Tensor, ...]:
        """The results of `forward`, one per entry of `scales`, always as a tuple."""
        result = self(x)
        return result if isinstance(result, tuple) else (result,)

    def prepare(self, small: Iterable[Tensor]) -> None:
        """Shown some inputs (N, channels, H, W) before a training begins."""

    def grown_from(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Another network's tensors as this one can start from; as they are, unless a network can be grown."""
        return tensors

    def revive(self, small: Tensor, mean: dict[str, Tensor], seed: int) -> int:
        """Begin channels anew that no longer take part; only plain networks can (see `networks.reviving`).

        Args:
            small: (N, channels, H, W), inputs of a batch.
            mean: running means of the parameters by name, changed alike.
            seed: random weights follow from it.

        Returns:
            How many channels were begun anew.
        """
        return 0

    def compared(self, planes: Tensor) -> Tensor:
        """What losses look at, of results and of targets, (N, channels, H, W); all of it, unless a network differs."""
        return planes

    def observe(self, loss: Tensor) -> None:
        """Told the loss after every training step."""

    def upscale(self, small: Tensor) -> tuple[Tensor, ...]:
        """Enlarge as callers of the shipped model do: replicate the border by `halo`, run, cut.

        Args:
            small: (N, channels, H, W) in 0–1.

        Returns:
            One (N, channels, s·H, s·W) in float32 for each s of `scales`.
        """
        height, width = small.shape[-2:]
        halo, right, bottom = self.halo, -width % self.align, -height % self.align
        x = functional.pad(small, (halo, halo + right, halo, halo + bottom), mode="replicate")
        if self.input == "enlarged":
            x = BicubicEnlarge(self.scale, padded=self.padded).to(x)(x)
        made = []
        for scale, y in zip(self.scales, self.outputs(x), strict=True):
            # Without padding the result lacks the same on every side.
            top, left = (
                (y.shape[side] - (length + more) * scale) // 2
                for side, length, more in ((-2, height, bottom), (-1, width, right))
            )
            made.append(y[..., top : top + height * scale, left : left + width * scale].float())
        return tuple(made)


class Chain(Network):
    """Networks on luma that are a chain of convolutions with a ReLU after all but the last: ESPCN and SRCNN.

    They train without padding, their weights are rounded to bfloat16 with care (`rounding`), and their graph is
    written layer by layer.
    """

    channels: ClassVar[int] = 1

    @abstractmethod
    def convolutions(self) -> tuple[nn.Conv2d, ...]:
        """The trained layers, from input to output."""


MEAN: Final = 0.45
"""About the mean of photographs. RGB networks compute on values minus it: bfloat16 is finest around zero."""


BICUBIC_REACH = 2
"""Small pixels that a bicubic enlargement looks at in each direction."""


class BicubicEnlarge(nn.Module):
    """Fixed bicubic enlargement by an integer factor, a = −0.5, as one 5×5 convolution and a pixel shuffle.

    Each of the scale² phases of the result has its own 5×5 kernel. Equal to `subpixel.image.resample.resize` wherever
    the kernel stays inside the picture.
    """

    def __init__(self, scale: int, padded: bool = True, channels: int = 1) -> None:
        super().__init__()
        self.scale = scale
        self.channels = channels
        kernels = torch.zeros(scale * scale, 1, 5, 5, dtype=torch.float64)
        for row in range(scale):
            for column in range(scale):
                kernels[row * scale + column, 0] = torch.outer(_phase(row, scale), _phase(column, scale))
        self.padding = BICUBIC_REACH if padded else 0
        self.register_buffer("kernels", kernels.float().repeat(channels, 1, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) → (N, C, scale·H, scale·W); without padding, H and W are 4 smaller."""
        kernels = self.get_buffer("kernels")
        phases = functional.conv2d(x, kernels, padding=self.padding, groups=self.channels)  # (N, C·r², H, W)
        return functional.pixel_shuffle(phases, self.scale)  # (N, C, rH, rW)


def _phase(phase: int, scale: int) -> Tensor:
    """Five weights of one phase: result pixel r·i + phase stands at (phase + ½)/r − ½ beside small pixel i."""
    offset = (phase + 0.5) / scale - 0.5
    weight = _cubic(torch.arange(-2, 3, dtype=torch.float64) - offset)
    return weight / weight.sum()


def _cubic(distance: Tensor) -> Tensor:
    """Keys' cubic kernel, a = −0.5."""
    distance = distance.abs()
    near = (1.5 * distance - 2.5) * distance * distance + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    return torch.where(distance <= 1, near, torch.where(distance < 2, far, torch.zeros_like(far)))


def bicubic_reduction(scale: int) -> tuple[Tensor, Tensor]:
    """Antialiased bicubic reduction of a picture given as its phases: two kernels, along rows and then along columns.

    Phase row·r + column of small pixel (i, j) is the large pixel (r·i + row, r·j + column), as `pixel_unshuffle` orders
    them. Away from the border the two convolutions are MATLAB's imresize by 1/r.

    Returns:
        (r, r², 1, 5), which sums over columns and leaves the r row phases, and (1, r, 5, 1), float32.
    """
    place = torch.arange(5 * scale, dtype=torch.float64)  # large pixels under small pixels −2 … 2
    weight = _cubic((place + 0.5) / scale - 2.5)
    weight = (weight / weight.sum()).view(5, scale)  # (small offset, phase)
    along = torch.zeros(scale, scale, scale, 1, 5, dtype=torch.float64)  # (row phase left, row phase, column phase, …)
    for row in range(scale):
        along[row, row, :, 0] = weight.T
    down = weight.T.reshape(1, scale, 5, 1)
    return along.view(scale, scale * scale, 1, 5).float(), down.float()


def recentre(network: Chain, centre: float) -> None:
    """Turn weights for luma in 0–1 into weights for luma − `centre` in and out, in place; −`centre` turns back.

    Values around zero keep their precision in bfloat16 and make training better conditioned. The first bias takes up
    the shift of the input, the last bias that of the result, so both forms compute the same function.
    """
    first, *_, last = network.convolutions()
    if first.bias is None or last.bias is None:
        raise ValueError("recentring needs biases in the first and the last convolution")
    with torch.no_grad():
        first.bias += centre * first.weight.sum(dim=(1, 2, 3))
        last.bias -= centre
