"""Everything that can be wrong with a request, as RFC 9457 problem details."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from subpixel.web.api import JobProblem, Problem, Values
from subpixel.web.messages import Failed
from subpixel.web.wrong import what_is_wrong

MEDIA_TYPE: Final = "application/problem+json"
_URN: Final = "urn:subpixel:problem:"

TITLES: Final[Mapping[str, tuple[int, str]]] = {
    "setting": (422, "A setting that cannot be right"),
    "factor": (422, "A factor that is not possible"),
    "unknown-model": (422, "No such model"),
    "unknown-format": (422, "No such format"),
    "not-found": (404, "Nothing there"),
    "no-job": (404, "No such job"),
    "not-finished": (409, "The job has not finished"),
    "method": (405, "Not that way"),
    "empty": (422, "An empty file"),
    "truncated": (422, "A damaged or truncated file"),
    "not-a-picture": (415, "Neither a picture nor a video"),
    "unsupported": (415, "A kind of file that is not read"),
    "malformed": (400, "A request that cannot be read"),
    "too-large": (413, "Too large"),
    "too-many": (429, "Too many jobs"),
    "queue-full": (429, "The queue is full"),
    "busy": (429, "Busy"),
    "quota": (507, "No room on the disk"),
    "unauthorised": (401, "A token is needed"),
    "host": (421, "Not the name of this server"),
    "origin": (403, "From another page"),
    "too-slow": (408, "The upload stopped"),
    "range": (416, "No such part"),
    "not-acceptable": (406, "Not in that form"),
    "memory": (507, "More memory than a job may have"),
    "time": (504, "More time than a job may have"),
    "crashed": (422, "The file brought its decoder down"),
    "cancelled": (409, "Cancelled"),
    "stopping": (503, "The server is being stopped"),
    "internal": (500, "A fault of the server"),
}
"""Slug → status and title. Slugs are part of the interface."""

CASES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "empty": {"": (), "nothing": ()},
    "truncated": {"": (), "upload": ()},
    "unsupported": {"": (), "video": ()},
    "too-large": {
        "": (),
        "file": ("limit_bytes",),
        "picture": ("limit_pixels",),
        "result": ("width", "height", "limit_pixels", "factor"),
        "side": ("format", "limit"),
        "now": (),
    },
    "unknown-model": {"": ("model",)},
    "unknown-format": {"": ("format",)},
    "too-many": {"": ("many",)},
    "queue-full": {"": ("many",)},
    "quota": {"": (), "used": ("used_bytes", "limit_bytes"), "disk": (), "result": ()},
    "memory": {"": (), "limit": ("limit_bytes",)},
    "time": {"": ("seconds",)},
    "crashed": {"": (), "server": ("many",)},
}
"""Slug → its cases, with the values that each has. Slugs that are not here have one case without values."""


class Refused(Exception):
    """A request that is answered with a problem.

    Args:
        slug: one of `TITLES`.
        detail: what is wrong, with the value.
        right: what would be right, or what to do next.
        retry_after: seconds after which it may go well.
        status: where it is not that of `TITLES`.
        case: one of `CASES`.
        values: of that case.
    """

    def __init__(
        self,
        slug: str,
        detail: str,
        right: str = "",
        *,
        retry_after: int | None = None,
        status: int | None = None,
        case: str = "",
        values: Values | None = None,
    ) -> None:
        self.slug, self.detail, self.right, self.retry_after = slug, detail, right, retry_after
        self._status, self._case, self._values = status, case, values or {}
        super().__init__(f"{detail}: {right}" if right else detail)

    @classmethod
    def from_worker(cls, failed: Failed) -> Refused:
        """What a worker said."""
        slug = failed.slug if failed.slug in TITLES else "internal"
        return cls(slug, failed.detail, failed.right, case=failed.case, values=failed.values)

    @property
    def problem(self) -> Problem:
        """As the body of an answer."""
        status, title = TITLES[self.slug]
        return Problem(
            type=_URN + self.slug,
            title=title,
            status=self._status or status,
            detail=self.detail,
            right=self.right,
            case=self._case,
            values=self._values,
        )

    @property
    def failed(self) -> Failed:
        """As a worker would say it."""
        return Failed(slug=self.slug, detail=self.detail, right=self.right, case=self._case, values=self._values)

    @property
    def job_problem(self) -> JobProblem:
        """As the end of a job."""
        problem = self.problem
        return JobProblem.model_validate(problem.model_dump(exclude={"status"}))

    @property
    def headers(self) -> dict[str, str]:
        """Of the answer."""
        headers = {"Cache-Control": "no-store"}
        if self.retry_after is not None:
            headers["Retry-After"] = str(self.retry_after)
        if self.slug == "unauthorised":
            headers["WWW-Authenticate"] = 'Bearer realm="subpixel"'
        return headers

    def answer(self) -> JSONResponse:
        """The answer."""
        problem = self.problem
        return JSONResponse(problem.model_dump(), problem.status, self.headers, MEDIA_TYPE)


def add_handlers(app: FastAPI) -> None:
    """Let every error of an app become a problem."""
    app.add_exception_handler(Refused, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


def invalid(errors: Sequence[Mapping[str, Any]]) -> Refused:
    """The problem of values that do not fit their model, from what pydantic says of them."""
    return Refused(*what_is_wrong(errors))


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    return error.answer()


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    if any(part == "job_id" for part in error.errors()[0]["loc"]):
        return no_job().answer()
    return invalid(error.errors()).answer()


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        answer = Refused("method", f"{request.method} is not for {request.url.path}", "see /docs").answer()
        answer.headers.update(error.headers or {})
        return answer
    if error.status_code == 404:
        return Refused("not-found", f"there is nothing at {request.url.path[:200]}", "see /docs").answer()
    return problem_for(error.status_code, str(error.detail)).answer()


async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    return Refused("internal", "the server met an error that nobody foresaw", "its log tells more").answer()


def problem_for(status: int, detail: str) -> Refused:
    """An error that something below has found, as a problem."""
    slug, right = {
        408: ("too-slow", "send it again"),
        413: ("too-large", "see /docs for what is expected"),
        416: ("range", "ask for a part within what Content-Range says"),
        400: ("malformed", "see /docs"),
        404: ("not-found", "see /docs"),
    }.get(status, ("malformed" if status < 500 else "internal", "see /docs"))
    return Refused(slug, detail, right, status=status)


def no_job() -> Refused:
    """For ids that belong to nothing."""
    return Refused(
        "no-job",
        "there is no job of that id",
        "it was removed, or its time is over: GET /v1/jobs lists those there are",
    )
