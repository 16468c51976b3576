"""Brushes that the scenes are painted with: noise, masks of shapes, light, and the reduction at the end.

A canvas is a float32 array (height, width, 3), sRGB values 0–1, drawn OVERSIZE times larger than the result.
Coordinates are in pixels of the result, so (0, 0)–(320, 213) covers a 320×213 picture whatever OVERSIZE is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

OVERSIZE = 5

Plane = NDArray[np.float32]
Point = tuple[float, float]
Colour = tuple[float, float, float]


def rgb(code: int) -> Colour:
    """0xRRGGBB → values in 0–1."""
    return (code >> 16 & 255) / 255, (code >> 8 & 255) / 255, (code & 255) / 255


def _extent(mask: NDArray[Any]) -> tuple[slice, slice]:
    """The rows and columns where a mask is not empty: painting only there saves most of the time."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return slice(0, 0), slice(0, 0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _cut(value: Any, part: tuple[slice, slice]) -> Any:
    """The part of a plane; single values and colours as they are."""
    return value[part] if np.ndim(value) >= 2 else value


class Canvas:
    """A large picture to paint on, with a random generator of its own."""

    def __init__(self, width: int, height: int, seed: int) -> None:
        self.width, self.height = width, height
        self.random = np.random.default_rng(seed)
        shape = (height * OVERSIZE, width * OVERSIZE)
        self.pixels = np.zeros((*shape, 3), np.float32)
        rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
        self.x: Plane = (columns + 0.5) / OVERSIZE
        self.y: Plane = (rows + 0.5) / OVERSIZE

    # Masks: (height, width) planes of 0–1.

    def _mask(self) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        image = Image.new("L", (self.pixels.shape[1], self.pixels.shape[0]))
        return image, ImageDraw.Draw(image)

    def polygon(self, *points: Point) -> Plane:
        image, draw = self._mask()
        draw.polygon([(x * OVERSIZE, y * OVERSIZE) for x, y in points], fill=255)
        return np.asarray(image, np.float32) / 255

    def box(self, left: float, top: float, right: float, bottom: float) -> Plane:
        inside = (self.x >= left) & (self.x < right) & (self.y >= top) & (self.y < bottom)
        return inside.astype(np.float32)

    def disc(self, x: float, y: float, radius: float, squash: float = 1.0) -> Plane:
        return ((self.x - x) ** 2 + ((self.y - y) / squash) ** 2 < radius**2).astype(np.float32)

    def lines(self, lines: Sequence[Sequence[Point]], width: float) -> Plane:
        """Open lines with round joints, `width` in pixels of the result (0.2 is a fine rope)."""
        image, draw = self._mask()
        for line in lines:
            points = [(x * OVERSIZE, y * OVERSIZE) for x, y in line]
            draw.line(points, fill=255, width=max(1, round(width * OVERSIZE)), joint="curve")
        return np.asarray(image, np.float32) / 255

    def text(self, words: str, x: float, y: float, size: float, *, spacing: float = 0.0) -> Plane:
        """Words centred on (x, y) in Pillow's own font; `size` and `spacing` in pixels of the result."""
        image, draw = self._mask()
        font = ImageFont.load_default(size * OVERSIZE)
        widths = [font.getlength(letter) + spacing * OVERSIZE for letter in words]
        left = x * OVERSIZE - (sum(widths) - spacing * OVERSIZE) / 2
        for letter, width in zip(words, widths, strict=True):
            draw.text((left, y * OVERSIZE), letter, font=font, fill=255, anchor="lm")
            left += width
        return np.asarray(image, np.float32) / 255

    # Textures.

    def noise(self, size_x: float, size_y: float, octaves: int = 4) -> Plane:
        """Smooth fractal noise, about 0–1; the largest blobs are size_x × size_y pixels."""
        total, weight_sum = np.zeros(self.pixels.shape[:2], np.float32), 0.0
        for octave in range(octaves):
            columns = max(2, int(self.width / size_x * 2**octave) + 2)
            rows = max(2, int(self.height / size_y * 2**octave) + 2)
            grid = Image.fromarray(self.random.random((rows, columns)).astype(np.float32))
            smooth = grid.resize((self.pixels.shape[1], self.pixels.shape[0]), Image.Resampling.BICUBIC)
            total += np.asarray(smooth) * 0.55**octave
            weight_sum += 0.55**octave
        return np.clip((total / weight_sum - 0.5) * 1.6 + 0.5, 0, 1)

    # Painting.

    def paint(self, mask: Plane, colour: Colour | NDArray[np.float32], opacity: float | Plane = 1.0) -> None:
        """Lay a colour, or a picture of colours, over what is there."""
        part = _extent(mask)
        cover = (mask[part] * _cut(opacity, part))[..., None]
        self.pixels[part] += cover * (_cut(np.asarray(colour, np.float32), part) - self.pixels[part])

    def shade(self, mask: Plane, factor: float | Plane) -> None:
        """Multiply the brightness inside a mask."""
        part = _extent(mask)
        self.pixels[part] *= (1 + mask[part] * (_cut(factor, part) - 1))[..., None]

    def soften(self, mask: Plane, radius: float) -> Plane:
        """A mask with a soft edge: three box blurs of `radius` pixels each."""
        reach = max(1, round(radius * OVERSIZE))
        for _ in range(3):
            for axis in (0, 1):
                padded = np.pad(mask, [(reach + 1, reach) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
                total = np.cumsum(padded, axis=axis)
                count = mask.shape[axis]
                upper = np.take(total, np.arange(2 * reach + 1, 2 * reach + 1 + count), axis=axis)
                lower = np.take(total, np.arange(count), axis=axis)
                mask = (upper - lower) / (2 * reach + 1)
        return np.clip(mask, 0, 1)

    def blend(self, low: Colour, high: Colour, amount: Plane) -> NDArray[np.float32]:
        """A picture of colours between two, by `amount` 0–1."""
        return np.float32(low) + amount[..., None] * (np.float32(high) - np.float32(low))

    def finish(self, grain: float = 0.004) -> Image.Image:
        """Reduce to the result's size, with a trace of grain as a camera leaves it."""
        planes = [
            np.asarray(
                Image.fromarray(self.pixels[..., k].astype(np.float32)).resize(
                    (self.width, self.height), Image.Resampling.BICUBIC
                )
            )
            for k in range(3)
        ]
        small = np.stack(planes, axis=-1) + self.random.normal(0, grain, (self.height, self.width, 1))
        return Image.fromarray(np.rint(np.clip(small, 0, 1) * 255).astype(np.uint8))
