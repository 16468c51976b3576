"""Planes of chroma made larger: Catmull-Rom (bicubic, a = −0.5), each sample where the stream says it stands."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from subpixel.image.resample import Grid, resize_on
from subpixel.types import Size
from subpixel.video.levels import store
from subpixel.video.planes import Siting


def enlarge_chroma(
    plane: NDArray[Any], before: Size, after: Size, sub: tuple[int, int], siting: Siting, top: int
) -> NDArray[Any]:
    """One plane of chroma.

    Args:
        plane: (⌈h/sy⌉, ⌈w/sx⌉), uint8 or uint16.
        before: luma, w × h.
        after: luma of the result, W × H.
        sub: (sy, sx), luma samples to one of chroma.
        siting: where chroma samples stand, before and after.
        top: the largest sample.

    Returns:
        (⌈H/sy⌉, ⌈W/sx⌉), as `plane`.
    """
    rows = -(-after.height // sub[0]), _grid(before.height, after.height, sub[0], siting == "topleft")
    columns = -(-after.width // sub[1]), _grid(before.width, after.width, sub[1], siting != "center")
    out = np.empty((rows[0], columns[0]), plane.dtype)
    store(resize_on(plane[None].astype(np.float32), rows[0], columns[0], rows[1], columns[1])[0], out, top)
    return out


def _grid(before: int, after: int, part: int, first: bool) -> Grid:
    """Where samples of chroma stand along one axis.

    A sample i of chroma stands at part·i + a in samples of luma: a is 0 where it stands on the first of those that
    share it, (part − 1)/2 in their middle. Luma x of the result stands at (x + ½)/s − ½ of the input.
    """
    at = 0.0 if first else (part - 1) / 2
    ratio = before / after
    return ratio, ((at + 0.5) * ratio - 0.5 - at) / part - 0.5 * ratio + 0.5
