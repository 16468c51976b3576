"""Getting one file over HTTP(S): goes on where it stopped, waits and tries again, notices a file that changed."""

from __future__ import annotations

import contextlib
import http.client
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import IO, Final, Protocol
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError

from subpixel import __version__
from subpixel.errors import OutputUnwritable, TrainingError
from subpixel_train.files import replace

ATTEMPTS: Final = 5
"""In a row without a single new byte, before an address is given up."""
TIMEOUT: Final = 30.0
"""Seconds without an answer or a byte."""
_BLOCK: Final = 1 << 18
_LONGEST_PAUSE: Final = 60.0
_WORTH_WAITING: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_NETWORK: Final = (http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError)
_MARGIN: Final = 64 << 20  # bytes that stay free on the disk


class Progress(Protocol):
    """Told how far a file is."""

    def __call__(self, done: int, total: int | None, /) -> None:
        """`done` of `total` bytes are there; the total may be unknown."""
        ...


class AddressFailed(Exception):
    """An address that does not give the file; another one may."""


class _Broken(Exception):
    """The connection broke, or the server is busy: worth another try.

    Attributes:
        wait: seconds that the server asked for.
    """

    def __init__(self, what: str, wait: float | None = None) -> None:
        super().__init__(what)
        self.wait = wait


class _State(BaseModel):
    """Kept beside a part: what it is a part of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    address: str
    validator: str | None
    total: int | None


class SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows redirections, but not from HTTPS to HTTP, nor to anything else."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The request to the new address."""
        old, new = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if new not in ("http", "https") or (old == "https" and new == "http"):
            raise AddressFailed(f"{req.full_url} redirects to {newurl}, which is not safe")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


@dataclass
class Transfer:
    """One file from one address into `part`, with `part`.json beside it.

    Attributes:
        address: http or https.
        part: what is there so far.
        size: bytes that the file must have, where that is known.
        trusted: True where a digest is known, so that a part may be completed from another server.
        unpacked: bytes that will be needed on the disk beside the file itself, per byte of it.
        progress: told about every block.
        pause: waits so many seconds before another try; told why.
        resumed: True once a part was completed.
    """

    address: str
    part: Path
    size: int | None = None
    trusted: bool = False
    unpacked: float = 0.0
    progress: Progress = field(default=lambda done, total: None)
    pause: Callable[[float, str], None] = field(default=lambda seconds, why: time.sleep(seconds))
    resumed: bool = False

    def run(self) -> None:
        """Fetch what is missing.

        Raises:
            AddressFailed: the address does not give the file; what is there of it is kept.
            TrainingError: the disk is too small.
        """
        if urlsplit(self.address).scheme not in ("http", "https"):
            raise AddressFailed(f"{self.address} is not an address of HTTP or HTTPS")
        failures = 0
        while True:
            before = self._have()
            try:
                return self._once()
            except _Broken as error:
                failures = 1 if self._have() > before else failures + 1
                if failures >= ATTEMPTS:
                    raise AddressFailed(f"{self.address}: {error}, {failures} times in a row") from None
                wait = error.wait if error.wait is not None else 2.0 ** (failures - 1)
                self.pause(min(wait, _LONGEST_PAUSE), str(error))

    def forget(self) -> None:
        """Delete the part: it is of no use."""
        self.part.unlink(missing_ok=True)
        self._state_path.unlink(missing_ok=True)

    @property
    def _state_path(self) -> Path:
        return self.part.with_name(f"{self.part.name}.json")

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _state(self) -> _State | None:
        try:
            return _State.model_validate_json(self._state_path.read_bytes())
        except (OSError, ValidationError):
            return None

    def _once(self) -> None:
        """One request; adds what comes to the part."""
        have, state = self._have(), self._state()
        if self.trusted and have == self.size:
            return
        headers = {"User-Agent": f"subpixel/{__version__}", "Accept-Encoding": "identity"}
        if have and state is not None:
            same = state.address == self.address
            if same and state.validator is not None:
                headers |= {"Range": f"bytes={have}-", "If-Range": state.validator}
            elif self.trusted:
                headers |= {"Range": f"bytes={have}-"}
        if "Range" not in headers:
            have = 0
        with self._open(headers, have) as response:
            if response is None:
                return
            start, total = _extent(response.headers, response.status, have)
            self.resumed = self.resumed or start > 0
            if self.size is not None and total is not None and total != self.size:
                raise AddressFailed(f"{self.address} has {total:,} bytes, expected {self.size:,}")
            if state is not None and start and state.total not in (None, total):
                self.forget()
                raise _Broken("the file changed on the server", 0.0)
            self._check_space(total, start)
            self._save_state(response.headers, total)
            self._receive(response, start, total)

    @contextlib.contextmanager
    def _open(self, headers: dict[str, str], have: int) -> Iterator[http.client.HTTPResponse | None]:
        """The answer; None where the part turns out to be whole."""
        opener = urllib.request.build_opener(SafeRedirects)
        request = urllib.request.Request(self.address, headers=headers)
        try:
            with opener.open(request, timeout=TIMEOUT) as response:
                yield response
        except urllib.error.HTTPError as error:
            with error:
                if error.code == 416 and have:  # nothing lies behind what is there: whole, or of another file
                    if have == _total(error.headers.get("Content-Range")):
                        yield None
                        return
                    self.forget()
                    raise _Broken("the file changed on the server", 0.0) from None
                if error.code in _WORTH_WAITING:
                    raise _Broken(f"the server says {error.code} {error.reason}", _retry_after(error.headers)) from None
                raise AddressFailed(f"{self.address}: the server says {error.code} {error.reason}") from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise AddressFailed(f"{self.address}: {error.reason.verify_message}") from None
            raise _Broken(str(getattr(error.reason, "strerror", None) or error.reason)) from None
        except _NETWORK as error:
            raise _Broken(str(error) or type(error).__name__) from None

    def _check_space(self, total: int | None, start: int) -> None:
        whole = total or self.size or 0
        need = whole - start + int(whole * self.unpacked) + _MARGIN
        free = shutil.disk_usage(self.part.parent).free
        if free < need:
            raise TrainingError(
                f"{self.part.parent} has {free / 1e9:.1f} GB free, and {need / 1e9:.1f} GB are needed",
                "make room, or fetch to another disk with --data",
            )

    def _save_state(self, headers: Message, total: int | None) -> None:
        tag = headers.get("ETag")
        validator = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified")
        state = _State(address=self.address, validator=validator, total=total)
        replace(self._state_path, state.model_dump_json().encode())

    def _receive(self, response: http.client.HTTPResponse, start: int, total: int | None) -> None:
        done = start
        self.progress(done, total)
        with self._written() as file:
            file.truncate(start)
            file.seek(start)
            while done != total:
                block = response.read1(_BLOCK if total is None else min(_BLOCK, total - done))
                if not block:
                    break
                file.write(block)
                done += len(block)
                self.progress(done, total)
        expected = self.size if total is None else total
        if expected is not None and done < expected:
            raise _Broken(f"the connection broke after {done:,} of {expected:,} bytes")

    @contextlib.contextmanager
    def _written(self) -> Iterator[IO[bytes]]:
        try:
            with self.part.open("r+b" if self.part.is_file() else "w+b") as file:
                yield file
        except _NETWORK:
            raise
        except OSError as error:
            raise OutputUnwritable(f"cannot write {self.part}", error.strerror or str(error)) from None


def _extent(headers: Message, status: int, asked: int) -> tuple[int, int | None]:
    """Where the answer starts in the file, and how many bytes the file has.

    Raises:
        _Broken: the server answered with another part than the one that was asked for.
    """
    if status == 206:
        unit = (headers.get("Content-Range") or "").removeprefix("bytes ")
        if unit.partition("-")[0] != str(asked):
            raise _Broken(f"the server sent another part: {unit or 'unknown'}")
        return asked, _total(headers.get("Content-Range"))
    length = headers.get("Content-Length")
    return 0, int(length) if length is not None and length.isdigit() else None


def _total(content_range: str | None) -> int | None:
    """The file's size from `bytes 5-9/10` or `bytes */10`."""
    size = (content_range or "").rpartition("/")[2]
    return int(size) if size.isdigit() else None


def _retry_after(headers: Message) -> float | None:
    seconds = headers.get("Retry-After") or ""
    return float(seconds) if seconds.isdigit() else None
