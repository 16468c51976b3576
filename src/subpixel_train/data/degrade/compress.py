"""Compression by the real encoders: JPEG and WebP of a drawn quality.

JPEG's range as in Real-ESRGAN (https://arxiv.org/abs/2107.10833, section 3.2): quality 30–95.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import pyvips
from numpy.typing import NDArray
from pydantic import Field, field_validator

from subpixel_train.data.degrade.base import Operation, Planes, Range, Step

Subsampling: TypeAlias = Literal["4:2:0", "4:4:4"]


class _Compression(Step):
    quality: Range = Field(default=(30.0, 95.0), description="lowest and highest quality, 1–100")

    @field_validator("quality")
    @classmethod
    def _possible(cls, quality: tuple[float, float]) -> tuple[float, float]:
        if quality[0] < 1 or quality[1] > 100:
            raise ValueError(f"quality from {quality[0]:g} to {quality[1]:g}; encoders know 1 to 100")
        return quality

    def _drawn(self, rng: np.random.Generator) -> int:
        return round(rng.uniform(*self.quality))


class Jpeg(_Compression):
    """Compression as JPEG, by the encoder that most programs use."""

    kind: Literal["jpeg"] = Field(default="jpeg", description="compression as JPEG")
    subsampling: Subsampling | list[Subsampling] = Field(
        default=["4:2:0", "4:4:4"], description="resolution of colour; of several one is drawn"
    )

    def draw(self, rng: np.random.Generator) -> Operation:
        """Draw quality and subsampling."""
        ways = [self.subsampling] if isinstance(self.subsampling, str) else self.subsampling
        return Compressed("jpeg", self._drawn(rng), ways[int(rng.integers(len(ways)))])


class Webp(_Compression):
    """Compression as WebP."""

    kind: Literal["webp"] = Field(default="webp", description="compression as WebP")

    def draw(self, rng: np.random.Generator) -> Operation:
        """Draw the quality."""
        return Compressed("webp", self._drawn(rng))


@dataclass(frozen=True, slots=True)
class Compressed(Operation):
    """The picture encoded and decoded again."""

    form: Literal["jpeg", "webp"]
    quality: int
    subsampling: Subsampling = "4:2:0"

    @property
    def caption(self) -> str:
        """Format, quality, subsampling."""
        return f"JPEG {self.quality}, {self.subsampling}" if self.form == "jpeg" else f"WebP {self.quality}"

    def __call__(self, picture: Planes, size: tuple[int, int]) -> Planes:
        """Round to 8 bits, encode, decode."""
        pixels = np.ascontiguousarray(np.rint(picture * 255).astype(np.uint8).transpose(1, 2, 0))
        image = pyvips.Image.new_from_array(pixels, interpretation="srgb")
        if self.form == "jpeg":
            encoded = image.jpegsave_buffer(
                Q=self.quality, subsample_mode="on" if self.subsampling == "4:2:0" else "off"
            )
        else:
            encoded = image.webpsave_buffer(Q=self.quality)
        decoded: NDArray[np.uint8] = pyvips.Image.new_from_buffer(encoded, "", access="sequential").numpy()
        return np.divide(decoded[..., :3].transpose(2, 0, 1), 255, dtype=np.float32, order="C")
