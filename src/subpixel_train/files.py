"""Files that are whole or not there."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from subpixel.errors import OutputUnwritable


def replace(target: Path, content: bytes) -> None:
    """Write `content` beside `target`, flush it to the disk, and rename it over `target`.

    Whoever reads `target` finds the old content or the new, never a part; a killed process leaves a `.partial` at most.
    """
    with replacing(target) as file:
        file.write(content)


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """As `replace`, for content that is written bit by bit: a file to write to, renamed over `target` at the end.

    Where the body raises, `target` stays as it was.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".partial", dir=target.parent)
        partial = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            partial.chmod(0o644)
            partial.replace(target)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OutputUnwritable(f"cannot write {target}", error.strerror or str(error)) from None
