"""Pictures → files: what the format cannot hold is said, what it can hold arrives."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from subpixel.errors import OutputUnwritable
from subpixel.image.fitting import fit, fit_for_rows, fit_rows, fits_by_rows
from subpixel.image.formats import Format
from subpixel.image.libvips import reason, vips
from subpixel.image.rows import Rows, RowsEnded
from subpixel.image.saving import CodedFile, Shape, coding_for, image_of
from subpixel.image.targets import Partial, check_size, choose_format, place, settle, unwritable
from subpixel.types import Picture, PictureLike, Pixels, Size


def write(
    picture: Picture,
    target: str | Path,
    *,
    format: str | None = None,
    quality: int | None = None,
    lossless: bool | None = None,
    pyramid: bool | None = None,
    overwrite: bool = False,
) -> tuple[str, ...]:
    """Write a picture to a file: to a new file beside the target, which takes the target's name when it is whole.

    Args:
        picture: what to write.
        target: where to.
        format: name of a format; without it the target's suffix decides, then the format the picture came in.
        quality: 1–100 for lossy coding; without it, the format's own (JPEG 95, WebP 92, AVIF 85).
        lossless: for formats with both kinds (WebP, AVIF); without it, as the picture came.
        pyramid: TIFF in tiles with smaller copies inside; without it, above 100 megapixels.
        overwrite: replace an existing file.

    Returns:
        One line for each thing that the format cannot hold.

    Raises:
        SettingError: unknown format, or a quality or kind of coding that cannot be.
        OutputExists: the target exists, and `overwrite` is False.
        OutputUnwritable: it cannot be written there, or not in this format.
    """
    with encoded(
        picture, target, format=format, quality=quality, lossless=lossless, pyramid=pyramid, overwrite=overwrite
    ) as made:
        made.settle()
    return made.notes


@dataclass(frozen=True, slots=True)
class Encoded:
    """A picture that is coded and whole, beside the target whose name it is to take.

    Attributes:
        target: where it shall go, as it was asked for.
        notes: one line for each thing that the format cannot hold.
    """

    target: str | Path
    notes: tuple[str, ...]
    _file: Partial
    _final: Path
    _overwrite: bool

    def facts(self) -> os.stat_result:
        """What the system knows of the file: its size and the time of its last change, which its name will not change.

        Raises:
            OutputUnwritable: the disk is full, or the like.
        """
        try:
            self._file.file.flush()
            return os.fstat(self._file.file.fileno())
        except OSError as error:
            raise unwritable(self.target, error) from error

    def settle(self) -> bool:
        """Give it its name, and tell whether the name is new (False: another file was replaced).

        Raises:
            OutputExists: the target came up meanwhile, and it was not to be replaced.
            OutputUnwritable: the disk is full, or the like.
        """
        try:
            new = not self._overwrite or not self._final.exists()
            settle(self._file, self._final, self.target, self._overwrite)
        except OSError as error:
            raise unwritable(self.target, error) from error
        return new

    def undo(self) -> None:
        """Remove what `settle` has put there under a new name."""
        with contextlib.suppress(OSError):
            self._final.unlink()


def settle_all(pictures: Sequence[Encoded]) -> None:
    """Give several pictures their names: all of them, or none under a name that was free before.

    Raises:
        OutputError: as `Encoded.settle`.
    """
    new: list[Encoded] = []
    try:
        for picture in pictures:
            if picture.settle():
                new.append(picture)
    except BaseException:
        for picture in new:
            picture.undo()
        raise


@contextlib.contextmanager
def encoded(
    picture: Picture,
    target: str | Path,
    *,
    format: str | None = None,
    quality: int | None = None,
    lossless: bool | None = None,
    pyramid: bool | None = None,
    overwrite: bool = False,
) -> Iterator[Encoded]:
    """Code a picture into a new file beside the target; `Encoded.settle` gives it its name, else it is gone afterwards.

    Arguments and errors are those of `write`.
    """
    row = choose_format(target, format, picture.metadata.format)
    options, notes = coding_for(row, picture.metadata, quality, lossless)
    check_size(row, picture.size, target)
    final = place(target, overwrite)
    fitted, more = fit(picture, row)
    notes += more
    with contextlib.ExitStack() as kept:
        with _failing(target):
            made = CodedFile(row, options, final, kept, pyramid)
            if row.codec == "plain":
                file = made.plain(fitted)
            else:
                shape = Shape(fitted.size, fitted.channels, fitted.bits == 16, fitted.metadata, fitted.frames)
                made.begin(image_of(fitted), shape).result()
                file, more = made.complete(shape.load)
                notes += more
        del picture, fitted  # a large result is not needed any more while others are computed
        yield Encoded(target, tuple(notes), file, final, overwrite)


def takes_rows(like: PictureLike, target: str | Path, *, format: str | None = None) -> bool:
    """Whether a result of `like` can be coded while its rows are still being made, see `encoding`.

    Some formats are coded from the whole picture only, and some pictures are made to fit a format as a whole only.
    """
    row = choose_format(target, format, like.metadata.format)
    return row.by_rows and like.frames == 1 and fits_by_rows(like, row)


class Encoder:
    """Codes a picture from its rows as they come; made by `encoding`."""

    def __init__(self, unnamed: Encoded, row: Format, shape: Shape, made: CodedFile) -> None:
        self._unnamed = unnamed
        self._row = row
        self._shape = shape
        self._made = made
        self._notes: dict[str, None] = dict.fromkeys(unnamed.notes)
        self._rows = Rows(shape.size, shape.channels, np.uint16 if shape.deep else np.uint8)
        self._work = made.begin(self._rows.image, shape, self._rows.end)

    def put(self, rows: Pixels) -> None:
        """The next rows of the result, (n, width, channels) with the depth of the source. They must not change later.

        Raises:
            OutputUnwritable: they cannot be written.
        """
        fitted, notes = fit_rows(rows, self._shape.metadata.bits, self._row)
        self._notes.update(dict.fromkeys(notes))
        try:
            self._rows.put(fitted)
        except RowsEnded:
            with _failing(self._unnamed.target):
                self._work.result()
            raise

    def finish(self) -> Encoded:
        """The whole file, when all rows are in it.

        Raises:
            OutputUnwritable: it cannot be written.
        """
        with _failing(self._unnamed.target):
            self._work.result()
            file, more = self._made.complete(self._shape.load)
        return replace(self._unnamed, notes=(*self._notes, *more), _file=file)

    def stop(self) -> None:
        """Nothing more comes; without effect when the file is whole."""
        self._rows.end()
        self._work.stop()


@contextlib.contextmanager
def encoding(
    like: PictureLike,
    size: Size,
    target: str | Path,
    *,
    format: str | None = None,
    quality: int | None = None,
    lossless: bool | None = None,
    pyramid: bool | None = None,
    overwrite: bool = False,
) -> Iterator[Encoder]:
    """Code a result of `like`, `size` large, from rows that come one after the other; see `takes_rows`.

    The file is gone afterwards unless it was given its name by `Encoded.settle`. Other arguments and errors are those
    of `write`.
    """
    row = choose_format(target, format, like.metadata.format)
    options, notes = coding_for(row, like.metadata, quality, lossless)
    check_size(row, size, target)
    final = place(target, overwrite)
    shape, more = fit_for_rows(like, size, row)
    with contextlib.ExitStack() as kept:
        with _failing(target):
            made = CodedFile(row, options, final, kept, pyramid)
            encoder = Encoder(Encoded(target, (*notes, *more), made.file, final, overwrite), row, shape, made)
        try:
            yield encoder
        finally:
            encoder.stop()


@contextlib.contextmanager
def _failing(target: str | Path) -> Iterator[None]:
    """Errors of libvips and of the system as ours."""
    try:
        yield
    except vips().Error as error:
        raise _coding_failed(target, error) from error
    except OSError as error:
        raise unwritable(target, error) from error


def _coding_failed(target: str | Path, error: Exception) -> OutputUnwritable:
    for code, words in ((28, "No space left"), (122, "Disk quota"), (27, "File too large")):
        if words.lower() in str(error).lower():
            return unwritable(target, OSError(code, words))
    return OutputUnwritable(f"{target} cannot be written", reason(error))
