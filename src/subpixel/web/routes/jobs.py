"""Jobs: sent, followed, fetched, looked at, cancelled, removed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse, StreamingResponse

from subpixel.web.api import Job, JobId, Jobs, Of, Removed, Settings
from subpixel.web.archive import archive
from subpixel.web.asking import client_of, desk_of, drain, job_row, problems, settings_of, upload_of, while_connected
from subpixel.web.calls import expect
from subpixel.web.desk import Client, Desk
from subpixel.web.events import BEAT
from subpixel.web.messages import Box, Made, View
from subpixel.web.names import MEDIA, result_name
from subpixel.web.problems import Refused, no_job
from subpixel.web.store import Row
from subpixel.web.upload import shown_name

router = APIRouter(prefix="/v1", tags=["jobs"])

_ID: Final = re.compile("[0-9a-f]{32}")
_MOST_LISTED: Final = 2000
_MOST_ZIPPED: Final = 1000
_EVENT: Final = {
    "type": "object",
    "properties": {"event": {"enum": ["job", "removed"]}, "data": {"type": "string"}, "retry": {"type": "integer"}},
}
_STREAM: Final[dict[str, Any]] = {
    "content": {"text/event-stream": {"schema": _EVENT}},
    "description": f"Events `job` (data: a Job) and `removed`; a comment at least every {BEAT:.0f} s.",
}


def _content(media: str, description: str) -> dict[str, Any]:
    return {"content": {media: {"schema": {"type": "string", "format": "binary"}}}, "description": description}


_FILE: Final = {**_content("image/*", "The file."), "content": {kind: {} for kind in ("image/*", "video/*")}}
_EXTRA: Final = {
    "file": {"type": "string", "format": "binary", "description": "The picture or video."},
    "of": {"type": "string", "description": "In place of a file: the upload of this job once more."},
    "name": {"type": "string", "description": "Name to show, where the file brings none."},
    "id": {
        "type": "string",
        "pattern": "^[0-9a-f]{32}$",
        "description": "128 random bits: the job's id. Sent again after an answer was lost, it makes no second job.",
    },
}


def body_schema(extra: dict[str, Any]) -> dict[str, Any]:
    """The body of an upload, for the description."""
    fields = Settings.model_json_schema()["properties"]
    plain = {name: _optional(dict(schema)) for name, schema in fields.items()}
    raw = {"schema": {"type": "string", "format": "binary"}}
    form = {"schema": {"type": "object", "properties": {**extra, **plain}, "additionalProperties": False}}
    return {
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": form, "application/octet-stream": raw},
        }
    }


def _optional(schema: dict[str, Any]) -> dict[str, Any]:
    """Without null, which no form can say."""
    kinds = [one for one in schema.pop("anyOf", []) if one.get("type") != "null"]
    schema.pop("default", None)
    return {**schema, **(kinds[0] if kinds else {})}


@router.post(
    "/jobs",
    status_code=201,
    response_model=Job,
    summary="Send a picture or video to be made larger",
    responses={
        200: {"model": Job, "description": "There is a job of that `id` already: that one."},
        **problems(
            "empty", "truncated", "not-a-picture", "unsupported", "too-large", "too-many", "queue-full", "quota",
            "too-slow", "no-job", "factor", "time", "memory", "stopping",
        ),
    },
    openapi_extra=body_schema(_EXTRA),
)  # fmt: skip
async def send(request: Request, response: Response) -> Job:
    """Take an upload and queue it. Answered as soon as the file is known to be one that can be made larger.

    As multipart/form-data with the file as `file` and the settings as fields, or as the file's bytes with the settings
    in the query.
    """
    desk, client = desk_of(request), client_of(request)
    try:
        await desk.check_queue(client)
    except Refused:
        await drain(request)
        raise
    async with upload_of(request) as upload:
        settings = settings_of(upload.fields, _EXTRA)
        wanted = upload.fields.get("id", "")
        if wanted and (there := await _sent_before(desk, client, wanted)) is not None:
            response.status_code = 200
            return desk.show(there)
        name = upload.name or shown_name(upload.fields.get("name", ""))
        again = upload.fields.get("of")
        if again:
            if upload.bytes is not None:
                raise Refused("setting", "both a file and of were given", "give one of them")
            other = await job_row(request, again)
            try:
                await asyncio.to_thread(desk.folder.copy, other.id, upload.folder)
            except FileNotFoundError:
                raise no_job() from None
            upload.bytes, name = other.bytes, name or other.name
        looked = await desk.calls.looked(upload, settings)
        row = await desk.accept(client, upload, name, settings, looked, wanted)
    job = desk.show(row)
    response.headers["Location"] = job.links.self
    return job


async def _sent_before(desk: Desk, client: Client, wanted: str) -> Row | None:
    """The job that was made of the same upload, where the client did not hear of it.

    Raises:
        Refused: no id, or somebody else's.
    """
    if not _ID.fullmatch(wanted):
        raise Refused("setting", f"id is {wanted[:40]!r}", "give 32 random hexadecimal digits, or leave it out")
    row = await desk.call(desk.store.get, wanted)
    if row is not None and row.owner != client.owner:
        raise Refused("setting", "there is a job of that id already", "give 32 random hexadecimal digits")
    return row


@router.get("/jobs", response_model=Jobs, summary="Jobs of this client, newest first", responses=problems())
async def listed(request: Request) -> Response:
    """Those sent with the same `Subpixel-Client` header, or from the same address where there is none."""
    desk, owner = desk_of(request), client_of(request).owner

    def made() -> bytes:  # in a thread: a thousand jobs take a tenth of a second
        rows = desk.store.of(owner, _MOST_LISTED)
        return Jobs(jobs=tuple(desk.show(row) for row in rows)).model_dump_json().encode()

    return Response(await asyncio.to_thread(made), media_type="application/json")


@router.get(
    "/events",
    response_class=StreamingResponse,
    summary="What happens to them",
    responses={200: _STREAM, **problems("busy")},
)
async def events(request: Request) -> StreamingResponse:
    """All jobs of this client as they are, then each whenever it changes, as server-sent events."""
    desk, client = desk_of(request), client_of(request)

    async def first() -> list[Job]:
        rows = await desk.call(desk.store.of, client.owner, _MOST_LISTED)
        return [desk.show(row) for row in reversed(rows)]

    return _stream(desk, client.peer, desk.events.of_owner(client.peer, client.owner, first))


@router.get("/jobs/{job_id}", summary="One job", responses=problems("no-job"))
async def one(request: Request, job_id: JobId) -> Job:
    """How far it is, and what became of it."""
    return desk_of(request).show(await job_row(request, job_id))


@router.delete("/jobs/{job_id}", summary="Cancel and remove a job", responses=problems("no-job"))
async def remove(request: Request, job_id: JobId) -> Removed:
    """Stop it where it runs, and remove its files."""
    row = await job_row(request, job_id)
    await desk_of(request).remove(row)
    return Removed(id=row.id)


@router.post("/jobs/{job_id}/cancel", summary="Cancel a job", responses=problems("no-job"))
async def cancel(request: Request, job_id: JobId) -> Job:
    """Stop it. Jobs that are over stay as they are."""
    desk = desk_of(request)
    await desk.cancel(await job_row(request, job_id))
    return desk.show(await job_row(request, job_id))


@router.get(
    "/jobs/{job_id}/events",
    response_class=StreamingResponse,
    summary="What happens to a job",
    responses={200: _STREAM, **problems("no-job", "busy")},
)
async def job_events(request: Request, job_id: JobId) -> StreamingResponse:
    """The job as it is, and whenever it changes, until it is over, as server-sent events."""
    desk = desk_of(request)
    await job_row(request, job_id)

    async def first() -> list[Job]:
        row = await desk.call(desk.store.get, job_id)
        return [] if row is None else [desk.show(row)]

    peer = client_of(request).peer
    return _stream(desk, peer, desk.events.of_job(peer, job_id, first))


def _stream(desk: Desk, peer: str, events: AsyncIterator[bytes]) -> StreamingResponse:
    many = desk.events.of(peer)
    if many >= desk.limits.streams_per_client:
        raise Refused("busy", f"{many} streams of events are open already", "close some", retry_after=10)
    return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@router.get(
    "/jobs/{job_id}/result",
    response_class=FileResponse,
    summary="The result",
    responses={200: _FILE, **problems("no-job", "not-finished")},
)
async def result(
    request: Request, job_id: JobId, inline: Annotated[bool, Query(description="Shown, not saved.")] = False
) -> FileResponse:
    """The file. Parts of it can be asked for with Range."""
    row = await job_row(request, job_id)
    path = desk_of(request).folder.result(row.id, row.suffix)
    if row.state != "done" or row.result is None:
        raise not_finished(row)
    if not path.exists():
        raise no_job()
    kind = "inline" if inline else "attachment"
    media = MEDIA.get(row.result.format, "application/octet-stream")
    return FileResponse(path, media_type=media, filename=result_name(row), content_disposition_type=kind)


def not_finished(row: Row) -> Refused:
    """For results that are not there."""
    if row.problem is not None:
        return Refused("not-finished", f"the job failed: {row.problem.detail}", row.problem.right)
    return Refused("not-finished", f"the job is {row.state}", "wait until its state is done")


@router.get(
    "/jobs/{job_id}/source",
    response_class=FileResponse,
    summary="The upload",
    responses={200: _FILE, **problems("no-job")},
)
async def source(request: Request, job_id: JobId) -> FileResponse:
    """The file as it came."""
    row = await job_row(request, job_id)
    path = desk_of(request).folder.source(row.id)
    if not path.exists():
        raise no_job()
    return FileResponse(path, media_type=MEDIA.get(row.format, "application/octet-stream"), filename=row.name)


@router.get(
    "/jobs/{job_id}/view",
    response_class=Response,
    summary="A part of its pictures, to look at",
    responses={
        200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}, "description": "In sRGB."},
        **problems(
            "no-job", "not-finished", "truncated", "unsupported", "busy", "memory", "time", "too-large", "stopping"
        ),
    },
)
async def view(
    request: Request,
    job_id: JobId,
    of: Annotated[Of, Query(description="difference: what the networks added to bicubic, four times.")] = "result",
    x: Annotated[
        int, Query(ge=0, le=10**6, description="In pixels of the source for of=source, else of the result.")
    ] = 0,
    y: Annotated[int, Query(ge=0, le=10**6)] = 0,
    w: Annotated[int | None, Query(ge=1, le=10**6, description="All of it where it is left out.")] = None,
    h: Annotated[int | None, Query(ge=1, le=10**6)] = None,
    width: Annotated[
        int | None, Query(ge=1, le=2048, description="Of the answer at most: reduced, never enlarged.")
    ] = None,
    seconds: Annotated[
        float | None, Query(ge=0, le=10**6, description="Which moment of a video. Default: its middle.")
    ] = None,
    at: Annotated[
        float | None,
        Query(ge=0, le=1, description="The same as a share of its frames: the same frame, whatever is shown of it."),
    ] = None,
) -> Response:
    """A part as PNG, at most 2048 pixels a side, upright, in sRGB."""
    desk = desk_of(request)
    if seconds is not None and at is not None:
        raise Refused("setting", "both seconds and at were given", "give one of them")
    row = await job_row(request, job_id)
    if of != "source" and row.state != "done":
        raise not_finished(row)
    box = Box(x=x, y=y, width=w or 10**6, height=h or 10**6)
    folder = desk.folder.new_incoming()
    try:
        task = View(
            kind=row.kind,
            source=str(desk.folder.source(row.id)),
            result=str(desk.folder.result(row.id, row.suffix)) if row.state == "done" else "",
            output=str(folder / "view.png"),
            of=of,
            box=box,
            width=width,
            most=desk.limits.view_side,
            seconds=seconds,
            at=at,
            bounds=desk.calls.bounds,
        )
        expect(await while_connected(request, desk.calls.looking_at(task)), Made)
        data = await asyncio.to_thread((folder / "view.png").read_bytes)
    finally:
        await asyncio.to_thread(desk.folder.drop, folder)
    return Response(data, media_type="image/png", headers={"Cache-Control": "private, max-age=600"})


@router.get(
    "/zip",
    response_class=StreamingResponse,
    summary="Several results in one file",
    responses={
        200: {
            "content": {"application/zip": {"schema": {"type": "string", "format": "binary"}}},
            "description": "ZIP.",
        },
        **problems("no-job", "not-finished"),
    },
)
async def zipped(
    request: Request,
    ids: Annotated[str, Query(max_length=40_000, description="Ids with commas between.")],
) -> StreamingResponse:
    """Results as a ZIP file, made while it is sent."""
    desk = desk_of(request)
    wanted = [one for one in dict.fromkeys(ids.split(",")) if one]
    if len(wanted) > _MOST_ZIPPED:
        raise Refused("setting", f"{len(wanted)} jobs were named", f"name at most {_MOST_ZIPPED}")
    rows = await desk.call(desk.store.many, wanted)
    if len(rows) < len(wanted) or not rows:
        raise no_job()
    for row in rows:
        if row.state != "done":
            raise not_finished(row)
    files = [(desk.folder.result(row.id, row.suffix), result_name(row)) for row in rows]
    return StreamingResponse(
        archive(files),
        media_type="application/zip",
        headers={"Content-Disposition": 'attachment; filename="subpixel.zip"'},
    )
