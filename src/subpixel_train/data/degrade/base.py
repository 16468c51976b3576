"""What every degradation is: settings that draw an operation, and an operation that does one thing to a picture."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Annotated, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Planes: TypeAlias = NDArray[np.float32]
"""A picture on its way: (3, H, W), RGB in 0–1."""


def _rises(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"from {bounds[0]:g} to {bounds[1]:g} is no range; the smaller value comes first")
    return bounds


Range: TypeAlias = Annotated[tuple[float, float], AfterValidator(_rises)]
"""Smallest and largest value; one is drawn evenly between them."""


class Operation(ABC):
    """One degradation with everything drawn: the same picture gives the same result, always."""

    @property
    @abstractmethod
    def caption(self) -> str:
        """What was drawn, for people, as ``"JPEG 42, 4:2:0"``."""

    @abstractmethod
    def __call__(self, picture: Planes, size: tuple[int, int]) -> Planes:
        """Degrade.

        Args:
            picture: (3, H, W) in 0–1.
            size: height and width that the small picture will have in the end.

        Returns:
            (3, H', W') in 0–1; only resizing changes H and W.
        """


class Step(BaseModel, ABC):
    """Base of the degradations' settings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str = Field(description="which degradation")
    chance: float = Field(default=1.0, gt=0, le=1, description="how often the step is taken")

    @abstractmethod
    def draw(self, rng: np.random.Generator) -> Operation:
        """Draw values from their ranges."""


def between(rng: np.random.Generator, bounds: tuple[float, float]) -> float:
    """A value drawn evenly from a range."""
    return float(rng.uniform(*bounds))
