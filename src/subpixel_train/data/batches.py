"""Batches for training. Each is a pure function of (seed, step), so a training that stopped goes on exactly."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import TrainingError
from subpixel.image.colour import GREY_GAIN, GREY_OFFSET
from subpixel_train.data.pairs import Pair

Batch = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Input (N, 1, h, w) and target (N, 1, H, W), luma in 16/255–235/255. The target is what a network without padding
returns for the input: `reach` input pixels fewer on each side."""


@dataclass(frozen=True, slots=True)
class Geometry:
    """How input and target of a network lie to each other: `step` target pixels per input pixel, `reach` cut off."""

    step: int
    reach: int

    def cut(self, pair: Pair, top: int, left: int, height: int, width: int) -> Batch:
        """Input of `height` × `width` at (top, left), and its target; each (h, w)."""
        inside = self.reach
        rows = slice((top + inside) * self.step, (top + height - inside) * self.step)
        columns = slice((left + inside) * self.step, (left + width - inside) * self.step)
        return pair.input[top : top + height, left : left + width], pair.target[rows, columns]


class Batches(ABC):
    """A source of batches with epochs of equal length."""

    steps_per_epoch: int

    @abstractmethod
    def batch(self, step: int) -> Batch:
        """The batch of one step, counted from 0 over the whole training."""


class Crops(Batches):
    """Random crops, each turned or mirrored in one of 8 ways; pictures are drawn by their area.

    Args:
        pairs: what to crop from.
        geometry: of the network.
        crop: side of the input in pixels.
        size: crops in a batch.
        epoch_steps: batches that make an epoch.
        flat: chance of a crop that is one level throughout: flat white has to stay white.
        seed: everything random follows from it.
    """

    def __init__(
        self,
        pairs: Sequence[Pair],
        geometry: Geometry,
        *,
        crop: int,
        size: int,
        epoch_steps: int,
        flat: float,
        seed: int,
    ) -> None:
        self._pairs = [pair for pair in pairs if min(pair.input.shape) >= crop]
        if not self._pairs:
            raise TrainingError(f"no picture is as large as a crop of {crop} pixels", "lower data.crop")
        area = np.array([pair.input.size for pair in self._pairs], np.float64)
        self._chance = np.cumsum(area / area.sum())
        self._geometry, self._crop, self._size, self._flat, self._seed = geometry, crop, size, flat, seed
        self.steps_per_epoch = epoch_steps

    def batch(self, step: int) -> Batch:
        """The batch of one step."""
        rng = np.random.default_rng((self._seed, step))
        small, large = zip(*(self._one(rng) for _ in range(self._size)), strict=True)
        return np.stack(small)[:, None], np.stack(large)[:, None]

    def _one(self, rng: np.random.Generator) -> Batch:
        pair = self._pairs[min(int(np.searchsorted(self._chance, rng.random())), len(self._pairs) - 1)]
        top, left = (int(rng.integers(side - self._crop + 1)) for side in pair.input.shape)
        small, large = self._geometry.cut(pair, top, left, self._crop, self._crop)
        turns, mirror, flat, level = int(rng.integers(4)), bool(rng.integers(2)), rng.random(), rng.random()
        if flat < self._flat:
            value = np.float32(GREY_OFFSET + GREY_GAIN * round(level * 255) / 255)
            return np.full_like(small, value), np.full_like(large, value)
        small, large = np.rot90(small, turns), np.rot90(large, turns)
        return (small[:, ::-1], large[:, ::-1]) if mirror else (small, large)


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
        pairs: what to cut.
        geometry: of the network.
        crop: side of a sub-image in input pixels.
        stride: distance of the grid in input pixels.
        size: sub-images in a batch.
        seed: of the order.
    """

    def __init__(
        self, pairs: Sequence[Pair], geometry: Geometry, *, crop: int, stride: int, size: int, seed: int
    ) -> None:
        self._pairs, self._geometry, self._crop = pairs, geometry, crop
        grid = [
            (index, top, left)
            for index, pair in enumerate(pairs)
            for top in range(0, pair.input.shape[0] - crop + 1, stride)
            for left in range(0, pair.input.shape[1] - crop + 1, stride)
        ]
        if not grid:
            raise TrainingError(f"no picture is as large as a sub-image of {crop} pixels", "lower data.crop")
        super().__init__(grid, size, seed)

    def batch(self, step: int) -> Batch:
        """The batch of one step; the last of an epoch may be smaller."""
        cut = [
            self._geometry.cut(self._pairs[index], top, left, self._crop, self._crop)
            for index, top, left in self._chosen(step)
        ]
        return np.stack([small for small, _ in cut])[:, None], np.stack([large for _, large in cut])[:, None]


class Wholes(_Fixed):
    """One pair per picture and epoch, as ESPCN was trained on central crops; all pairs have one size.

    Args:
        pairs: the central crops.
        geometry: of the network.
        size: pairs in a batch.
        seed: of the order.
    """

    def __init__(self, pairs: Sequence[Pair], geometry: Geometry, *, size: int, seed: int) -> None:
        shapes = {pair.input.shape for pair in pairs}
        if len(shapes) != 1:
            raise TrainingError(f"the central crops have {len(shapes)} sizes", "lower data.crop")
        self._pairs, self._geometry = pairs, geometry
        super().__init__([(index, 0, 0) for index in range(len(pairs))], size, seed)

    def batch(self, step: int) -> Batch:
        """The batch of one step; the last of an epoch may be smaller."""
        pairs = [self._pairs[index] for index, _, _ in self._chosen(step)]
        cut = [self._geometry.cut(pair, 0, 0, *pair.input.shape) for pair in pairs]
        return np.stack([small for small, _ in cut])[:, None], np.stack([large for _, large in cut])[:, None]
