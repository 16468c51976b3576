"""Samples → coded files: which options a format's coder gets, what it is told, and what is put into its file after."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from subpixel.errors import SettingError
from subpixel.image import containers, plain
from subpixel.image.containers import Load
from subpixel.image.formats import Format, Option
from subpixel.image.libvips import Work, saving, vips
from subpixel.image.targets import Partial, check_coding, partial
from subpixel.types import Metadata, Picture, Size

_KEPT: Final = {"heif": "xmp:icc:other", "tiff": "xmp:icc:other"}
"""By codec: which blocks libvips stores itself; those of the other formats are embedded afterwards."""
_MOST_CLASSIC_TIFF: Final = 2_500_000_000
"""Bytes of samples that surely fit the 4 GB of a classic TIFF, even if LZW makes them more."""
PYRAMID_FROM: Final = 100_000_000
"""Pixels from which on a TIFF gets tiles and smaller copies, where nobody says: from there on viewers want them."""
PYRAMID: Final[Mapping[str, Option]] = MappingProxyType(
    {"tile": True, "tile_width": 512, "tile_height": 512, "pyramid": True}
)
_INCH_MM: Final = 25.4


def coding_for(
    row: Format, metadata: Metadata, quality: int | None, lossless: bool | None
) -> tuple[dict[str, Option], list[str]]:
    """Options for the saver, and one line for each setting that the format has no use for.

    Raises:
        SettingError: a quality, or a kind of coding, that cannot be.
    """
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


@dataclass(frozen=True, slots=True)
class Shape:
    """What a coder is told of a picture before it sees the samples.

    Attributes:
        size: of a frame.
        channels: as `Picture.channels`.
        deep: True for 16 bits per sample.
        metadata: all that goes into the file.
        frames: number of frames.
    """

    size: Size
    channels: int
    deep: bool
    metadata: Metadata
    frames: int = 1

    @property
    def nbytes(self) -> int:
        """Bytes of all samples."""
        return self.frames * self.size.pixels * self.channels * (2 if self.deep else 1)

    @property
    def load(self) -> Load:
        """What is put into the file beside the samples."""
        metadata = self.metadata
        return Load(
            width=self.size.width,
            height=self.size.height,
            alpha=self.channels in (2, 4),
            icc=metadata.icc,
            exif=metadata.exif,
            xmp=metadata.xmp,
            iptc=metadata.iptc,
            dpi=metadata.dpi,
            comments=metadata.comments,
        )


class CodedFile:
    """One file in the making: coded beside its place, then completed.

    Args:
        row: the format.
        options: for the saver, from `coding_for`.
        final: where the file will stand.
        kept: keeps the file, which is gone when this closes.
        pyramid: for TIFF: in tiles with smaller copies inside; None: as its size asks for.

    Attributes:
        file: what libvips codes into.
    """

    def __init__(
        self,
        row: Format,
        options: dict[str, Option],
        final: Path,
        kept: contextlib.ExitStack,
        pyramid: bool | None = None,
    ) -> None:
        self._row = row
        self._pyramid = pyramid
        self._options = options
        self._final = final
        self._kept = kept
        self._bare = kept.enter_context(contextlib.ExitStack())
        self.file = self._bare.enter_context(partial(final))

    def plain(self, picture: Picture) -> Partial:
        """Code a picture in a format that libvips leaves out."""
        plain.encode(self._row.name, self.file.file, picture)
        return self.file

    def begin(self, image: Any, shape: Shape, ended: Callable[[], None] | None = None) -> Work[None]:
        """Let libvips code an image of the samples; `ended` is called when it has ended."""
        codec, metadata, options = self._row.codec, shape.metadata, dict(self._options)
        if codec == "heif":
            options["bitdepth"] = metadata.bits if shape.deep else 8
        descriptor: int | str = self.file.file.fileno()
        if codec == "tiff":
            pyramid = self._pyramid
            if pyramid is None:
                pyramid = shape.frames == 1 and shape.size.pixels > PYRAMID_FROM
            if pyramid:
                options.update(PYRAMID)
                # By its name: libvips then keeps the smaller copies on the disk, and else in memory.
                descriptor = str(self.file.path)
            options["bigtiff"] = shape.nbytes * (4 if pyramid else 3) // 3 > _MOST_CLASSIC_TIFF
        keep = _KEPT.get(codec, "other")
        if codec == "heif" and metadata.exif is not None:
            keep = f"exif:{keep}"  # the room for it, see `containers.avif`
        told = _told(image, shape, self._row)
        return saving(f"{codec}save", told, descriptor, ended=ended, keep=keep, **options)

    def complete(self, load: Load) -> tuple[Partial, list[str]]:
        """The file with all that libvips did not put into it, and one line for each thing that did not fit."""
        if self._row.name in containers.AMENDED:
            return self.file, list(containers.amend(self._row.name, self.file.file, load))
        whole = self._kept.enter_context(partial(self._final))
        self.file.file.seek(0)
        notes = list(containers.embed(self._row.name, self.file.file, whole.file, load))
        self._bare.close()
        return whole, notes


def image_of(picture: Picture) -> Any:
    """The pixels as a libvips image, without a copy."""
    frames, height, width, channels = picture.pixels.shape
    kind = "ushort" if picture.pixels.dtype == np.uint16 else "uchar"
    return vips().Image.new_from_memory(picture.pixels.reshape(-1).data, width, height * frames, channels, kind)


def _told(image: Any, shape: Shape, row: Format) -> Any:
    """The image with what the saver needs to know."""
    pyvips = vips()
    grey = shape.channels < 3
    kind = ("grey16" if grey else "rgb16") if shape.deep else ("b-w" if grey else "srgb")
    image = image.copy(interpretation=kind)
    metadata = shape.metadata
    if shape.frames > 1:
        image.set_type(pyvips.GValue.gint_type, "page-height", shape.size.height)
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
