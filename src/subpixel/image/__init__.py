"""Files ↔ pictures ↔ arrays.

The names below are imported when they are first used: importing this package does not load libvips.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from subpixel.image.alpha import fill_transparent, premultiply, unpremultiply
    from subpixel.image.arrays import from_array, to_array
    from subpixel.image.formats import FORMATS, Format
    from subpixel.image.kinds import from_kind
    from subpixel.image.libvips import set_threads
    from subpixel.image.pillow import from_pillow, is_pillow, to_pillow
    from subpixel.image.reading import DEFAULT_PIXEL_LIMIT, read
    from subpixel.image.streaming import PictureDamaged, PictureStream, open_picture
    from subpixel.image.targets import check_target, choose_format
    from subpixel.image.writing import Encoded, Encoder, encoded, encoding, settle_all, takes_rows, write

__all__ = [
    "DEFAULT_PIXEL_LIMIT",
    "FORMATS",
    "Encoded",
    "Encoder",
    "Format",
    "PictureDamaged",
    "PictureStream",
    "check_target",
    "choose_format",
    "encoded",
    "encoding",
    "fill_transparent",
    "from_array",
    "from_kind",
    "from_pillow",
    "is_pillow",
    "open_picture",
    "premultiply",
    "read",
    "set_threads",
    "settle_all",
    "takes_rows",
    "to_array",
    "to_pillow",
    "unpremultiply",
    "write",
]

_HOME: Final = {
    "DEFAULT_PIXEL_LIMIT": "reading",
    "Encoded": "writing",
    "Encoder": "writing",
    "FORMATS": "formats",
    "Format": "formats",
    "PictureDamaged": "streaming",
    "PictureStream": "streaming",
    "check_target": "targets",
    "choose_format": "targets",
    "encoded": "writing",
    "encoding": "writing",
    "fill_transparent": "alpha",
    "from_array": "arrays",
    "from_kind": "kinds",
    "from_pillow": "pillow",
    "is_pillow": "pillow",
    "open_picture": "streaming",
    "premultiply": "alpha",
    "read": "reading",
    "set_threads": "libvips",
    "settle_all": "writing",
    "takes_rows": "writing",
    "to_array": "arrays",
    "to_pillow": "pillow",
    "unpremultiply": "alpha",
    "write": "writing",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
