"""The server's app: guard, desk, routes, put together."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from starlette.types import ASGIApp

from subpixel import __version__
from subpixel.web.api import Problem
from subpixel.web.desk import Desk
from subpixel.web.folder import Folder
from subpixel.web.guard import Guard, Sessions
from subpixel.web.limits import Options
from subpixel.web.problems import add_handlers
from subpixel.web.routes import jobs, pictures, service

_ABOUT: Final = (
    "Makes pictures and videos larger and better, on this computer. Errors are RFC 9457 problem details whose `right` "
    "says what would be right."
)


def create_app(options: Options, folder: Folder) -> FastAPI:
    """The app, for any ASGI server; `guarded` is what to serve.

    Args:
        options: how it runs.
        folder: the data folder, held by this server; let go of when the app ends.
    """

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        desk = Desk(options, folder)
        app.state.desk = desk
        await desk.start()
        try:
            yield
        finally:
            await desk.stop()

    app = FastAPI(
        title="subpixel",
        version=__version__,
        description=_ABOUT,
        lifespan=life,
        docs_url=None,
        redoc_url=None,
        servers=[{"url": "/"}],
    )
    app.state.uploads = Counter()  # on their way, by address
    app.state.sessions = Sessions()
    add_handlers(app)
    for room in (jobs, pictures, service):
        app.include_router(room.router)
    service.add_pages(app)
    _describe(app, token=options.token is not None)
    return app


def guarded(app: FastAPI, options: Options) -> ASGIApp:
    """An app behind its guard."""

    def heard(method: str, status: int, seconds: float) -> None:
        desk: Desk | None = getattr(app.state, "desk", None)
        if desk is not None:
            known = method if method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS") else "other"
            desk.metrics.requests.labels(known, str(status)).inc()
            desk.metrics.seconds.observe(seconds)

    return Guard(app, token=options.token, names=options.names, sessions=app.state.sessions, heard=heard)


def _describe(app: FastAPI, *, token: bool) -> None:
    """Add to the interface's description what FastAPI does not know: problems, and the token."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = plain()
            parts = made.setdefault("components", {})
            schemas = parts.setdefault("schemas", {})
            schemas[Problem.__name__] = Problem.model_json_schema()
            for name in ("HTTPValidationError", "ValidationError"):
                schemas.pop(name, None)
            if token:
                parts["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
                made["security"] = [{"token": []}]
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]
