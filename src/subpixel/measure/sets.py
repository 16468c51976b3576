"""Pictures to measure with: the benchmark sets under a data folder, or any folder of references.

A data folder (`--data`, or the environment variable ``SUBPIXEL_DATA``) holds ``benchmark/NAME/HR/xR`` and
``benchmark/NAME/LR/xR``; a picture and its reference have the same name. The pictures themselves are other people's and
not part of this project.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import PictureMissing, PictureUnsupported, SettingError
from subpixel.image import resample

DATA_VARIABLE: Final = "SUBPIXEL_DATA"
"""Environment variable that names the data folder."""
SUFFIXES: Final = (".png", ".webp", ".bmp", ".tif", ".tiff", ".jpg", ".jpeg", ".ppm", ".pgm")
"""What counts as a picture in a folder of references."""


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A set that papers publish figures on.

    Attributes:
        name: name in the tables, and of the folder.
        pictures: how many it has.
        bicubic: published PSNR of bicubic enlargement in dB by factor; measuring it again proves the protocol.
    """

    name: str
    pictures: int
    bicubic: Mapping[int, float]


BENCHMARKS: Final[tuple[Benchmark, ...]] = (
    Benchmark("Set5", 5, MappingProxyType({2: 33.66, 3: 30.39, 4: 28.42})),
    Benchmark("Set14", 14, MappingProxyType({2: 30.24, 3: 27.55, 4: 26.00})),
    Benchmark("BSD100", 100, MappingProxyType({2: 29.56, 3: 27.21, 4: 25.96})),
)
"""The sets that the tables of this project are made of; any other folder laid out alike can be named too."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One reference and the small picture that stands for it.

    Attributes:
        name: file name without suffix.
        reference: the large picture (HR).
        small: the small picture (LR); None where it is made from the reference (`reduce`).
    """

    name: str
    reference: Path
    small: Path | None


@dataclass(frozen=True, slots=True)
class PictureSet:
    """Pairs to measure with, at one factor."""

    name: str
    scale: int
    pairs: tuple[Pair, ...]


def data_folder(given: Path | None = None) -> Path:
    """The data folder: `given`, or the one that ``SUBPIXEL_DATA`` names.

    Raises:
        SettingError: neither is there, or the folder has no ``benchmark`` in it.
    """
    named = str(given) if given is not None else os.environ.get(DATA_VARIABLE, "")
    if not named:
        raise SettingError(
            "no folder with benchmark pictures is known",
            f"give --data FOLDER or set {DATA_VARIABLE} (it holds benchmark/Set5/HR/x2, …), or give --hr FOLDER",
        )
    folder = Path(named)
    _benchmark_folder(folder)
    return folder


def _benchmark_folder(data: Path) -> Path:
    """The folder of benchmark sets inside a data folder."""
    folder = data / "benchmark"
    if not folder.is_dir():
        raise SettingError(f"{data} has no folder named benchmark", "it must hold benchmark/Set5/HR/x2, …")
    return folder


def available(data: Path) -> tuple[str, ...]:
    """Names of the sets under a data folder: the known ones in their order, then others by name.

    Raises:
        SettingError: the folder has no ``benchmark`` in it.
    """
    present = {entry.name for entry in _benchmark_folder(data).iterdir() if (entry / "HR").is_dir()}
    known = [benchmark.name for benchmark in BENCHMARKS if benchmark.name in present]
    return (*known, *sorted(present.difference(known)))


def benchmark_set(data: Path, name: str, scale: int) -> PictureSet:
    """A set under a data folder, at one factor.

    Args:
        data: the data folder.
        name: name of the set, in any case.
        scale: factor.

    Raises:
        SettingError: no such set (the nearest name is offered), or not at that factor.
        PictureMissing: folders without pictures, or pictures without partner.
    """
    names = available(data)
    match = {known.casefold(): known for known in names}.get(name.casefold())
    if match is None:
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        choice = f"did you mean {near[0]}?" if near else f"there are {', '.join(names) or 'none'}"
        raise SettingError(f"no benchmark set named {name} in {data / 'benchmark'}", choice)
    root = data / "benchmark" / match
    high, low = root / "HR" / f"x{scale}", root / "LR" / f"x{scale}"
    if not (high.is_dir() and low.is_dir()):
        there = sorted(entry.name for entry in (root / "HR").iterdir())
        raise SettingError(f"{match} has no pictures for factor {scale}", f"there are {', '.join(there) or 'none'}")
    return PictureSet(match, scale, match_folders(high, low, scale))


def folder_set(reference: Path, small: Path | None, scale: int) -> PictureSet:
    """Any folder of references, with a folder of small pictures or without (they are then made by `reduce`).

    Raises:
        PictureMissing: folders without pictures, or pictures without partner.
    """
    if small is not None:
        return PictureSet(reference.name or str(reference), scale, match_folders(reference, small, scale))
    pairs = tuple(Pair(name, path, None) for name, path in _pictures(reference).items())
    return PictureSet(reference.name or str(reference), scale, pairs)


def match_folders(reference: Path, small: Path, scale: int) -> tuple[Pair, ...]:
    """Pair two folders by file name, without suffix: ``a.png`` with ``a.webp``, ``ax2.png`` or ``a_x2.png``.

    Raises:
        PictureMissing: a folder is missing or has no pictures, or a picture has no partner.
    """
    large, little = _pictures(reference), _pictures(small)
    pairs = []
    for name, path in large.items():
        found = next((c for c in (name, f"{name}x{scale}", f"{name}_x{scale}") if c in little), None)
        if found is None:
            raise PictureMissing(
                f"{path.name} in {reference} has no partner in {small}",
                f"expected a picture named {name} or {name}x{scale} there",
            )
        pairs.append(Pair(name, path, little.pop(found)))
    if little:
        left = next(iter(little.values()))
        raise PictureMissing(
            f"{left.name} in {small} has no partner in {reference}", "both folders must hold the same pictures"
        )
    return tuple(pairs)


def _pictures(folder: Path) -> dict[str, Path]:
    """Pictures of a folder by name without suffix, in order."""
    if not folder.is_dir():
        raise PictureMissing(f"{folder} is not a folder", "give a folder of pictures")
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        if path.stem in found:
            raise PictureMissing(
                f"{folder} holds both {found[path.stem].name} and {path.name}", "keep one picture of each name"
            )
        found[path.stem] = path
    if not found:
        raise PictureMissing(f"{folder} has no pictures", f"looked for {', '.join(SUFFIXES)}")
    return found


def fit_reference(reference: NDArray[np.uint8], small: NDArray[np.uint8], scale: int, name: str) -> NDArray[np.uint8]:
    """The reference, cut right and bottom to `scale` times the small picture, as papers cut to a multiple.

    Args:
        reference: (H, W, C).
        small: (h, w, C); H must be from scale·h to scale·h + scale − 1, and W alike.
        scale: factor.
        name: what to call the picture in an error.

    Raises:
        PictureUnsupported: the sizes do not belong together.
    """
    height, width = small.shape[0] * scale, small.shape[1] * scale
    over = (reference.shape[0] - height, reference.shape[1] - width)
    if any(not 0 <= extra < scale for extra in over):
        raise PictureUnsupported(
            f"{name}: {small.shape[1]}×{small.shape[0]} times {scale} is not the size of its reference, "
            f"{reference.shape[1]}×{reference.shape[0]}",
            "check --scale, and that both folders hold the same pictures",
        )
    return reference[:height, :width]


def reduce(picture: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    """The small picture of a reference: antialiased bicubic, a = −0.5, rounded to 8 bits, after a cut to a multiple.

    Args:
        picture: (H, W, C), at least `scale` pixels wide and high.
        scale: factor.

    Returns:
        (H // scale, W // scale, C).

    Raises:
        PictureUnsupported: fewer than `scale` pixels on a side.
    """
    height, width = picture.shape[0] // scale, picture.shape[1] // scale
    if not (height and width):
        raise PictureUnsupported(
            f"{picture.shape[1]}×{picture.shape[0]} pixels cannot be reduced by {scale}", "give larger references"
        )
    return resize_pixels(picture[: height * scale, : width * scale], height, width)


def resize_pixels(picture: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    """Antialiased bicubic resampling of 8-bit samples, rounded: (H, W, C) → (height, width, C)."""
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1), dtype=np.float32)
    resized = resample.resize(planes, height, width)
    rounded = np.rint(np.clip(resized, 0.0, 255.0)).astype(np.uint8)
    return np.ascontiguousarray(rounded.transpose(1, 2, 0))
