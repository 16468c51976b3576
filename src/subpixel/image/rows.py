"""Pictures that libvips reads while their rows are still being made.

A saver of libvips asks for rows when it wants them, and its only door for pixels that come later is a file that it
reads itself. So the rows go to it as the plainest of files, a TIFF without compression, of which only that much exists
at a time as was made and has not been read yet.
"""

from __future__ import annotations

import os
import struct
import sys
from collections import deque
from threading import Condition
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike

from subpixel.image.libvips import vips
from subpixel.types import Pixels, Size

_STRIP_ROWS: Final = 16
"""Rows that libvips reads at a time."""
_WAITING_BYTES: Final = 16_000_000
"""Rows may wait up to so many bytes; then whoever makes them waits."""
_POLL_S: Final = 0.1

_SHORT, _LONG, _LONG8 = 3, 4, 16
_CODES: Final = {_SHORT: "H", _LONG: "I", _LONG8: "Q"}


class RowsEnded(Exception):
    """Nobody reads any more."""


class Rows:
    """The rows of one picture on their way to libvips, in order and each once.

    One thread calls `put`, libvips reads `image` in another.

    Args:
        size: of the picture.
        channels: 1 grey, 2 grey + alpha, 3 RGB, 4 RGB + alpha.
        dtype: uint8 or uint16.

    Attributes:
        image: the picture, for one pass from top to bottom.
    """

    def __init__(self, size: Size, channels: int, dtype: DTypeLike) -> None:
        kind = np.dtype(dtype)
        self._head = _header(size, channels, kind.itemsize)
        self._length = len(self._head) + size.pixels * channels * kind.itemsize
        self._position = 0
        self._data = len(self._head)  # where in the file the first of the waiting bytes stands
        self._waiting: deque[memoryview] = deque()
        self._held = 0
        self._change = Condition()
        self._opening = True
        self._ended = False
        self._source = source = vips().SourceCustom()  # kept: libvips knows it, but does not keep our functions
        source.on_read(self._read)
        source.on_seek(self._seek)
        self.image: Any = vips().Operation.call("tiffload_source", source, access="sequential", unlimited=True)
        self._opening = False

    def put(self, rows: Pixels) -> None:
        """Hand over the next rows, (n, width, channels), C-contiguous; they must not change afterwards.

        Waits while many rows have not been read yet.

        Raises:
            RowsEnded: they are not wanted any more.
        """
        data = rows.reshape(-1).view(np.uint8).data
        with self._change:
            while self._held > _WAITING_BYTES and not self._ended:
                self._change.wait(_POLL_S)  # with a limit, so that Ctrl-C is heard on every system
            if self._ended:
                raise RowsEnded
            self._waiting.append(data)
            self._held += len(data)
            self._change.notify_all()

    def end(self) -> None:
        """No more rows come, or are wanted."""
        with self._change:
            self._ended = True
            self._waiting.clear()
            self._held = 0
            self._change.notify_all()

    def _read(self, length: int) -> bytes | None:
        """The next bytes of the file, all of `length` where the file has as many: libtiff does not ask twice."""
        with self._change:
            length = min(length, self._length - self._position)
            if self._position < len(self._head):
                part = self._head[self._position : self._position + length]
            elif self._opening or self._position != self._data:
                return None
            else:
                while self._held < length and not self._ended:
                    self._change.wait(_POLL_S)
                if self._held < length:
                    return None
                part = self._take(length)
            self._position += len(part)
            return part

    def _take(self, length: int) -> bytes:
        parts = []
        left = length
        while left:
            first = self._waiting.popleft()
            parts.append(first[:left])
            if len(first) > left:
                self._waiting.appendleft(first[left:])
            left -= len(parts[-1])
        self._held -= length
        self._data += length
        self._change.notify_all()
        return b"".join(parts)

    def _seek(self, offset: int, whence: int) -> int:
        with self._change:
            self._position = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence] + offset
            return self._position


def _header(size: Size, channels: int, sample_bytes: int) -> bytes:
    """All of a TIFF (with 64-bit offsets) that stands before its pixels."""
    line = size.width * channels * sample_bytes
    lengths = [min(_STRIP_ROWS, size.height - row) * line for row in range(0, size.height, _STRIP_ROWS)]
    fields: list[tuple[int, int, list[int]]] = [
        (256, _LONG, [size.width]),
        (257, _LONG, [size.height]),
        (258, _SHORT, [8 * sample_bytes] * channels),
        (259, _SHORT, [1]),  # no compression
        (262, _SHORT, [1 if channels < 3 else 2]),  # grey, from black up, or RGB
        (273, _LONG8, lengths),  # their places, below
        (277, _SHORT, [channels]),
        (278, _LONG, [_STRIP_ROWS]),
        (279, _LONG8, lengths),
        (284, _SHORT, [1]),  # samples of a pixel stand together
    ]
    if channels in (2, 4):
        fields.append((338, _SHORT, [2]))  # alpha, colour not multiplied by it
    directory = 16 + 8 + 20 * len(fields) + 8
    first = directory + sum(_stored(kind, values) for _, kind, values in fields)
    entries, outside = b"", b""
    places = [first + row * _STRIP_ROWS * line for row in range(len(lengths))]
    for tag, kind, noted in fields:
        values = places if tag == 273 else noted
        packed = struct.pack(f"={len(values)}{_CODES[kind]}", *values)
        if len(packed) > 8:
            place = struct.pack("=Q", directory + len(outside))
            outside += packed.ljust(_stored(kind, values), b"\0")
        else:
            place = packed.ljust(8, b"\0")
        entries += struct.pack("=HHQ", tag, kind, len(values)) + place
    order = b"II" if sys.byteorder == "little" else b"MM"
    start = order + struct.pack("=HHHQ", 43, 8, 0, 16) + struct.pack("=Q", len(fields))
    return start + entries + struct.pack("=Q", 0) + outside


def _stored(kind: int, values: list[int]) -> int:
    """Bytes that a field's values take outside of its entry, up to the next multiple of 8."""
    length = struct.calcsize(f"={len(values)}{_CODES[kind]}")
    return -(-length // 8) * 8 if length > 8 else 0
