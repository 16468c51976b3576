"""Memory that a thread keeps from one piece of work to the next.

Fresh memory costs twice: the system gives it page by page, cleared, at the first touch, which for large arrays takes as
long as the arithmetic; and numpy's large arrays start 16 bytes behind a cache line, where adding two of them takes
twice as long as where the result is on one.
"""

from __future__ import annotations

import math
import threading
from typing import Any, Final

import numpy as np
from numpy.typing import DTypeLike, NDArray

LINE: Final = 64
"""Bytes of a cache line, and of the widest registers."""


class Kept(threading.local):
    """Arrays by name, one of each name for every thread; they grow as wanted and end with the thread."""

    def __init__(self) -> None:
        self._memory: dict[str, NDArray[np.uint8]] = {}

    def array(self, name: str, shape: tuple[int, ...], dtype: DTypeLike = np.float32) -> NDArray[Any]:
        """Memory of that name, which holds what was left in it.

        It is the same memory each time: what was got before under the name is overwritten.

        Args:
            name: what it is for.
            shape: of the array.
            dtype: of its items.
        """
        kind = np.dtype(dtype)
        size = math.prod(shape) * kind.itemsize
        kept = self._memory.get(name)
        if kept is None or kept.size < size:
            fresh = np.zeros(size + LINE, np.uint8)
            start = -fresh.ctypes.data % LINE
            kept = self._memory[name] = fresh[start : start + size]
        return kept[:size].view(kind).reshape(shape)
