"""Room on the disk, looked at before the work: hours must not end in a full disk that was full when they began."""

from __future__ import annotations

import contextlib
import shutil
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from subpixel.errors import DiskFull
from subpixel.image.formats import Format
from subpixel.types import PictureLike, Size

_LEAST: Final = {"png": 0.4, "tiff": 0.25, "jpeg": 0.06, "bmp": 0.99, "ppm": 0.99}
"""Part of the bytes of all samples that enlarged photographs take at least while they are written (see "Encoders" in
benchmarks/results.md: PNG 0.36, TIFF 0.4, JPEG 0.06; PNG and JPEG are copied once, when their metadata come in); of
formats that are not written in strips nothing is foretold."""
_SURE: Final = 50_000_000
"""Smaller results are not looked at: drawings pack better than photographs, and a full disk is told soon enough."""


def least_bytes(row: Format, size: Size, picture: PictureLike) -> int:
    """How large the file of a result of `picture` will surely be, if it is a photograph."""
    sample = 1 if picture.bits == 8 or max(row.bits) == 8 else 2
    return round(_LEAST.get(row.name, 0.0) * size.pixels * picture.channels * sample)


def check_room(needs: Sequence[tuple[str | Path, int]]) -> None:
    """Raise DiskFull where files and what they will surely need do not fit on their disks."""
    folders: dict[Path, int] = defaultdict(int)
    for path, need in needs:
        if need >= _SURE:
            folders[Path(path).resolve().parent] += need
    for folder, need in folders.items():
        with contextlib.suppress(OSError):  # a disk that does not tell is not a full one
            free = shutil.disk_usage(folder).free
            if free < need:
                raise DiskFull(
                    f"{folder} has {free / 1e9:.1f} GB free, and the results need more than {need / 1e9:.1f} GB",
                    "make room there, or write to another disk with -o",
                )
