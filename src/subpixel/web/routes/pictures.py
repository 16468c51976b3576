"""Pictures enlarged while the client waits: small ones whole, of others a part."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import FileResponse
from pydantic import ValidationError
from starlette.background import BackgroundTask

from subpixel.web.asking import desk_of, job_row, problems, settings_of, upload_of, while_connected
from subpixel.web.calls import expect
from subpixel.web.messages import Box, Enlarge, Made, Preview
from subpixel.web.names import MEDIA
from subpixel.web.problems import Refused, invalid
from subpixel.web.routes.jobs import body_schema

router = APIRouter(prefix="/v1", tags=["at once"])

_NOW: Final = 120.0
"""Seconds that a picture or preview may take while somebody waits."""
_EXTRA: Final = {"file": {"type": "string", "format": "binary", "description": "The picture."}}
_PART: Final[dict[str, Any]] = {
    "file": {"type": "string", "format": "binary", "description": "The picture or video, unless `job` is given."},
    "job": {"type": "string", "description": "In place of a file: the upload of this job."},
    "x": {"type": "integer", "minimum": 0, "description": "Left edge, in pixels of the source."},
    "y": {"type": "integer", "minimum": 0},
    "w": {"type": "integer", "minimum": 1, "description": "Default: the middle of the picture."},
    "h": {"type": "integer", "minimum": 1},
    "seconds": {"type": "number", "minimum": 0, "description": "Which moment of a video."},
}
_IMAGE: Final[dict[str, Any]] = {
    "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
    "description": "The picture.",
    "headers": {
        "Subpixel-Model": {"schema": {"type": "string"}, "description": "Names of the networks."},
        "Subpixel-Scale": {"schema": {"type": "string"}, "description": "Factor."},
        "Subpixel-Seconds": {"schema": {"type": "string"}, "description": "Wall time of the work."},
    },
}
_ANY_IMAGE: Final = {**_IMAGE, "content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}


def _headers(made: Made) -> dict[str, str]:
    return {
        "Subpixel-Model": " + ".join(made.models) or "resampling",
        "Subpixel-Scale": f"{made.scale:.6g}",
        "Subpixel-Seconds": f"{made.seconds:.3f}",
    }


@router.post(
    "/upscale",
    response_class=FileResponse,
    summary="Make a picture larger at once",
    responses={
        200: _ANY_IMAGE,
        **problems(
            "empty", "truncated", "not-a-picture", "unsupported", "too-large", "busy", "quota", "too-slow", "factor",
            "memory", "time", "stopping", "cancelled",
        ),
    },
    openapi_extra=body_schema(_EXTRA),
)  # fmt: skip
async def upscale(request: Request) -> Response:
    """Answer the enlarged picture itself. For small work: larger pictures and videos go to `POST /v1/jobs`.

    As multipart/form-data with the picture as `file`, or as its bytes with the settings in the query.
    """
    desk = desk_of(request)
    async with contextlib.AsyncExitStack() as stack:
        upload = await stack.enter_async_context(upload_of(request))
        settings = settings_of(upload.fields, _EXTRA)
        looked = await desk.calls.looked(upload, settings)
        pixels = looked.result_width * looked.result_height * looked.frames
        limits = desk.limits
        if looked.kind == "video":
            raise Refused("too-large", "a video is no small work", "send it to POST /v1/jobs", case="now")
        if pixels > limits.now_pixels or looked.seconds > limits.now_seconds:
            raise Refused(
                "too-large",
                f"the result of {looked.result_width}×{looked.result_height} is no small work",
                "send it to POST /v1/jobs",
                case="now",
            )
        output = upload.folder / f"result{looked.suffix}"
        task = Enlarge(
            kind="picture",
            source=str(upload.source),
            output=str(output),
            settings=settings,
            bounds=desk.calls.bounds,
            room=desk.folder.room,
        )
        made = expect(await while_connected(request, desk.calls.now(task, _NOW)), Made)
        kept = stack.pop_all()
    return FileResponse(
        output,
        media_type=MEDIA.get(looked.result_format, "application/octet-stream"),
        headers=_headers(made),
        background=BackgroundTask(kept.aclose),
    )


@router.post(
    "/preview",
    response_class=Response,
    summary="Make a part larger at once",
    responses={
        200: _IMAGE,
        **problems(
            "empty", "truncated", "not-a-picture", "unsupported", "too-large", "busy", "quota", "too-slow", "no-job",
            "factor", "memory", "time", "stopping", "cancelled",
        ),
    },
    openapi_extra=body_schema(_PART),
)  # fmt: skip
async def preview(request: Request) -> Response:
    """A part of a picture as PNG, enlarged as the whole would be, before any job."""
    desk = desk_of(request)
    async with upload_of(request) as upload:
        settings = settings_of(upload.fields, _PART)
        box, seconds = _part(upload.fields)
        job = upload.fields.get("job")
        source, kind = upload.source, None
        if job:
            row = await job_row(request, job)
            source, kind = desk.folder.source(row.id), row.kind
        elif not upload.bytes:
            what = "no file was sent, or one without a byte" if upload.bytes is None else "the file is empty"
            right, case = "send one as the part file, or name a job", "nothing" if upload.bytes is None else ""
            raise Refused("empty", what, right, case=case)
        output = upload.folder / "preview.png"
        task = Preview(
            kind=kind,
            source=str(source),
            output=str(output),
            settings=settings,
            box=box,
            most=desk.limits.view_side,
            seconds=seconds,
            bounds=desk.calls.bounds,
        )
        made = expect(await while_connected(request, desk.calls.now(task, _NOW)), Made)
        data = await asyncio.to_thread(Path(output).read_bytes)
    return Response(data, media_type="image/png", headers=_headers(made))


def _part(fields: Mapping[str, str]) -> tuple[Box | None, float | None]:
    """Which part of which moment.

    Raises:
        Refused: numbers that cannot be right.
    """
    names = {"x": "x", "y": "y", "w": "width", "h": "height"}
    given = {names[name]: fields[name] for name in names if fields.get(name)}
    if given and not {"width", "height"} <= given.keys():
        raise Refused("setting", "a part needs w and h", "give x, y, w and h in pixels of the source")
    try:
        box = Box.model_validate(given) if given else None
        seconds = float(fields["seconds"]) if fields.get("seconds") else None
    except ValidationError as error:
        raise invalid(error.errors()) from None
    except ValueError:
        raise Refused("setting", f"seconds is {fields['seconds'][:40]!r}", "give a number") from None
    if seconds is not None and not 0 <= seconds < 1e7:
        raise Refused("setting", f"seconds is {seconds:g}", "give 0 or more")
    return box, seconds
