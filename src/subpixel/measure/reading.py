"""Pictures as the measures take them: 8 bits, grey or RGB, without alpha."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyvips
from numpy.typing import NDArray

from subpixel.errors import PictureUnreadable, PictureUnsupported


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
    try:
        pixels = pyvips.Image.new_from_file(str(path)).numpy()
    except pyvips.Error as error:
        raise PictureUnreadable(f"{path} cannot be read") from error
    pixels = pixels.reshape(*pixels.shape[:2], -1)
    if pixels.dtype == np.uint16:
        pixels = np.rint(pixels / 257.0).astype(np.uint8)
    if pixels.shape[2] in (2, 4):
        if int(pixels[..., -1].min()) < 255:
            raise PictureUnsupported(f"{path} has transparent parts, which cannot be scored", "flatten it first")
        pixels = pixels[..., :-1]
    return np.ascontiguousarray(pixels, dtype=np.uint8)
