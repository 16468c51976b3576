"""Pictures → files: what the format cannot hold is said, what it can hold arrives."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from subpixel.errors import OutputUnwritable, SettingError
from subpixel.image import containers, plain
from subpixel.image.containers import Load
from subpixel.image.fitting import fit
from subpixel.image.formats import Format, Option
from subpixel.image.libvips import reason, save, vips
from subpixel.image.targets import (
    Partial,
    check_coding,
    check_size,
    choose_format,
    partial,
    place,
    settle,
    unwritable,
)
from subpixel.types import Metadata, Picture

_KEPT: Final = {"heif": "xmp:icc:other", "tiff": "xmp:icc:other"}
"""By codec: which blocks libvips stores itself; those of the other formats are embedded afterwards."""
_MOST_CLASSIC_TIFF: Final = 2_500_000_000
"""Bytes of samples that surely fit the 4 GB of a classic TIFF, even if LZW makes them more."""
_INCH_MM: Final = 25.4


def write(
    picture: Picture,
    target: str | Path,
    *,
    format: str | None = None,
    quality: int | None = None,
    lossless: bool | None = None,
    overwrite: bool = False,
) -> tuple[str, ...]:
    """Write a picture to a file: to a new file beside the target, which takes the target's name when it is whole.

    Args:
        picture: what to write.
        target: where to.
        format: name of a format; without it the target's suffix decides, then the format the picture came in.
        quality: 1–100 for lossy coding; without it, the format's own (JPEG 95, WebP 92, AVIF 85).
        lossless: for formats with both kinds (WebP, AVIF); without it, as the picture came.
        overwrite: replace an existing file.

    Returns:
        One line for each thing that the format cannot hold.

    Raises:
        SettingError: unknown format, or a quality or kind of coding that cannot be.
        OutputExists: the target exists, and `overwrite` is False.
        OutputUnwritable: it cannot be written there, or not in this format.
    """
    with encoded(picture, target, format=format, quality=quality, lossless=lossless, overwrite=overwrite) as made:
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
    overwrite: bool = False,
) -> Iterator[Encoded]:
    """Code a picture into a new file beside the target; `Encoded.settle` gives it its name, else it is gone afterwards.

    Arguments and errors are those of `write`.
    """
    row = choose_format(target, format, picture.metadata.format)
    coding, notes = _coding(row, picture.metadata, quality, lossless)
    check_size(row, picture.size, target)
    final = place(target, overwrite)
    fitted, more = fit(picture, row)
    notes += more
    with contextlib.ExitStack() as kept:
        try:
            file = _encode(fitted, row, coding, final, kept, notes)
        except vips().Error as error:
            raise _coding_failed(target, error) from error
        except OSError as error:
            raise unwritable(target, error) from error
        del picture, fitted  # a large result is not needed any more while others are computed
        yield Encoded(target, tuple(notes), file, final, overwrite)


def _encode(
    picture: Picture,
    row: Format,
    coding: dict[str, Option],
    final: Path,
    kept: contextlib.ExitStack,
    notes: list[str],
) -> Partial:
    """Code a picture that fits the format into a file that `kept` keeps."""
    with contextlib.ExitStack() as scrap:
        coded = scrap.enter_context(partial(final))
        if row.codec == "plain":
            plain.encode(row.name, coded.file, picture)
            kept.push(scrap.pop_all())
            return coded
        image = _image(picture, row)
        if row.codec == "heif":
            coding["bitdepth"] = 8 if picture.bits == 8 else picture.metadata.bits
        if row.codec == "tiff":
            coding["bigtiff"] = picture.pixels.nbytes > _MOST_CLASSIC_TIFF
        keep = _KEPT.get(row.codec, "other")
        if row.codec == "heif" and picture.metadata.exif is not None:
            keep = f"exif:{keep}"  # the room for it, see `containers.avif`
        save(f"{row.codec}save", image, coded.file.fileno(), keep=keep, **coding)
        if row.name in containers.AMENDED:
            notes += containers.amend(row.name, coded.file, _load(picture))
            kept.push(scrap.pop_all())
            return coded
        whole = kept.enter_context(partial(final))
        coded.file.seek(0)
        notes += containers.embed(row.name, coded.file, whole.file, _load(picture))
        return whole


def _coding_failed(target: str | Path, error: Exception) -> OutputUnwritable:
    for code, words in ((28, "No space left"), (122, "Disk quota"), (27, "File too large")):
        if words.lower() in str(error).lower():
            return unwritable(target, OSError(code, words))
    return OutputUnwritable(f"{target} cannot be written", reason(error))


def _coding(
    row: Format, metadata: Metadata, quality: int | None, lossless: bool | None
) -> tuple[dict[str, Option], list[str]]:
    """Options for the saver."""
    if quality is not None and not 1 <= quality <= 100:
        raise SettingError(f"quality is {quality}", "give a whole number from 1 to 100")
    check_coding(row, lossless)
    notes = []
    if row.coding == "both":
        whole = lossless if lossless is not None else (metadata.lossless and quality is None)
    else:
        whole = row.coding == "lossless"
    if row.coding == "lossless" and (quality is not None or lossless is False):
        notes.append(f"{row.title} is always lossless: quality is not used")
    elif whole and quality is not None:
        notes.append("lossless: quality is not used")
    options = {**row.options, **(row.lossless_options if whole else row.lossy_options)}
    if not whole:
        options["Q"] = quality if quality is not None else row.quality
    return options, notes


def _load(picture: Picture) -> Load:
    metadata = picture.metadata
    return Load(
        width=picture.size.width,
        height=picture.size.height,
        alpha=picture.has_alpha,
        icc=metadata.icc,
        exif=metadata.exif,
        xmp=metadata.xmp,
        iptc=metadata.iptc,
        dpi=metadata.dpi,
        comments=metadata.comments,
    )


def _image(picture: Picture, row: Format) -> Any:
    """The pixels as a libvips image, without a copy, with what the saver needs to know."""
    pyvips = vips()
    frames, height, width, channels = picture.pixels.shape
    deep = picture.pixels.dtype == np.uint16
    image = pyvips.Image.new_from_memory(
        picture.pixels.reshape(-1).data, width, height * frames, channels, "ushort" if deep else "uchar"
    )
    grey = channels < 3
    kind = ("grey16" if grey else "rgb16") if deep else ("b-w" if grey else "srgb")
    image = image.copy(interpretation=kind)
    metadata = picture.metadata
    if frames > 1:
        image.set_type(pyvips.GValue.gint_type, "page-height", height)
        if metadata.delays:
            image.set_type(pyvips.GValue.array_int_type, "delay", list(metadata.delays))
            image.set_type(pyvips.GValue.gint_type, "loop", metadata.loop)
    if row.codec in _KEPT:
        for field, data in (("icc-profile-data", metadata.icc), ("xmp-data", metadata.xmp)):
            if data is not None:
                image.set_type(pyvips.GValue.blob_type, field, data)
        if metadata.dpi is not None:
            image = image.copy(xres=metadata.dpi[0] / _INCH_MM, yres=metadata.dpi[1] / _INCH_MM)
            image.set_type(pyvips.GValue.gstr_type, "resolution-unit", "in")
    if row.codec == "heif" and metadata.exif is not None:
        from subpixel.image.containers.avif import room_for

        text = room_for(metadata.exif)
        field = f"{text} ({text[:16]}, ASCII, {len(text) + 1} components, {len(text) + 1} bytes)"
        image.set_type(pyvips.GValue.gstr_type, "exif-ifd0-ImageDescription", field)
    return image
