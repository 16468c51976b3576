"""What the header of a picture file says, without decoding a pixel."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from subpixel.errors import PictureUnreadable
from subpixel.image import containers, plain
from subpixel.image.formats import sniff
from subpixel.image.libvips import reason, vips
from subpixel.image.reading import DEFAULT_PIXEL_LIMIT, check_limit, opened
from subpixel.types import Coding, Size

_HEAD = 64


@dataclass(frozen=True, slots=True)
class Header:
    """A picture file's header.

    Attributes:
        format: name of its format.
        size: of a frame, upright.
        frames: number of frames; 1 unless animated.
        bits: per sample once decoded, 8 or 16.
        alpha: True where it has alpha, which may be opaque everywhere.
        coding: how it was coded with loss, where the file tells.
    """

    format: str
    size: Size
    frames: int = 1
    bits: int = 8
    alpha: bool = False
    coding: Coding | None = None


def read_header(source: Path, *, pixel_limit: int = DEFAULT_PIXEL_LIMIT) -> Header:
    """The header of a picture file.

    Raises:
        PictureError: nothing is there, it is no picture, or damaged in its first bytes, or `pixel_limit` is exceeded.
    """
    with opened(source) as (file, name):
        row = sniff(file.read(_HEAD), name)
        if row.codec == "plain":
            try:
                found = plain.open_header(row.name, file)
            except (plain.PlainDamaged, plain.PlainUnsupported) as error:
                raise PictureUnreadable(f"{name} is damaged or cut short", str(error)) from error
            bits, alpha = 16 if found.most > 255 else 8, found.bits == 32
            header = Header(row.name, Size(found.width, found.height), bits=bits, alpha=alpha)
        else:
            inside = containers.inspect(row.name, file)
            file.seek(0)
            # Opened here and not by its name: libvips takes names for UTF-8, and brackets in them for options.
            stream = vips().Source.new_from_descriptor(file.fileno())
            try:
                image = vips().Operation.call(f"{row.codec}load_source", stream, access="sequential")
            except vips().Error as error:
                raise PictureUnreadable(f"{name} is damaged or cut short", reason(error)) from error
            turned = image.get_typeof("orientation") and image.get("orientation") in (5, 6, 7, 8)
            sides = (image.height, image.width) if turned else (image.width, image.height)
            frames = max(1, image.get("n-pages")) if row.many and image.get_typeof("n-pages") else 1
            if inside.reduced:
                frames = 1
            bits = 8 if image.format == "uchar" else 16
            header = Header(row.name, Size(*sides), frames, bits, bool(image.hasalpha()), inside.coding)
        check_limit(name, header.size.width, header.size.height, header.frames, pixel_limit)
    return header
