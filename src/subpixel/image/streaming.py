"""Files → pictures that are never in memory as a whole: their rows are decoded when they are asked for.

PNG, JPEG and TIFF are stored from the top down (or in rows of tiles), and libvips decodes them so. What it has to hold
nevertheless, because the file is not stored that way (a progressive JPEG, an interlaced PNG), is counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Final, cast

import numpy as np

from subpixel.errors import PictureUnreadable, PictureUnsupported
from subpixel.image import containers
from subpixel.image.containers import Found
from subpixel.image.formats import Format, sniff
from subpixel.image.libvips import vips
from subpixel.image.reading import (
    DEFAULT_PIXEL_LIMIT,
    TURNED,
    Decoder,
    damaged_but_read,
    metadata_of,
    opened,
    orientation_of,
    read,
    turned,
)
from subpixel.image.turning import Turning
from subpixel.types import BEGINNING, Coding, Metadata, Picture, Pixels, Size

STREAMED: Final = ("png", "jpeg", "tiff")
"""Formats that are decoded from the top down."""
STREAMED_FROM: Final = BEGINNING
"""Pictures of more pixels than that are read in strips: of smaller ones all rows may be needed to judge them."""
_HEAD: Final = 64
_STRIP_BYTES: Final = 8_000_000


def is_streamed(format: str, frames: int, size: Size) -> bool:
    """Whether `open_picture` gives a stream for such a file."""
    return format in STREAMED and frames == 1 and size.pixels > STREAMED_FROM


class PictureDamaged(PictureUnreadable):
    """A picture with small damage, whose pixels can be read nevertheless: by `open_picture` with `tolerant`."""


class PictureStream:
    """A picture file of one frame, read in strips, upright. Made by `open_picture`; see `Picture` for what it tells.

    Attributes:
        metadata: everything in the file but the pixels.
        notes: one line for each thing that reading changes.
        coding: how the file was coded with loss.
        size: width and height, upright.
        channels: 1 grey, 2 grey + alpha, 3 RGB, 4 RGB + alpha.
        bits: per sample, 8 or 16.
        decoder_bytes: what the decoder holds, because the file is not stored from the top down; 0 for most.
    """

    frames: Final = 1

    def __init__(
        self, source: Path, row: Format, found: Found, decoder: Decoder, *, scratch: Path | None, tolerant: bool
    ) -> None:
        image = decoder.lazy("error")
        self._source, self._row, self._limit, self._scratch = source, row, decoder.pixel_limit, scratch
        self._fail_on = "warning" if decoder.warns and not tolerant else "error"
        self._pages = dict(decoder.pages)
        self._turning: Turning | None = None
        self._begun: tuple[list[Pixels], Iterator[Pixels]] | None = None
        self._orientation = orientation_of(image)
        self._stored = Size(int(image.width), int(image.height))
        self.metadata: Metadata
        self.metadata, said = metadata_of(row, image, found, 1)
        self.notes: tuple[str, ...] = (*found.notes, *decoder.notes, *said)
        self.coding: Coding | None = found.coding
        self.channels = int(image.bands)
        self.bits = 8 if image.format == "uchar" else 16
        lying = self._orientation in TURNED
        self.size = Size(self._stored.height, self._stored.width) if lying else self._stored
        self.decoder_bytes = 0
        if image.get_typeof("interlaced") and image.get("interlaced"):
            # libjpeg keeps coefficients of 16 bits, libpng the samples.
            sample = 2 if row.name == "jpeg" else self.bits // 8
            self.decoder_bytes = self._stored.pixels * int(image.bands) * sample

    def __enter__(self) -> PictureStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def has_alpha(self) -> bool:
        """True where the last channel is alpha."""
        return self.channels in (2, 4)

    @cached_property
    def opaque(self) -> bool:
        """Of a picture with alpha: True where it is at its most everywhere. The file is read as far as that takes."""
        most = 255 if self.bits == 8 else 65_535
        return all(bool((strip[:, :, -1] == most).all()) for strip in self.strips())

    @cached_property
    def beginning(self) -> Picture:
        """Its first rows, which are judged for the whole; `strips` goes on from there."""
        rows, strips, kept = 0, self.strips(), []
        while rows < self.size.beginning:
            kept.append(next(strips))
            rows += len(kept[-1])
        self._begun = kept, strips
        pixels = np.concatenate(kept)[: self.size.beginning]
        return Picture(cast(Pixels, pixels)[None], self.metadata, (), self.coding)

    def strips(self) -> Iterator[Pixels]:
        """All rows from top to bottom, (rows, width, channels) at a time, as often as asked for.

        Raises:
            PictureDamaged: there is small damage, and it is not to be tolerated.
            PictureUnreadable: damaged or cut short, or another file than before.
            DiskFull: no room to turn it upright.
        """
        if self._begun is not None:
            (kept, rest), self._begun = self._begun, None
            self.__dict__.pop("beginning", None)
            kept.reverse()
            while kept:
                yield kept.pop()
            yield from rest
        elif self._orientation <= 2:
            for strip in self._decoded():
                yield turned(strip[None], self._orientation)[0]
        else:
            if self._turning is None:
                self._turning = Turning(
                    self._decoded(),
                    self._stored,
                    self._orientation,
                    pixel_bytes=self.channels * self.bits // 8,
                    folder=self._scratch,
                    name=str(self._source),
                )
            yield from self._turning.strips()

    def close(self) -> None:
        """Give back what reading holds."""
        self._begun = None
        if self._turning is not None:
            self._turning.close()
            self._turning = None

    def _decoded(self) -> Iterator[Pixels]:
        """Rows as the file holds them."""
        pyvips = vips()
        with opened(self._source) as (file, name):
            decoder = Decoder(self._row, file, None, name, self._limit)
            decoder.pages = self._pages
            try:
                image = decoder.lazy(self._fail_on)
                self._check_same(image)
                region = pyvips.Region.new(image)
                kind = np.dtype(np.uint8 if self.bits == 8 else np.uint16)
                line = image.width * image.bands * kind.itemsize
                tall = max(16, min(256, _STRIP_BYTES // line // 16 * 16))
                for top in range(0, image.height, tall):
                    height = min(tall, image.height - top)
                    data = region.fetch(0, top, image.width, height)
                    yield np.frombuffer(data, kind).reshape(height, image.width, image.bands)
            except pyvips.Error as error:
                raise self._failure(decoder, error) from error

    def _check_same(self, image: Any) -> None:
        """Raise PictureUnreadable where the file is not the one whose header was read."""
        if (image.width, image.height, image.bands) != (self._stored.width, self._stored.height, self.channels):
            raise PictureUnreadable(f"{self._source} has changed", "it was written to during the work: try again")

    def _failure(self, decoder: Decoder, error: Exception) -> PictureUnreadable:
        if self._fail_on == "error":
            return decoder.unreadable(error)
        return PictureDamaged(f"{self._source} is damaged", damaged_but_read(error))


def open_picture(
    source: str | Path,
    *,
    pixel_limit: int = DEFAULT_PIXEL_LIMIT,
    scratch: Path | None = None,
    tolerant: str | None = None,
) -> Picture | PictureStream:
    """A picture file, for results that are written as they are made: a large one stays on the disk.

    PNG, JPEG and TIFF of one frame and more than `STREAMED_FROM` pixels come as a stream, all others whole.

    Args:
        source: path.
        pixel_limit: most pixels, width × height × frames, to decode.
        scratch: folder for a file as large as all samples, where a large picture has to be turned upright; None: the
            system's place for such files.
        tolerant: what `PictureDamaged` said when the same was tried before: read over it, and note it.

    Raises:
        PictureError: as `read`. Of a stream, damage is told when its pixels are read.
    """
    with opened(source) as (file, name):
        row = sniff(file.read(_HEAD), name)
        if row.name in STREAMED:
            found = containers.inspect(row.name, file)
            if found.unsupported:
                raise PictureUnsupported(f"{name} is {found.unsupported}", "save it as RGB in TIFF or PNG first")
            decoder = Decoder(row, file, None, name, pixel_limit)
            decoder.reduced = found.reduced
            image = decoder.header()
            height = decoder.page_height(image)
            if is_streamed(row.name, image.height // height, Size(image.width, height)):
                try:
                    made = PictureStream(
                        Path(source), row, found, decoder, scratch=scratch, tolerant=tolerant is not None
                    )
                except vips().Error as error:
                    raise decoder.unreadable(error) from error
                made.notes += () if tolerant is None else (tolerant,)
                return made
    return read(source, pixel_limit=pixel_limit)
