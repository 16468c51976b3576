"""What there is to choose from, how long it takes, how the server is; its page and its description."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Final

from fastapi import APIRouter, FastAPI, Query, Request, Response
from fastapi.responses import FileResponse, PlainTextResponse
from starlette.staticfiles import StaticFiles

from subpixel import __version__, zoo
from subpixel.web.api import (
    PICTURE_FORMATS,
    VIDEO_FORMATS,
    Estimate,
    Health,
    LimitsShown,
    ModelCard,
    Models,
    Session,
    Sides,
    Worth,
)
from subpixel.web.asking import desk_of, problems
from subpixel.web.calls import expect
from subpixel.web.guard import SESSION_SECONDS, session_cookie
from subpixel.web.messages import Guess, Guessed
from subpixel.web.problems import Refused

router = APIRouter(tags=["server"])

_HERE: Final = Path(__file__).parent.parent
PAGE: Final = _HERE / "page"
REFERENCE: Final = _HERE / "reference"
_FACTORS: Final = (2, 3, 4, 8, 16)


def _cards(speeds: dict[str, float | None]) -> tuple[ModelCard, ...]:
    taken: dict[str, list[Worth]] = {}
    for quality in zoo.QUALITIES:
        for restore in (False, True):
            for name in zoo.default_models(quality, restore=restore).values():
                if quality not in taken.setdefault(name, []):
                    taken[name].append(quality)
    made = []
    for name in zoo.model_names():
        card = zoo.card(name)
        if card.task == zoo.COLOUR:
            continue
        made.append(
            ModelCard(
                name=name,
                title=card.title,
                summary=card.summary,
                family=card.family,
                scales=card.scales,
                kind="luma" if card.colour == "y" else "rgb",
                restore=zoo.restores(name),
                default=name in taken,
                qualities=tuple(taken.get(name, ())),
                licence=card.licence,
                seconds_per_megapixel=speeds.get(name),
            )
        )
    return tuple(made)


@router.get("/v1/models", summary="What there is to choose from", responses=problems())
async def models(request: Request) -> Models:
    """Models, qualities, formats, factors, and what is taken at most."""
    desk = desk_of(request)
    limits = desk.limits
    return Models(
        models=_cards(desk.calls.speeds),
        qualities=zoo.QUALITIES,
        formats=PICTURE_FORMATS,
        video_formats=VIDEO_FORMATS,
        factors=_FACTORS,
        limits=LimitsShown(
            upload_bytes=limits.upload_bytes,
            pixels=limits.pixels,
            result_pixels=limits.result_pixels,
            now_pixels=limits.now_pixels,
            queue=limits.queue,
            jobs_per_client=limits.jobs_per_client,
            keep_hours=limits.keep_seconds / 3600,
        ),
        version=__version__,
        video=find_spec("av") is not None,
    )


async def _estimate(request: Request, sides: Sides) -> Estimate:
    calls = desk_of(request).calls
    guessed = expect(await calls.looking_at(Guess(sides=sides, bounds=calls.bounds)), Guessed)
    return Estimate(width=guessed.width, height=guessed.height, seconds=guessed.seconds, qualities=guessed.qualities)


@router.post(
    "/v1/estimate", summary="Expected times", responses=problems("factor", "too-large", "busy", "time", "stopping")
)
async def estimate(request: Request, sides: Sides) -> Estimate:
    """How long each model and quality would take for a picture of that size, as far as they were measured."""
    return await _estimate(request, sides)


@router.get("/v1/estimate", summary="The same", responses=problems("factor", "too-large", "busy", "time", "stopping"))
async def estimated(request: Request, sides: Annotated[Sides, Query()]) -> Estimate:
    """The same, from a query."""
    return await _estimate(request, sides)


@router.post("/v1/session", summary="A cookie in place of the token, for reading", responses=problems())
async def session(request: Request, response: Response) -> Session:
    """For addresses that a browser opens itself, as downloads and videos, and cannot send a token with."""
    response.headers["Set-Cookie"] = session_cookie(request.app.state.sessions.new())
    return Session(seconds=SESSION_SECONDS)


@router.get("/healthz", summary="Whether the server works", responses=problems())
async def health(request: Request) -> Health:
    """Answered from memory, whatever else is going on."""
    desk = desk_of(request)
    return Health(
        status="ok",
        version=__version__,
        queued=desk.waiting.jobs,
        running=desk.running,
        workers=sum(worker.alive for worker in desk.workers),
    )


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    summary="Figures for Prometheus",
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Figures."},
        **problems(),
    },
)
async def metrics(request: Request) -> Response:
    """Requests, jobs, queue, workers."""
    return Response(desk_of(request).metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")


def add_pages(app: FastAPI) -> None:
    """The page, and the interface's description to read and try, from files of packages: nothing from outside."""
    if PAGE.is_dir():
        app.mount("/page", StaticFiles(directory=PAGE), name="page")
    swagger = find_spec("fastapi_offline")
    assert swagger is not None and swagger.origin is not None
    app.mount("/docs/static/swagger", StaticFiles(directory=Path(swagger.origin).parent / "static"), name="swagger")
    app.mount("/docs/static", StaticFiles(directory=REFERENCE), name="reference")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> FileResponse:
        return FileResponse(REFERENCE / "docs.html", media_type="text/html")

    @app.get("/", include_in_schema=False)
    async def page() -> Response:
        index = PAGE / "index.html"
        if not index.is_file():
            raise Refused("not-found", "this installation has no page", "the interface is described at /docs")
        return FileResponse(index, media_type="text/html")
