"""Photographs that never come twice alike: each crop is taken at a size, a tone and with a luma of its own.

A few hundred photographs are soon learned by heart. Reduced by another factor, in each direction by its own, a crop's
pixels are new ones, as sharp as pixels allow; with another luma of its colours, another tone or as a negative it has
edges of other heights. All of it happens before the small picture is made, degraded or not, which so belongs to it as
ever. Mixing and
permuting colours is told to help where pictures are few by Yoo et al., "Rethinking Data Augmentation for Image
Super-resolution", 2020, https://arxiv.org/abs/2004.00448.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from subpixel.image import resample
from subpixel.image.colour import GREY_GAIN, GREY_OFFSET
from subpixel_train.data.degrade import Pipeline, apply
from subpixel_train.data.examples import (
    ENLARGED_REACH,
    GRID,
    MARGIN,
    Cut,
    Example,
    Geometry,
    Key,
    Pair,
    block_detail,
    make_picture,
)
from subpixel_train.data.pixels import as_float, cut_to_multiple, enlarge, levels, planes

AsFloats: TypeAlias = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""(H, W, 3) uint8 → (C, H, W) float32."""

_CLEAN_MARGIN: Final = 2
"""Small pixels around a crop that its reduction looks at."""


class Variation(BaseModel):
    """How much crops vary."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    smallest: float = Field(default=0.4, gt=0, le=1, description="sizes are drawn from this to 1")
    kept: float = Field(default=0.25, ge=0, le=1, description="chance of the photograph's own size")
    stretch: float = Field(default=0.1, ge=0, le=0.5, description="up to so much wider than high, or higher than wide")
    colours: float = Field(
        default=0.5,
        ge=0,
        le=1,
        description="chance of another luma: red, green and blue with random weights; of RGB: in another order",
    )
    tone: float = Field(default=0.5, ge=0, le=1, description="chance of another gamma, from 0.6 to 1.6")
    negative: float = Field(default=0.1, ge=0, le=1, description="chance of the negative")


@dataclass(frozen=True, slots=True)
class Varied(Example):
    """A photograph whose crops vary.

    Attributes:
        name: file name of the photograph.
        photograph: (H, W, 3) uint8.
        scales: of the network's outputs, rising.
        variation: how much.
        enlarged: the input is the bicubic enlargement of the small picture.
        pipeline: makes the small picture; None: clean.
    """

    name: str
    photograph: NDArray[np.uint8]
    scales: tuple[int, ...]
    variation: Variation
    enlarged: bool = False
    pipeline: Pipeline | None = None

    @property
    def scale(self) -> int:
        """Upscale factor, the largest."""
        return self.scales[-1]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the input at the photograph's own size."""
        height, width, _ = cut_to_multiple(self.photograph, self.scale).shape
        return (height, width) if self.enlarged else (height // self.scale, width // self.scale)

    def cut(self, geometry: Geometry, top: int, left: int, height: int, width: int, key: Key) -> Cut:
        """Input of `height` × `width` pixels, about where (top, left) would be, with its targets."""
        return self.drawn(geometry, top, left, height, width, key)[0]

    def drawn(
        self, geometry: Geometry, top: int, left: int, height: int, width: int, key: Key
    ) -> tuple[Cut, tuple[str, ...]]:
        """As `cut`, with a line for each thing that varies."""
        rng = np.random.default_rng(key)
        done: list[str] = []
        per = self.scale if self.enlarged else 1  # input pixels per small pixel
        sides = -(-height // per), -(-width // per)
        rgb, before = self._sized(rng, (top // per, left // per), sides, self._around(rng), done)
        rgb = self._toned(rng, rgb, done)
        if self.pipeline is None:
            as_floats, small = self._colours(rng, geometry.channels, done), None
        else:
            rgb, small = self._degraded(rng, rgb, done)
            as_floats = partial(as_float, channels=geometry.channels)
        picture = make_picture(self.name, rgb, self.scales, small)
        given = as_floats(picture.small)
        given = enlarge(given, self.scale) if self.enlarged else given
        pair = Pair(self.name, given, tuple(as_floats(target) for target in picture.targets))
        return pair.cut(geometry, before[0] * per, before[1] * per, height, width, key), tuple(done)

    def _around(self, rng: np.random.Generator) -> tuple[tuple[int, int], tuple[int, int]]:
        """Small pixels that are wanted above and below, and to the left and right."""
        reach = ENLARGED_REACH if self.enlarged else 0
        if self.pipeline is None:
            return ((_CLEAN_MARGIN + reach,) * 2,) * 2
        after = MARGIN + reach
        return (after + int(rng.integers(GRID)), after), (after + int(rng.integers(GRID)), after)

    def _sized(
        self,
        rng: np.random.Generator,
        first: tuple[int, int],
        sides: tuple[int, int],
        around: tuple[tuple[int, int], tuple[int, int]],
        done: list[str],
    ) -> tuple[NDArray[np.uint8], tuple[int, int]]:
        """A piece at a random size, and how many small pixels of it lie above and to the left of the crop."""
        room = self.photograph.shape[:2]
        least = max(self.variation.smallest, *(n * self.scale / r for n, r in zip(sides, room, strict=True)))
        size = 1.0 if rng.random() < self.variation.kept else float(np.exp(rng.uniform(np.log(least), 0)))
        stretch = float(np.exp(rng.uniform(-0.5, 0.5) * np.log1p(self.variation.stretch)))
        factors = (1.0, 1.0) if size == 1 else (size * stretch, size / stretch)
        along = (_window(*axis, self.scale) for axis in zip(first, sides, room, factors, around, strict=True))
        (rows, height, above), (columns, width, left) = along
        piece = self.photograph[rows, columns]
        if piece.shape[:2] == (height, width):
            return piece, (above, left)
        done.append("size " + " × ".join(f"{w / n:.2f}" for w, n in zip((height, width), piece.shape[:2], strict=True)))
        return levels(resample.resize(planes(piece), height, width)), (above, left)

    def _degraded(
        self, rng: np.random.Generator, rgb: NDArray[np.uint8], done: list[str]
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The piece, perhaps with its channels in another order, and the small picture that is made of it."""
        assert self.pipeline is not None
        if rng.random() < self.variation.colours:
            rgb = rgb[..., _reordered(rng, done)]
        operations = self.pipeline.draw(rng)
        done += [operation.caption for operation in operations]
        size = rgb.shape[0] // self.scale, rgb.shape[1] // self.scale
        return rgb, levels(apply(operations, planes(rgb), size))

    def _toned(self, rng: np.random.Generator, rgb: NDArray[np.uint8], done: list[str]) -> NDArray[np.uint8]:
        """By another gamma, or as its negative, or neither."""
        toned, gamma, negative = rng.random(), float(np.exp(rng.uniform(-0.5, 0.5))), rng.random()
        table = np.arange(256)
        if toned < self.variation.tone:
            table = np.rint(255 * (table / 255) ** gamma).astype(np.int64)
            done.append(f"gamma {gamma:.2f}")
        if negative < self.variation.negative:
            table = 255 - table
            done.append("negative")
        return table.astype(np.uint8)[rgb]

    def _colours(self, rng: np.random.Generator, channels: int, done: list[str]) -> AsFloats:
        """What makes floats of 8 bits, by another luma or with channels in another order, or as ever."""
        if rng.random() >= self.variation.colours:
            return partial(as_float, channels=channels)
        if channels == 3:
            order = _reordered(rng, done)
            return lambda rgb: planes(rgb[..., order])
        weights = rng.dirichlet((1, 1, 1)).astype(np.float32)
        done.append("luma " + ", ".join(f"{weight:.2f}" for weight in weights))
        return partial(_luma, weights=weights)

    def detail(self, top: int, left: int, height: int, width: int) -> float:
        """Detail of the photograph there, blocks of scale × scale pixels averaged."""
        return block_detail(self.photograph, 1 if self.enlarged else self.scale, top, left, height, width)


def _window(
    begin: int, side: int, room: int, factor: float, around: tuple[int, int], scale: int
) -> tuple[slice, int, int]:
    """Where a crop is taken along one axis of a photograph.

    Args:
        begin, side: the crop, in small pixels.
        room: of the photograph.
        factor: the size it is reduced to.
        around: small pixels wanted before and after it; as many are taken as there are.
        scale: upscale factor.

    Returns:
        The piece of the photograph, the length to reduce it to, and small pixels of it that lie before the crop.
    """
    wanted = side * scale
    length = min(room, max(wanted, round(wanted / factor)))
    low = min(max(round((begin + side / 2) * scale - length / 2), 0), room - length)
    small = length / side  # pixels of the photograph per small pixel
    before, after = min(around[0], int(low / small)), min(around[1], int((room - low - length) / small))
    piece = slice(low - round(before * small), low + length + round(after * small))
    return piece, wanted + (before + after) * scale, before


def _reordered(rng: np.random.Generator, done: list[str]) -> NDArray[np.int64]:
    order = rng.permutation(3)
    done.append("colours " + "".join("RGB"[channel] for channel in order))
    return order


def _luma(rgb: NDArray[np.uint8], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(H, W, 3) uint8 → (1, H, W), luma in 16/255–235/255 by other weights than BT.601's."""
    mixed: NDArray[np.float32] = (planes(rgb) * weights[:, None, None]).sum(0, keepdims=True)
    return (GREY_OFFSET + GREY_GAIN * mixed).astype(np.float32)
