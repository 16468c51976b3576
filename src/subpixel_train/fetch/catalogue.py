"""Everything that can be fetched, by name."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Final

from subpixel.errors import SettingError
from subpixel_train.fetch.entries import Entry, Pictures
from subpixel_train.fetch.pictures import PICTURES
from subpixel_train.fetch.weights import WEIGHTS

_ENTRIES: Final[tuple[Entry, ...]] = (*PICTURES, *WEIGHTS)
CATALOGUE: Final[dict[str, Entry]] = {entry.name: entry for entry in _ENTRIES}
"""Data sets, then weights."""


def find_entry(name: str) -> Entry:
    """The entry of that name, in any case.

    Raises:
        SettingError: there is none; the nearest name is offered.
    """
    entry = CATALOGUE.get(name.lower())
    if entry is None:
        near = difflib.get_close_matches(name.lower(), CATALOGUE, 1, 0.5)
        choice = f"did you mean {near[0]}?" if near else "subpixel data fetch --list shows them"
        raise SettingError(f"there is nothing named {name!r} to fetch", choice)
    return entry


def name_of(folder: Path) -> str | None:
    """The entry that fills a folder, as ``"t91"`` for ``pictures/train/t91``; None where none does."""
    for entry in CATALOGUE.values():
        if isinstance(entry, Pictures) and any(folder.parts[-2:] == Path(made.to).parts for made in entry.folders):
            return entry.name
    return None
