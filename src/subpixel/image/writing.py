"""Pictures → files: what the format cannot hold is said, what it can hold arrives."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from subpixel.errors import OutputUnwritable, SettingError
from subpixel.image import containers, plain
from subpixel.image.containers import Load
from subpixel.image.fitting import fit
from subpixel.image.formats import Format, Option
from subpixel.image.libvips import reason, save, vips
from subpixel.image.targets import check_coding, check_size, choose_format, partial, place, settle, unwritable
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
    row = choose_format(target, format, picture.metadata.format)
    coding, notes = _coding(row, picture.metadata, quality, lossless)
    check_size(row, picture.size, target)
    final = place(target, overwrite)
    fitted, more = fit(picture, row)
    notes += more
    try:
        with partial(final) as coded:
            if row.codec == "plain":
                plain.encode(row.name, coded.file, fitted)
                settle(coded, final, target, overwrite)
                return tuple(notes)
            image = _image(fitted, row)
            if row.codec == "heif":
                coding["bitdepth"] = 8 if fitted.bits == 8 else fitted.metadata.bits
            if row.codec == "tiff":
                coding["bigtiff"] = fitted.pixels.nbytes > _MOST_CLASSIC_TIFF
            keep = _KEPT.get(row.codec, "other")
            if row.codec == "heif" and fitted.metadata.exif is not None:
                keep = f"exif:{keep}"  # the room for it, see `containers.avif`
            save(f"{row.codec}save", image, coded.file.fileno(), keep=keep, **coding)
            if row.name in containers.AMENDED:
                notes += containers.amend(row.name, coded.file, _load(fitted))
                settle(coded, final, target, overwrite)
                return tuple(notes)
            with partial(final) as whole:
                coded.file.seek(0)
                notes += containers.embed(row.name, coded.file, whole.file, _load(fitted))
                settle(whole, final, target, overwrite)
    except vips().Error as error:
        raise _coding_failed(target, error) from error
    except OSError as error:
        raise unwritable(target, error) from error
    return tuple(notes)


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
