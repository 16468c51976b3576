"""What a recipe names as its data, and which of it is held out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from subpixel.errors import TrainingError
from subpixel_train.data.drawings import Drawing
from subpixel_train.data.folders import pictures
from subpixel_train.data.pack import SUFFIX, Pack
from subpixel_train.data.photographs import FilePhotograph, Photograph, match
from subpixel_train.data.settings import DataSettings


def training_photographs(root: Path, settings: DataSettings) -> tuple[list[Photograph], list[Photograph]]:
    """Photographs to train with and photographs to validate with.

    Args:
        root: what the settings' folders are relative to.
        settings: the recipe's `data`.
    """
    everything = [photograph for folder in settings.folders for photograph in photographs_of(root / folder)]
    for pair in settings.pairs:
        small, large = root / pair.small, root / pair.large
        everything += match(photographs_of(small), photographs_of(large), (str(small), str(large)))
    train, held_out = split(everything, settings.held_out, first=settings.held_out_from == "first")
    return [*train, *map(Drawing, range(settings.drawings))], held_out


def photographs_of(place: Path) -> list[Photograph]:
    """The photographs of a folder, by name, or of a pack, in its order."""
    if place.suffix == SUFFIX and not place.is_dir():
        if not place.exists():
            raise TrainingError(f"there is no pack {place}", f"make it with: subpixel data pack FOLDER -o {place.name}")
        return Pack(place).photographs()
    return [FilePhotograph(path) for path in pictures(place)]


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
