"""Files ↔ pictures ↔ arrays.

The names below are imported when they are first used: importing this package does not load libvips.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from subpixel.image.formats import FORMATS, Format
    from subpixel.image.libvips import set_threads
    from subpixel.image.reading import DEFAULT_PIXEL_LIMIT, read
    from subpixel.image.targets import check_target
    from subpixel.image.writing import write

__all__ = ["DEFAULT_PIXEL_LIMIT", "FORMATS", "Format", "check_target", "read", "set_threads", "write"]

_HOME: Final = {
    "DEFAULT_PIXEL_LIMIT": "reading",
    "FORMATS": "formats",
    "Format": "formats",
    "check_target": "targets",
    "read": "reading",
    "set_threads": "libvips",
    "write": "writing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
