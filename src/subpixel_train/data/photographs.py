"""Photographs to learn from, wherever they are kept."""

from __future__ import annotations

import re
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from subpixel.errors import PictureUnreadable, TrainingError
from subpixel_train.data.folders import read_rgb, read_size

NAMED: Final = 3
"""Pictures that a message names; of the others it gives the number."""

Made = TypeVar("Made")


class Photograph(ABC):
    """One photograph, not read yet.

    Attributes:
        name: for people: the file's name.
    """

    name: str

    @abstractmethod
    def read(self) -> NDArray[np.uint8]:
        """(H, W, 3), sRGB. Raises PictureUnreadable."""

    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Height and width, without decoding. Raises PictureUnreadable."""

    def read_small(self) -> NDArray[np.uint8] | None:
        """The small picture (h, w, 3) where one is given; None where it is to be made."""
        return None

    def read_made(self, scales: Sequence[int]) -> tuple[NDArray[np.uint8], tuple[NDArray[np.uint8], ...]] | None:
        """Small picture and targets for a network's factors, where they were made before; else None."""
        return None


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

    def size(self) -> tuple[int, int]:
        """Height and width, from the file's header."""
        return read_size(self.path)


@dataclass(frozen=True, slots=True)
class PairPhotograph(Photograph):
    """A photograph whose small picture is given."""

    small: Photograph
    large: Photograph

    @property
    def name(self) -> str:  # type: ignore[override]
        """Name of the photograph."""
        return self.large.name

    def read(self) -> NDArray[np.uint8]:
        """(H, W, 3), sRGB."""
        return self.large.read()

    def size(self) -> tuple[int, int]:
        """Height and width of the photograph."""
        return self.large.size()

    def read_small(self) -> NDArray[np.uint8]:
        """(h, w, 3), sRGB."""
        return self.small.read()


def match(small: Sequence[Photograph], large: Sequence[Photograph], where: tuple[str, str]) -> list[Photograph]:
    """Put small and large pictures together by the stems of their names; a small one may end in x2, x3, … (DIV2K).

    Args:
        small: the small pictures.
        large: the large ones; they decide the order.
        where: folders of both, for errors.
    """
    wanted = _by_stem(large, where[1])
    found = {}
    for stem, photograph in _by_stem(small, where[0]).items():
        found[stem if stem in wanted else re.sub(r"x\d+$", "", stem)] = photograph
    for one, other, folder, missing in (
        (wanted, found, where[0], "small"),
        (found, wanted, where[1], "large"),
    ):
        alone = [photograph.name for stem, photograph in one.items() if stem not in other]
        if alone:
            raise TrainingError(
                f"{len(alone)} of {len(one)} pictures have no {missing} picture in {folder}: {several(alone)}",
                "both folders need files of the same names; the ending may differ",
            )
    return [PairPhotograph(found[stem], photograph) for stem, photograph in wanted.items()]


def _by_stem(photographs: Sequence[Photograph], where: str) -> dict[str, Photograph]:
    stems: dict[str, Photograph] = {}
    for photograph in photographs:
        stem = PurePath(photograph.name).stem
        if stem in stems:
            raise TrainingError(
                f"{where} has {stems[stem].name} and {photograph.name}", "pairs need one picture of a name"
            )
        stems[stem] = photograph
    return stems


def check_pairs(photographs: Sequence[Photograph], scale: int) -> None:
    """Refuse given pairs whose sizes do not belong together. Unreadable ones are left to `read_all`."""
    wrong, pairs = [], [photograph for photograph in photographs if isinstance(photograph, PairPhotograph)]
    for pair in pairs:
        try:
            (h, w), (height, width) = pair.small.size(), pair.large.size()
        except PictureUnreadable:
            continue
        if (h * scale, w * scale) != (height, width):
            wrong.append(f"{pair.small.name} is {w}×{h}, {pair.name} {width}×{height}, not {w * scale}×{h * scale}")
    if wrong:
        raise TrainingError(
            f"{len(wrong)} of {len(pairs)} pairs do not fit factor {scale}: {several(wrong)}",
            f"a large picture has exactly {scale} times the sides of its small one",
        )


def read_all(
    photographs: Sequence[Photograph], make: Callable[[Photograph], Made], threads: int = 1, *, quiet: bool = True
) -> list[Made]:
    """Make something of every photograph; those that cannot be read are named, counted and left out.

    Args:
        photographs: in this order.
        make: reads one; what it raises besides PictureUnreadable goes up.
        threads: photographs read at a time.
        quiet: show no bar; without it there is one on a terminal.
    """
    made, broken = [], []
    pool = ThreadPoolExecutor(threads)
    console = Console(stderr=True)
    bar = Progress(
        TextColumn("reading photographs"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
        console=console,
        disable=quiet or not console.is_terminal,
        transient=True,
    )
    try:
        with bar:
            for result in bar.track(pool.map(_attempt(make), photographs), total=len(photographs)):
                if isinstance(result, PictureUnreadable):
                    broken.append(str(result))
                else:
                    made.append(result)
    finally:  # after Ctrl-C, too, nothing more is read
        pool.shutdown(wait=True, cancel_futures=True)
    if broken:
        if not made:
            raise TrainingError(f"none of {len(broken)} pictures can be read", several(broken))
        warn(f"{len(broken)} of {len(photographs)} pictures are left out: {several(broken)}")
    return made


def _attempt(make: Callable[[Photograph], Made]) -> Callable[[Photograph], Made | PictureUnreadable]:
    def attempt(photograph: Photograph) -> Made | PictureUnreadable:
        try:
            return make(photograph)
        except PictureUnreadable as error:
            return error

    return attempt


def several(items: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(items) - NAMED
    return "; ".join(items[:NAMED]) + (f"; and {more} more" if more > 0 else "")


def warn(text: str) -> None:
    """One line on stderr: the training goes on."""
    print(f"warning: {text}", file=sys.stderr, flush=True)
