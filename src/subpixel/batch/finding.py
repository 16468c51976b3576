"""The pictures under a folder: sorted, filtered, as they are found, without a list of all of them."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path, PurePath
from typing import Final

from subpixel.errors import PictureUnreadable, SettingError, SubpixelError
from subpixel.image.formats import FORMATS

KEPT: Final = ".subpixel"
"""The folder, among the results, of what a run has to remember."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which pictures of a folder are taken.

    A pattern has ``*``, ``?`` and ``[…]`` as in a shell, in capitals or not. Without a slash it is for names, of files
    or of folders on the way; with one for the way from the folder that was given, where ``*`` also stands for slashes.

    Attributes:
        include: one of these has to fit; empty: everything does.
        exclude: none of these may fit.

    Raises:
        SettingError: an empty pattern.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for word, patterns in (("include", self.include), ("exclude", self.exclude)):
            if not all(pattern.strip("/ ") for pattern in patterns):
                raise SettingError(f"a pattern of --{word} is empty", f"give one, as --{word} '*.jpg'")

    def takes(self, name: PurePath) -> bool:
        """Whether a picture is taken; `name` is the way to it."""
        return (not self.include or _fits(name, self.include)) and not _fits(name, self.exclude)

    def enters(self, name: PurePath) -> bool:
        """Whether pictures of a folder can be taken; `name` is the way to it."""
        return not _fits(name, self.exclude)


def _fits(name: PurePath, patterns: tuple[str, ...]) -> bool:
    """Whether a pattern fits a file or a folder on the way to it."""
    for pattern in map(_plain, patterns):
        if "/" in pattern.rstrip("/"):
            ways = [way.as_posix() for way in (name, *name.parents)]
            if any(fnmatchcase(_plain(way), pattern.strip("/")) for way in ways):
                return True
        elif any(fnmatchcase(_plain(part), pattern.rstrip("/")) for part in name.parts):
            return True
    return False


def _plain(text: str) -> str:
    """Text in which equal names are equal: accents composed or not, capitals or not."""
    return unicodedata.normalize("NFC", text).casefold()


@dataclass(slots=True)
class Walk:
    """One way through a folder.

    Attributes:
        folder: the folder.
        filters: which pictures are taken.
        skip: told the way to a folder or picture, whether it is to be left out: results of earlier runs.
        links: links to folders that were met; they are not followed, so there are no loops.
        films: videos that were met; they are left out.
    """

    folder: Path
    filters: Filters = field(default_factory=Filters)
    skip: Callable[[Path], bool] = lambda path: False
    links: int = 0
    films: int = 0

    def __iter__(self) -> Iterator[Path | tuple[Path, SubpixelError]]:
        """Pictures, as their way from the folder; a folder that cannot be read comes with the error.

        The files of a folder come before its folders, both sorted by name; hidden ones are left out.
        """
        waiting = [Path()]
        while waiting:
            where = waiting.pop()
            try:
                files, folders = self._listed(where)
            except OSError as error:
                full = self.folder / where
                reason = "no permission" if isinstance(error, PermissionError) else error.strerror or str(error)
                yield full, PictureUnreadable(f"the folder {full} cannot be read", reason)
                continue
            for name in files:
                path = where / name
                if self.filters.takes(path) and not self.skip(self.folder / path):
                    yield path
            waiting.extend(
                path
                for path in (where / name for name in reversed(folders))
                if self.filters.enters(path) and not self.skip(self.folder / path)
            )

    def _listed(self, where: Path) -> tuple[list[str], list[str]]:
        """Names of picture files and of folders in a folder."""
        files: list[str] = []
        folders: list[str] = []
        with os.scandir(self.folder / where) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                    continue
                suffix = PurePath(entry.name).suffix.lower()
                if suffix in _SUFFIXES:
                    files.append(entry.name)
                elif entry.is_symlink() and entry.is_dir():
                    self.links += 1
                elif suffix in _FILMS:
                    self.films += 1
        return sorted(files), sorted(folders)


_SUFFIXES: Final = frozenset(suffix for row in FORMATS for suffix in row.suffixes)
_FILMS: Final = frozenset((".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".wmv", ".m2ts", ".mxf"))


@dataclass(slots=True)
class Total:
    """How much there is to do, while it is being counted.

    Attributes:
        pictures: pictures found so far.
        bytes: of their files.
        known: True when all are counted.
    """

    pictures: int = 0
    bytes: int = 0
    known: bool = False

    def count(self, walks: list[Walk], stopped: Callable[[], bool]) -> None:
        """Count the pictures of some folders."""
        for walk in walks:
            for path in walk:
                if stopped():
                    return
                self.pictures += 1
                if isinstance(path, Path):
                    self.bytes += weight(walk.folder / path)
        self.known = True


def weight(path: Path) -> int:
    """How much work a picture is, about: the bytes of its file, and something for the file itself."""
    try:
        return path.stat().st_size + 20_000
    except OSError:
        return 20_000
