"""What a programmer hands over: an array, a Pillow image, a picture, a file; and the way back to the same kind."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from subpixel.errors import SettingError
from subpixel.image.arrays import from_array, to_array
from subpixel.image.pillow import from_pillow, is_pillow, to_pillow
from subpixel.types import Picture


def from_kind(x: Any) -> tuple[Picture, Callable[[Picture], Any]]:
    """`x` as a picture, and what turns a picture made of it into its kind.

    Args:
        x: an array, a Pillow image, a `Picture`, or a picture file by its path or its bytes (which come back as
            `Picture`).

    Raises:
        SettingError: something else.
        PictureError: a file that cannot be read.
    """
    if isinstance(x, np.ndarray):
        return from_array(x), lambda made: to_array(made, like=x)
    if isinstance(x, Picture):
        return x, lambda made: made
    if isinstance(x, str | bytes | os.PathLike):
        from subpixel.image.reading import read

        return read(Path(x) if isinstance(x, os.PathLike) else x), lambda made: made
    if is_pillow(x):
        return from_pillow(x), lambda made: to_pillow(made, like=x)
    raise SettingError(f"cannot upscale a {type(x).__name__}", "give an array, a Pillow image or a path")
