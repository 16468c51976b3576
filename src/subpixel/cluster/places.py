"""Folders anywhere: on this computer, in S3, in Google's store, wherever fsspec reaches."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import Any, Final, cast

from subpixel.batch.finding import Filters
from subpixel.errors import DiskFull, OutputUnwritable, PictureMissing, PictureUnreadable, SettingError, SubpixelError
from subpixel.image.formats import FORMATS

_URL: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.\-]+://")
_SUFFIXES: Final = frozenset(suffix for row in FORMATS for suffix in row.suffixes)
_MARKS: Final = ("ETag", "etag", "md5Hash", "content_md5", "checksum", "mtime", "LastModified", "updated", "created")
"""Where the file systems of fsspec keep what changes when a file does, the surest first."""
_PACKAGES: Final = {"s3": "'subpixel[cluster]'", "s3a": "'subpixel[cluster]'", "gs": "gcsfs", "gcs": "gcsfs",
                    "abfs": "adlfs", "az": "adlfs", "sftp": "paramiko", "ssh": "paramiko"}  # fmt: skip
_PIECE: Final = 4_000_000


def is_url(text: str) -> bool:
    """Whether that names a place by its URL, as ``s3://bucket/photos``."""
    return _URL.match(text) is not None


class Address(PurePosixPath):
    """A URL where reports and results want a path: it is shown as it is, and never opened."""

    def __str__(self) -> str:
        text = super().__str__()
        return text.replace(":/", ":///" if text.startswith("file:") else "://", 1)


def shown(url: str) -> Path:
    """A URL for reports and results, whose paths are for people to read here."""
    return cast(Path, Address(url))


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a file is like: another one in its place has another stamp.

    Attributes:
        size: bytes.
        mark: its checksum where the place keeps one, else when it was changed.
    """

    size: int
    mark: str

    @classmethod
    def told(cls, info: dict[str, Any]) -> Stamp:
        """The stamp in what fsspec tells of a file."""
        mark = next((info[key] for key in _MARKS if info.get(key) is not None), "")
        return cls(int(info.get("size") or 0), str(mark))


@dataclass(frozen=True, slots=True)
class Place:
    """A folder by its URL.

    Attributes:
        url: without a slash at its end.
        carried: the nodes do not reach it: what is read and written there goes through this process.
    """

    url: str
    carried: bool = False

    @classmethod
    def of(cls, text: str) -> Place:
        """The place that was typed: a URL, or a folder of this computer, which other nodes may not see."""
        if is_url(text):
            return cls(text.rstrip("/"))
        return cls(f"file://{Path(text).absolute().as_posix()}".rstrip("/"), carried=True)

    @property
    def shown(self) -> str:
        """For people."""
        return self.url.removeprefix("file://") if self.carried else self.url

    def url_of(self, name: str) -> str:
        """The URL of what is in it."""
        return f"{self.url}/{name}"

    def key(self, name: str = "") -> tuple[Any, str]:
        """File system and path for something in it."""
        fs, root = reached(self.url)
        return fs, f"{root.rstrip('/')}/{name}" if name else root

    def path_of(self, name: str) -> Path:
        """The path of what is in it, for people."""
        return Path(f"{self.shown}/{name}") if self.carried else shown(self.url_of(name))

    def stamp(self, name: str) -> Stamp | None:
        """What a file is like; None where there is none.

        Raises:
            SubpixelError: nobody tells.
        """
        fs, path = self.key(name)
        try:
            return Stamp.told(fs.info(path))
        except FileNotFoundError:
            return None
        except Exception as error:
            raise unreadable(self.url_of(name), error) from error

    def read(self, name: str) -> bytes:
        """All of a file."""
        fs, path = self.key(name)
        with reading(self.url_of(name)):
            return cast(bytes, fs.cat_file(path))

    def write(self, name: str, data: bytes) -> None:
        """A small file, which is there whole or not at all."""
        fs, path = self.key(name)
        with writing(self.url_of(name)):
            if _is_local(fs):
                final = Path(path)
                final.parent.mkdir(parents=True, exist_ok=True)
                part = final.with_name(f".{final.name}.{os.getpid()}.partial")
                with part.open("wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(final)
            else:
                make_folder(fs, path)
                fs.pipe_file(path, data)

    def move(self, name: str, to: str) -> None:
        """Give a file another name; what was there is replaced, at once."""
        fs, path = self.key(name)
        _, final = self.key(to)
        with writing(self.url_of(to)):
            if _is_local(fs):
                Path(final).parent.mkdir(parents=True, exist_ok=True)
                Path(path).replace(final)
            elif _is_store(fs):
                fs.cp_file(path, final)
                fs.rm_file(path)
            else:
                make_folder(fs, final)
                fs.mv(path, final)

    def remove(self, name: str) -> None:
        """Remove a file or folder, where it is there."""
        fs, path = self.key(name)
        with contextlib.suppress(Exception):
            fs.rm(path, recursive=True)

    def clear(self, name: str) -> None:
        """Remove a folder if it is empty, and those above it; only file systems have such."""
        fs, path = self.key(name)
        if _is_local(fs):
            with contextlib.suppress(OSError):
                Path(path).rmdir()
                Path(path).parent.rmdir()

    def names(self, name: str = "") -> dict[str, Stamp]:
        """Every file below a folder in it, as its name from there, without those kept for runs."""
        fs, path = self.key(name)
        fs.invalidate_cache()
        try:
            found = fs.find(path, detail=True, withdirs=False)
        except FileNotFoundError:
            return {}
        except Exception as error:
            raise unreadable(self.url_of(name) if name else self.url, error) from error
        start = len(path.rstrip("/")) + 1
        return {key[start:]: Stamp.told(info) for key, info in found.items() if len(key) > start}

    def digest(self, name: str) -> bytes:
        """Hash of a file's bytes, as `subpixel.batch.journal.digest`."""
        fs, path = self.key(name)
        made = blake2b(digest_size=16)
        with reading(self.url_of(name)), fs.open(path, "rb") as file:
            while piece := file.read(_PIECE):
                made.update(piece)
        return made.digest()


@cache
def reached(url: str) -> tuple[Any, str]:
    """File system and path of a URL.

    Raises:
        SettingError: nothing here reaches such a place.
    """
    scheme = url.partition("://")[0].lower()
    needs = f"{scheme}:// needs a package that is not installed"
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise SettingError(needs, "pip install 'subpixel[cluster]'") from error
    try:
        fs, path = url_to_fs(url)
    except ImportError as error:
        raise SettingError(needs, f"pip install {_PACKAGES.get(scheme, 'what fsspec names for it')}") from error
    except ValueError as error:
        hint = "give a folder, or a URL as s3://bucket/folder"
        raise SettingError(f"{url} cannot be reached: nothing knows {scheme}://", hint) from error
    return fs, path


@dataclass(slots=True)
class Listing:
    """The pictures of a place.

    Attributes:
        place: the place.
        filters: which are taken.
        only: this one alone.
        without: a folder of results in it, which is left out.
        films: videos that were met; they are left out.
    """

    place: Place
    filters: Filters = field(default_factory=Filters)
    only: str = ""
    without: str = ""
    films: int = 0

    def __iter__(self) -> Iterator[tuple[str, Stamp]]:
        """Names from the place, with what their files are like; hidden ones are left out.

        Raises:
            PictureError: it cannot be read.
        """
        if self.only:
            stamp = self.place.stamp(self.only)
            if stamp is not None:
                yield self.only, stamp
            return
        fs, root = self.place.key()
        fs.invalidate_cache()
        start = len(root.rstrip("/")) + 1
        with reading(self.place.url):
            if not fs.exists(root):
                raise FileNotFoundError(root)
            for where, folders, files in fs.walk(root, detail=True, on_error="raise"):
                inside = PurePosixPath(where[start:] or ".")
                for name in sorted(folders):
                    path = inside / name
                    hidden = name.startswith(".") or str(path) == self.without
                    if hidden or not self.filters.enters(path):
                        del folders[name]
                for name in sorted(files):
                    path, suffix = inside / name, PurePosixPath(name).suffix.lower()
                    if name.startswith(".") or not name:
                        continue
                    if suffix in _SUFFIXES and self.filters.takes(path):
                        yield str(path), Stamp.told(files[name])
                    elif suffix in _FILMS:
                        self.films += 1


_FILMS: Final = frozenset((".mp4", ".mkv", ".mov", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".wmv", ".m2ts", ".mxf"))


@contextlib.contextmanager
def reading(url: str) -> Iterator[None]:
    """Whatever goes wrong while something is read, as ours."""
    try:
        yield
    except SubpixelError:
        raise
    except Exception as error:
        raise unreadable(url, error) from error


@contextlib.contextmanager
def writing(url: str) -> Iterator[None]:
    """Whatever goes wrong while something is written, as ours."""
    try:
        yield
    except SubpixelError:
        raise
    except Exception as error:
        what, hint = _said(url, error)
        kind = DiskFull if isinstance(error, OSError) and error.errno == 28 else OutputUnwritable
        raise kind(
            f"{_plain(url)} cannot be written: {what}" if what else f"{_plain(url)} cannot be written", hint
        ) from error


def unreadable(url: str, error: Exception) -> SubpixelError:
    """An error met while a URL was read."""
    if isinstance(error, SubpixelError):
        return error
    what, hint = _said(url, error)
    if isinstance(error, FileNotFoundError):
        return PictureMissing(f"{_plain(url)} does not exist", hint)
    return PictureUnreadable(f"{_plain(url)} cannot be read: {what}" if what else f"{_plain(url)} cannot be read", hint)


def _plain(url: str) -> str:
    return url.removeprefix("file://")


def _said(url: str, error: Exception) -> tuple[str, str]:
    """What is wrong, and what to do about it."""
    name, text = type(error).__name__, str(error)
    bucket = re.sub(r"(://[^/]*).*", r"\1", url)
    remote = is_url(url) and not url.startswith("file://")
    if "NoCredentials" in name or "Unable to locate credentials" in text:
        return "there are no credentials", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE"
    if isinstance(error, FileNotFoundError):
        return ("", f"check the name; is there {bucket}?") if remote else ("there is no such folder", "check the name")
    if isinstance(error, PermissionError):
        hint = f"see what these credentials may do in {bucket}" if remote else "see who may write there"
        return "no permission", hint
    if "Connect" in name or "Timeout" in name or isinstance(error, ConnectionError | TimeoutError):
        return "nobody answers", "check the network, and AWS_ENDPOINT_URL for a store that is not Amazon's"
    return f"{name} {text}".strip()[:300], "check the address and what the place says"


def _protocols(fs: Any) -> set[str]:
    return set(fs.protocol) if isinstance(fs.protocol, tuple | list) else {fs.protocol}


def _is_local(fs: Any) -> bool:
    return "file" in _protocols(fs)


def _is_store(fs: Any) -> bool:
    """Whether there are no folders, only names with slashes in them."""
    return bool(_protocols(fs) & {"s3", "s3a", "gs", "gcs", "abfs", "az"})


def make_folder(fs: Any, path: str) -> None:
    """Make the folder that a file goes to, where there are such."""
    if not _is_store(fs):
        fs.makedirs(fs._parent(path), exist_ok=True)
