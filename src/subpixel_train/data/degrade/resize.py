"""Changing the size with one of several kernels, down to the small picture or somewhere on the way.

Random kernels and sizes on the way as in Real-ESRGAN (https://arxiv.org/abs/2107.10833, section 3.2), which draws sides
of 0.15–1.5 of the photograph's first and 0.3–1.2 of the small picture's then.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator

from subpixel.image import resample
from subpixel_train.data.degrade.base import Operation, Planes, Range, Step

Kernel: TypeAlias = Literal["bicubic", "bilinear", "area", "lanczos", "nearest"]


class Resize(Step):
    """Resize, to the small picture's size or to another on the way there."""

    kind: Literal["resize"] = Field(default="resize", description="another size")
    kernel: Kernel | list[Kernel] = Field(
        default="bicubic", description="how: bicubic, bilinear, area, lanczos or nearest; of several one is drawn"
    )
    size: Range = Field(
        default=(1.0, 1.0), description="sides as a multiple of the small picture's; drawn evenly by their logarithm"
    )
    antialias: bool = Field(
        default=True, description="stretch the kernel when reducing; without it, fine detail turns into jagged lines"
    )

    @field_validator("size")
    @classmethod
    def _positive(cls, size: tuple[float, float]) -> tuple[float, float]:
        if size[0] <= 0:
            raise ValueError(f"a size of {size[0]:g} is none; give multiples above 0")
        return size

    def draw(self, rng: np.random.Generator) -> Operation:
        """Draw kernel and size."""
        kernels = [self.kernel] if isinstance(self.kernel, str) else self.kernel
        share = math.exp(rng.uniform(math.log(self.size[0]), math.log(self.size[1])))
        return Resized(kernels[int(rng.integers(len(kernels)))], share, self.antialias)


@dataclass(frozen=True, slots=True)
class Resized(Operation):
    """The picture with `kernel` at `share` times the small picture's sides."""

    kernel: Kernel
    share: float = 1.0
    antialias: bool = True

    @property
    def caption(self) -> str:
        """Kernel and size."""
        shape = "" if self.antialias or self.kernel == "nearest" else ", not antialiased"
        return f"{self.kernel}{shape}" + ("" if self.share == 1 else f" to {self.share:.2f} of small")

    def __call__(self, picture: Planes, size: tuple[int, int]) -> Planes:
        """Resize."""
        height, width = (max(1, round(side * self.share)) for side in size)
        return resize(picture, height, width, self.kernel, self.antialias)


def resize(picture: Planes, height: int, width: int, kernel: Kernel, antialias: bool = True) -> Planes:
    """(3, H, W) → (3, height, width), clipped to 0–1."""
    if picture.shape[1:] == (height, width):
        return picture
    if kernel == "bicubic" and antialias:
        return np.clip(resample.resize(picture, height, width), 0, 1)
    down = _matrix(picture.shape[1], height, kernel, antialias)
    across = _matrix(picture.shape[2], width, kernel, antialias)
    return np.clip(down @ picture @ across.T, 0, 1)


def _lanczos(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0.0)


def _cubic(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keys' kernel, a = −0.5."""
    x = np.abs(x)
    near, far = (1.5 * x - 2.5) * x * x + 1, ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x <= 1, near, np.where(x < 2, far, 0.0))


_KERNELS: Final[dict[Kernel, Callable[[NDArray[np.float64]], NDArray[np.float64]]]] = {
    "bicubic": _cubic,
    "bilinear": lambda x: np.maximum(0.0, 1 - np.abs(x)),
    "lanczos": _lanczos,
}


@lru_cache(maxsize=256)
def _matrix(n_in: int, n_out: int, kernel: Kernel, antialias: bool) -> NDArray[np.float32]:
    """Resampling of one direction as a matrix (n_out, n_in); rows sum to 1.

    Samples stand at (i + ½)·n_in/n_out − ½; beyond the border the picture is mirrored.
    """
    ratio = n_in / n_out
    if kernel == "area":
        # Result i is the mean of what it covers of the input, [i·ratio, (i + 1)·ratio].
        left = np.arange(n_out)[:, None] * ratio
        pixels = np.arange(n_in)[None]
        cover = np.minimum(left + ratio, pixels + 1) - np.maximum(left, pixels)
        return np.asarray(np.maximum(cover, 0) / ratio, np.float32)
    centre = (np.arange(n_out) + 0.5) * ratio - 0.5
    matrix = np.zeros((n_out, n_in))
    if kernel == "nearest":
        matrix[np.arange(n_out), np.clip(np.floor(centre + 0.5).astype(int), 0, n_in - 1)] = 1
        return matrix.astype(np.float32)
    stretch = max(ratio, 1.0) if antialias else 1.0
    reach = math.ceil(3 * stretch) + 1
    index = np.floor(centre).astype(np.int64)[:, None] + np.arange(-reach, reach + 1)
    weight = _KERNELS[kernel]((centre[:, None] - index) / stretch)
    mirrored = np.mod(index, 2 * n_in)
    mirrored = np.where(mirrored >= n_in, 2 * n_in - 1 - mirrored, mirrored)
    np.add.at(matrix, (np.broadcast_to(np.arange(n_out)[:, None], index.shape), mirrored), weight)
    return np.asarray(matrix / matrix.sum(axis=1, keepdims=True), np.float32)
