"""What the header of a picture file says, without decoding a pixel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from subpixel.errors import PictureUnreadable
from subpixel.image import plain
from subpixel.image.formats import sniff
from subpixel.image.libvips import reason, vips
from subpixel.types import Size

_HEAD = 64


@dataclass(frozen=True, slots=True)
class Header:
    """A picture file's header.

    Attributes:
        format: name of its format.
        size: of a frame, upright.
        frames: number of frames; 1 unless animated.
        bits: per sample once decoded, 8 or 16.
    """

    format: str
    size: Size
    frames: int = 1
    bits: int = 8


def read_header(source: Path) -> Header:
    """The header of a picture file.

    Raises:
        PictureError: it is no picture, or damaged in its first bytes.
        OSError: it cannot be opened.
    """
    with source.open("rb") as file:
        row = sniff(file.read(_HEAD), str(source))
        if row.codec == "plain":
            try:
                found = plain.open_header(row.name, file)
            except ValueError as error:
                raise PictureUnreadable(f"{source} is damaged or cut short", str(error)) from error
            return Header(row.name, Size(found.width, found.height), bits=16 if found.most > 255 else 8)
    try:
        image = vips().Image.new_from_file(str(source), access="sequential")
    except vips().Error as error:
        raise PictureUnreadable(f"{source} is damaged or cut short", reason(error)) from error
    turned = image.get_typeof("orientation") and image.get("orientation") in (5, 6, 7, 8)
    sides = (image.height, image.width) if turned else (image.width, image.height)
    frames = image.get("n-pages") if row.many and image.get_typeof("n-pages") else 1
    return Header(row.name, Size(*sides), max(1, frames), 8 if image.format == "uchar" else 16)
