"""The house's own line of models: which one is used where nobody names one.

Three sizes, each for clean pictures and for squeezed ones, each for three factors. The table below says which family is
meant by how much a better picture is worth; where a family has no model of a factor, the next one in its row steps in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from subpixel.types import Quality

QUALITIES: Final[tuple[Quality, ...]] = ("fast", "balanced", "best")
"""From the least time to the best picture."""

DEFAULT_QUALITY: Final[Quality] = "balanced"

FAMILIES: Final[Mapping[Quality, tuple[str, ...]]] = {
    "fast": ("swift", "crisp", "espcn"),
    "balanced": ("crisp", "swift", "espcn"),
    "best": ("fine", "crisp", "swift", "espcn"),
}
"""Families by preference, for each quality; the last one has every factor."""

SCALES: Final = (2, 3, 4)
"""Factors of the line."""

RESTORE: Final = "-restore"
"""What the name of a family trained on squeezed pictures ends with."""


def preferred(quality: Quality, *, restore: bool) -> Iterator[str]:
    """Families by preference; with `restore` those trained on squeezed pictures come before all others."""
    if restore:
        yield from (family + RESTORE for family in FAMILIES[quality])
    yield from FAMILIES[quality]


def defaults(names: tuple[str, ...], quality: Quality, *, restore: bool) -> dict[int, str]:
    """The model for each factor of the line.

    Args:
        names: of the models there are.
        quality: how much a better picture is worth.
        restore: True for squeezed pictures.
    """
    chosen = {}
    for scale in SCALES:
        there = (f"{family}-x{scale}" for family in preferred(quality, restore=restore))
        chosen[scale] = next(name for name in there if name in names)
    return chosen
