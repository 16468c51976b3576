"""What a worker may not do: outlive its server, take all of the memory, fill the disk, leave core files behind."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Iterator
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NO_NEW_PRIVS: Final = 38


def give_back() -> None:
    """Give memory that is free back to the system: allocators keep it otherwise, and a worker may rest for long."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)


@contextlib.contextmanager
def room_for_files(most: int) -> Iterator[None]:
    """Let no file become larger than `most` bytes meanwhile; writing more fails as on a full disk."""
    try:
        import resource
    except ImportError:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most if hard < 0 else min(most, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def confine(*, memory: int, file: int, nice: int) -> None:
    """Put limits on this process, as far as the system has them.

    Args:
        memory: bytes of data (Linux) or of address space (elsewhere), 0: no limit. Address space is no measure on
            Linux: engines and allocators reserve far more of it than they use.
        file: bytes of the largest file it may write, 0: no limit.
        nice: how far it stands back behind other processes.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # these may reach all processes; the server says when to end
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):
        os.nice(nice)
    if sys.platform.startswith("linux"):
        with contextlib.suppress(OSError, AttributeError):
            system = ctypes.CDLL(None, use_errno=True)
            system.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            system.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    try:
        import resource
    except ImportError:
        return
    kind = resource.RLIMIT_DATA if sys.platform.startswith("linux") else resource.RLIMIT_AS
    for what, most in ((kind, memory), (resource.RLIMIT_FSIZE, file), (resource.RLIMIT_CORE, -1)):
        if most:
            with contextlib.suppress(OSError, ValueError):
                resource.setrlimit(what, (max(most, 0), max(most, 0)))
