"""Tests that fill a computer by themselves take turns, where several workers run tests side by side.

A browser and a cluster start dozens of processes each. Both at once on two cores have brought Chromium to a standstill.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest


@contextmanager
def taking_turns(folders: pytest.TempPathFactory) -> Iterator[None]:
    """Wait until no other worker is within, and keep others waiting meanwhile."""
    own = folders.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with (shared / "turns.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
