"""Formats that are little more than their samples, which libvips' usual builds leave out: BMP and Netpbm.

Each module has `open_header(file) -> Header`, `decode(file, header) -> pixels` and `encode(file, picture)`, and is
imported with the first file of its kind.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, BinaryIO, Final, cast

from subpixel.image.plain.parts import Header, PlainDamaged, PlainUnsupported
from subpixel.types import Picture, Pixels

__all__ = ["Header", "PlainDamaged", "PlainUnsupported", "decode", "encode", "open_header"]

_MODULES: Final = {"bmp": "bmp", "ppm": "netpbm"}


def _module(name: str) -> Any:
    return import_module(f"{__name__}.{_MODULES[name]}")


def open_header(name: str, file: BinaryIO) -> Header:
    """The header of a file of the format of that name."""
    return cast(Header, _module(name).open_header(file))


def decode(name: str, file: BinaryIO, header: Header) -> Pixels:
    """The pixels that follow a header."""
    return cast(Pixels, _module(name).decode(file, header))


def encode(name: str, file: BinaryIO, picture: Picture) -> None:
    """Write a picture."""
    _module(name).encode(file, picture)
