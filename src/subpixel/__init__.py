"""subpixel: larger, better pictures on an ordinary computer.

    import subpixel
    large = subpixel.upscale(picture, scale=4)      # an array, a Pillow image, or a path

`Upscaler` keeps networks loaded between pictures; `read` and `write` handle files. Names are loaded when they are first
used, so that importing the package costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from subpixel.errors import SubpixelError
    from subpixel.image import read, write
    from subpixel.oneline import upscale
    from subpixel.plan import Target
    from subpixel.types import Picture
    from subpixel.upscaler import Upscaler

__version__ = "0.1.0"

__all__ = ["Picture", "SubpixelError", "Target", "Upscaler", "__version__", "read", "upscale", "write"]

_HOMES = {
    "Picture": "subpixel.types",
    "SubpixelError": "subpixel.errors",
    "Target": "subpixel.plan",
    "Upscaler": "subpixel.upscaler",
    "read": "subpixel.image",
    "upscale": "subpixel.oneline",
    "write": "subpixel.image",
}


def __getattr__(name: str) -> Any:
    if name in ("engines", "errors", "image", "measure", "plan", "types", "zoo"):
        return import_module(f"subpixel.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'subpixel' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
