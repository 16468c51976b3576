"""The metadata of each kind of file, read and written byte for byte.

libvips codes the pixels; of the metadata it rewrites EXIF through a library that loses maker notes, states a
resolution where there is none, and mixes up text encodings. So the blocks are handled here, one module per container,
each with `inspect(file) -> Found` and either `embed(source, target, load)`, which copies an encoded file and adds its
metadata, or `amend(file, load)`, which adds them in place. A module is imported with the first file of its kind: all
of them together would be a tenth of the time that a small picture takes.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, BinaryIO, Final, cast

from subpixel.image.containers.parts import Found, Load

__all__ = ["AMENDED", "EMBEDDED", "Found", "Load", "amend", "embed", "inspect"]

EMBEDDED: Final = ("gif", "jpeg", "png", "webp")
"""Formats whose metadata are added while the encoded file is copied."""
AMENDED: Final = ("avif", "tiff")
"""Formats whose metadata are added to the encoded file in place."""


def _module(name: str) -> Any:
    assert name in EMBEDDED + AMENDED
    return import_module(f"{__name__}.{name}")


def inspect(name: str, file: BinaryIO) -> Found:
    """What libvips does not tell about a file of the format of that name."""
    return cast(Found, _module(name).inspect(file))


def embed(name: str, source: BinaryIO, target: BinaryIO, load: Load) -> tuple[str, ...]:
    """Copy an encoded file and add its metadata; notes on what did not fit."""
    return cast(tuple[str, ...], _module(name).embed(source, target, load))


def amend(name: str, file: BinaryIO, load: Load) -> tuple[str, ...]:
    """Add metadata to an encoded file in place; notes on what did not fit."""
    return cast(tuple[str, ...], _module(name).amend(file, load))
