"""Where fetched files lie."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from subpixel.measure.sets import DATA_VARIABLE

CACHE_VARIABLE: Final = "SUBPIXEL_CACHE"
"""Environment variable that names the cache folder."""


def cache_folder() -> Path:
    """The user's cache: `SUBPIXEL_CACHE`, else the platform's cache folder."""
    if named := os.environ.get(CACHE_VARIABLE):
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "subpixel"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "subpixel" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "subpixel"


def weights_folder() -> Path:
    """Where pretrained weights are kept."""
    return cache_folder() / "weights"


def features_folder() -> Path | None:
    """`features/` of the data folder that `SUBPIXEL_DATA` names, None where it names none."""
    named = os.environ.get(DATA_VARIABLE)
    return Path(named) / "features" if named else None
