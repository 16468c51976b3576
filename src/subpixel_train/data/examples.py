"""Examples: one picture each, from which pieces are cut for a network to learn from.

Pictures are kept as they were measured, RGB with 8 bits; floats are made of what is cut out. A network with outputs at
several scales learns from one target per scale: the photograph for the largest, the photograph reduced for the others.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from subpixel.image import colour
from subpixel_train.data.degrade import Operation, Pipeline, apply
from subpixel_train.data.pixels import as_float, cut_to_multiple, enlarge, planes, reduced, reductions
from subpixel_train.networks import Network

Key: TypeAlias = tuple[int, ...]
"""What everything random about a cut follows from, as (seed, step, place in the batch)."""

MARGIN: Final = 8
"""Small pixels around a crop that are degraded with it, so that blur and compression see what lies beside it."""
GRID: Final = 16
"""The margin above and to the left is up to so much wider, at random: a crop may lie anywhere on the encoder's grid."""
ENLARGED_REACH: Final = 3
"""Small pixels beside it that a pixel of a bicubic enlargement may need."""


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
    def cut(self, geometry: Geometry, top: int, left: int, height: int, width: int, key: Key) -> Cut:
        """Input of `height` × `width` pixels at (top, left), with its targets; `key` decides what is random."""

    @abstractmethod
    def detail(self, top: int, left: int, height: int, width: int) -> float:
        """How much there is to see in that piece of the input; 0 where it is flat."""

    def whole(self, geometry: Geometry, key: Key = ()) -> Cut:
        """All of it."""
        return self.cut(geometry, 0, 0, *self.shape, key)


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

    def cut(self, geometry: Geometry, top: int, left: int, height: int, width: int, key: Key) -> Cut:
        """Input of `height` × `width` pixels at (top, left), with its targets; views."""
        targets = []
        for step, target in zip(geometry.steps, self.targets, strict=True):
            rows, columns = geometry.window(step, top, left, height, width)
            targets.append(target[:, rows, columns])
        return Cut(self.input[:, top : top + height, left : left + width], tuple(targets))

    def detail(self, top: int, left: int, height: int, width: int) -> float:
        """Detail of the input."""
        return detail(self.input[:, top : top + height, left : left + width].transpose(1, 2, 0))


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

    def cut(self, geometry: Geometry, top: int, left: int, height: int, width: int, key: Key) -> Cut:
        """Input of `height` × `width` pixels at (top, left), with its targets."""
        small = as_float(self.small[top : top + height, left : left + width], geometry.channels)
        return Cut(small, _targets(self.targets, geometry, top, left, height, width))

    def detail(self, top: int, left: int, height: int, width: int) -> float:
        """Detail of the small picture."""
        piece = self.small[top : top + height, left : left + width]
        return detail(np.divide(piece, 255, dtype=np.float32))


@dataclass(frozen=True, slots=True)
class Degraded(Example):
    """An example whose small picture is made anew for every cut.

    Attributes:
        name: file name of the photograph.
        targets: (step·h, step·w, 3) uint8, one per output, rising; the last is the photograph.
        scale: upscale factor, the largest.
        enlarged: the input is the bicubic enlargement of the small picture.
        pipeline: makes the small picture.
    """

    name: str
    targets: tuple[NDArray[np.uint8], ...]
    scale: int
    enlarged: bool
    pipeline: Pipeline

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the input."""
        height, width, _ = self.targets[-1].shape
        return (height, width) if self.enlarged else (height // self.scale, width // self.scale)

    def cut(self, geometry: Geometry, top: int, left: int, height: int, width: int, key: Key) -> Cut:
        """Input of `height` × `width` pixels at (top, left), with its targets."""
        return self.drawn(geometry, top, left, height, width, key)[0]

    def drawn(
        self, geometry: Geometry, top: int, left: int, height: int, width: int, key: Key
    ) -> tuple[Cut, tuple[Operation, ...]]:
        """As `cut`, with what was done to the small picture.

        The photograph is cut with a margin and degraded; of that the input is cut.
        """
        rng = np.random.default_rng(key)
        per = self.scale if self.enlarged else 1  # input pixels per small pixel
        photograph, reach = self.targets[-1], ENLARGED_REACH if self.enlarged else 0
        bounds = []
        for first, length, whole in zip((top, left), (height, width), photograph.shape[:2], strict=True):
            low = first // per - reach - MARGIN - int(rng.integers(GRID))
            high = -(-(first + length) // per) + reach + MARGIN
            bounds.append((max(low, 0), min(high, whole // self.scale)))
        (up, down), (near, far) = bounds
        seen = photograph[up * self.scale : down * self.scale, near * self.scale : far * self.scale]
        operations = self.pipeline.draw(rng)
        small = apply(operations, planes(seen), (down - up, far - near))
        small = small if geometry.channels == 3 else colour.rgb_to_y(small)
        small = enlarge(small, self.scale) if self.enlarged else small
        y, x = top - up * per, left - near * per
        targets = _targets(self.targets, geometry, top, left, height, width)
        return Cut(small[:, y : y + height, x : x + width], targets), operations

    def detail(self, top: int, left: int, height: int, width: int) -> float:
        """Detail of the photograph, blocks of scale × scale pixels averaged."""
        return block_detail(self.targets[-1], 1 if self.enlarged else self.scale, top, left, height, width)


def detail(piece: NDArray[np.float32]) -> float:
    """ISR's measure (`DataHandler._not_flat`), which its flatness thresholds are compared with.

    (h, w, C) in 0–1: standard deviation down the columns, and along the rows, each in the mean; the larger of the two.
    """
    return float(max(np.std(piece, axis=0).mean(), np.std(piece, axis=1).mean()))


def block_detail(photograph: NDArray[np.uint8], step: int, top: int, left: int, height: int, width: int) -> float:
    """Detail of a piece of a photograph, blocks of `step` × `step` pixels averaged; the piece is counted in blocks."""
    piece = photograph[top * step : (top + height) * step, left * step : (left + width) * step]
    blocks = piece.reshape(height, step, width, step, 3).mean(axis=(1, 3), dtype=np.float32)
    return detail(np.divide(blocks, 255, dtype=np.float32))


def _targets(
    targets: Sequence[NDArray[np.uint8]], geometry: Geometry, top: int, left: int, height: int, width: int
) -> tuple[NDArray[np.float32], ...]:
    """What belongs to `height` × `width` of the input at (top, left), as floats."""
    cut = []
    for step, target in zip(geometry.steps, targets, strict=True):
        rows, columns = geometry.window(step, top, left, height, width)
        cut.append(as_float(target[rows, columns], geometry.channels))
    return tuple(cut)


def make_picture(
    name: str, rgb: NDArray[np.uint8], scales: Sequence[int], small: NDArray[np.uint8] | None = None
) -> Picture:
    """The small picture and the targets of a photograph.

    Args:
        name: of the photograph.
        rgb: (H, W, 3), uint8; cut to a multiple of the largest scale.
        scales: of the network's outputs, rising; each divides the largest.
        small: (h, w, 3), where one is given; else the photograph is reduced.
    """
    scale = scales[-1]
    rgb = cut_to_multiple(rgb, scale)
    return Picture(name, reduced(rgb, scale) if small is None else small, reductions(rgb, scales))


def make_example(
    name: str,
    rgb: NDArray[np.uint8],
    geometry: Geometry,
    scales: Sequence[int],
    *,
    small: NDArray[np.uint8] | None = None,
    pipeline: Pipeline | None = None,
) -> Example:
    """What a network learns from a photograph.

    Args:
        name: of the photograph.
        rgb: (H, W, 3), uint8.
        geometry: of the network.
        scales: of its outputs, rising.
        small: (h, w, 3), where one is given.
        pipeline: degrades what is cut out, in place of `small` and of the clean reduction.
    """
    if pipeline:
        targets = reductions(cut_to_multiple(rgb, scales[-1]), scales)
        return Degraded(name, targets, scales[-1], geometry.enlarged, pipeline)
    picture = make_picture(name, rgb, scales, small)
    return enlarged_pair(picture, geometry) if geometry.enlarged else picture


def enlarged_pair(picture: Picture, geometry: Geometry) -> Pair:
    """The picture as a network on enlarged input sees it."""
    targets = tuple(as_float(target, geometry.channels) for target in picture.targets)
    return Pair(picture.name, enlarge(as_float(picture.small, geometry.channels), geometry.scale), targets)
