"""The metadata of each kind of file, read and written byte for byte.

libvips codes the pixels; of the metadata it rewrites EXIF through a library that loses maker notes, states a
resolution where there is none, and mixes up text encodings. So the blocks are handled here, one module per container,
each with `inspect(file) -> Found` and either `embed(source, target, load)`, which copies an encoded file and adds its
metadata, or `amend(file, load)`, which adds them in place.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Final

from subpixel.image.containers import avif, gif, jpeg, png, tiff, webp
from subpixel.image.containers.parts import Found, Load

__all__ = ["AMEND", "EMBED", "INSPECT", "Found", "Load"]

INSPECT: Final[dict[str, Callable[[BinaryIO], Found]]] = {
    "avif": avif.inspect,
    "gif": gif.inspect,
    "jpeg": jpeg.inspect,
    "png": png.inspect,
    "tiff": tiff.inspect,
    "webp": webp.inspect,
}
"""By name of the format: what libvips does not tell about a file."""

EMBED: Final[dict[str, Callable[[BinaryIO, BinaryIO, Load], tuple[str, ...]]]] = {
    "gif": gif.embed,
    "jpeg": jpeg.embed,
    "png": png.embed,
    "webp": webp.embed,
}
"""By name of the format: copies an encoded file and adds its metadata; returns notes on what did not fit."""

AMEND: Final[dict[str, Callable[[BinaryIO, Load], tuple[str, ...]]]] = {
    "avif": avif.amend,
    "tiff": tiff.amend,
}
"""By name of the format: adds metadata to an encoded file in place; returns notes on what did not fit."""
