"""What routes have in common: who asks, which settings, uploads taken and dropped again."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import re
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping
from typing import Any, Final, TypeVar

from fastapi import Request
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from subpixel.web.api import Problem, Settings
from subpixel.web.desk import Client, Desk
from subpixel.web.problems import MEDIA_TYPE, TITLES, Refused, invalid, no_job
from subpixel.web.store import Row
from subpixel.web.upload import Upload, receive

_CLIENT: Final = re.compile(r"[A-Za-z0-9_-]{16,64}")
_SETTINGS: Final = tuple(Settings.model_fields)
_POLL: Final = 0.3
_DRAIN_BYTES: Final = 32_000_000
_DRAIN_SECONDS: Final = 3.0
Answer = TypeVar("Answer")


def desk_of(request: Request) -> Desk:
    """The desk of the server that was asked."""
    desk: Desk = request.app.state.desk
    return desk


def client_of(request: Request) -> Client:
    """Who asks. A page that names itself sees its own jobs; programs see those of their address."""
    peer = request.client.host if request.client is not None else "local"
    with contextlib.suppress(ValueError):
        if ipaddress.ip_address(peer).is_loopback:
            peer = "local"
    named = request.headers.get("subpixel-client", "")
    return Client(owner=named if _CLIENT.fullmatch(named) else f"address {peer}", peer=peer)


async def job_row(request: Request, job_id: str) -> Row:
    """A job by its id.

    Raises:
        Refused: there is none.
    """
    desk = desk_of(request)
    row = await desk.call(desk.store.get, job_id)
    if row is None:
        raise no_job()
    return row


def settings_of(fields: Mapping[str, str], other: Iterable[str] = ()) -> Settings:
    """Settings from fields of a form or query; empty ones count as absent.

    Raises:
        Refused: one that cannot be right, or that does not exist.
    """
    known = set(other)
    given = {name: value for name, value in fields.items() if value != "" and name not in known}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise invalid(error.errors()) from None


@contextlib.asynccontextmanager
async def upload_of(request: Request) -> AsyncIterator[Upload]:
    """A request's upload; its folder is gone afterwards, unless it became a job's.

    Fields of the query are fields, too.

    Raises:
        Refused: as `receive`, or too many uploads at the same time.
    """
    desk = desk_of(request)
    going: Counter[str] = request.app.state.uploads
    peer = client_of(request).peer
    if going.total() >= desk.limits.uploads or going[peer] >= desk.limits.uploads_per_client:
        await drain(request)
        raise Refused("busy", f"{going.total()} uploads are on their way", "send it again soon", retry_after=2)
    going[peer] += 1
    try:
        upload = await receive(request, desk.folder, desk.limits)
    except Refused:
        await drain(request)
        raise
    finally:
        going[peer] -= 1
        if not going[peer]:
            del going[peer]
    try:
        for name, value in request.query_params.items():
            if upload.fields.setdefault(name, value) != value:
                raise Refused("malformed", f"{name} is in the query and in the form", "give it once")
        desk.metrics.uploaded.inc(upload.bytes or 0)
        yield upload
    finally:
        if upload.folder.exists():
            await asyncio.to_thread(desk.folder.drop, upload.folder)


async def drain(request: Request) -> None:
    """Take a little more of a body that is not wanted: clients that are still sending would miss the answer."""

    async def rest() -> None:
        total = 0
        async for chunk in request.stream():
            total += len(chunk)
            if total > _DRAIN_BYTES:
                return

    with contextlib.suppress(TimeoutError, ClientDisconnect, RuntimeError):
        await asyncio.wait_for(rest(), _DRAIN_SECONDS)


async def while_connected(request: Request, work: Coroutine[Any, Any, Answer]) -> Answer:
    """Work that somebody waits for: given up when the connection ends.

    Raises:
        Refused: it ended.
    """
    task = asyncio.ensure_future(work)
    try:
        while True:
            done, _ = await asyncio.wait((task,), timeout=_POLL)
            if done:
                return task.result()
            if await request.is_disconnected():
                raise Refused("cancelled", "the connection ended", "")
    finally:
        if not task.done():
            task.cancel()


def problems(*slugs: str) -> dict[int | str, dict[str, Any]]:
    """Answers that a route may give, for its description; those that every route may give are added."""
    made: dict[int | str, dict[str, Any]] = {}
    body = {"content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}}}
    for slug in (*slugs, "setting", "unauthorised", "host", "origin", "malformed"):
        status, title = TITLES[slug]
        already = made.get(status)
        made[status] = {"description": f"{already['description']}; {title}" if already else title, **body}
        if status == 429:
            made[status]["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds."}}
    return made
