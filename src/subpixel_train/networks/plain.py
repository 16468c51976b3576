"""The house's own network: plain 3×3 convolutions on luma, shaped for a CPU's vector units.

    Y ─ conv 3×3, W ─ ReLU ─ (conv 3×3, W ─ ReLU) × depth ─ conv 3×3, r² ─ + ─ [faithful] ─ shuffle r ─ Y, r× larger
    └─────────── enlargement as one convolution, 1 → r² ───────────────────┘

Nothing but convolutions whose activation the engine folds in, wide enough for its vectors. The last convolution adds to
an enlargement of the input before the shuffle, so that the network only makes what is missing. Every inner
convolution starts near the identity: what other networks train as a branch around it, and fold away after, is here
from the start a part of the one convolution that runs.

With `linear`, the first channels of every layer have no ReLU, and they alone start as the identity: they hand on sums,
as the trunk of a residual network does, and the others are its branches. Nothing that they carry is cut off below zero.
A shift above zero turns them into channels with a ReLU that changes nothing, so what ships is as plain as ever
(`networks.folding`).

`faithful` ends with one step of back-projection (Irani and Peleg, "Improving Resolution by Image Registration", 1991,
https://doi.org/10.1016/1049-9652(91)90045-L): what the result, reduced again, lacks of the input is enlarged and added.
Before the shuffle that is two small convolutions, r² → 1 and 1 → r².

With `symmetric`, filters are tied over the eight flips and quarter turns (`networks.symmetry`): a mirrored picture
gives the mirrored result, and an eighth of the weights is free. What ships is plain again.

With `unshuffle` 2 the pixels of 2×2 squares become channels first: four times as many weights and twice the sight for
the same work. Kept for the record: at equal time it was worse (docs/explanation/search).
"""

from __future__ import annotations

from typing import ClassVar, Final, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional

from subpixel.errors import TrainingError
from subpixel_train.networks.base import (
    BICUBIC_REACH,
    MEAN,
    BicubicEnlarge,
    Float32Conv2d,
    Network,
    Settings,
    bicubic_reduction,
)
from subpixel_train.networks.growing import grown
from subpixel_train.networks.partial_relu import PartialReLU
from subpixel_train.networks.reviving import revive
from subpixel_train.networks.symmetry import ORDER, tie, untied

SKIP_REACH: Final = 1.96
"""Magnitudes of a learned enlargement's kernel may add up to this; int8 has room for sums of less than 2."""


class PlainSettings(Settings):
    """Shape of a plain network."""

    kind: Literal["plain"] = Field(default="plain", description="plain 3×3 convolutions on luma")
    width: int = Field(default=32, ge=1, le=512, description="channels")
    depth: int = Field(default=7, ge=0, le=64, description="inner convolutions, between the first and the last")
    activation: Literal["relu", "leaky", "prelu", "silu"] = Field(default="relu", description="after all but the last")
    linear: int = Field(default=0, ge=0, description="channels of each layer without activation; folded away at export")
    skip: Literal["repeat", "bicubic", "learned"] = Field(
        default="bicubic", description="enlargement that the network adds to; learned: starts as bicubic"
    )
    start: Literal["identity", "orthogonal"] = Field(default="identity", description="how inner convolutions begin")
    faithful: bool = Field(default=False, description="one step of back-projection at the end")
    symmetric: bool = Field(
        default=False, description="filters tied over flips and quarter turns: an eighth of the free weights"
    )
    unshuffle: Literal[1, 2] = Field(default=1, description="2: squares of 2×2 pixels become channels first")
    fake_quantise: bool = Field(
        default=False, description="with linear: in training, round between layers as int8 will"
    )
    int8: bool = Field(default=False, description="compute as in int8, and learn to live with its rounding")

    @model_validator(mode="after")
    def _agree(self) -> PlainSettings:
        if self.unshuffle > 1 and (self.skip != "repeat" or self.faithful):
            raise ValueError("unshuffle: 2 goes with skip: repeat and without faithful")
        if self.linear and self.activation != "relu":
            raise ValueError(f"linear goes with activation: relu, not {self.activation}")
        if self.symmetric and (self.width % ORDER or self.linear % ORDER):
            raise ValueError(
                f"symmetric needs multiples of {ORDER} for width and linear, not {self.width}, {self.linear}"
            )
        if self.symmetric and (self.activation == "prelu" or self.int8 or self.unshuffle > 1):
            raise ValueError("symmetric goes without activation: prelu, int8 and unshuffle")
        if self.linear >= self.width:
            raise ValueError(f"linear is {self.linear} of {self.width} channels: some need an activation")
        if self.fake_quantise and not self.linear:
            raise ValueError("fake_quantise goes with linear channels; others train with int8: true")
        if self.linear and self.int8:
            raise ValueError("int8 goes with linear: 0; train in float, export fits it to int8")
        if self.int8 and self.activation != "relu":
            raise ValueError(f"int8 goes with activation: relu, not {self.activation}")
        return self


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
        self.first = nn.Conv2d(self.unshuffle**2, width, 3, padding=1)
        self.inner = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(settings.depth))
        self.last = Float32Conv2d(width, (scale * self.unshuffle) ** 2, 3, padding=1)
        self.activations = nn.ModuleList(_activation(settings) for _ in range(settings.depth + 1))
        self.skip = _enlargement(settings, scale)
        self.projection: nn.Module | None = BackProjection(scale) if settings.faithful else None
        self.reach = (settings.depth + 2) * self.unshuffle + self.unshuffle - 1
        if settings.faithful:
            self.reach += BackProjection.reach
        self._begin(settings)
        if settings.symmetric:
            tie(
                self.first, [layer for layer in self.inner if isinstance(layer, nn.Conv2d)], self.last, self.skip, scale
            )

    def _begin(self, settings: PlainSettings) -> None:
        nn.init.orthogonal_(self.first.weight, nn.init.calculate_gain("relu"))
        nn.init.zeros_(self.last.weight)
        for layer in self.inner:
            assert isinstance(layer, nn.Conv2d)
            if settings.start == "identity":
                nn.init.orthogonal_(layer.weight, 0.5)
                kept = settings.linear or settings.width
                with torch.no_grad():
                    layer.weight[:kept, :kept, 1, 1] += torch.eye(kept)
            else:
                nn.init.orthogonal_(layer.weight, nn.init.calculate_gain("relu"))
        for layer in self.convolutions():
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)

    def convolutions(self) -> tuple[nn.Conv2d, ...]:
        """The layers with a ReLU between them, from input to output."""
        return (self.first, *(layer for layer in self.inner if isinstance(layer, nn.Conv2d)), self.last)

    def untied(self) -> Plain:
        """The network as it ships: with `symmetric`, the same with its weights spread out; else itself."""
        if not self.settings.symmetric:
            return self
        made = Plain(self.settings.model_copy(update={"symmetric": False}), self.scale)
        layers = {name: part for name, part in self.named_modules() if isinstance(part, nn.Conv2d)}
        made.load_state_dict(untied(self.state_dict(), layers))
        return made.train(self.training)

    def grown_from(self, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
        """Tensors of a smaller plain network, made to fit: see `networks.growing`.

        With `fake_quantise`, a learned enlargement before back-projection that sharpens more than int8 has room for is
        held back to that: train on for some hundred steps, with the rate 0 for `skip`.

        Raises:
            TrainingError: a smaller network, and this one has linear channels.
        """
        fitted = grown(self.state_dict(), tensors)
        if self.settings.linear and any(fitted[name] is not value for name, value in tensors.items()):
            raise TrainingError(
                "a network with linear channels cannot be grown from a smaller one",
                "start from one of the same width and depth, or from nothing",
            )
        if self.settings.fake_quantise and self.settings.faithful and self.settings.skip == "learned":
            fitted["skip.weight"] = _held_back(fitted["skip.weight"], BicubicEnlarge(self.scale).get_buffer("kernels"))
        return fitted

    def revive(self, small: Tensor, mean: dict[str, Tensor], seed: int) -> int:
        """Begin channels anew that never fire on `small`; see `networks.reviving`."""
        names = ("first", *(f"inner.{index}" for index in range(len(self.inner))), "last")
        means = [{part: mean[f"{name}.{part}"] for part in ("weight", "bias")} for name in names] if mean else []
        x = small.float() - MEAN
        x = x if self.unshuffle == 1 else functional.pixel_unshuffle(x, self.unshuffle)
        return revive(self.convolutions(), x, means, seed, self.settings.linear)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 1, H, W), luma in 0–1 → (N, 1, rH, rW), luma in 0–1, not clipped. H, W: multiples of `unshuffle`."""
        x = x.float() - MEAN
        small = x if self.unshuffle == 1 else functional.pixel_unshuffle(x, self.unshuffle)  # (N, u², H/u, W/u)
        y: Tensor = self.activations[0](self.first(small))  # (N, W, H/u, W/u)
        for layer, activation in zip(self.inner, self.activations[1:], strict=True):
            y = activation(layer(y))  # (N, W, H/u, W/u)
        y = self.last(y) + self._enlarged(small)  # (N, (ru)², H/u, W/u)
        if self.projection is not None:
            y = self.projection(y, small)  # (N, r², H, W)
        return functional.pixel_shuffle(y, self.scale * self.unshuffle) + MEAN  # (N, 1, rH, rW)

    def _enlarged(self, small: Tensor) -> Tensor:
        """What the network adds to; crops of a training have no halo around them, so their border is repeated."""
        if not self.training:
            enlarged: Tensor = self.skip(small)
            return enlarged
        with torch.autocast(small.device.type, enabled=False):
            return convolve(small, self.skip.weight, careful=True)


class BackProjection(nn.Module):
    """Adds the bicubic enlargement of what the result, reduced again (MATLAB's bicubic), lacks of the input.

    Both work on the r² phases of the result before the pixel shuffle. Fixed, in float32.
    """

    reach = 2 * BICUBIC_REACH

    def __init__(self, scale: int) -> None:
        super().__init__()
        along, down = bicubic_reduction(scale)
        self.register_buffer("along", along, persistent=False)
        self.register_buffer("down", down, persistent=False)
        self.register_buffer("enlarge", BicubicEnlarge(scale).get_buffer("kernels"), persistent=False)

    def forward(self, phases: Tensor, small: Tensor) -> Tensor:
        """Phases of the result (N, r², H, W) and the input (N, 1, H, W) → phases that reduce to the input, nearly."""
        with torch.autocast(phases.device.type, enabled=False):
            rows = convolve(phases.float(), self.get_buffer("along"), self.training)  # (N, r, H, W)
            missing = small - convolve(rows, self.get_buffer("down"), self.training)  # (N, 1, H, W)
            return phases + convolve(missing, self.get_buffer("enlarge"), self.training)


def convolve(x: Tensor, kernels: Tensor, careful: bool) -> Tensor:
    """Convolution of the same size; `careful` repeats the border, where no halo stands around what counts."""
    rows, columns = (side // 2 for side in kernels.shape[-2:])
    if not careful:
        return functional.conv2d(x, kernels, padding=(rows, columns))
    return functional.conv2d(functional.pad(x, (columns, columns, rows, rows), mode="replicate"), kernels)


def _enlargement(settings: PlainSettings, scale: int) -> nn.Conv2d:
    """The skip as one convolution from the input to the phases of the result."""
    into = settings.unshuffle**2
    if settings.skip == "repeat":
        kernels = torch.zeros((scale * settings.unshuffle) ** 2, into, 1, 1)
        side = scale * settings.unshuffle
        for phase in range(side * side):
            kernels[phase, phase // side // scale * settings.unshuffle + phase % side // scale] = 1
    else:
        kernels = BicubicEnlarge(scale).get_buffer("kernels").clone()
    size = kernels.shape[-1]
    layer = Float32Conv2d(into, kernels.shape[0], size, padding=size // 2, bias=False)
    layer.weight = nn.Parameter(kernels, requires_grad=settings.skip == "learned")
    return layer


def _held_back(kernels: Tensor, bicubic: Tensor) -> Tensor:
    """An enlargement (r², 1, 5, 5), nearer to bicubic where magnitudes of a kernel add up to more than `SKIP_REACH`."""
    reach, least = (one.abs().sum(dim=(1, 2, 3), keepdim=True) for one in (kernels, bicubic))
    share = ((reach - SKIP_REACH) / (reach - least)).clamp_min(0)
    return torch.where(share > 0, torch.lerp(kernels, bicubic, share), kernels)


def _activation(settings: PlainSettings) -> nn.Module:
    if settings.linear:
        return PartialReLU(settings.linear, settings.fake_quantise)
    match settings.activation:
        case "leaky":
            return nn.LeakyReLU(0.1)
        case "prelu":
            return nn.PReLU(settings.width, init=0.1)
        case "silu":
            return nn.SiLU()
        case _:
            return nn.ReLU()
