"""Who may ask: names, origins, tokens, and what answers allow browsers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from subpixel.web.limits import Limits, Options
from tests.web.servers import picture

TOKEN = "correct-horse-battery-staple"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A server with a token and a name, without its workers: nothing here gets so far."""
    import asyncio
    import threading

    from subpixel.web.app import create_app
    from subpixel.web.app import guarded as guard
    from subpixel.web.desk import Desk
    from subpixel.web.folder import Folder

    options = Options(tmp_path_factory.mktemp("guard"), Limits(), TOKEN, ("upscale.example",), 1, measure=False)
    folder = Folder(options.data, options.limits)
    app = create_app(options, folder)
    app.state.desk = Desk(options, folder)
    served = guard(app, options)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    class Transport(httpx.BaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            async def ask() -> httpx.Response:
                plain = httpx.ASGITransport(served, raise_app_exceptions=False)
                async with httpx.AsyncClient(transport=plain) as client:
                    answer = await client.request(
                        request.method, request.url, headers=dict(request.headers), content=request.read()
                    )
                    return httpx.Response(answer.status_code, headers=answer.headers, content=answer.content)

            return asyncio.run_coroutine_threadsafe(ask(), loop).result(30)

    with httpx.Client(base_url="http://127.0.0.1:8765", transport=Transport()) as client:
        yield client
    app.state.desk.store.close()
    folder.close()
    loop.call_soon_threadsafe(loop.stop)


BEARER = {"Authorization": f"Bearer {TOKEN}"}


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8765", 200),
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("[::1]:8765", 200),
        ("192.168.1.7", 200),
        ("upscale.example:80", 200),
        ("evil.example", 421),
        ("evil.example:8765", 421),
        ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421),
        ("", 421),
    ],
)
def test_names_that_point_here_are_not_enough(guarded: httpx.Client, host: str, status: int) -> None:
    assert guarded.get("/healthz", headers={"Host": host, **BEARER}).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 404),
        ({"Origin": "http://127.0.0.1:8765"}, 404),
        ({"Origin": "http://127.0.0.1:8765", "Sec-Fetch-Site": "same-origin"}, 404),
        ({"Origin": "https://127.0.0.1:8765"}, 404),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
    ids=str,
)
def test_other_pages_change_nothing(guarded: httpx.Client, headers: dict[str, str], status: int) -> None:
    path = f"/v1/jobs/{'0' * 32}"
    assert guarded.delete(path, headers={**BEARER, **headers}).status_code == status
    answer = guarded.options("/v1/jobs", headers={**BEARER, "Origin": "http://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models",
        "/v1/jobs",
        "/healthz",
        "/metrics",
        "/openapi.json",
        "/v1/zip?ids=0",
        "/docsx",
        "/pagex",
        "/nowhere",
    ],
)
@pytest.mark.parametrize("shown", [None, "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}"])
def test_without_the_token_nothing(guarded: httpx.Client, path: str, shown: str | None) -> None:
    answer = guarded.get(path, headers={} if shown is None else {"Authorization": shown})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["type"] == "urn:subpixel:problem:unauthorised"


def test_with_the_token_everything(guarded: httpx.Client) -> None:
    assert guarded.get("/v1/models", headers=BEARER).json()["models"]
    assert guarded.get("/openapi.json", headers=BEARER).json()["security"] == [{"token": []}]
    assert guarded.get(f"/v1/models?token={TOKEN}").status_code == 401  # never in an address
    assert guarded.get("/docs").status_code == 200


def test_a_session_reads_and_changes_nothing(guarded: httpx.Client) -> None:
    assert guarded.post("/v1/session").status_code == 401
    answer = guarded.post("/v1/session", headers=BEARER)
    said = answer.headers["set-cookie"]
    assert "HttpOnly" in said
    assert "SameSite=Strict" in said
    cookie = {"Cookie": said.partition(";")[0]}
    guarded.cookies.clear()
    assert guarded.get("/v1/jobs", headers=cookie).status_code == 200
    assert guarded.delete(f"/v1/jobs/{'0' * 32}", headers=cookie).status_code == 401
    assert guarded.get("/v1/jobs", headers={"Cookie": "subpixel-session=guess"}).status_code == 401
    guarded.cookies.clear()


def test_answers_are_hard(guarded: httpx.Client) -> None:
    api = guarded.get("/v1/models", headers=BEARER).headers
    docs = guarded.get("/docs").headers
    for headers in (api, docs):
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "unsafe-eval" not in headers["content-security-policy"]
    assert "sandbox" in api["content-security-policy"]
    assert api["cache-control"] == "no-store"
    assert "script-src 'self';" in docs["content-security-policy"]


def test_the_description_needs_nothing_from_outside(guarded: httpx.Client) -> None:
    """The page of the interface names files of this server alone, and they are there."""
    import re

    text = guarded.get("/docs").text
    named = re.findall(r'(?:src|href)="([^"]+)"', text)
    assert len(named) >= 3
    for address in named:
        assert address.startswith(("/", "data:"))
        if address.startswith("/"):
            assert guarded.get(address).status_code == 200, address
    script = guarded.get("/docs/static/docs.js").text
    assert "://" not in script
    assert "validatorUrl: null" in script


def test_a_token_on_the_wire(tmp_path: Path) -> None:
    """The command with a token, from the outside."""
    from subpixel.web.client import Client, ServerProblem
    from tests.web.servers import Process

    server = Process(tmp_path / "data", "--token", TOKEN, "--memory", "1.5G")
    try:
        assert any(f"/#token={TOKEN}" in line for line in server.said)
        with pytest.raises(ServerProblem, match="token is missing"), Client(server.address) as client:
            client.submit(picture(tmp_path / "a.png"), scale=2)
        with Client(server.address, token=TOKEN) as client:
            assert client.health().status == "ok"
    finally:
        _, err = server.stop()
    assert server.process.returncode in (0, 130)
    assert TOKEN not in err
    assert "Traceback" not in err
