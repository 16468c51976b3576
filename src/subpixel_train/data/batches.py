"""Batches for training. Each is a pure function of (seed, step), so a training that stopped goes on exactly."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from subpixel.errors import PictureUnreadable, TrainingError
from subpixel.image.colour import GREY_GAIN, GREY_OFFSET
from subpixel_train.data.degrade import Pipeline
from subpixel_train.data.examples import Cut, Example, Geometry, Key, make_example
from subpixel_train.data.photographs import Photograph, several, warn
from subpixel_train.data.pixels import squashed

Samples: TypeAlias = NDArray[np.float32] | Tensor
"""(N, C, H, W), float32."""
Kind = TypeVar("Kind", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one step learns from. RGB in 0–1, or luma in 16/255–235/255.

    Attributes:
        small: input of the network, (N, C, h, w) float32; a tensor where the pictures live on an accelerator.
        targets: (N, C, H, W) float32, one per output, rising: what the network should return, without the `reach`
            input pixels on each side that a network without padding does not return.
    """

    small: Samples
    targets: tuple[Samples, ...]


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


@dataclass(frozen=True, slots=True)
class Place:
    """Where a crop is taken and what is done to it.

    Attributes:
        index: of the example.
        top: first row of the input.
        left: first column of the input.
        turns: quarter turns.
        mirror: left to right, after turning.
        level: the crop is this grey throughout (0–1), instead; None: it is not.
    """

    index: int
    top: int
    left: int
    turns: int
    mirror: bool
    level: float | None


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
        threshold: least detail of a crop by epoch; others are drawn again, `ATTEMPTS` times at most.
    """

    ATTEMPTS: Final = 50

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
        threshold: Callable[[int], float] = lambda epoch: 0.0,
    ) -> None:
        self.examples = [example for example in examples if min(example.shape) >= crop]
        if not self.examples:
            raise TrainingError(f"no picture is as large as a crop of {crop} pixels", "lower data.crop")
        if len(self.examples) < len(examples):
            small = [example.name for example in examples if min(example.shape) < crop]
            warn(f"{len(small)} of {len(examples)} pictures are smaller than a crop and left out: {several(small)}")
        area = np.array([np.prod(example.shape) for example in self.examples], np.float64)
        self._chance = np.cumsum(area / area.sum())
        self.geometry, self.crop, self._size, self._flat, self._seed = geometry, crop, size, flat, seed
        self._threshold = threshold
        self.steps_per_epoch = epoch_steps

    def batch(self, step: int) -> Batch:
        """The batch of one step."""
        return stack([self._cut(place, (self._seed, step, i)) for i, place in enumerate(self.places(step))])

    def places(self, step: int) -> list[Place]:
        """Where the crops of one step lie: all that is random about it but degradations."""
        rng = np.random.default_rng((self._seed, step))
        least = self._threshold(step // self.steps_per_epoch)
        return [self._place(rng, least) for _ in range(self._size)]

    def _place(self, rng: np.random.Generator, least: float) -> Place:
        for _ in range(self.ATTEMPTS):
            index = min(int(np.searchsorted(self._chance, rng.random())), len(self.examples) - 1)
            example = self.examples[index]
            top, left = (int(rng.integers(side - self.crop + 1)) for side in example.shape)
            if least == 0 or example.detail(top, left, self.crop, self.crop) >= least:
                break
        turns, mirror, flat, level = int(rng.integers(4)), bool(rng.integers(2)), rng.random(), rng.random()
        return Place(index, top, left, turns, mirror, round(level * 255) / 255 if flat < self._flat else None)

    def grey(self, level: float) -> np.float32:
        """A level of grey as the network sees it."""
        return np.float32(level if self.geometry.channels == 3 else GREY_OFFSET + GREY_GAIN * level)

    def _cut(self, place: Place, key: Key) -> Cut:
        cut = self.examples[place.index].cut(self.geometry, place.top, place.left, self.crop, self.crop, key)
        if place.level is not None:
            value = self.grey(place.level)
            return Cut(np.full_like(cut.input, value), tuple(np.full_like(target, value) for target in cut.targets))
        return Cut(
            turned(cut.input, place.turns, place.mirror),
            tuple(turned(target, place.turns, place.mirror) for target in cut.targets),
        )


def turned(planes: NDArray[Kind], turns: int, mirror: bool) -> NDArray[Kind]:
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
                self._examples[index].cut(self._geometry, top, left, self._crop, self._crop, (self._seed, step, i))
                for i, (index, top, left) in enumerate(self._chosen(step))
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
        return stack(
            [
                self._examples[index].whole(self._geometry, (self._seed, step, i))
                for i, (index, _, _) in enumerate(self._chosen(step))
            ]
        )


class Squares(_Fixed):
    """Each photograph once per epoch, whole, squashed to a square; read when its turn comes, never kept.

    Args:
        photographs: to learn from. In place of one that cannot be read stands the next that can.
        geometry: of the network.
        scales: of its outputs, rising.
        side: of the square that is the largest target, in pixels.
        size: photographs in a batch.
        seed: of the order.
        pipeline: makes the small pictures; None: clean.
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
        pipeline: Pipeline | None = None,
    ) -> None:
        self._photographs, self._geometry, self._scales, self._side = photographs, geometry, scales, side
        self._pipeline = pipeline
        self._broken: set[int] = set()
        super().__init__([(index, 0, 0) for index in range(len(photographs))], size, seed)

    def batch(self, step: int) -> Batch:
        """The batch of one step; the last of an epoch may be smaller."""
        return stack([self._one(index, (self._seed, step, i)) for i, (index, _, _) in enumerate(self._chosen(step))])

    def _one(self, index: int, key: Key) -> Cut:
        name, rgb = self._read(index)
        rgb = squashed(rgb, self._side)
        return make_example(name, rgb, self._geometry, self._scales, pipeline=self._pipeline).whole(self._geometry, key)

    def _read(self, index: int) -> tuple[str, NDArray[np.uint8]]:
        count = len(self._photographs)
        for turn in range(count):
            place = (index + turn) % count
            photograph = self._photographs[place]
            try:
                return photograph.name, photograph.read()
            except PictureUnreadable as error:
                if place not in self._broken:
                    self._broken.add(place)
                    warn(f"{error}; another stands in for it")
        raise TrainingError(f"none of {count} pictures can be read", "are they pictures?")
