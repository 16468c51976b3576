"""Memory that a thread keeps."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from subpixel.image.kept import LINE, Kept


def test_the_same_memory_by_name() -> None:
    kept = Kept()
    first = kept.array("a", (3, 5))
    assert first.dtype == np.float32
    assert not first.any()
    first[:] = 7
    again = kept.array("a", (2, 4))
    assert np.shares_memory(first, again)
    assert (again == 7).all()
    assert not np.shares_memory(first, kept.array("b", (3, 5)))
    larger = kept.array("a", (30, 50), np.float64)
    assert larger.dtype == np.float64
    assert larger.shape == (30, 50)
    assert (first == 7).all(), "what was got before stays its owner's"


@pytest.mark.parametrize("shape", [(1,), (33, 7), (2, 129, 65)])
def test_it_starts_on_a_cache_line(shape: tuple[int, ...]) -> None:
    assert Kept().array("a", shape).ctypes.data % LINE == 0


def test_every_thread_has_its_own() -> None:
    kept, found = Kept(), []
    mine = kept.array("a", (100,))
    thread = threading.Thread(target=lambda: found.append(kept.array("a", (100,))))
    thread.start()
    thread.join()
    assert not np.shares_memory(mine, found[0])
