"""A small HTTP server that misbehaves on demand."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Reply:
    """What is at an address.

    Attributes:
        content: the file.
        ranges: whether parts of it may be asked for.
        tag: whether it has an ETag.
        length: whether Content-Length is sent.
        chunked: sent in chunks.
        breaks: after how many bytes of each of the coming answers the connection breaks.
        statuses: error codes of the coming answers.
        headers: more headers of error answers.
        redirect: address to go to.
        gate: answers wait in the middle until it is set.
    """

    content: bytes = b""
    ranges: bool = True
    tag: bool = True
    length: bool = True
    chunked: bool = False
    breaks: list[int] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    redirect: str = ""
    gate: threading.Event | None = None


@dataclass
class Server:
    """The server: replies by path, and what was asked."""

    address: str
    replies: dict[str, Reply] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    sent: int = 0

    def put(self, name: str, content: bytes, **more: object) -> Reply:
        """A file at `/name`."""
        reply = Reply(content, **more)  # type: ignore[arg-type]
        self.replies[f"/{name}"] = reply
        return reply

    def at(self, name: str) -> str:
        """Address of `/name`."""
        return f"{self.address}/{name}"

    def ranges(self) -> list[str | None]:
        """The Range of every request."""
        return [headers.get("Range") for _, headers in self.asked]


@contextmanager
def serving() -> Iterator[Server]:
    """The server on a free port of this computer."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_GET(self) -> None:
            server.asked.append((self.path, dict(self.headers)))
            reply = server.replies.get(self.path)
            if reply is None:
                return self.send_error(404)
            if reply.redirect:
                self.send_response(302)
                self.send_header("Location", reply.redirect)
                self.send_header("Content-Length", "0")
                return self.end_headers()
            if reply.statuses:
                return self.fail(reply.statuses.pop(0), reply.headers)
            self.answer(reply)

        def fail(self, code: int, headers: dict[str, str]) -> None:
            self.send_response(code)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def answer(self, reply: Reply) -> None:
            tag = f'"{hashlib.sha256(reply.content).hexdigest()[:12]}"'
            whole, start = len(reply.content), 0
            asked = self.headers.get("Range")
            condition = self.headers.get("If-Range")
            if asked and reply.ranges and condition in (None, tag):
                start = int(asked.removeprefix("bytes=").removesuffix("-"))
                if start >= whole:
                    return self.fail(416, {"Content-Range": f"bytes */{whole}"})
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
            else:
                self.send_response(200)
            body = reply.content[start:]
            if reply.tag:
                self.send_header("ETag", tag)
            if reply.chunked:
                self.send_header("Transfer-Encoding", "chunked")
            elif reply.length:
                self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            stop = reply.breaks.pop(0) if reply.breaks else len(body)
            self.send(body[:stop], reply, finished=stop >= len(body))

        def send(self, body: bytes, reply: Reply, *, finished: bool) -> None:
            middle = len(body) // 2
            for part in (body[:middle], body[middle:]):
                if part:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part) if reply.chunked else part)
                    self.wfile.flush()
                    server.sent += len(part)
                if reply.gate is not None:
                    reply.gate.wait(30)
            if reply.chunked and finished:
                self.wfile.write(b"0\r\n\r\n")

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server = Server(f"http://127.0.0.1:{http.server_address[1]}")
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
