"""Noise: of the electronics (Gaussian), of the light (Poisson), in colour or the same in all channels (grey).

As in Real-ESRGAN (https://arxiv.org/abs/2107.10833, section 3.2; σ 1–30 levels, Poisson 0.05–3, grey in 40%).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from pydantic import Field

from subpixel.image import colour
from subpixel_train.data.degrade.base import Operation, Planes, Range, Step, between

Model: TypeAlias = Literal["gaussian", "poisson"]

PHOTONS = 255.0
"""Photons that a white sample counts in Poisson noise of strength 1."""


class Noise(Step):
    """Noise of the electronics (Gaussian) or of the light (Poisson), in colour or grey."""

    kind: Literal["noise"] = Field(default="noise", description="noise")
    model: Model | list[Model] = Field(default="gaussian", description="gaussian or poisson; of several one is drawn")
    sigma: Range = Field(default=(1.0, 30.0), description="standard deviation of Gaussian noise, in levels of 8 bits")
    strength: Range = Field(
        default=(0.05, 3.0), description="of Poisson noise; 1 is what a sensor of 255 photons for white has"
    )
    grey: float = Field(default=0.4, ge=0, le=1, description="chance that all three channels get the same noise")

    def draw(self, rng: np.random.Generator) -> Operation:
        """Draw the model, its strength, grey or not, and the seed of the noise itself."""
        models = [self.model] if isinstance(self.model, str) else self.model
        model = models[int(rng.integers(len(models)))]
        amount = between(rng, self.sigma if model == "gaussian" else self.strength)
        return Noisy(model, amount, bool(rng.random() < self.grey), int(rng.integers(2**63)))


@dataclass(frozen=True, slots=True)
class Noisy(Operation):
    """The picture with noise: `amount` is σ in levels, or the strength of Poisson noise; `seed` draws the noise."""

    model: Model
    amount: float
    grey: bool
    seed: int

    @property
    def caption(self) -> str:
        """Model and strength."""
        kind = "noise" if self.model == "gaussian" else "Poisson noise"
        return f"{'grey ' if self.grey else ''}{kind} {self.amount:.{1 if self.model == 'gaussian' else 2}f}"

    def __call__(self, picture: Planes, size: tuple[int, int]) -> Planes:
        """Add the noise and clip."""
        rng = np.random.default_rng(self.seed)
        shape = (1, *picture.shape[1:]) if self.grey else picture.shape
        if self.model == "gaussian":
            added = rng.standard_normal(shape, np.float32) * np.float32(self.amount / 255)
        else:
            light = colour.y_to_grey(colour.rgb_to_y(picture)) if self.grey else picture
            light = np.clip(light, 0, 1)
            added = ((rng.poisson(light * PHOTONS) / PHOTONS - light) * self.amount).astype(np.float32)
        return np.clip(picture + added, 0, 1)
