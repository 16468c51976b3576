"""XMP packets: XML that repeats some EXIF tags, which must not contradict the pixels (XMP specification part 2)."""

from __future__ import annotations

import re
from typing import Final

_ORIENTATION: Final = ("tiff:Orientation",)
_WIDTH: Final = ("tiff:ImageWidth", "exif:PixelXDimension")
_HEIGHT: Final = ("tiff:ImageLength", "exif:PixelYDimension")


def upright(xmp: bytes) -> bytes:
    """The packet with orientation 1, for pixels that have been turned."""
    return _set(xmp, _ORIENTATION, 1)


def for_size(xmp: bytes, width: int, height: int) -> bytes:
    """The packet with the dimensions of a picture of another size, where it states any."""
    return _set(_set(upright(xmp), _WIDTH, width), _HEIGHT, height)


def _set(xmp: bytes, names: tuple[str, ...], value: int) -> bytes:
    """Set properties that are there, written as an attribute or as an element."""
    for name in names:
        stem, new = re.escape(name.encode()), str(value).encode()
        xmp = re.sub(rb"(\b%s\s*=\s*[\"'])\s*\d+\s*([\"'])" % stem, rb"\g<1>%s\g<2>" % new, xmp)
        xmp = re.sub(rb"(<%s>)\s*\d+\s*(</%s>)" % (stem, stem), rb"\g<1>%s\g<2>" % new, xmp)
    return xmp
