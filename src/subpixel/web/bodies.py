"""What goes through between the network and the app: short bodies in, problem details out, whoever made the answer."""

from __future__ import annotations

import asyncio
import json
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Send

from subpixel.web.problems import MEDIA_TYPE, problem_for

UPLOADS: Final = ("/v1/jobs", "/v1/upscale", "/v1/preview")
"""Paths whose bodies are files; `subpixel.web.upload` looks after those."""
_MOST: Final = 64_000
"""Bytes of any other body."""
_PATIENCE: Final = 30.0
"""Seconds until it has to be here."""


def short(receive: Receive) -> Receive:
    """A body that is no file: refused where it is long, or slow to come."""
    taken, whole = 0, False
    ends = asyncio.get_running_loop().time() + _PATIENCE

    async def received() -> Message:
        nonlocal taken, whole
        if whole:
            return await receive()  # tells when the client hangs up
        try:
            async with asyncio.timeout_at(ends):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408, f"the body did not come within {_PATIENCE:.0f} s") from None
        taken += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if taken > _MOST:
            raise HTTPException(413, f"the body is longer than {_MOST} bytes")
        return message

    return received


class Explained:
    """Answers on their way out: errors that came without problem details get them.

    Args:
        send: where they go.
        path: what was asked for.
    """

    def __init__(self, send: Send, path: str) -> None:
        self._send, self._path = send, path
        self._replaced = False

    async def __call__(self, message: Message) -> None:
        """A part of an answer."""
        if message["type"] == "http.response.start":
            status, headers = int(message["status"]), Headers(raw=message["headers"])
            if status >= 400 and not headers.get("content-type", "").startswith(MEDIA_TYPE):
                self._replaced = True
                await self._explain(message, status)
                return
        if not self._replaced:
            await self._send(message)

    async def _explain(self, message: Message, status: int) -> None:
        detail = "there is no such part of the file" if status == 416 else f"{self._path[:200]} cannot be answered so"
        made = problem_for(status, detail)
        body = json.dumps(made.problem.model_dump(), ensure_ascii=False).encode()
        headers = MutableHeaders(scope=message)
        headers["Content-Type"], headers["Content-Length"] = MEDIA_TYPE, str(len(body))
        await self._send(message)
        await self._send({"type": "http.response.body", "body": body, "more_body": False})
