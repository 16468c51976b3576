"""From a photograph to what a network learns from: the small picture and what should become of it.

The small picture is made as the protocol of every number says: antialiased bicubic (a = −0.5) of the RGB picture,
rounded to 8 bits. Luma is taken from the rounded RGB, on both sides. A network with outputs at several scales learns
from one target per scale: the photograph for the largest, the photograph reduced likewise for the others.

Pictures are kept as they were measured, RGB with 8 bits; floats are made of what is cut out.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import TrainingError
from subpixel.image import colour, resample
from subpixel_train.data.folders import pictures, read_rgb
from subpixel_train.data.photographs import Photograph
from subpixel_train.data.settings import DataSettings
from subpixel_train.networks import Network

HELD_OUT_SIDE = 320
"""Side in pixels that held-out photographs are cut to, to keep validation quick."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """How input and targets of a network lie to each other, and what it takes for a picture.

    Attributes:
        steps: target pixels per input pixel, one per output, rising: the scales, or (1,) for enlarged input.
        trim: input pixels that a result lacks on every side: the reach of a network trained without padding, else 0.
        channels: 1 for luma, 3 for RGB.
        enlarged: the input is the bicubic enlargement of the small picture.
        scale: upscale factor, the largest.
    """

    steps: tuple[int, ...]
    trim: int
    channels: int = 1
    enlarged: bool = False
    scale: int = 0

    @classmethod
    def of(cls, network: Network) -> Geometry:
        """What a network asks for."""
        enlarged = network.input == "enlarged"
        steps = (1,) * len(network.scales) if enlarged else network.scales
        trim = 0 if network.padded else network.reach
        return cls(steps, trim, network.channels, enlarged, network.scale)

    def window(self, step: int, top: int, left: int, height: int, width: int) -> tuple[slice, slice]:
        """Rows and columns of a target that belong to `height` × `width` of the input at (top, left)."""
        rows = slice((top + self.trim) * step, (top + height - self.trim) * step)
        return rows, slice((left + self.trim) * step, (left + width - self.trim) * step)


@dataclass(frozen=True, slots=True)
class Cut:
    """A piece of a picture: what the network is given, (C, h, w), and what it should return, each (C, H, W); float32.

    RGB in 0–1, or luma in 16/255–235/255.
    """

    input: NDArray[np.float32]
    targets: tuple[NDArray[np.float32], ...]


class Example(ABC):
    """One picture to learn from or to test with.

    Attributes:
        name: file name of the photograph.
    """

    name: str

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Height and width of the input."""

    @abstractmethod
    def cut(self, geometry: Geometry, top: int, left: int, height: int, width: int) -> Cut:
        """Input of `height` × `width` pixels at (top, left), with its targets."""

    def whole(self, geometry: Geometry) -> Cut:
        """All of it."""
        return self.cut(geometry, 0, 0, *self.shape)


@dataclass(frozen=True, slots=True)
class Pair(Example):
    """An example kept in floats: for input that has no 8 bits, as a bicubic enlargement.

    Attributes:
        name: file name of the photograph.
        input: (C, h, w) float32.
        targets: (C, step·h, step·w) float32 each.
    """

    name: str
    input: NDArray[np.float32]
    targets: tuple[NDArray[np.float32], ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the input."""
        return self.input.shape[1], self.input.shape[2]

    def cut(self, geometry: Geometry, top: int, left: int, height: int, width: int) -> Cut:
        """Input of `height` × `width` pixels at (top, left), with its targets; views."""
        targets = []
        for step, target in zip(geometry.steps, self.targets, strict=True):
            rows, columns = geometry.window(step, top, left, height, width)
            targets.append(target[:, rows, columns])
        return Cut(self.input[:, top : top + height, left : left + width], tuple(targets))


@dataclass(frozen=True, slots=True)
class Picture(Example):
    """An example kept in 8 bits.

    Attributes:
        name: file name of the photograph.
        small: (h, w, 3) uint8.
        targets: (step·h, step·w, 3) uint8, one per output, rising.
    """

    name: str
    small: NDArray[np.uint8]
    targets: tuple[NDArray[np.uint8], ...]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the small picture."""
        return self.small.shape[0], self.small.shape[1]

    def cut(self, geometry: Geometry, top: int, left: int, height: int, width: int) -> Cut:
        """Input of `height` × `width` pixels at (top, left), with its targets."""
        targets = []
        for step, target in zip(geometry.steps, self.targets, strict=True):
            rows, columns = geometry.window(step, top, left, height, width)
            targets.append(as_float(target[rows, columns], geometry.channels))
        return Cut(as_float(self.small[top : top + height, left : left + width], geometry.channels), tuple(targets))


def planes(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(H, W, 3) uint8 → (3, H, W) float32 in 0–1."""
    return np.divide(rgb.transpose(2, 0, 1), 255, dtype=np.float32, order="C")


def levels(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """(3, H, W) float in 0–1 → (H, W, 3) uint8, rounded and clipped."""
    return np.ascontiguousarray(np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0))


def as_float(rgb: NDArray[np.uint8], channels: int) -> NDArray[np.float32]:
    """(H, W, 3) uint8 → (3, H, W) float32 RGB in 0–1, or (1, H, W) luma in 16/255–235/255."""
    return planes(rgb) if channels == 3 else colour.rgb_to_y(planes(rgb))


def rounded(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """To the nearest of the 256 levels of an 8-bit picture, clipped to 0–1."""
    return np.divide(np.rint(np.clip(values, 0, 1) * 255), 255, dtype=np.float32)


def cut_to_multiple(rgb: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Cut right and bottom so that both sides are multiples of `factor`."""
    height, width = rgb.shape[0] // factor * factor, rgb.shape[1] // factor * factor
    return rgb[:height, :width]


def reduce(large: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """The small picture of the protocol: (3, r·h, r·w) → (3, h, w), 8-bit levels in 0–1."""
    _, height, width = large.shape
    return rounded(resample.resize(large, height // scale, width // scale))


def enlarge(small: NDArray[np.float32], scale: int) -> NDArray[np.float32]:
    """Bicubic enlargement, not rounded: (C, h, w) → (C, r·h, r·w)."""
    _, height, width = small.shape
    return resample.resize(small, height * scale, width * scale)


def make_picture(name: str, rgb: NDArray[np.uint8], scales: Sequence[int]) -> Picture:
    """The small picture and the targets of a photograph.

    Args:
        name: of the photograph.
        rgb: (H, W, 3), uint8; cut to a multiple of the largest scale.
        scales: of the network's outputs, rising; each divides the largest.
    """
    scale = scales[-1]
    rgb = cut_to_multiple(rgb, scale)
    return Picture(name, reduced(rgb, scale), reductions(rgb, scales))


def reductions(rgb: NDArray[np.uint8], scales: Sequence[int]) -> tuple[NDArray[np.uint8], ...]:
    """The targets of a photograph (H, W, 3): itself for the largest of `scales`, reduced to fit for the others."""
    return tuple(rgb if scale == scales[-1] else reduced(rgb, scales[-1] // scale) for scale in scales)


def reduced(rgb: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """(r·h, r·w, 3) uint8 → (h, w, 3) uint8 by the protocol."""
    return levels(reduce(planes(rgb), factor))


def make_example(name: str, rgb: NDArray[np.uint8], geometry: Geometry, scales: Sequence[int]) -> Example:
    """What a network learns from a photograph (H, W, 3)."""
    picture = make_picture(name, rgb, scales)
    return enlarged_pair(picture, geometry) if geometry.enlarged else picture


def enlarged_pair(picture: Picture, geometry: Geometry) -> Pair:
    """The picture as a network on enlarged input sees it."""
    targets = tuple(as_float(target, geometry.channels) for target in picture.targets)
    return Pair(picture.name, enlarge(as_float(picture.small, geometry.channels), geometry.scale), targets)


def resized(rgb: NDArray[np.uint8], factor: float) -> NDArray[np.uint8]:
    """The photograph at another size, antialiased bicubic, rounded to 8 bits."""
    if factor == 1:
        return rgb
    height, width = (max(1, round(side * factor)) for side in rgb.shape[:2])
    return levels(resample.resize(planes(rgb), height, width))


def squashed(rgb: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The whole photograph as a square of `side` pixels, whatever its shape: (side, side, 3) uint8."""
    return levels(resample.resize(planes(rgb), side, side))


def held_out_pairs(
    photographs: Sequence[Photograph], network: Network, settings: DataSettings, limit: int = HELD_OUT_SIDE
) -> list[Picture]:
    """Small pictures and targets of the held-out photographs.

    Each is cut to its central `limit` pixels to keep this quick; in mode square each is squashed as in training.
    """
    made = []
    for photograph in photographs:
        rgb = photograph.read()
        square = settings.mode == "square"
        rgb = squashed(rgb, settings.crop * network.scale) if square else centre(rgb, limit, network.scale)
        made.append(make_picture(photograph.name, rgb, network.scales))
    return made


def benchmark_pairs(folder: Path, network: Network) -> Iterator[Picture]:
    """Published test pairs: `folder/HR/xR` and `folder/LR/xR` hold files of the same names.

    R is the network's largest scale. References of its smaller outputs are the HR picture reduced by the protocol: the
    published LR pictures of other factors belong to HR pictures cut to another size.
    """
    scale = network.scale
    for path in pictures(folder / "HR" / f"x{scale}"):
        small = next(iter(sorted((folder / "LR" / f"x{scale}").glob(f"{path.stem}.*"))), None)
        if small is None:
            raise TrainingError(f"{path} has no small picture beside it", f"put it in {folder / 'LR' / f'x{scale}'}")
        yield Picture(path.stem, read_rgb(small), reductions(read_rgb(path), network.scales))


def centre(rgb: NDArray[np.uint8], side: int, factor: int) -> NDArray[np.uint8]:
    """The central square of `side − side mod factor` pixels, or less where the picture is smaller."""
    height, width = (min(length, side) // factor * factor for length in rgb.shape[:2])
    top, left = (rgb.shape[0] - height) // 2, (rgb.shape[1] - width) // 2
    return rgb[top : top + height, left : left + width]
