"""Gaussian blur, round or stretched in a direction.

Isotropic and anisotropic kernels as in BSRGAN (Zhang et al., ICCV 2021, https://arxiv.org/abs/2103.14006, section 3.1)
and Real-ESRGAN (Wang et al., 2021, https://arxiv.org/abs/2107.10833, section 3.2; its σ: 0.2–3, then 0.2–1.5).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from subpixel_train.data.degrade.base import Operation, Planes, Range, Step, between


class Blur(Step):
    """Gaussian blur, round or stretched in any direction."""

    kind: Literal["blur"] = Field(default="blur", description="Gaussian blur")
    sigma: Range = Field(
        default=(0.2, 3.0),
        description="standard deviation in pixels of the picture at that point: of the photograph before a resize",
    )
    anisotropic: float = Field(
        default=0.5, ge=0, le=1, description="chance of two different deviations, turned to any direction"
    )

    def draw(self, rng: np.random.Generator) -> Operation:
        """Draw the two deviations and the angle."""
        first, second = between(rng, self.sigma), between(rng, self.sigma)
        angle, stretched = between(rng, (0, math.pi)), rng.random() < self.anisotropic
        return Blurred(first, second, angle) if stretched else Blurred(first, first, 0.0)


@dataclass(frozen=True, slots=True)
class Blurred(Operation):
    """Gaussian blur with deviations `along` and `across` a direction, in pixels; `angle` in radians from the rows."""

    along: float
    across: float
    angle: float

    @property
    def caption(self) -> str:
        """The deviations and the direction."""
        if self.along == self.across:
            return f"blur {self.along:.2f}"
        return f"blur {self.along:.2f} by {self.across:.2f}, {math.degrees(self.angle):.0f}°"

    def __call__(self, picture: Planes, size: tuple[int, int]) -> Planes:
        """Convolve; beyond the border the picture is mirrored."""
        kernel = self.kernel()
        radius = kernel.shape[0] // 2
        padded = np.pad(picture, ((0, 0), (radius, radius), (radius, radius)), mode="symmetric")
        room = (_quick(padded.shape[1]), _quick(padded.shape[2]))
        spectrum = np.fft.rfft2(padded, room, axes=(1, 2)) * np.fft.rfft2(kernel.astype(np.float32), room)
        whole = np.fft.irfft2(spectrum, room, axes=(1, 2))
        rows, columns = (slice(2 * radius, 2 * radius + length) for length in picture.shape[1:])
        inside = whole[:, rows, columns]  # the kernel's middle stands at its index `radius`
        return np.clip(inside, 0, 1).astype(np.float32)

    def kernel(self) -> NDArray[np.float64]:
        """(2r + 1, 2r + 1), sums to 1; r is three times the larger deviation."""
        radius = max(1, math.ceil(3 * max(self.along, self.across)))
        y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float64)
        cos, sin = math.cos(self.angle), math.sin(self.angle)
        forward, sideways = x * cos + y * sin, y * cos - x * sin
        weights = np.exp(-0.5 * ((forward / self.along) ** 2 + (sideways / self.across) ** 2))
        normed: NDArray[np.float64] = weights / weights.sum()
        return normed


@cache
def _quick(length: int) -> int:
    """The next length that has no prime factor above 5: Fourier transforms of others take several times as long."""
    while True:
        rest = length
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return length
        length += 1
