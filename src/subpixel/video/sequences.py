"""Films as numbered pictures, `frame_00001.png`, `frame_00002.png`, …: one file for each frame."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, cast

import numpy as np

from subpixel import image
from subpixel.errors import OutputExists, PictureMissing, PictureUnreadable, SettingError
from subpixel.types import Picture, Pixels
from subpixel.video.colour import to_coloured, upright
from subpixel.video.flow import Timed
from subpixel.video.health import Health
from subpixel.video.planes import Coloured
from subpixel.video.reading import Span

DEFAULT_RATE: Final = Fraction(25)
"""Frames per second of numbered pictures, which do not say it."""

_NUMBER: Final = re.compile(r"%(0?)(\d*)d")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A file name with a number in it, as printf, FFmpeg and most renderers write it: ``frame_%05d.png``.

    Attributes:
        text: the path; ``%05d`` is five digits or more, filled up with zeros, ``%d`` as few as there are.
    """

    text: str

    def __post_init__(self) -> None:
        name = Path(self.text).name
        if len(_NUMBER.findall(name)) != 1 or name.count("%") != 1:
            raise SettingError(f"{self.text} does not say where the number goes", "give one, as frame_%05d.png")

    @staticmethod
    def is_one(text: str) -> bool:
        """True where the name of a file asks for a number."""
        return _NUMBER.search(Path(text).name) is not None

    def path(self, number: int) -> Path:
        """The file with that number."""
        path = Path(self.text)
        return path.with_name(path.name % number)

    def numbers(self) -> range:
        """The numbers of the files that are there.

        Raises:
            PictureMissing: there are none, or one is missing between others.
        """
        folder, name = Path(self.text).parent, Path(self.text).name
        fill, width = next(iter(_NUMBER.findall(name)))
        before, after = (re.escape(part) for part in re.split(_NUMBER.pattern.replace("(", "(?:"), name))
        digits = rf"\d{{{width or 1},}}" if fill else r"\d+"
        named = re.compile(f"{before}({digits}){after}")
        try:
            matches = [named.fullmatch(entry.name) for entry in folder.iterdir()]
        except OSError as error:
            raise PictureMissing(f"{folder} cannot be listed", error.strerror or str(error)) from error
        found = sorted(int(match[1]) for match in matches if match is not None)
        if not found:
            raise PictureMissing(f"no file goes by {self.text}", "check folder, name and number of digits")
        whole = range(found[0], found[-1] + 1)
        if len(found) != len(whole):
            there = set(found)
            missing = next(number for number in whole if number not in there)
            raise PictureMissing(f"{self.path(missing)} is missing", f"{self.path(found[-1])} is there: number anew")
        return whole


class SequenceSource:
    """Numbered pictures as a film; see `subpixel.video.flow.Source`.

    Args:
        pattern: their names.
        rate: frames per second.
        span: the part that is wanted, by that rate; the picture that is on show when it starts is its first.

    Attributes:
        first: the first one as a frame.
        picture: the same as its file.

    Raises:
        PictureError: there are none, one is missing, the first cannot be read, or none is in the span.
    """

    health: Final = Health()

    def __init__(self, pattern: Pattern, rate: Fraction = DEFAULT_RATE, span: Span | None = None) -> None:
        span = span or Span()
        self._pattern = pattern
        there = pattern.numbers()
        end = None if span.end is None else math.ceil(span.end * rate)
        self._numbers = there[math.floor(span.start * rate) : end]
        if not self._numbers:
            raise PictureUnreadable(
                f"{pattern.text} has no picture from {float(span.start):g} s on",
                f"they last {float(len(there) / rate):g} s at {float(rate):g} a second",
            )
        self.rate = rate
        self.time_base = 1 / rate
        self.picture = self._picture(self._numbers[0])
        self.first = Coloured(self.picture.pixels[0], self.picture.metadata)
        self.size = self.first.size

    @property
    def count(self) -> int:
        """See `Source`."""
        return len(self._numbers)

    @property
    def start(self) -> int:
        """The first number."""
        return self._numbers[0]

    def facts(self) -> tuple[int, int]:
        """Bytes of all files, and when one was last changed, in nanoseconds.

        Raises:
            PictureMissing: one is no longer there.
        """
        try:
            found = [self._pattern.path(number).stat() for number in self._numbers]
        except OSError as error:
            raise PictureMissing(f"{error.filename} is missing", error.strerror or str(error)) from error
        return sum(one.st_size for one in found), max(one.st_mtime_ns for one in found)

    def frames(self, skip: int = 0) -> Iterator[Timed]:
        """See `Source`; what is skipped is not read.

        Raises:
            PictureError: one cannot be read.
        """
        for index in range(skip, len(self._numbers)):
            yield Timed(self._read(self._numbers[index]), index, 1)

    def _read(self, number: int) -> Coloured:
        picture = self._picture(number)
        return Coloured(picture.pixels[0], picture.metadata)

    def _picture(self, number: int) -> Picture:
        path = self._pattern.path(number)
        picture = image.read(path)
        if picture.frames > 1:
            raise PictureUnreadable(f"{path} holds {picture.frames} pictures", "give files of one picture each")
        return picture

    def close(self) -> None:
        """See `Source`."""


class SequenceSink:
    """A film as numbered pictures, each of them whole as soon as it is there; see `subpixel.video.flow.Sink`.

    Args:
        pattern: their names.
        start: the first number.
        display: see `upright`.
        overwrite: replace files that exist.
        resume: go on behind those that exist.

    Attributes:
        done: frames that an earlier run has finished.
        notes: one line for each thing that the format cannot hold.

    Raises:
        SettingError: no picture goes by that suffix.
        OutputError: the first file exists, or cannot be written.
    """

    def __init__(
        self,
        pattern: Pattern,
        start: int = 1,
        *,
        display: tuple[int, ...] | None = None,
        overwrite: bool = False,
        resume: bool = False,
    ) -> None:
        self._pattern, self._display, self._overwrite = pattern, display, overwrite
        self.done, self.written = 0, 0
        self.notes: tuple[str, ...] = ()
        if resume:
            while pattern.path(start + self.done).is_file():
                self.written += pattern.path(start + self.done).stat().st_size
                self.done += 1
        try:
            image.check_target(pattern.path(start + self.done), overwrite=overwrite)
        except OutputExists as error:
            raise OutputExists(error.what, "use --overwrite to replace, --resume to go on behind it") from error
        self._next = start + self.done

    def add(self, timed: Timed) -> None:
        """See `Sink`.

        Raises:
            OutputError: the file exists, or cannot be written.
        """
        frame = timed.frame if isinstance(timed.frame, Coloured) else to_coloured(timed.frame)
        frame = upright(frame, self._display)
        path = self._pattern.path(self._next)
        pixels = cast(Pixels, np.ascontiguousarray(frame.pixels)[None])
        said = image.write(Picture(pixels, frame.metadata), path, overwrite=self._overwrite)
        self.notes = self.notes or said
        self.written += path.stat().st_size
        self._next += 1

    def finish(self) -> None:
        """See `Sink`."""

    def abandon(self) -> None:
        """See `Sink`: what is there is whole, and stays."""
