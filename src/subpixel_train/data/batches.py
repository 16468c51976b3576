"""Batches for training. Each is a pure function of (seed, step), so a training that stopped goes on exactly."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import TrainingError
from subpixel.image.colour import GREY_GAIN, GREY_OFFSET
from subpixel_train.data.pairs import Cut, Example, Geometry, make_example, squashed
from subpixel_train.data.photographs import Photograph


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step learns from. RGB in 0–1, or luma in 16/255–235/255.

    Attributes:
        small: input of the network, (N, C, h, w) float32.
        targets: (N, C, H, W) float32, one per output, rising: what the network should return, without the `reach`
            input pixels on each side that a network without padding does not return.
    """

    small: NDArray[np.float32]
    targets: tuple[NDArray[np.float32], ...]


def stack(cuts: Sequence[Cut]) -> Batch:
    """Cuts of one size as a batch."""
    targets = zip(*(cut.targets for cut in cuts), strict=True)
    return Batch(np.stack([cut.input for cut in cuts]), tuple(np.stack(target) for target in targets))


class Batches(ABC):
    """A source of batches with epochs of equal length."""

    steps_per_epoch: int

    @abstractmethod
    def batch(self, step: int) -> Batch:
        """The batch of one step, counted from 0 over the whole training."""


class Crops(Batches):
    """Random crops, each turned or mirrored in one of 8 ways; pictures are drawn by their area.

    Args:
        examples: what to crop from.
        geometry: of the network.
        crop: side of the input in pixels.
        size: crops in a batch.
        epoch_steps: batches that make an epoch.
        flat: chance of a crop that is one level throughout: flat white has to stay white.
        seed: everything random follows from it.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        geometry: Geometry,
        *,
        crop: int,
        size: int,
        epoch_steps: int,
        flat: float,
        seed: int,
    ) -> None:
        self._examples = [example for example in examples if min(example.shape) >= crop]
        if not self._examples:
            raise TrainingError(f"no picture is as large as a crop of {crop} pixels", "lower data.crop")
        area = np.array([np.prod(example.shape) for example in self._examples], np.float64)
        self._chance = np.cumsum(area / area.sum())
        self._geometry, self._crop, self._size, self._flat, self._seed = geometry, crop, size, flat, seed
        self.steps_per_epoch = epoch_steps

    def batch(self, step: int) -> Batch:
        """The batch of one step."""
        rng = np.random.default_rng((self._seed, step))
        return stack([self._one(rng) for _ in range(self._size)])

    def _one(self, rng: np.random.Generator) -> Cut:
        index = min(int(np.searchsorted(self._chance, rng.random())), len(self._examples) - 1)
        example = self._examples[index]
        top, left = (int(rng.integers(side - self._crop + 1)) for side in example.shape)
        cut = example.cut(self._geometry, top, left, self._crop, self._crop)
        turns, mirror, flat, level = int(rng.integers(4)), bool(rng.integers(2)), rng.random(), rng.random()
        if flat < self._flat:
            grey = round(level * 255) / 255
            value = np.float32(grey if self._geometry.channels == 3 else GREY_OFFSET + GREY_GAIN * grey)
            return Cut(np.full_like(cut.input, value), tuple(np.full_like(target, value) for target in cut.targets))
        return Cut(turned(cut.input, turns, mirror), tuple(turned(target, turns, mirror) for target in cut.targets))


def turned(planes: NDArray[np.float32], turns: int, mirror: bool) -> NDArray[np.float32]:
    """(C, H, W) by `turns` quarter turns, then mirrored left to right."""
    planes = np.rot90(planes, turns, (1, 2))
    return planes[..., ::-1] if mirror else planes


class _Fixed(Batches):
    """Every item of a fixed list once per epoch, in an order that changes from epoch to epoch."""

    def __init__(self, items: Sequence[tuple[int, int, int]], size: int, seed: int) -> None:
        self._items, self._size, self._seed = items, size, seed
        self.steps_per_epoch = -(-len(items) // size)

    def _chosen(self, step: int) -> list[tuple[int, int, int]]:
        epoch, index = divmod(step, self.steps_per_epoch)
        order = np.random.default_rng((self._seed, epoch)).permutation(len(self._items))
        return [self._items[i] for i in order[index * self._size : (index + 1) * self._size]]


class Tiles(_Fixed):
    """Sub-images on a grid, as SRCNN was trained: 33 pixels every 14, target the central 21.

    Args:
        examples: what to cut.
        geometry: of the network.
        crop: side of a sub-image in input pixels.
        stride: distance of the grid in input pixels.
        size: sub-images in a batch.
        seed: of the order.
    """

    def __init__(
        self, examples: Sequence[Example], geometry: Geometry, *, crop: int, stride: int, size: int, seed: int
    ) -> None:
        self._examples, self._geometry, self._crop = examples, geometry, crop
        grid = [
            (index, top, left)
            for index, example in enumerate(examples)
            for top in range(0, example.shape[0] - crop + 1, stride)
            for left in range(0, example.shape[1] - crop + 1, stride)
        ]
        if not grid:
            raise TrainingError(f"no picture is as large as a sub-image of {crop} pixels", "lower data.crop")
        super().__init__(grid, size, seed)

    def batch(self, step: int) -> Batch:
        """The batch of one step; the last of an epoch may be smaller."""
        return stack(
            [
                self._examples[index].cut(self._geometry, top, left, self._crop, self._crop)
                for index, top, left in self._chosen(step)
            ]
        )


class Wholes(_Fixed):
    """One pair per picture and epoch, as ESPCN was trained on central crops; all pairs have one size.

    Args:
        examples: the central crops.
        geometry: of the network.
        size: pairs in a batch.
        seed: of the order.
    """

    def __init__(self, examples: Sequence[Example], geometry: Geometry, *, size: int, seed: int) -> None:
        shapes = {example.shape for example in examples}
        if len(shapes) != 1:
            raise TrainingError(f"the central crops have {len(shapes)} sizes", "lower data.crop")
        self._examples, self._geometry = examples, geometry
        super().__init__([(index, 0, 0) for index in range(len(examples))], size, seed)

    def batch(self, step: int) -> Batch:
        """The batch of one step; the last of an epoch may be smaller."""
        return stack([self._examples[index].whole(self._geometry) for index, _, _ in self._chosen(step)])


class Squares(_Fixed):
    """Each photograph once per epoch, whole, squashed to a square; read when its turn comes, never kept.

    Args:
        photographs: to learn from.
        geometry: of the network.
        scales: of its outputs, rising.
        side: of the square that is the largest target, in pixels.
        size: photographs in a batch.
        seed: of the order.
    """

    def __init__(
        self,
        photographs: Sequence[Photograph],
        geometry: Geometry,
        *,
        scales: Sequence[int],
        side: int,
        size: int,
        seed: int,
    ) -> None:
        self._photographs, self._geometry, self._scales, self._side = photographs, geometry, scales, side
        super().__init__([(index, 0, 0) for index in range(len(photographs))], size, seed)

    def batch(self, step: int) -> Batch:
        """The batch of one step; the last of an epoch may be smaller."""
        return stack([self._one(self._photographs[index]) for index, _, _ in self._chosen(step)])

    def _one(self, photograph: Photograph) -> Cut:
        rgb = squashed(photograph.read(), self._side)
        return make_example(photograph.name, rgb, self._geometry, self._scales).whole(self._geometry)
