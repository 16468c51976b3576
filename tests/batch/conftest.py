"""Folders of tiny pictures, and an upscaler that takes no time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import subpixel
from subpixel.batch import Report, upscale_folder


def draw(path: Path, height: int = 20, width: int = 30, seed: int = 0) -> Path:
    """Write a small picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    subpixel.write(subpixel.Picture(pixels), path, overwrite=True)
    return path


def files(folder: Path) -> set[str]:
    """Names of all files, what the journal keeps left out. Folders may vanish meanwhile: `rglob` fails at those."""
    found = (Path(place, name).relative_to(folder) for place, _, names in os.walk(folder) for name in names)
    return {str(path) for path in found if ".subpixel" not in path.parts}


def facts(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Of every file which one it is, when it was written, and what is in it."""
    made = {}
    for name in files(folder):
        state = (folder / name).stat()
        made[name] = (state.st_ino, state.st_mtime_ns, (folder / name).read_bytes())
    return made


@pytest.fixture(scope="session")
def quick() -> Iterator[subpixel.Upscaler]:
    """Repeats pixels; everything round the network is real."""
    with subpixel.Upscaler("espcn", engine="fake", threads=2) as upscaler:
        yield upscaler


class Run:
    """`upscale_folder` on ``in``, into ``out``, twofold unless told otherwise."""

    def __init__(self, folder: Path, upscaler: subpixel.Upscaler) -> None:
        self.folder = folder
        self.source = folder / "in"
        self.output = folder / "out"
        self.upscaler = upscaler

    def __call__(self, output: Path | None = None, **options: object) -> Report:
        words = {"scale": None if {"scales", "width"} & options.keys() else 2, "upscaler": self.upscaler, **options}
        return upscale_folder(words.pop("source", self.source), output or self.output, **words)  # type: ignore[arg-type]

    def draw(self, *names: str) -> None:
        """Pictures in ``in``, each another one."""
        for name in names:
            draw(self.source / name, seed=sum(name.encode()))


@pytest.fixture
def run(tmp_path: Path, quick: subpixel.Upscaler) -> Run:
    """Runs over a folder of its own."""
    return Run(tmp_path, quick)
