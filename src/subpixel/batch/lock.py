"""One run at a time in a folder of results."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

from subpixel.errors import OutputUnwritable
from subpixel.image.targets import lock_file


class Hold:
    """Keeps other runs away as long as it is held; it ends with the process, however that ends.

    Args:
        path: the file that stands for it; stays.
        root: the folder it is for.

    Raises:
        OutputUnwritable: another run holds it.
        OSError: the file cannot be made.
    """

    def __init__(self, path: Path, root: Path) -> None:
        self._file = path.open("a+b")
        if not lock_file(self._file):
            with contextlib.suppress(OSError):
                self._file.seek(0)
            who = self._file.read(200).decode("utf-8", "replace").strip()
            self._file.close()
            hint = "wait for it, end it, or give another folder with -o"
            raise OutputUnwritable(f"another run{f' ({who})' if who else ''} is at work in {root}", hint)
        self._file.truncate(0)
        self._file.write(f"process {os.getpid()} on {socket.gethostname()}".encode())
        self._file.flush()

    def release(self) -> None:
        """Let other runs in."""
        with contextlib.suppress(OSError):
            self._file.truncate(0)
        self._file.close()
