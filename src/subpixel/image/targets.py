"""Result files: checked before the work, written beside their place, moved there when they are whole."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, Final

from subpixel.errors import DiskFull, OutputExists, OutputUnwritable, SettingError
from subpixel.image.formats import FORMATS, Format, by_name, by_suffix
from subpixel.types import Size

_NO_LINKS: Final = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}
"""How file systems without hard links (FAT, some network shares) refuse one."""
_SAID: Final = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file would be larger than the system allows",
    errno.ENAMETOOLONG: "the name is too long",
    errno.EACCES: "no permission",
    errno.EPERM: "no permission",
    errno.EROFS: "the disk is read-only",
}
"""What an error of the system means for someone who wants a picture written."""


def choose_format(target: str | Path, format: str | None, fallback: str | None = None) -> Format:
    """The format of a result: by name, else by the target's suffix, else the fallback.

    Raises:
        SettingError: unknown name or suffix, or nothing to tell it from.
    """
    if format is not None:
        return by_name(format)
    suffix = Path(target).suffix
    row = by_suffix(suffix)
    if row is not None:
        return row
    names = ", ".join(row.suffixes[0] for row in FORMATS)
    if suffix:
        raise SettingError(f"{target}: no format goes by {suffix!r}", f"use one of {names}, or --format")
    if fallback is None:
        raise SettingError(f"{target} has no suffix", f"use one of {names}, or --format")
    return by_name(fallback)


def check_target(
    target: str | Path,
    *,
    format: str | None = None,
    size: Size | None = None,
    lossless: bool | None = None,
    overwrite: bool = False,
) -> str:
    """Find out before the work whether a result could be written.

    Args:
        target: where it shall go.
        format: name of a format; without it, the target's suffix decides.
        size: width and height of the result, where known.
        lossless: what will be asked of the format.
        overwrite: whether an existing file may be replaced.

    Returns:
        Name of the format.

    Raises:
        SettingError: unknown format, or one that cannot be lossless.
        OutputExists: the target exists, and `overwrite` is False.
        OutputUnwritable: a folder, no such folder, no permission, name too long, or too large for the format.
    """
    row = choose_format(target, format)
    check_coding(row, lossless)
    place(target, overwrite)
    if size is not None:
        check_size(row, size, target)
    return row.name


def check_coding(row: Format, lossless: bool | None) -> None:
    """Raise SettingError where the format cannot be coded as asked."""
    if lossless and row.coding == "lossy":
        raise SettingError(f"{row.title} cannot be lossless", "write PNG, TIFF, WebP or AVIF")


def check_size(row: Format, size: Size, target: str | Path) -> None:
    """Raise OutputUnwritable where the format cannot hold the size."""
    if max(size.width, size.height) > row.max_side:
        able = [other.suffixes[0] for other in FORMATS if other.max_side >= max(size.width, size.height)]
        raise OutputUnwritable(
            f"{target}: {row.title} holds at most {row.max_side} pixels a side, the result is {size}",
            f"write {' or '.join(able)} instead" if able else "ask for a smaller result",
        )


def place(target: str | Path, overwrite: bool) -> Path:
    """The file to write: a link is followed, so that it goes on pointing at the result. Raises as `check_target`."""
    path = Path(target)
    try:
        real = Path(os.path.realpath(path)) if path.is_symlink() else path
        if real.is_dir():
            raise OutputUnwritable(f"{target} is a folder", "give a file name")
        if real.exists() and not real.is_file():
            raise OutputUnwritable(f"{target} is not a regular file", "give a file name")
        if real.exists() and not overwrite:
            raise OutputExists(f"{target} exists", "use --overwrite to replace it, or -o for another name")
        if not real.parent.is_dir():
            raise OutputUnwritable(f"{target} cannot be written", f"there is no folder {real.parent}")
        if not real.name:
            raise OutputUnwritable(f"{target} is not a file name", "give a file name")
        _check_name(real)
        if not os.access(real.parent, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
            raise OutputUnwritable(f"{target} cannot be written", f"no permission to write in {real.parent}")
    except (OSError, ValueError) as error:
        raise unwritable(target, error) from error
    return real


def _check_name(path: Path) -> None:
    """Ask the file system about a name that may be too long for it: `exists` answers no to such a name."""
    try:
        path.lstat()
    except FileNotFoundError:
        return


def unwritable(target: str | Path, error: OSError | ValueError) -> OutputUnwritable:
    """The error of the system in one line."""
    if not isinstance(error, OSError):
        return OutputUnwritable(f"{target} cannot be written", str(error))
    shown = f"{str(target)[:60]}…" if error.errno == errno.ENAMETOOLONG else str(target)
    said = _SAID.get(error.errno or 0) or error.strerror or str(error)
    kind = DiskFull if error.errno in (errno.ENOSPC, errno.EDQUOT) else OutputUnwritable
    return kind(f"{shown} cannot be written", said)


@dataclass(frozen=True, slots=True)
class Partial:
    """A file beside the target that becomes the target when it is whole.

    Attributes:
        path: where it is.
        file: open for reading and writing.
    """

    path: Path
    file: BinaryIO


@contextlib.contextmanager
def partial(final: Path) -> Iterator[Partial]:
    """A new file in the folder of `final`, named ``.NAME-….partial``; it is gone afterwards, whatever happens."""
    stem = final.name.encode("utf-8", "surrogateescape")[:40].decode("utf-8", "ignore")
    path = final.with_name(f".{stem}-{os.urandom(4).hex()}.partial")
    handle: BinaryIO | None = None
    try:
        handle = path.open("x+b")
        lock_file(handle)
        yield Partial(path, handle)
    finally:
        if handle is not None:
            with contextlib.suppress(OSError):  # what could not be flushed to a full disk is thrown away anyway
                handle.close()
        with contextlib.suppress(OSError):
            path.unlink()


def lock_file(handle: IO[bytes]) -> bool:
    """Lock an open file for this process, and tell whether it is ours: False where another one holds it.

    Locks end with the process, however it ends. Where the system has none (Windows, some network shares) every file is
    ours.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


_LEFT: Final = re.compile(r"\..*-[0-9a-f]{8}\.partial")


def sweep(folder: Path) -> int:
    """Remove what killed processes left of files in the making; returns how many there were."""
    count = 0
    with contextlib.suppress(OSError):
        for path in [Path(entry.path) for entry in os.scandir(folder) if _LEFT.fullmatch(entry.name)]:
            with contextlib.suppress(OSError), path.open("r+b") as handle:
                if lock_file(handle):  # another process is not at work on it
                    path.unlink()
                    count += 1
    return count


def settle(made: Partial, final: Path, target: str | Path, overwrite: bool) -> None:
    """Bring a whole file to the disk and to its name. Never replaces a file that came up meanwhile unasked.

    Raises:
        OutputExists: the target came up meanwhile, and `overwrite` is False.
        OSError: the disk is full, or the like.
    """
    made.file.flush()
    os.fsync(made.file.fileno())
    made.file.close()
    if overwrite:
        made.path.replace(final)
    else:
        try:
            os.link(made.path, final)  # unlike a rename, fails where the name is taken
        except FileExistsError as error:
            raise OutputExists(
                f"{target} exists", "it came up during the work; use --overwrite to replace it"
            ) from error
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _rename_new(made.path, final, target)
    _sync_folder(final.parent)


def _came_up(target: str | Path) -> OutputExists:
    return OutputExists(f"{target} exists", "it came up during the work; use --overwrite to replace it")


def _rename_new(path: Path, final: Path, target: str | Path) -> None:
    """Rename without hard links: take the name first, exclusively, then replace the empty file."""
    try:
        final.open("xb").close()
    except FileExistsError as error:
        raise _came_up(target) from error
    path.replace(final)


def _sync_folder(folder: Path) -> None:
    """Make the new name itself last; where folders cannot be opened (Windows) the system sees to it."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
