"""Taking pictures out of archives that may be hostile.

Only regular files that lie directly in the wanted folders and are pictures by their names are written, under their bare
names, into a folder that was made for them. An archive in which any path leads outside, or in which a wanted file is a
link, is refused as a whole.
"""

from __future__ import annotations

import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path, PurePosixPath
from typing import IO, Final

from subpixel.errors import OutputUnwritable, TrainingError
from subpixel_train.fetch.entries import Download
from subpixel_train.fetch.transfer import Progress

SUFFIXES: Final = frozenset({".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
MEMBERS_LIMIT: Final = 200_000
GROWTH_LIMIT: Final = 20
"""Unpacked bytes per byte of the archive; pictures hardly shrink in archives, bombs do."""
_FREE_BYTES: Final = 64 << 20  # that even a small archive may have
_BLOCK: Final = 1 << 20
_DAMAGE: Final = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    LZMAError,
    EOFError,
    NotImplementedError,
    RuntimeError,
    UnicodeDecodeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class _Member:
    path: str
    regular: bool
    folder: bool
    source: tarfile.TarInfo | zipfile.ZipInfo


def unpack(download: Download, archive: Path, wanted: dict[str, Path], progress: Progress) -> dict[str, int]:
    """Write the pictures of some folders of an archive.

    Args:
        download: how it is packed.
        archive: the file.
        wanted: how a folder's path ends inside the archive, as ``"images/train"`` → an existing, empty folder.
        progress: told after every picture: bytes, and None, as the total is not known before.

    Returns:
        Pictures written, by the keys of `wanted`.

    Raises:
        TrainingError: damaged, hostile, or too large when unpacked.
        OutputUnwritable: the disk is full.
    """
    limit = GROWTH_LIMIT * archive.stat().st_size + _FREE_BYTES
    written, done = dict.fromkeys(wanted, 0), 0
    try:
        with _opened(download, archive) as content:
            for count, member in enumerate(content):
                if count >= MEMBERS_LIMIT:
                    raise _hostile(archive, f"it has more than {MEMBERS_LIMIT:,} files")
                path = _checked(archive, member.path)
                key = _folder_of(path, wanted)
                if member.folder or key is None:
                    continue
                if not member.regular:
                    raise _hostile(archive, f"{member.path} is a link or a device")
                done += _write(content.open(member), wanted[key] / path.name, limit - done, archive)
                written[key] += 1
                progress(done, None)
    except (*_DAMAGE, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise TrainingError(f"{archive} is damaged", f"delete it and fetch again ({error})") from None
    return written


def _folder_of(path: PurePosixPath, wanted: dict[str, Path]) -> str | None:
    """Which wanted folder a member lies in, if it is a picture."""
    if path.name.startswith(".") or path.suffix.lower() not in SUFFIXES or "__MACOSX" in path.parts:
        return None
    for key in wanted:
        parts = PurePosixPath(key).parts
        if path.parts[:-1][-len(parts) :] == parts:
            return key
    return None


def _checked(archive: Path, path: str) -> PurePosixPath:
    parts = PurePosixPath(path.replace("\\", "/"))
    if "\x00" in path or parts.is_absolute() or ".." in parts.parts or (parts.parts and ":" in parts.parts[0]):
        raise _hostile(archive, f"a path in it leads outside: {path!r}")
    return parts


def _hostile(archive: Path, why: str) -> TrainingError:
    return TrainingError(f"{archive} is not safe to unpack: {why}", "nothing was unpacked; do not use this file")


def _write(source: IO[bytes], target: Path, limit: int, archive: Path) -> int:
    """Copy one member; bytes are counted as they come, whatever the archive says of sizes."""
    done = 0
    try:
        with source, target.open("xb") as file:
            while block := source.read(_BLOCK):
                done += len(block)
                if done > limit:
                    raise _hostile(archive, f"it unpacks to more than {GROWTH_LIMIT} times its size")
                file.write(block)
    except FileExistsError:
        raise _hostile(archive, f"{target.name} is in it twice") from None
    except OSError as error:
        if error.errno is None:  # not the disk's: what unpacking says of damaged data
            raise
        raise OutputUnwritable(f"cannot write {target}", error.strerror or str(error)) from None
    return done


class _Zip:
    def __init__(self, path: Path) -> None:
        self._file = zipfile.ZipFile(path)

    def __enter__(self) -> _Zip:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[_Member]:
        for info in self._file.infolist():
            mode = info.external_attr >> 16
            regular = not info.is_dir() and stat.S_IFMT(mode) in (0, stat.S_IFREG)
            yield _Member(info.filename, regular, info.is_dir(), info)

    def open(self, member: _Member) -> IO[bytes]:
        assert isinstance(member.source, zipfile.ZipInfo)
        return self._file.open(member.source)


class _Tar:
    def __init__(self, path: Path) -> None:
        self._file = tarfile.open(path, "r:*")  # noqa: SIM115 - closed by __exit__

    def __enter__(self) -> _Tar:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[_Member]:
        for info in self._file:
            yield _Member(info.name, info.isreg(), info.isdir(), info)

    def open(self, member: _Member) -> IO[bytes]:
        assert isinstance(member.source, tarfile.TarInfo)
        source = self._file.extractfile(member.source)
        assert source is not None
        return source


def _opened(download: Download, archive: Path) -> _Zip | _Tar:
    return _Zip(archive) if download.archive == "zip" else _Tar(archive)


def emptied(folder: Path) -> Path:
    """The folder, made anew and empty."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
