"""What is wrong with an upload is said with the right status and what would be right; nothing is left behind."""

from __future__ import annotations

import socket
import struct
import zlib
from pathlib import Path

import httpx
import pytest

from subpixel.web.problems import CASES
from subpixel.web.upload import shown_name
from tests.web.conftest import UPLOAD
from tests.web.servers import until


def png(width: int, height: int, data: bytes = b"") -> bytes:
    """A PNG with that header, whatever follows."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


@pytest.mark.parametrize("path", ["/v1/jobs", "/v1/upscale", "/v1/preview"])
@pytest.mark.parametrize(
    ("data", "status", "slug", "said"),
    [
        (b"hello, this is a text\n", 415, "not-a-picture", "not a picture"),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", 415, "not-a-picture", "not a picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported", "SVG"),
        (b"\x89PNG\r\n\x1a\n", 422, "truncated", "damaged or cut short"),
        (png(60_000, 60_000), 413, "too-large", "60000×60000"),
        (b"\0\0\0\x18ftypmp42" + bytes(400), 422, "truncated", ""),
        (b"", 422, "empty", "empty"),
    ],
    ids=["text", "playlist", "svg", "stump", "bomb", "film", "nothing"],
)
def test_no_picture(http: httpx.Client, path: str, data: bytes, status: int, slug: str, said: str) -> None:
    answer = http.post(path, files={"file": ("photo.jpg", data)})
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"urn:subpixel:problem:{slug}")
    assert answer.headers["content-type"] == "application/problem+json"
    assert said in problem["detail"]
    assert problem["right"]
    assert set(problem["values"]) == set(CASES.get(slug, {"": ()})[problem["case"]])
    assert "source" not in problem["detail"]
    assert "formats" not in problem["detail"]  # said in what would be right, once
    assert "/" not in problem["detail"].replace("application/", "")  # no path of the server


@pytest.mark.parametrize(
    ("settings", "status", "slug", "right"),
    [
        ({"scale": "1000"}, 422, "factor", "up to 16"),
        ({"scale": "nan"}, 422, "factor", ""),
        ({"scale": "two"}, 422, "factor", "2.5"),
        ({"size": "99999x99999"}, 422, "factor", "at most 16 times"),
        ({"size": "big"}, 422, "setting", "1920x1080"),
        ({"scale": "2", "size": "100x100"}, 422, "setting", "give one"),
        ({"model": "crips"}, 422, "unknown-model", "crisp"),
        ({"model": "../../etc"}, 422, "setting", ""),
        ({"model": "swift", "quality": "best"}, 422, "setting", "give one"),
        ({"quality": "superb"}, 422, "setting", "fast"),
        ({"format": "docx"}, 422, "unknown-format", "png"),
        ({"format": "mp4"}, 422, "unknown-format", "png"),
        ({"colour": "red"}, 422, "setting", "/docs"),
        ({"of": "0" * 32}, 422, "setting", "give one"),
    ],
    ids=lambda given: ",".join(given) if isinstance(given, dict) else str(given),
)
def test_settings(
    http: httpx.Client, photo: Path, settings: dict[str, str], status: int, slug: str, right: str
) -> None:
    answer = http.post("/v1/jobs", files={"file": ("a.png", photo.read_bytes())}, data=settings)
    problem = answer.json()
    assert (answer.status_code, problem["type"].rpartition(":")[2]) == (status, slug), problem
    assert right in problem["right"], problem
    assert set(problem["values"]) <= set(CASES.get(slug, {"": ()})[problem["case"]])
    assert "--" not in problem["right"]  # no options of a command line


def test_a_truncated_picture(http: httpx.Client, photo: Path) -> None:
    answer = http.post("/v1/upscale?scale=2&quality=fast", content=photo.read_bytes()[:3000])
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:subpixel:problem:truncated")


def test_larger_than_allowed_is_refused_before_it_is_stored(http: httpx.Client, address: str) -> None:
    answer = http.post("/v1/jobs", files={"file": ("a.png", bytes(UPLOAD + 100_000))})
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:subpixel:problem:too-large")

    def endless() -> object:
        for _ in range(40):
            yield bytes(100_000)

    answer = http.post("/v1/jobs", content=endless())  # type: ignore[arg-type]
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:subpixel:problem:too-large")


def test_too_much_work_for_at_once(http: httpx.Client, photo: Path) -> None:
    answer = http.post("/v1/upscale?scale=16&quality=fast", content=photo.read_bytes())
    assert answer.status_code == 413
    assert "/v1/jobs" in answer.json()["right"]
    answer = http.post("/v1/jobs?scale=16", content=png(500, 500, bytes(501 * 500)))
    assert answer.status_code == 413
    assert "scale=4" in answer.json()["right"]


@pytest.mark.parametrize(
    "body",
    [
        b"--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\nhalf",
        b"no multipart at all",
        b"--x\r\n" + b"A" * 9000 + b": b\r\n\r\n\r\n--x--\r\n",
        b"--x\r\nContent-Disposition: form-data; name=scale\r\n\r\n" + b"2" * 5000 + b"\r\n--x--\r\n",
        b"".join(b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % k for k in range(40))
        + b"--x--\r\n",
    ],
    ids=["no end", "nonsense", "headers", "field", "parts"],
)
def test_forms_that_are_none(http: httpx.Client, body: bytes) -> None:
    answer = http.post("/v1/jobs", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:subpixel:problem:malformed")


def test_a_connection_that_breaks_leaves_nothing(
    http: httpx.Client, address: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    jobs = http.get("/v1/jobs").json()
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as link:
        link.sendall(
            f"POST /v1/jobs HTTP/1.1\r\nHost: {host}\r\nContent-Length: 900000\r\n\r\n".encode() + bytes(200_000)
        )
    base = tmp_path_factory.getbasetemp()
    incoming = next(base.glob("data*/incoming"))
    until(lambda: not any(incoming.iterdir()))
    assert http.get("/v1/jobs").json() == jobs


def test_nothing_there(http: httpx.Client) -> None:
    for method, path, status in (
        ("GET", "/v1/jobs/" + "0" * 32, 404),
        ("GET", "/v1/jobs/..%2f..%2fetc%2fpasswd/result", 404),
        ("GET", "/v1/jobs/short", 404),
        ("GET", "/page/../api.py", 404),
        ("GET", "/nowhere", 404),
        ("PUT", "/v1/jobs", 405),
        ("GET", "/v1/estimate", 422),
    ):
        answer = http.request(method, path)
        assert answer.status_code == status, path
        problem = answer.json()
        assert problem["status"] == status
        assert problem["right"]
    assert "Allow" in http.put("/v1/jobs").headers


def test_names_are_for_showing_only() -> None:
    assert shown_name("C:\\Users\\x\\photo.png") == "photo.png"
    assert shown_name("a\x1b[31m\nb.png") == "a\ufffd[31m\ufffdb.png"
    assert shown_name("../..") == ".."
    assert len(shown_name("x" * 5000)) == 200
