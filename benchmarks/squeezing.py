"""Ways in which pictures get squeezed before anybody enlarges them: a picture in, a file out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import pyvips
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

_SHIFT = (3, 5)  # rows and columns that the second grid of blocks lies off the first


@dataclass(frozen=True, slots=True)
class Squeeze:
    """One way.

    Attributes:
        name: for tables.
        file: the file that (H, W, 3) becomes.
        helped: restoring is promised to help there.
    """

    name: str
    file: Callable[[Picture], bytes]
    helped: bool = False


def jpeg(picture: Picture, quality: int) -> bytes:
    """JPEG, chroma halved in both directions (4:2:0) at every quality."""
    mode = pyvips.enums.ForeignSubsample.ON
    return bytes(_image(picture).jpegsave_buffer(Q=quality, subsample_mode=mode, keep="none"))


def webp(picture: Picture, quality: int) -> bytes:
    """WebP with loss."""
    return bytes(_image(picture).webpsave_buffer(Q=quality, keep="none"))


def twice(picture: Picture, first: int, second: int) -> bytes:
    """JPEG, a cut that moves the grid of blocks, and JPEG again: what is left of a picture that was passed on."""
    down, right = _SHIFT
    wider = np.pad(picture, ((down, 0), (right, 0), (0, 0)), mode="edge")
    once = pyvips.Image.new_from_buffer(jpeg(wider, first), "").numpy()
    return jpeg(np.ascontiguousarray(once[down:, right:]), second)


def png(picture: Picture) -> bytes:
    """Not squeezed."""
    return bytes(_image(picture).pngsave_buffer(keep="none"))


def _image(picture: Picture) -> pyvips.Image:
    return pyvips.Image.new_from_array(picture).copy(interpretation="srgb")


WAYS: Final = (
    Squeeze("JPEG 30", partial(jpeg, quality=30), helped=True),
    Squeeze("JPEG 50", partial(jpeg, quality=50), helped=True),
    Squeeze("JPEG 70", partial(jpeg, quality=70), helped=True),
    Squeeze("JPEG 90", partial(jpeg, quality=90)),
    Squeeze("WebP 30", partial(webp, quality=30)),
    Squeeze("WebP 50", partial(webp, quality=50)),
    Squeeze("JPEG 80, then 50", partial(twice, first=80, second=50)),
    Squeeze("not compressed", png),
)
"""In the order of the table."""
