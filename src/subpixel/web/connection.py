"""Connections that do not ask for anything are closed: whoever holds many open would keep others out."""

from __future__ import annotations

from asyncio import TimerHandle, Transport
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from subpixel.web.problems import MEDIA_TYPE, Refused

_PATIENCE: Final = 20.0
"""Seconds from the beginning of a connection, or the last answer, to the end of the next request's headers."""
_LOOK: Final = 5.0
_MOST: Final = 1000
"""Connections that are open at the same time."""


class Connection(H11Protocol):
    """As uvicorn's own, with an end to waiting for headers."""

    def send_400_response(self, msg: str) -> None:
        """What came is no HTTP."""
        self._refuse(Refused("malformed", "what came is no request of HTTP/1.1", "let your client make it"))

    def _refuse(self, refused: Refused) -> None:
        """Answer before there is a request, and hang up."""
        problem = refused.problem
        body = problem.model_dump_json().encode()
        headers = {
            **refused.headers,
            "Content-Type": MEDIA_TYPE,
            "Content-Length": str(len(body)),
            "Connection": "close",
            "X-Content-Type-Options": "nosniff",
        }
        start = h11.Response(status_code=problem.status, headers=list(headers.items()))
        for event in (start, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]
        """A client is there."""
        super().connection_made(transport)
        self._idle_since = self.loop.time()
        self._timer: TimerHandle | None = self.loop.call_later(_LOOK, self._look)
        if len(self.connections) > _MOST:
            many = f"{len(self.connections) - 1} connections are open"
            self._refuse(Refused("busy", many, "try again soon", retry_after=5))

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        cycle: Any = self.cycle
        now = self.loop.time()
        if cycle is not None and not cycle.response_complete:
            self._idle_since = now
        elif now - self._idle_since > _PATIENCE:
            self.transport.close()
            return
        self._timer = self.loop.call_later(_LOOK, self._look)
