"""Whether the photographs will fit into memory, asked before they are read."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from subpixel.errors import PictureUnreadable
from subpixel_train.data.pack import PackPhotograph
from subpixel_train.data.photographs import PairPhotograph, Photograph, warn

SHARE: Final = 0.7
"""Part of the free memory above which there is a warning."""


def needed(photographs: Sequence[Photograph], sizes: Sequence[float]) -> int:
    """Bytes that photographs take while they are trained with: 3 per pixel and size, nothing for those in packs.

    Their small pictures add a quarter at factor 2, a sixteenth at factor 4; these are not counted.
    """
    pixels = 0.0
    for photograph in photographs:
        large = photograph.large if isinstance(photograph, PairPhotograph) else photograph
        try:
            height, width = large.size()
        except PictureUnreadable:
            continue
        mapped = isinstance(large, PackPhotograph)
        pixels += sum(height * width * size**2 for size in sizes if not (mapped and size == 1))
    return round(3 * pixels)


def free() -> int | None:
    """Bytes that programs can still have; None where the system does not say."""
    told = Path("/proc/meminfo")
    if told.is_file():
        for line in told.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def warn_of_memory(photographs: Sequence[Photograph], sizes: Sequence[float]) -> None:
    """One line on stderr where the photographs take most of the memory that is left, or more than that."""
    wanted, there = needed(photographs, sizes), free()
    if there is not None and wanted > SHARE * there:
        takes, left = f"{wanted / 2**30:.1f} GiB", f"{there / 2**30:.1f} GiB"
        hint = "make a pack of them, which takes none, with subpixel data pack"
        warn(f"{len(photographs)} photographs take {takes} of memory and {left} are free: {hint}")
