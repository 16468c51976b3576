"""How strongly a file was squeezed, read off what its decoder needs: JPEG's quantisation tables, VP8's quantisers.

The encoder's setting is not stored, but what it led to is. libjpeg scales two standard tables by the quality (ITU-T
T.81 annex K.1; libjpeg's jcparam.c), libwebp maps it to an index of quantisers (libwebp's quant_enc.c): both can be
turned round. Tables of other encoders get the quality whose standard table is nearest, by least squares of logarithms.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from subpixel.types import Chroma, Coding

_ZIGZAG: Final = (
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21,
    28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54,
    47, 55, 62, 63,
)  # fmt: skip
"""Place in an 8×8 block, row by row, of each coefficient in the order of files (T.81 figure A.6)."""

_LUMA: Final = (
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
    87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103, 99,
)  # fmt: skip
"""Steps of luma's coefficients, row by row (T.81 table K.1)."""

_SAMPLING: Final[Mapping[tuple[int, int], Chroma]] = {
    (1, 1): "4:4:4", (2, 1): "4:2:2", (1, 2): "4:4:0", (2, 2): "4:2:0", (4, 1): "4:1:1", (4, 2): "4:1:0",
}  # fmt: skip
"""Luma samples across and down for one of colour."""

_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of frame headers: baseline, progressive, arithmetic and the rest; not of tables that stand between them."""


def luma_steps(quality: int) -> NDArray[np.int64]:
    """Steps that libjpeg quantises luma with at a quality of 1–100, (8, 8), 1–255; rows are vertical frequencies."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    steps: NDArray[np.int64] = np.clip((np.array(_LUMA).reshape(8, 8) * percent + 50) // 100, 1, 255)
    return steps


@cache
def _all_luma_steps() -> NDArray[np.float64]:
    """Logarithms of the steps at every quality, (100, 64)."""
    return np.log([luma_steps(quality).ravel() for quality in range(1, 101)])


def jpeg_quality(steps: NDArray[np.int64]) -> int:
    """The quality on libjpeg's scale whose steps of luma are these, or nearest to these.

    Args:
        steps: (8, 8), at least 1.
    """
    apart = ((_all_luma_steps() - np.log(np.maximum(steps, 1)).ravel()) ** 2).sum(axis=1)
    return int(np.argmin(apart)) + 1


class JpegTables:
    """Collects what a JPEG's marker segments say about its quantisation, one segment after the other."""

    def __init__(self) -> None:
        self._tables: dict[int, NDArray[np.int64]] = {}
        self._frame: tuple[tuple[int, int, int], ...] = ()  # samples across and down, and table, of each component

    def take(self, marker: int, data: bytes) -> None:
        """Look at one segment: `data` is what follows its length. Damaged ones are passed over."""
        if marker == 0xDB:
            self._take_tables(data)
        elif marker in _FRAMES and len(data) >= 6 and len(data) >= 6 + 3 * data[5]:
            parts = (data[6 + 3 * index : 9 + 3 * index] for index in range(data[5]))
            self._frame = tuple((part[1] >> 4, part[1] & 15, part[2]) for part in parts)

    def _take_tables(self, data: bytes) -> None:
        while data:
            deep, number = data[0] >> 4, data[0] & 15
            length = 128 if deep else 64
            if len(data) < 1 + length:
                return
            values = np.frombuffer(data[1 : 1 + length], ">u2" if deep else "u1")
            table = np.empty(64, np.int64)
            table[list(_ZIGZAG)] = values
            self._tables[number] = table.reshape(8, 8)
            data = data[1 + length :]

    def coding(self) -> Coding | None:
        """What the segments said; None where the frame or the table of its luma is missing."""
        if not self._frame or self._frame[0][2] not in self._tables:
            return None
        return Coding("JPEG", jpeg_quality(self._tables[self._frame[0][2]]), self._chroma())

    def _chroma(self) -> Chroma | None:
        if len(self._frame) < 3:
            return "grey"
        (across, down, _), (colour_across, colour_down, _) = self._frame[:2]
        if not colour_across or not colour_down:
            return None
        return _SAMPLING.get((across // colour_across, down // colour_down))


def pillow_coding(tables: Mapping[int, Sequence[int]] | None, layers: Sequence[Sequence[int]] | None) -> Coding | None:
    """What Pillow keeps of an opened JPEG, its attributes ``quantization`` and ``layer``, as a coding.

    Args:
        tables: number of a table → its 64 steps, row by row.
        layers: for each component (id, samples across, samples down, number of its table).
    """
    if tables is None or layers is None:  # no JPEG, or one that was changed since
        return None
    try:
        frame = tuple((int(layer[1]), int(layer[2]), int(layer[3])) for layer in layers)
        steps = np.array(tables[frame[0][2]], np.int64).reshape(8, 8)
    except (TypeError, ValueError, KeyError, IndexError):
        return None
    read = JpegTables()
    read._tables, read._frame = {frame[0][2]: steps}, frame
    return read.coding()


class _Bits:
    """VP8's boolean decoder, for headers: flags and numbers of even odds (RFC 6386, section 7)."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 2
        self._value = int.from_bytes(data[:2], "big")
        self._range = 255
        self._shifted = 0

    def number(self, bits: int) -> int:
        """An unsigned number, most significant bit first; zeros where the data end."""
        made = 0
        for _ in range(bits):
            made = 2 * made + self._bit()
        return made

    def signed(self, bits: int) -> int:
        """A number, then its sign."""
        made = self.number(bits)
        return -made if self._bit() else made

    def _bit(self) -> int:
        split = 1 + (((self._range - 1) * 128) >> 8)
        found = int(self._value >= split << 8)
        if found:
            self._range -= split
            self._value -= split << 8
        else:
            self._range = split
        while self._range < 128:
            self._value <<= 1
            self._range <<= 1
            self._shifted += 1
            if self._shifted == 8:
                self._shifted = 0
                self._value |= self._data[self._at] if self._at < len(self._data) else 0
                self._at += 1
        return found


def vp8_coding(frame: bytes) -> Coding | None:
    """What a WebP's lossy frame tells of its quality.

    Args:
        frame: the first bytes of its VP8 data; 100 are enough.

    Returns:
        The quality on libwebp's scale, from the mean of the quantisers of its segments; None where it is no key frame.
    """
    if len(frame) < 16 or frame[0] & 1 or frame[3:6] != b"\x9d\x01\x2a":
        return None
    bits = _Bits(frame[10:])
    bits.number(2)  # colour space, clamping
    quantisers: list[int] = []
    absolute = False
    if bits.number(1):  # segments
        has_map, has_features = bits.number(1), bits.number(1)
        if has_features:
            absolute = bool(bits.number(1))
            quantisers = [bits.signed(7) if bits.number(1) else 0 for _ in range(4)]
            for _ in range(4):  # strengths of the loop filter
                if bits.number(1):
                    bits.signed(6)
        if has_map:
            for _ in range(3):
                if bits.number(1):
                    bits.number(8)
    bits.number(1 + 6 + 3)  # the loop filter: kind, strength, sharpness
    if bits.number(1) and bits.number(1):
        for _ in range(8):
            if bits.number(1):
                bits.signed(6)
    bits.number(2)  # partitions
    base = bits.number(7)
    if quantisers:
        base = round(sum(one if absolute else base + one for one in quantisers) / len(quantisers))
    return Coding("WebP", webp_quality(base), "4:2:0")


def webp_quality(quantiser: int) -> int:
    """The quality on libwebp's scale, 1–100, that leads to an index of quantisers, 0–127."""
    cube = (1 - min(max(quantiser, 0), 127) / 127) ** 3
    return max(1, round(100 * (cube * 1.5 if cube < 0.5 else (cube + 1) / 2)))
