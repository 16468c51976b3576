"""Who may ask: the first thing every request meets, before anything of it is believed.

- Host: addresses and names that this server goes by. A page of somebody else's whose name was made to point here (DNS
  rebinding) sends its own name, and is refused.
- Origin: what changes anything is taken from this server's own page, or from programs, which send none.
- Token, where there is one: for everything but the page's own files, which hold nothing.
"""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import time
from collections.abc import Callable
from http.cookies import CookieError, SimpleCookie
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from subpixel.web.bodies import UPLOADS, Explained, short
from subpixel.web.problems import Refused

SESSION_SECONDS: Final = 12 * 3600
_COOKIE: Final = "subpixel-session"
_SESSIONS: Final = 1000
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_OPEN: Final = ("/", "/docs", "/favicon.ico")
_OPEN_UNDER: Final = ("/page/", "/docs/static/")

PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
DOCS_POLICY: Final = PAGE_POLICY.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
_FILE_POLICY: Final = "default-src 'none'; frame-ancestors 'none'; sandbox"


class Sessions:
    """Cookies that stand for the token where a browser opens an address itself. For reading alone."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def new(self) -> str:
        """A new one."""
        now = time.monotonic()
        self._until = {one: until for one, until in self._until.items() if until > now}
        while len(self._until) >= _SESSIONS:
            self._until.pop(next(iter(self._until)))
        made = secrets.token_urlsafe(24)
        self._until[made] = now + SESSION_SECONDS
        return made

    def knows(self, given: str) -> bool:
        """True for one that was made here and is not over."""
        return self._until.get(given, 0.0) > time.monotonic()


class Guard:
    """The first of all layers.

    Args:
        app: what it guards.
        token: what requests have to show; None: nothing.
        names: names that this server goes by, besides its addresses and localhost.
        sessions: cookies that stand for the token.
        heard: told of every answer: method, status, seconds until its first byte.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        token: str | None,
        names: tuple[str, ...],
        sessions: Sessions,
        heard: Callable[[str, int, float], None],
    ) -> None:
        self._app, self._token, self._sessions, self._heard = app, token, sessions, heard
        self._names = {name.lower().rstrip(".") for name in ("localhost", *names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        started, method, path = time.perf_counter(), str(scope["method"]), str(scope["path"])
        explained = Explained(send, path)

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._heard(method, int(message["status"]), time.perf_counter() - started)
                _harden(MutableHeaders(scope=message), path)
            await explained(message)

        try:
            self._check(Headers(scope=scope), method, path)
        except Refused as refused:
            await refused.answer()(scope, receive, guarded)
            return
        if method == "HEAD" and not path.endswith(("/events", "/zip")):
            scope = {**scope, "method": "GET"}  # the server sends no body where HEAD was asked
        if method not in _SAFE and path not in UPLOADS:
            receive = short(receive)
        await self._app(scope, receive, guarded)

    def _check(self, headers: Headers, method: str, path: str) -> None:
        host = headers.get("host", "")
        if not self._goes_by(host):
            raise Refused(
                "host",
                f"this server does not go by the name {host[:100]!r}",
                "open it by its address, or start it with --name NAME",
            )
        if method not in _SAFE:
            origin = headers.get("origin")
            own = origin is None or origin.lower() in (f"http://{host.lower()}", f"https://{host.lower()}")
            if not own or headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
                raise Refused(
                    "origin",
                    f"the request comes from another page ({(origin or '')[:100]})",
                    "use this server's own page",
                )
        if self._token is None or path in _OPEN or path.startswith(_OPEN_UNDER):
            return
        if not self._shows_token(headers) and not (method in _SAFE and self._shows_session(headers)):
            raise Refused(
                "unauthorised",
                "the token is missing or wrong",
                "send Authorization: Bearer TOKEN, or open /#token=TOKEN",
            )

    def _goes_by(self, host: str) -> bool:
        name = host.lower()
        if name.startswith("["):
            name = name[1:].partition("]")[0]
        elif name.count(":") <= 1:
            name = name.partition(":")[0]
        if name.rstrip(".") in self._names:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _shows_token(self, headers: Headers) -> bool:
        assert self._token is not None
        kind, _, given = headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode(), self._token.encode())
        return kind.lower() == "bearer" and same

    def _shows_session(self, headers: Headers) -> bool:
        try:
            cookie = SimpleCookie(headers.get("cookie", "")).get(_COOKIE)
        except CookieError:
            return False
        return cookie is not None and self._sessions.knows(cookie.value)


def session_cookie(value: str) -> str:
    """The header that sets it."""
    return f"{_COOKIE}={value}; Path=/v1; Max-Age={SESSION_SECONDS}; HttpOnly; SameSite=Strict"


def _harden(headers: MutableHeaders, path: str) -> None:
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault("X-Frame-Options", "DENY")
    headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
    if path.startswith("/docs"):
        headers.setdefault("Content-Security-Policy", DOCS_POLICY)
    elif path == "/" or path.startswith("/page/"):
        headers.setdefault("Content-Security-Policy", PAGE_POLICY)
    else:
        headers.setdefault("Content-Security-Policy", _FILE_POLICY)
    if path.startswith(("/page/", "/docs")) or path == "/":
        headers.setdefault("Cache-Control", "no-cache")
    else:
        headers.setdefault("Cache-Control", "no-store")
