"""How the results of pictures are named, and the folders that they go to."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from threading import Lock
from typing import Final

from subpixel.errors import OutputUnwritable
from subpixel.image.formats import by_name

NAME: Final = "{name}"
"""In a pattern: the input's name without its suffix, and for a picture out of a folder the way to it."""
SCALE: Final = "{scale}"
"""In a pattern: the factor as a number, as 2 or 2.5; for a size its label, as w1920."""


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to read and what to write, one file for each result."""

    source: Path
    targets: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class PictureCoding:
    """How pictures are read and results written: the arguments of `Upscaler.files` of the same names."""

    format: str | None = None
    file_quality: int | None = None
    lossless: bool | None = None
    overwrite: bool = False
    pixel_limit: int | None = None
    pyramid: bool | None = None


@dataclass(frozen=True, slots=True)
class Naming:
    """How results are named.

    Attributes:
        output: file, folder or pattern to write to; None: beside each input, its name followed by a label.
        labels: what the names of the results carry, as ``x2`` and ``x4``.
        format: format to write, by name; None to keep each input's.
    """

    output: str | None
    labels: tuple[str, ...]
    format: str | None

    @property
    def is_pattern(self) -> bool:
        """True where `output` says by ``{name}`` or ``{scale}`` how each result is named."""
        return self.output is not None and (NAME in self.output or SCALE in self.output)

    def filled(self, name: str, source: Path) -> tuple[Path, ...]:
        """The pattern for one input."""
        assert self.output is not None
        pattern = self.output if Path(self.output).suffix else self.output + suffix_for(source, self.format)
        numbers = [label.removeprefix("x") for label in self.labels]
        return tuple(Path(pattern.replace(SCALE, number).replace(NAME, name)) for number in numbers)

    def beside(self, source: Path) -> tuple[Path, ...]:
        """Results beside an input, or of the same names elsewhere."""
        suffix = suffix_for(source, self.format)
        return tuple(source.with_name(f"{source.stem}-{label}{suffix}") for label in self.labels)

    def folders(self, source: Path) -> list[Path]:
        """The folders that results of the pictures of a folder go to: one for each result, or one for all.

        Raises:
            OutputUnwritable: the first would be the folder itself.
        """
        if self.is_pattern:
            return [self._fixed()]
        if self.output is None:
            # A folder named . or .. has its name only in full.
            named = source if source.name not in ("", "..") else source.resolve()
            folders = [named.with_name(f"{named.name}-{label}") for label in self.labels]
        else:
            folders = [Path(self.output)]
        if folders[0].resolve() == source.resolve():
            hint = "give another, as -o results/"
            raise OutputUnwritable(f"the output folder {folders[0]} is the input folder", hint)
        return folders

    def _fixed(self) -> Path:
        """The folder of a pattern, as far as it is the same for all pictures."""
        folder = Path(str(self.output)).parent
        while NAME in str(folder) or SCALE in str(folder):
            folder = folder.parent
        return folder

    def mirrored(self, source: Path, name: Path, folders: Sequence[Path]) -> Job:
        """The job for a picture under a folder: mirrored into the folders for its results, named apart in one for all.

        Args:
            source: the folder.
            name: the picture, from there.
            folders: what `folders` gave.
        """
        path = source / name
        if self.is_pattern:
            return Job(path, self.filled(str(name.with_suffix("")), path))
        if self.output is not None and len(self.labels) > 1:
            return Job(path, tuple(folders[0] / made for made in self.beside(name)))
        suffix = suffix_for(path, self.format)
        return Job(path, tuple((folder / name).with_suffix(suffix) for folder in folders))


def suffix_for(source: Path, format: str | None) -> str:
    """The suffix of the result: the input's own unless another format is asked for."""
    if format is None:
        return source.suffix
    row = by_name(format)
    return source.suffix if source.suffix.lower() in row.suffixes else row.suffixes[0]


def make_folder(target: Path) -> list[Path]:
    """Make the folder that a result goes to, where it is missing.

    Returns:
        The folders that were made, innermost first: `drop_folders` takes them away again if nothing is put there.

    Raises:
        OutputUnwritable: it cannot be made.
    """
    try:
        made = list(takewhile(lambda folder: not folder.exists(), target.parents))
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = "a file is in the way" if isinstance(error, FileExistsError | NotADirectoryError) else error.strerror
        raise OutputUnwritable(f"the folder {target.parent} cannot be made", str(reason)) from error
    return made


def drop_folders(made: list[Path]) -> None:
    """Remove folders that `make_folder` made, as far as they are empty."""
    for folder in made:
        with contextlib.suppress(OSError):
            folder.rmdir()


class Folders:
    """Folders that several pictures write to at once: made for the first, removed after the last if still empty."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._users: Counter[str] = Counter()
        self._made: set[str] = set()

    def enter(self, targets: Sequence[Path]) -> dict[Path, bool]:
        """See that the folders of some results are there; tells of each whether it was made for them.

        Raises:
            OutputUnwritable: one cannot be made; `leave` is to be called all the same.
        """
        with self._lock:
            for target in targets:
                self._users.update(map(str, target.parents))
            for target in targets:
                self._made.update(map(str, make_folder(target)))
            return {target.parent: str(target.parent) in self._made for target in targets}

    def leave(self, targets: Sequence[Path]) -> None:
        """These results are there, or will never be."""
        with self._lock:
            for target in targets:
                for folder in map(str, target.parents):
                    self._users[folder] -= 1
                    if self._users[folder] > 0:
                        continue
                    del self._users[folder]
                    if folder in self._made:
                        self._made.discard(folder)
                        with contextlib.suppress(OSError):
                            Path(folder).rmdir()
