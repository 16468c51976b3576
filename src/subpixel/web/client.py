"""A client of `subpixel serve`.

from subpixel.web.client import Client

with Client("http://127.0.0.1:8765") as client:
    large = client.upscale("photo.jpg", scale=2)          # bytes of the result
    job = client.submit("film.mp4", scale=3)
    client.wait(job, progress=lambda now: print(now.progress))
    client.save(job, "film-x3.mp4")
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, TypeAlias, TypeVar
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ValidationError

from subpixel.errors import OutputExists, SettingError, SubpixelError
from subpixel.web.api import Estimate, Health, Job, Jobs, Models, Of, Problem, Removed, Settings, Sides
from subpixel.web.wrong import what_is_wrong

File: TypeAlias = str | bytes | os.PathLike[str]
"""A file to send, by its path or its bytes."""

_PIECE: Final = 1 << 18
_RETRIES: Final = 60
"""Seconds for which a server that is full is asked again."""
Body = TypeVar("Body", bound=BaseModel)


class ServerProblem(SubpixelError):
    """What the server said was wrong.

    Attributes:
        problem: all of it.
        retry_after: seconds after which it may go well; None where it does not tell.
    """

    def __init__(self, problem: Problem, retry_after: int | None = None) -> None:
        self.problem, self.retry_after = problem, retry_after
        super().__init__(problem.detail, problem.right)

    @property
    def slug(self) -> str:
        """What kind: ``"too-large"``, ``"queue-full"``, …"""
        return self.problem.type.rpartition(":")[2]


class Unreachable(SubpixelError):
    """No server answers there."""


class JobFailed(SubpixelError):
    """A job that is over and has no result.

    Attributes:
        job: the job.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        what = job.problem.detail if job.problem is not None else f"the job was {job.state}"
        super().__init__(what, job.problem.right if job.problem is not None else "")


class Client:
    """Talks to one server. Not for several threads at a time.

    Args:
        address: of the server.
        token: what it wants to see, if it wants that.
        name: 16 to 64 letters and digits: `jobs` are those sent under the same name; None: from the same address.
        timeout: seconds without an answer.
    """

    def __init__(
        self,
        address: str = "http://127.0.0.1:8765",
        *,
        token: str | None = None,
        name: str | None = None,
        timeout: float = 600.0,
    ) -> None:
        parts = urlsplit(address if "://" in address else f"http://{address}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Unreachable(f"the address is {address!r}", "give it as http://127.0.0.1:8765")
        self._address, self._timeout, self._host = address, timeout, parts.netloc
        self._secure, self._base = parts.scheme == "https", parts.path.rstrip("/")
        self._headers = {"Accept": "application/json"}
        if token is not None:
            self._headers["Authorization"] = f"Bearer {token}"
        if name is not None:
            self._headers["Subpixel-Client"] = name
        self._link: http.client.HTTPConnection | None = None

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. The client can be used again."""
        if self._link is not None:
            self._link.close()
            self._link = None

    def health(self) -> Health:
        """Whether the server works."""
        return self._ask(Health, "GET", "/healthz")

    def models(self) -> Models:
        """What there is to choose from."""
        return self._ask(Models, "GET", "/v1/models")

    def estimate(self, width: int, height: int, *, scale: float | None = None, size: str | None = None) -> Estimate:
        """Expected times for a picture of that size."""
        try:
            sides = Sides(width=width, height=height, scale=scale, size=size)
        except ValidationError as error:
            _, what, right = what_is_wrong(error.errors())
            raise SettingError(what, right) from None
        return self._ask(Estimate, "POST", _ESTIMATE, body=sides.model_dump_json().encode())

    def upscale(self, file: File, settings: Settings | None = None, **given: Any) -> bytes:
        """Make a small picture larger at once.

        Args:
            file: the picture.
            settings: how.
            given: the same as keywords: scale or size, model or quality, restore, format.

        Returns:
            The bytes of the result's file.

        Raises:
            ServerProblem: it cannot be done; too large work goes to `submit`.
            Unreachable: no server answers.
        """
        with _opened(file) as (body, length, _):
            answer = self._send("POST", "/v1/upscale", _fields(settings, given), body, length)
            return bytes(answer.read())

    def submit(self, file: File, settings: Settings | None = None, *, name: str | None = None, **given: Any) -> Job:
        """Send a picture or video to be made larger; waits where the server is full.

        Args:
            file: the file.
            settings: how.
            name: to show; None: the file's.
            given: see `upscale`.

        Raises:
            ServerProblem, Unreachable: see `upscale`.
        """
        until = time.monotonic() + _RETRIES
        once = os.urandom(16).hex()  # sent again because an answer was lost, it makes no second job
        while True:
            with _opened(file) as (body, length, own):
                fields = {**_fields(settings, given), "name": name or own, "id": once}
                try:
                    return self._parsed(Job, self._send("POST", "/v1/jobs", fields, body, length))
                except ServerProblem as full:
                    if full.retry_after is None or time.monotonic() + full.retry_after > until:
                        raise
                    patience = full.retry_after
            time.sleep(patience)

    def jobs(self) -> tuple[Job, ...]:
        """Jobs of this client, newest first."""
        return self._ask(Jobs, "GET", "/v1/jobs").jobs

    def job(self, job: Job | str) -> Job:
        """A job as it is now."""
        return self._ask(Job, "GET", f"/v1/jobs/{_id(job)}")

    def cancel(self, job: Job | str) -> Job:
        """Stop a job."""
        return self._ask(Job, "POST", f"/v1/jobs/{_id(job)}/cancel")

    def remove(self, job: Job | str) -> None:
        """Stop a job, and remove its files."""
        self._ask(Removed, "DELETE", f"/v1/jobs/{_id(job)}")

    def follow(self, job: Job | str) -> Iterator[Job]:
        """A job as it is, and whenever it changes, until it is over. Goes on where the connection breaks."""
        broken = 0
        while True:
            try:
                for now in self._events(_id(job)):
                    broken = 0
                    yield now
                    if now.over:
                        return
            except (OSError, http.client.HTTPException, Unreachable):
                broken += 1
                if broken > _RETRIES:
                    raise
            time.sleep(min(1.0, 0.1 * 2**broken))
            now = self.job(job)
            if now.over:
                yield now
                return

    def _events(self, job: str) -> Iterator[Job]:
        answer = self._send("GET", f"/v1/jobs/{job}/events", {}, None, 0)
        try:
            for line in answer:
                if line.startswith(b"data: "):
                    yield Job.model_validate_json(line[6:])
        finally:
            self.close()  # the stream may have no end

    def wait(self, job: Job | str, *, progress: Callable[[Job], None] | None = None) -> Job:
        """Wait until a job is done.

        Raises:
            JobFailed: it failed or was cancelled.
            ServerProblem: there is no such job.
        """
        last: Job | None = None
        for last in self.follow(job):
            if progress is not None:
                progress(last)
        assert last is not None
        if last.state != "done":
            raise JobFailed(last)
        return last

    def result(self, job: Job | str) -> bytes:
        """The bytes of a result's file."""
        return bytes(self._send("GET", f"/v1/jobs/{_id(job)}/result", {}, None, 0).read())

    def save(self, job: Job | str, target: str | os.PathLike[str], *, overwrite: bool = False) -> Path:
        """Write a result to a file, under another name until it is whole.

        Raises:
            OutputExists: it exists, and `overwrite` is False.
        """
        path = Path(target)
        if path.exists() and not overwrite:
            raise OutputExists(f"{path} exists", "use overwrite=True to replace it, or give another name")
        partial = path.with_name(f".{path.name[:40]}-{os.urandom(4).hex()}.partial")
        answer = self._send("GET", f"/v1/jobs/{_id(job)}/result", {}, None, 0)
        try:
            with partial.open("xb") as file:
                while piece := answer.read(_PIECE):
                    file.write(piece)
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)
        return path

    def view(self, job: Job | str, of: Of = "result", **part: int) -> bytes:
        """A part of a job's pictures as PNG; see `GET /v1/jobs/{id}/view` for `part`."""
        fields = {"of": of, **{name: str(value) for name, value in part.items()}}
        return bytes(self._send("GET", f"/v1/jobs/{_id(job)}/view", fields, None, 0).read())

    def _ask(self, kind: type[Body], method: str, path: str, *, body: bytes | None = None) -> Body:
        return self._parsed(kind, self._send(method, path, {}, body, len(body or b"")))

    @staticmethod
    def _parsed(kind: type[Body], answer: http.client.HTTPResponse) -> Body:
        return kind.model_validate_json(answer.read())

    def _send(
        self, method: str, path: str, fields: dict[str, str], body: bytes | BinaryIO | None, length: int
    ) -> http.client.HTTPResponse:
        target = f"{self._base}{path}" + (f"?{urlencode(fields)}" if fields else "")
        headers = dict(self._headers)
        if body is not None:
            headers["Content-Length"] = str(length)
            headers["Content-Type"] = "application/json" if path == _ESTIMATE else "application/octet-stream"
        try:
            answer = self._answer(method, target, body, headers)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise Unreachable(f"{self._address} does not answer: {error}", "start it: subpixel serve") from error
        if answer.status >= 400:
            raise self._problem(answer)
        return answer

    def _answer(
        self, method: str, target: str, body: bytes | BinaryIO | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        """Ask, once more where a connection that was kept has been closed meanwhile."""
        for fresh in (self._link is None, True):
            if self._link is None:
                self._link = (
                    http.client.HTTPSConnection(self._host, timeout=self._timeout, context=ssl.create_default_context())
                    if self._secure
                    else http.client.HTTPConnection(self._host, timeout=self._timeout)
                )
            try:
                try:
                    self._link.request(method, target, body, headers)
                except (BrokenPipeError, ConnectionResetError):
                    if fresh and body is None:
                        raise  # an upload may have been refused before its end: the answer tells
                return self._link.getresponse()
            except (http.client.RemoteDisconnected, ConnectionError):
                self.close()
                if fresh or not (body is None or isinstance(body, bytes) or body.seekable()):
                    raise
                if body is not None and not isinstance(body, bytes):
                    body.seek(0)
        raise AssertionError

    def _problem(self, answer: http.client.HTTPResponse) -> ServerProblem:
        data = answer.read()
        after = answer.headers.get("Retry-After", "")
        try:
            problem = Problem.model_validate_json(data)
        except ValidationError:
            shown = data[:200].decode("utf-8", "replace")
            problem = Problem(type="about:blank", title=answer.reason, status=answer.status, detail=shown)
        self.close()
        return ServerProblem(problem, int(after) if after.isdecimal() else None)


_ESTIMATE: Final = "/v1/estimate"


def _id(job: Job | str) -> str:
    return job if isinstance(job, str) else job.id


def _fields(settings: Settings | None, given: dict[str, Any]) -> dict[str, str]:
    """Settings as fields of a query, checked here first.

    Raises:
        SettingError: settings that cannot be right.
    """
    try:
        made = Settings.model_validate({**(settings.model_dump(exclude_unset=True) if settings else {}), **given})
    except ValidationError as error:
        _, what, right = what_is_wrong(error.errors())
        raise SettingError(what, right) from None
    fields = json.loads(made.model_dump_json(exclude_unset=True, exclude_none=True))
    return {name: str(value) for name, value in fields.items()}


@contextlib.contextmanager
def _opened(file: File) -> Iterator[tuple[bytes | BinaryIO, int, str]]:
    """A file's content, its length, and its name."""
    if isinstance(file, bytes):
        yield file, len(file), ""
        return
    path = Path(file)
    with path.open("rb") as opened:
        yield opened, path.stat().st_size, path.name
