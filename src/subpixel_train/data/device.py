"""Crops on an accelerator: all pictures lie in its memory with 8 bits; cutting, turning and mirroring happen there.

Where crops lie is drawn on the host, by the same numbers as ever, and what is computed on the device is looked up in
tables or summed in the same order: the batches are those of `Crops`, bit for bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from subpixel.image.colour import GREY_OFFSET, Y_WEIGHTS
from subpixel_train.data.batches import Batch, Batches, Crops, Place, turned
from subpixel_train.data.examples import Picture

SHARE: Final = 0.5
"""Part of an accelerator's free memory that pictures may take; the rest is for the network."""


class DeviceCrops(Batches):
    """The batches of `Crops` as tensors on a device.

    Args:
        crops: of clean 8-bit pictures; it draws the places, and its host pictures answer how flat a place is.
        device: where the pictures are put.
    """

    def __init__(self, crops: Crops, device: torch.device) -> None:
        self._crops, self._device = crops, device
        self.steps_per_epoch = crops.steps_per_epoch
        geometry, pictures = crops.geometry, _pictures(crops)
        assert pictures is not None, "the caller asks `fits` first"
        self._small = _Store([picture.small for picture in pictures], crops.crop, 1, 0, device)
        inner = crops.crop - 2 * geometry.trim
        self._targets = [
            _Store([picture.targets[output] for picture in pictures], inner * step, step, geometry.trim, device)
            for output, step in enumerate(geometry.steps)
        ]
        self._tables = [torch.from_numpy(table).to(device) for table in _tables(geometry.channels)]

    def batch(self, step: int) -> Batch:
        """The batch of one step; small and targets are float32 tensors on the device."""
        places = self._crops.places(step)
        numbers = np.array([[p.index, p.top, p.left, p.turns + 4 * p.mirror] for p in places], np.int64)
        drawn = torch.from_numpy(numbers).to(self._device)
        levels = self._levels(places)
        small = self._as_float(self._small.cut(drawn), levels)
        return Batch(small, tuple(self._as_float(store.cut(drawn), levels) for store in self._targets))

    def _levels(self, places: Sequence[Place]) -> Tensor | None:
        """(N, 1, 1, 1): the level of crops that are one level throughout, NaN for others; None if there are none."""
        if all(place.level is None for place in places):
            return None
        grey = [np.nan if place.level is None else self._crops.grey(place.level) for place in places]
        return torch.from_numpy(np.array(grey, np.float32)).to(self._device)[:, None, None, None]

    def _as_float(self, pixels: Tensor, levels: Tensor | None) -> Tensor:
        """(N, H, W, 3) uint8 → (N, C, H, W) float32, as `pixels.as_float` computes it."""
        channels = [pixels[..., c].int() for c in range(3)]
        if len(self._tables) == 1:
            made = torch.stack([self._tables[0][channel] for channel in channels], 1)
        else:
            red, green, blue = (table[channel] for table, channel in zip(self._tables, channels, strict=True))
            made = ((red + green) + blue)[:, None]
        return made if levels is None else torch.where(levels.isnan(), made, levels)


class _Store:
    """All pictures of one kind, one after the other, as (pixels, 3) uint8 on the device.

    Args:
        pictures: (H, W, 3) uint8 each.
        side: rows and columns of a cut.
        step: pixels per pixel of the input.
        trim: input pixels to leave out before a cut begins.
        device: where they are put.
    """

    def __init__(
        self, pictures: Sequence[NDArray[np.uint8]], side: int, step: int, trim: int, device: torch.device
    ) -> None:
        self._step, self._trim = step, trim
        sizes = np.array([picture.shape[:2] for picture in pictures], np.int64)
        ends = np.cumsum(sizes.prod(1))
        self._pixels = torch.empty((int(ends[-1]), 3), dtype=torch.uint8, device=device)
        for picture, end in zip(pictures, ends, strict=True):
            flat = torch.from_numpy(picture.reshape(-1, 3).copy())
            self._pixels[int(end) - len(flat) : int(end)].copy_(flat)
        self._starts = torch.from_numpy(ends - sizes.prod(1)).to(device)
        self._widths = torch.from_numpy(sizes[:, 1].copy()).to(device)
        # What row and column of the cut a pixel of the turned cut comes from, for each of the 8 ways.
        rows, columns = np.mgrid[:side, :side]
        ways = [(turns, mirror) for mirror in (False, True) for turns in range(4)]
        self._rows, self._columns = (
            torch.from_numpy(np.stack([turned(grid[None], *way)[0] for way in ways])).to(device)
            for grid in (rows, columns)
        )

    def cut(self, drawn: Tensor) -> Tensor:
        """(N, side, side, 3) uint8 for `drawn` (N, 4): picture, top and left in input pixels, way."""
        index, top, left, way = (part[:, None, None] for part in drawn.unbind(1))
        rows = (top + self._trim) * self._step + self._rows[way[:, 0, 0]]
        columns = (left + self._trim) * self._step + self._columns[way[:, 0, 0]]
        return self._pixels[self._starts[index] + rows * self._widths[index] + columns]


def fits(crops: Crops, device: torch.device) -> bool:
    """Whether the pictures can live on the device: clean, 8 bits, and within `SHARE` of a GPU's free memory.

    Other accelerators share the host's memory; there is nothing to ask.
    """
    pictures = _pictures(crops)
    if pictures is None:
        return False
    if device.type != "cuda":
        return True
    needed = sum(part.nbytes for picture in pictures for part in (picture.small, *picture.targets))
    free: int = torch.cuda.mem_get_info(device)[0]
    return needed < SHARE * free


def _pictures(crops: Crops) -> list[Picture] | None:
    """The examples, if all of them are clean 8-bit pictures."""
    pictures = [example for example in crops.examples if isinstance(example, Picture)]
    return pictures if len(pictures) == len(crops.examples) else None


def _tables(channels: int) -> list[NDArray[np.float32]]:
    """Floats of the 256 levels: one table for RGB; for luma one per channel, the first with the offset.

    Looked up and not computed: devices divide and fuse in their own ways.
    """
    levels = np.divide(np.arange(256), 255, dtype=np.float32)
    if channels == 3:
        return [levels]
    red, green, blue = (levels * np.float32(weight) for weight in Y_WEIGHTS)
    return [red + np.float32(GREY_OFFSET), green, blue]
