"""Uploads, taken as they come: counted, then written straight into the data folder, never whole in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import ClientDisconnect, Request

from subpixel.web.folder import SOURCE, Folder, unwritable
from subpixel.web.limits import Limits
from subpixel.web.problems import Refused

_BUFFER: Final = 1 << 20
_FIELD: Final = 2000
"""Bytes of a field that is no file."""
_PARTS: Final = 24
_HEADERS: Final = 8000
_FRAMING: Final = 64_000
"""Bytes of a body that are no file."""
_NAME: Final = 200
_FILE_FIELD: Final = "file"


@dataclass(slots=True)
class Upload:
    """What came.

    Attributes:
        folder: holds the file, named `SOURCE`.
        name: the client's name for it, for showing only; empty where there was none.
        fields: everything else, as text.
        bytes: of the file; None where there was none.
    """

    folder: Path
    name: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    bytes: int | None = None

    @property
    def source(self) -> Path:
        """The file."""
        return self.folder / SOURCE


def shown_name(given: str) -> str:
    """A name for showing: no folders, nothing that does not print, not too long."""
    last = given.replace("\\", "/").rpartition("/")[2]
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in last).strip()[:_NAME]


async def receive(request: Request, folder: Folder, limits: Limits) -> Upload:
    """Take a request's body: multipart/form-data with a part ``file``, or the file's bytes as they are.

    The caller removes `Upload.folder` when it is not needed any more; it is gone where this raises.

    Raises:
        Refused: too large, too slow, cut short, malformed, or no room.
    """
    declared = request.headers.get("content-length", "")
    length = int(declared) if declared.isdecimal() else 0
    _check_size(length, limits, _FRAMING)
    upload = Upload(folder.new_incoming())
    try:
        folder.expect(upload.folder, length)
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        writer = _Writer(upload, folder, limits, declared=length)
        try:
            if kind == b"multipart/form-data":
                await _multipart(request, options.get(b"boundary", b""), writer, limits)
            else:  # whatever it is called: curl calls every body a form
                await _raw(request, writer, limits)
        finally:
            writer.close()
    except BaseException:
        folder.drop(upload.folder)
        raise
    return upload


def _check_size(size: int, limits: Limits, framing: int = 0) -> None:
    if size > limits.upload_bytes + framing:
        raise Refused(
            "too-large",
            f"the upload is larger than {limits.upload_bytes / 1e6:.0f} MB",
            "use a smaller file, or start the server with a larger --upload",
            case="file",
            values={"limit_bytes": limits.upload_bytes},
        )


class _Writer:
    """Counts what comes, and writes it in large pieces, in a thread."""

    def __init__(self, upload: Upload, folder: Folder, limits: Limits, *, declared: int) -> None:
        self.upload, self._folder, self._limits, self._declared = upload, folder, limits, declared
        self._waiting = bytearray()
        self._file: BinaryIO | None = None

    def begin(self, name: str) -> None:
        """A file begins."""
        if self.upload.bytes is not None:
            raise Refused("malformed", "two files were sent", "send one file for each request")
        self.upload.name, self.upload.bytes = shown_name(name), 0

    def take(self, data: bytes) -> None:
        """Some of it came."""
        assert self.upload.bytes is not None
        self.upload.bytes += len(data)
        _check_size(self.upload.bytes, self._limits)
        if self.upload.bytes > self._declared:
            self._folder.expect(self.upload.folder, self.upload.bytes)
        self._waiting += data

    async def settle(self, *, end: bool = False) -> None:
        """Write what is worth it, or all."""
        if self.upload.bytes is None or (len(self._waiting) < _BUFFER and not end):
            return
        piece, self._waiting = bytes(self._waiting), bytearray()
        await asyncio.to_thread(self._write, piece)

    def _write(self, piece: bytes) -> None:
        try:
            if self._file is None:
                self._file = self.upload.source.open("xb")
            self._file.write(piece)
        except OSError as error:
            raise unwritable(error) from None

    def close(self) -> None:
        """Let go of the file."""
        if self._file is not None:
            self._file.close()


async def _chunks(request: Request, limits: Limits) -> AsyncIterator[bytes]:
    """The body as it comes."""
    stream = aiter(request.stream())
    total, started = 0, time.monotonic()
    while True:
        try:
            chunk = await asyncio.wait_for(anext(stream), limits.upload_pause)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise Refused("too-slow", f"nothing came for {limits.upload_pause:.0f} s", "send it again") from None
        except ClientDisconnect:
            cut = "the connection ended in the middle of the upload"
            raise Refused("truncated", cut, "send it again", case="upload") from None
        total += len(chunk)
        _check_size(total, limits, _FRAMING)
        spent = time.monotonic() - started - limits.upload_pause
        if spent > 0 and total < spent * limits.upload_rate:
            raise Refused("too-slow", f"{total} bytes came in {spent + limits.upload_pause:.0f} s", "send it quicker")
        if chunk:
            yield chunk


async def _raw(request: Request, writer: _Writer, limits: Limits) -> None:
    begun = False
    async for chunk in _chunks(request, limits):
        if not begun:
            writer.begin("")
            begun = True
        writer.take(chunk)
        await writer.settle()
    await writer.settle(end=True)


async def _multipart(request: Request, boundary: bytes, writer: _Writer, limits: Limits) -> None:
    if not 0 < len(boundary) <= 200:
        raise Refused("malformed", "the multipart body has no boundary", "let your client make the Content-Type")
    form = _Form(writer)
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": form.part,
            "on_header_field": form.header_name,
            "on_header_value": form.header_value,
            "on_header_end": form.header,
            "on_headers_finished": form.headers_over,
            "on_part_data": form.data,
            "on_part_end": form.part_over,
            "on_end": form.over,
        },
    )
    try:
        async for chunk in _chunks(request, limits):
            parser.write(chunk)
            await writer.settle()
        parser.finalize()
    except FormParserError as error:
        raise Refused("malformed", f"the multipart body cannot be read: {error}", "let your client make it") from None
    if not form.whole:
        raise Refused("malformed", "the multipart body ends before its last boundary", "send it again")
    await writer.settle(end=True)


def _written_by_browsers(name: str) -> str:
    """A file's name, of which browsers write three signs as others."""
    return name.replace("%22", '"').replace("%0D", "\r").replace("%0A", "\n")


class _Form:
    """The parts of a multipart body, one after the other."""

    def __init__(self, writer: _Writer) -> None:
        self._writer = writer
        self._parts = 0
        self._name, self._value, self._disposition, self._size = b"", b"", b"", 0
        self._field: str | None = None
        self._text = bytearray()
        self._is_file = False
        self.whole = False

    def part(self) -> None:
        """A part begins."""
        self._parts += 1
        if self._parts > _PARTS:
            raise Refused("malformed", f"the form has more than {_PARTS} parts", "see /docs for the fields there are")
        self._disposition, self._size, self._text = b"", 0, bytearray()
        self._field, self._is_file = None, False

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > _HEADERS:
            raise Refused("malformed", "a part of the form has too long headers", "let your client make it")

    def header_name(self, data: bytes, start: int, end: int) -> None:
        """Some of a header's name."""
        self._count(end - start)
        self._name += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        """Some of its value."""
        self._count(end - start)
        self._value += data[start:end]

    def header(self) -> None:
        """A header is whole."""
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name, self._value = b"", b""

    def headers_over(self) -> None:
        """The part's content follows."""
        _, options = parse_options_header(self._disposition)
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        name = options.get(b"filename")
        if self._field == _FILE_FIELD:
            self._is_file = True
            self._writer.begin(_written_by_browsers((name or b"").decode("utf-8", "replace")))
        elif name is not None:
            raise Refused("malformed", f"a file was sent as {self._field[:40]!r}", "name its part file")

    def data(self, data: bytes, start: int, end: int) -> None:
        """Some content."""
        if self._is_file:
            self._writer.take(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > _FIELD:
            raise Refused("malformed", f"the field {self._field} is longer than {_FIELD} bytes", "see /docs")

    def part_over(self) -> None:
        """The part is whole."""
        if not self._is_file and self._field:
            if self._field in self._writer.upload.fields:
                raise Refused("malformed", f"the field {self._field[:40]} came twice", "send it once")
            self._writer.upload.fields[self._field] = self._text.decode("utf-8", "replace").strip()

    def over(self) -> None:
        """The last boundary came."""
        self.whole = True
