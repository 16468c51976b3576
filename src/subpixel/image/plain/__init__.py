"""Formats that are little more than their samples, which libvips' usual builds leave out: BMP and Netpbm.

Each module has `open_header(file) -> Header`, `decode(file, header) -> pixels` and `encode(file, picture)`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Final

from subpixel.image.plain import bmp, netpbm
from subpixel.image.plain.parts import Header, PlainDamaged, PlainUnsupported
from subpixel.types import Picture, Pixels

__all__ = ["DECODE", "ENCODE", "OPEN_HEADER", "Header", "PlainDamaged", "PlainUnsupported"]

OPEN_HEADER: Final[dict[str, Callable[[BinaryIO], Header]]] = {"bmp": bmp.open_header, "ppm": netpbm.open_header}
DECODE: Final[dict[str, Callable[[BinaryIO, Header], Pixels]]] = {"bmp": bmp.decode, "ppm": netpbm.decode}
ENCODE: Final[dict[str, Callable[[BinaryIO, Picture], None]]] = {"bmp": bmp.encode, "ppm": netpbm.encode}
