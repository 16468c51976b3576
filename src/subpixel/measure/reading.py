"""Pictures as the measures take them: 8 bits, grey or RGB, without alpha."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from subpixel import image
from subpixel.errors import PictureUnsupported


def read_pixels(path: Path) -> NDArray[np.uint8]:
    """Read a picture to be scored.

    Args:
        path: a picture file; of an animation the first frame is taken. 16 bits are rounded to 8, as scores are
            defined on 8 bits.

    Returns:
        (H, W, 1) grey or (H, W, 3) RGB.

    Raises:
        PictureError: the file is missing, unreadable, or has transparent parts (a score has no meaning there).
    """
    picture = image.read(path)
    pixels = picture.pixels[0]
    values = pixels if pixels.dtype == np.uint8 else np.rint(pixels / 257.0)
    if picture.has_alpha:
        if int(values[..., -1].min()) < 255:
            raise PictureUnsupported(f"{path} has transparent parts, which cannot be scored", "flatten it first")
        values = values[..., :-1]
    return np.ascontiguousarray(values, dtype=np.uint8)
