"""One frame of a film as the decoder gives it: luma and chroma in planes, in the stream's own bits and range.

This is the line between what reads and writes containers and what makes frames larger: neither knows the other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import SettingError
from subpixel.types import Metadata, Pixels, Size

Matrix: TypeAlias = Literal["bt601", "bt709", "bt2020"]
"""How R, G and B are mixed into Y, Cb and Cr (BT.2020: the form with non-constant luminance)."""

Siting: TypeAlias = Literal["left", "center", "topleft"]
"""Where a sample of chroma stands among the samples of luma that share it, with 4:2:0 and 4:2:2: beside the left ones
(MPEG-2, H.264), in their middle (JPEG, MPEG-1), on the upper left one (BT.2020, DV)."""

LUMA: Final[dict[Matrix, tuple[float, float, float]]] = {
    "bt601": (0.299, 0.587, 0.114),
    "bt709": (0.2126, 0.7152, 0.0722),
    "bt2020": (0.2627, 0.6780, 0.0593),
}
"""Weights of R, G and B in Y (ITU-R BT.601-7, BT.709-6, BT.2020-2)."""


@dataclass(frozen=True)
class Planes:
    """One frame as the decoder gives it.

    Attributes:
        y: luma, (H, W); uint8 where `bits` is 8, else uint16.
        u: Cb, (⌈H/sy⌉, ⌈W/sx⌉), sx and sy 1 or 2; None for grey.
        v: Cr, as `u`.
        bits: per sample: 8, 10 or 12 (up to 16).
        full_range: True: luma 0…2^bits − 1; False: 16…235 at 8 bits, and so many times more with more bits.
        matrix: how RGB is mixed into the planes.
        siting: where chroma samples stand.
    """

    y: NDArray[Any]
    u: NDArray[Any] | None
    v: NDArray[Any] | None
    bits: int = 8
    full_range: bool = False
    matrix: Matrix = "bt601"
    siting: Siting = "left"

    def __post_init__(self) -> None:
        if not 8 <= self.bits <= 16:
            raise SettingError(f"a frame has {self.bits} bits per sample", "8 to 16 are possible")
        wanted = np.dtype(np.uint8 if self.bits == 8 else np.uint16)
        for plane in (self.y, self.u, self.v):
            if plane is not None and (plane.ndim != 2 or plane.dtype != wanted):
                raise SettingError(
                    f"a plane of {self.bits} bits has the shape {plane.shape} and is {plane.dtype}",
                    f"give (height, width), {wanted}",
                )
        if (self.u is None) != (self.v is None):
            raise SettingError("a frame has one plane of chroma", "give both u and v, or none for grey")
        if self.u is not None and self.v is not None:
            made = tuple(-(-side // part) for side, part in zip(self.y.shape, self.sub, strict=True))
            if {self.u.shape, self.v.shape} != {made} or not {*self.sub} <= {1, 2}:
                raise SettingError(
                    f"planes of {self.u.shape} and {self.v.shape} stand beside luma of {self.y.shape}",
                    "chroma is as large as luma (4:4:4), half as wide (4:2:2), or half in both directions (4:2:0)",
                )

    @property
    def size(self) -> Size:
        """Width and height of luma."""
        return Size(int(self.y.shape[1]), int(self.y.shape[0]))

    @property
    def sub(self) -> tuple[int, int]:
        """Rows and columns of luma to one sample of chroma: (2, 2) is 4:2:0, (1, 2) 4:2:2; (1, 1) for grey."""
        if self.u is None:
            return 1, 1
        return round(self.y.shape[0] / self.u.shape[0]), round(self.y.shape[1] / self.u.shape[1])

    @property
    def luma_range(self) -> tuple[int, int]:
        """Samples of luma for black and for white."""
        if self.full_range:
            return 0, (1 << self.bits) - 1
        return 16 << (self.bits - 8), 235 << (self.bits - 8)

    @property
    def top(self) -> int:
        """The largest sample."""
        return (1 << self.bits) - 1

    def with_planes(self, y: NDArray[Any], u: NDArray[Any] | None, v: NDArray[Any] | None) -> Planes:
        """The same kind of frame with other samples."""
        return replace(self, y=y, u=u, v=v)


@dataclass(frozen=True)
class Coloured:
    """One frame in RGB, as picture files hold it; how sequences and animated pictures come and go.

    Attributes:
        pixels: (H, W, C), uint8 or uint16; C is 1 grey, 2 grey + alpha, 3 RGB, 4 RGB + alpha, alpha straight.
        metadata: what else stands in the picture's file.
    """

    pixels: Pixels
    metadata: Metadata = field(default_factory=Metadata)

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or not 1 <= self.pixels.shape[2] <= 4:
            raise SettingError(
                f"a frame has the shape {self.pixels.shape}", "give (height, width, 1 to 4 channels), uint8 or uint16"
            )

    @property
    def size(self) -> Size:
        """Width and height."""
        return Size(int(self.pixels.shape[1]), int(self.pixels.shape[0]))

    @property
    def bits(self) -> int:
        """Bits per sample, 8 or 16."""
        return 8 if self.pixels.dtype == np.uint8 else 16


Frame: TypeAlias = Planes | Coloured
"""What goes through a film's pipeline; what goes in comes out in kind."""
