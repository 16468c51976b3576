"""Photographs to learn from, wherever they are kept, and which of them are held out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import TrainingError
from subpixel_train.data.folders import pictures, read_rgb
from subpixel_train.data.settings import DataSettings


class Photograph(ABC):
    """One photograph, not read yet.

    Attributes:
        name: for people: the file's name.
    """

    name: str

    @abstractmethod
    def read(self) -> NDArray[np.uint8]:
        """(H, W, 3), sRGB."""


@dataclass(frozen=True, slots=True)
class FilePhotograph(Photograph):
    """A picture file."""

    path: Path

    @property
    def name(self) -> str:  # type: ignore[override]
        """The file's name."""
        return self.path.name

    def read(self) -> NDArray[np.uint8]:
        """(H, W, 3), sRGB; decoded anew each time."""
        return read_rgb(self.path)


def training_photographs(root: Path, settings: DataSettings) -> tuple[list[Photograph], list[Photograph]]:
    """Photographs to train with and photographs to validate with.

    Args:
        root: what the settings' folders are relative to.
        settings: the recipe's `data`.
    """
    everything: list[Photograph] = [
        FilePhotograph(path) for folder in settings.folders for path in pictures(root / folder)
    ]
    return split(everything, settings.held_out, first=settings.held_out_from == "first")


def split(
    everything: Sequence[Photograph], held_out: int, *, first: bool = False
) -> tuple[list[Photograph], list[Photograph]]:
    """Part photographs into those to train with and `held_out` to validate with: the first, or evenly spread."""
    if held_out >= len(everything):
        raise TrainingError(
            f"{held_out} of {len(everything)} pictures are held out", "lower data.held_out or add pictures"
        )
    spread = {round((i + 0.5) * len(everything) / held_out) for i in range(held_out)}
    chosen = set(range(held_out)) if first else spread
    train = [photograph for i, photograph in enumerate(everything) if i not in chosen]
    return train, [everything[i] for i in sorted(chosen)]
