"""What the plain formats have in common."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray


class PlainDamaged(ValueError):
    """The file does not follow its format, or ends early."""


class PlainUnsupported(ValueError):
    """A variant of the format that is not read."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a header says.

    Attributes:
        width: pixels.
        height: pixels.
        kind: variant of the format, in the format's own terms.
        bits: bits per pixel (BMP); per sample where 0 (Netpbm).
        most: largest sample (Netpbm).
        start: offset of the samples.
        upside_down: True where the lowest row comes first.
        palette: colours (n, 3) as red, green, blue bytes, one after another; empty where there is none.
        masks: bits of red, green, blue and alpha in a pixel; empty where the order is the usual one.
        dpi: dots per inch, None where the file states none.
        icc: ICC profile.
    """

    width: int
    height: int
    kind: int
    bits: int = 0
    most: int = 255
    start: int = 0
    upside_down: bool = False
    palette: bytes = b""
    masks: tuple[int, ...] = ()
    dpi: tuple[float, float] | None = None
    icc: bytes | None = None


def read_samples(file: BinaryIO, length: int) -> NDArray[np.uint8]:
    """That many bytes as an array that may be written to, or PlainDamaged. No copy is made."""
    samples = np.empty(length, np.uint8)
    read = cast(io.BufferedIOBase, file).readinto(samples.data)
    if read != length:
        raise PlainDamaged(f"{read} bytes of pixels, expected {length}")
    return samples


def read_exactly(file: BinaryIO, length: int) -> bytes:
    """That many bytes, or PlainDamaged."""
    data = file.read(length)
    if len(data) != length:
        raise PlainDamaged(f"{len(data)} bytes of pixels, expected {length}")
    return data
