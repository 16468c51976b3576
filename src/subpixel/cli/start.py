"""Entry point of the command. Small, so that Ctrl-C is met in order even while everything else is being imported."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

_asked: list[int] = []
"""Signals that asked this program to stop."""


def _stop(number: int, frame: FrameType | None) -> None:
    """SIGTERM, and SIGHUP of a closed terminal, end work as Ctrl-C does: no half-written file stays behind."""
    _asked.append(number)
    raise KeyboardInterrupt


def stop_if_asked() -> None:
    """Raise KeyboardInterrupt (again) where a signal has asked this program to stop.

    Compiled modules met by the interrupt while they are being imported turn it into an ImportError: whoever handles an
    error calls this first.
    """
    if _asked:
        raise KeyboardInterrupt


def main() -> None:
    """Run the command's words and end with its exit code."""
    try:
        for name in ("SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), _stop)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where the shell has it ignored
            signal.signal(signal.SIGINT, _stop)
        # Tiles already keep every core busy; BLAS threads beside them only get in the way.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:  # a file's name, or an arrow, may be more than the terminal can show
                stream.reconfigure(errors="replace")  # type: ignore[union-attr]
        from subpixel.cli.main import invoke

        code = invoke(sys.argv[1:])
    except BaseException as error:
        if not isinstance(error, KeyboardInterrupt) and not _asked:
            raise
        print("subpixel: stopped", file=sys.stderr)
        code = 130
    sys.exit(code)
