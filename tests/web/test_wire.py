"""What comes over the wire: whoever asks badly is told so in problem details, and nothing grows meanwhile."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import httpx
import pytest

from subpixel.web.client import Client

PROBLEM = "application/problem+json"


def said(address: str, request: bytes) -> tuple[int, dict[str, object]]:
    """Status and problem of a request that no client library would send."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as link:
        link.settimeout(20)
        link.sendall(request)
        answer = b""
        while True:
            try:
                more = link.recv(65_536)
            except ConnectionResetError:
                break
            answer += more
            if not more or (b"\r\n\r\n" in answer and answer.endswith(b"}")):
                break
    head, _, body = answer.partition(b"\r\n\r\n")
    assert PROBLEM.encode() in head, answer
    return int(head.split()[1]), json.loads(body)


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n",
        b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\nabc",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ],
    ids=["no host", "two hosts", "negative length", "TLS"],
)
def test_what_is_no_http(address: str, request_: bytes) -> None:
    status, problem = said(address, request_)
    assert status == problem["status"] == 400
    assert problem["type"] == "urn:subpixel:problem:malformed"
    assert problem["right"]


def test_bodies_that_are_no_files_are_short(http: httpx.Client, address: str) -> None:
    long = http.post("/v1/estimate", content=b" " * 200_000, headers={"Content-Type": "application/json"})
    assert (long.status_code, long.json()["type"]) == (413, "urn:subpixel:problem:too-large")

    def endless() -> object:
        for _ in range(1000):
            yield b" " * 10_000

    chunked = http.post("/v1/estimate", content=endless(), headers={"Content-Type": "application/json"})  # type: ignore[arg-type]
    assert chunked.status_code == 413
    assert http.get("/healthz").status_code == 200


def test_a_body_that_does_not_come(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subpixel.web.bodies._PATIENCE", 0.3)
    status, problem = said(
        address,
        b"POST /v1/estimate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 30\r\n\r\n{",
    )
    assert (status, problem["type"]) == (408, "urn:subpixel:problem:too-slow")


@pytest.mark.parametrize("body", [b'{"width": 1', b"", b"[", b"\xff", b"[" * 20_000])
def test_json_that_cannot_be_read(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/v1/estimate", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)
    assert answer.headers["content-type"] == PROBLEM
    assert "cannot be read" not in answer.json()["detail"]
    assert answer.json()["right"]


def test_curl_calls_every_body_a_form(http: httpx.Client, photo: Path) -> None:
    """`curl --data-binary @photo.png`, as docs/how-to/server.md has it."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = http.post("/v1/upscale?scale=2&model=espcn", content=photo.read_bytes(), headers=kind)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    form = http.post("/v1/upscale", content=b"scale=2&model=espcn", headers=kind)
    assert (form.status_code, form.json()["type"]) == (415, "urn:subpixel:problem:not-a-picture")


def test_names_as_browsers_write_them(http: httpx.Client, photo: Path) -> None:
    head = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a %22b%22%0D%0Ac.png"\r\n\r\n'
    fields = b'\r\n--edge\r\nContent-Disposition: form-data; name="scale"\r\n\r\n2\r\n--edge--\r\n'
    body = head + photo.read_bytes() + fields
    kind = {"Content-Type": "multipart/form-data; boundary=edge"}
    job = http.post("/v1/jobs", content=body, headers=kind).json()
    assert job["name"] == 'a "b"\ufffd\ufffdc.png'
    http.delete(f"/v1/jobs/{job['id']}")


def test_parts_of_results(http: httpx.Client, client: Client, photo: Path) -> None:
    job = client.wait(client.submit(photo, scale=2, model="espcn"))
    whole = client.result(job)
    path = job.links.result

    def ask(part: str) -> httpx.Response:
        return http.get(path, headers={"Range": part})

    some = ask("bytes=10-19")
    assert (some.status_code, some.content) == (206, whole[10:20])
    assert ask("bytes=-5").content == whole[-5:]
    outside = ask("bytes=99999999-")
    assert (outside.status_code, outside.json()["type"]) == (416, "urn:subpixel:problem:range")
    assert outside.headers["content-range"] == f"bytes */{len(whole)}"
    assert outside.headers["content-type"] == PROBLEM
    for broken in ("bytes", "bytes=a-b", "apples=1-2"):
        answer = ask(broken)
        assert (answer.status_code, answer.headers["content-type"]) == (400, PROBLEM)
    head = http.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(len(whole))


def test_head_where_get(http: httpx.Client) -> None:
    for path in ("/", "/healthz", "/docs", "/v1/models", "/page/main.js"):
        head = http.head(path)
        assert (head.status_code, head.content) == (200, b""), path
    assert http.head("/v1/events").status_code == 405
    assert http.head("/v1/jobs/" + "0" * 32).status_code == 404


def test_connections_have_an_end(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("subpixel.web.connection._MOST", 0)
    status, problem = said(address, b"")
    assert (status, problem["type"]) == (429, "urn:subpixel:problem:busy")
    monkeypatch.undo()
    with httpx.Client(base_url=address, trust_env=False) as http:
        assert http.get("/healthz").status_code == 200
