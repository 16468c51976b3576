"""Turning a picture upright that is too large for memory: by way of the disk."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, cast

import numpy as np
from numpy.typing import NDArray

from subpixel.errors import DiskFull
from subpixel.image.reading import TURNED, turned
from subpixel.types import Pixels, Size

_SIDE: Final = 128
"""Side of a block: rows and columns are both read in pieces of this many pixels."""
_LAST_ROW_FIRST: Final = (3, 4, 7, 8)
"""Orientations whose upright rows, or columns that become rows, begin at the end."""


class Turning:
    """A picture in blocks in a nameless file: its rows come as they are stored, and go as they are to be seen.

    The file is gone when this is closed, or the process ends.

    Args:
        strips: the rows as stored, (rows, width, channels) at a time.
        size: width and height as stored.
        orientation: 1–8, as EXIF counts.
        pixel_bytes: of all channels.
        folder: where the file shall be; None: the system's place for such files.
        name: what to call the picture in messages.

    Raises:
        DiskFull: the disk has no room for it.
        Whatever `strips` raises.
    """

    def __init__(
        self,
        strips: Iterator[Pixels],
        size: Size,
        orientation: int,
        *,
        pixel_bytes: int,
        folder: Path | None,
        name: str,
    ) -> None:
        self._size = size
        self._orientation = orientation
        self._chunk = _SIDE * _SIDE * pixel_bytes
        self._across = -(-size.width // _SIDE)
        self._down = -(-size.height // _SIDE)
        place = Path(tempfile.gettempdir()) if folder is None else folder
        need, free = size.pixels * pixel_bytes, shutil.disk_usage(place).free
        if free < need:
            raise DiskFull(
                f"{name} cannot be turned upright: that takes {need / 1e9:.1f} GB in {place}, "
                f"{free / 1e9:.1f} GB are free",
                "make room there, or turn the picture with another program first",
            )
        self._file = cast(IO[bytes], tempfile.TemporaryFile(dir=place))  # noqa: SIM115 (closed by `close`)
        self._kind: np.dtype[np.uint8] | np.dtype[np.uint16] = np.dtype(np.uint8)
        self._channels = 0
        try:
            self._fill(strips)
        except OSError as error:
            self.close()
            raise DiskFull(f"{name} cannot be turned upright in {place}", error.strerror or str(error)) from error
        except BaseException:
            self.close()
            raise

    def _fill(self, strips: Iterator[Pixels]) -> None:
        waiting: list[Pixels] = []
        count = row = 0
        for strip in strips:
            self._kind, self._channels = strip.dtype, strip.shape[2]
            waiting.append(strip)
            count += len(strip)
            if count >= _SIDE or row * _SIDE + count >= self._size.height:
                band = np.concatenate(waiting)
                while len(band) >= _SIDE or (len(band) and row * _SIDE + len(band) >= self._size.height):
                    self._put(row, band[:_SIDE])
                    band, row = band[_SIDE:], row + 1
                waiting, count = [cast(Pixels, band)], len(band)

    def _put(self, row: int, band: NDArray[np.generic]) -> None:
        for column in range(self._across):
            self._file.seek((row * self._across + column) * self._chunk)
            self._file.write(np.ascontiguousarray(band[:, column * _SIDE : (column + 1) * _SIDE]).data)

    def _block(self, row: int, column: int) -> Pixels:
        height = min(_SIDE, self._size.height - row * _SIDE)
        width = min(_SIDE, self._size.width - column * _SIDE)
        self._file.seek((row * self._across + column) * self._chunk)
        data = self._file.read(height * width * self._channels * self._kind.itemsize)
        return cast(Pixels, np.frombuffer(data, self._kind).reshape(height, width, self._channels))

    def strips(self) -> Iterator[Pixels]:
        """The rows of the upright picture, (rows, width, channels) at a time."""
        lying = self._orientation in TURNED
        parts = range(self._across if lying else self._down)
        for part in reversed(parts) if self._orientation in _LAST_ROW_FIRST else parts:
            if lying:
                strip = np.concatenate([self._block(row, part) for row in range(self._down)])
            else:
                strip = np.concatenate([self._block(part, column) for column in range(self._across)], axis=1)
            yield turned(cast(Pixels, strip)[None], self._orientation)[0]

    def close(self) -> None:
        """Give the disk space back."""
        self._file.close()
