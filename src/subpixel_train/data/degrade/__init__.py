"""Degradations: how photographs become the small pictures that people really have.

A recipe lists steps; each draws its values anew for every crop and is a pure function of picture and random generator.

    data:
      degrade:
        - {kind: blur, sigma: [0.2, 3], chance: 0.8}
        - {kind: resize, kernel: [bicubic, bilinear, area]}
        - {kind: noise, sigma: [1, 15], chance: 0.5}
        - {kind: jpeg, quality: [30, 95]}

Steps before a resize work on the photograph, steps after it on what it left. Where no step resizes, the bicubic
reduction of the protocol comes first, so the steps work on the small picture. What has another size than the small
picture in the end is brought to it, bicubic, and rounded to 8 bits.

The order after BSRGAN (Zhang et al., "Designing a Practical Degradation Model for Deep Blind Image Super-Resolution",
ICCV 2021, https://arxiv.org/abs/2103.14006: shuffled) and Real-ESRGAN (Wang et al., "Real-ESRGAN: Training Real-World
Blind Super-Resolution with Pure Synthetic Data", 2021, https://arxiv.org/abs/2107.10833: second order).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, TypeAlias

import numpy as np
from pydantic import Field

from subpixel_train.data.degrade.base import Operation, Planes, Range, Step
from subpixel_train.data.degrade.blur import Blur, Blurred
from subpixel_train.data.degrade.compress import Compressed, Jpeg, Webp
from subpixel_train.data.degrade.noise import Noise, Noisy
from subpixel_train.data.degrade.resize import Resize, Resized

__all__ = [
    "Blur",
    "Blurred",
    "Compressed",
    "Degradation",
    "Jpeg",
    "Noise",
    "Noisy",
    "Operation",
    "Pipeline",
    "Planes",
    "Range",
    "Resize",
    "Resized",
    "Step",
    "Webp",
    "apply",
]

Degradation: TypeAlias = Annotated[Blur | Resize | Noise | Jpeg | Webp, Field(discriminator="kind")]
"""Settings of one step; `kind` says which."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Steps in their order.

    Attributes:
        steps: taken one after the other, each by its chance.
        rounds: how often the whole list is gone through; 2 is Real-ESRGAN's second order.
        shuffled: the order is drawn anew in every round, as in BSRGAN.
    """

    steps: tuple[Step, ...]
    rounds: int = 1
    shuffled: bool = False

    def draw(self, rng: np.random.Generator) -> tuple[Operation, ...]:
        """Draw everything that will be done to one picture."""
        drawn: list[Operation] = []
        if not any(step.kind == "resize" for step in self.steps):
            drawn.append(Resized("bicubic"))
        for _ in range(self.rounds):
            order = rng.permutation(len(self.steps)) if self.shuffled else range(len(self.steps))
            drawn += [self.steps[i].draw(rng) for i in order if rng.random() < self.steps[i].chance]
        return tuple(drawn)

    def __call__(self, picture: Planes, size: tuple[int, int], rng: np.random.Generator) -> Planes:
        """The small picture of a photograph: (3, H, W) → (3, h, w) for `size` (h, w), in 0–1, rounded to 8 bits."""
        return apply(self.draw(rng), picture, size)


def apply(operations: Sequence[Operation], picture: Planes, size: tuple[int, int]) -> Planes:
    """Do what was drawn.

    Args:
        operations: in this order.
        picture: (3, H, W) in 0–1.
        size: height and width of the result.

    Returns:
        (3, *size) float32, each value one of the 256 levels of an 8-bit picture.
    """
    for operation in (*operations, Resized("bicubic")):  # the last does nothing where the size is right
        picture = operation(picture, size)
    return np.divide(np.rint(np.clip(picture, 0, 1) * 255), 255, dtype=np.float32)
