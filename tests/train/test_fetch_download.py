"""Downloads: verified, resumed, retried, and refused when they are not what they should be."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import shutil
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Literal

import pytest

pytest.importorskip("pydantic", reason="fetching needs pydantic: pip install 'subpixel[train]'")

from fetching import CONTENT, SHA256, Notes, file_of, source, whole
from server import Server, serving

from subpixel.errors import OutputUnwritable, TrainingError
from subpixel_train.fetch import records, transfer
from subpixel_train.fetch.entries import Digest, Download
from subpixel_train.fetch.obtain import Source, obtain


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.mark.parametrize(
    ("kind", "value"),
    [("sha256", SHA256), ("sha256-start", SHA256[:8]), ("md5", hashlib.md5(CONTENT).hexdigest())],
)
def test_a_file_is_fetched_verified_and_recorded(
    tmp_path: Path, server: Server, kind: Literal["sha256", "md5", "sha256-start"], value: str
) -> None:
    server.put("a.bin", CONTENT)
    how, notes, _ = source()
    assert obtain(file_of(server, digest=Digest(kind, value), size=len(CONTENT)), tmp_path, how)
    assert whole(tmp_path)
    seen = records.read(tmp_path).files["a.bin"]
    assert (seen.sha256, seen.size, seen.address) == (SHA256, len(CONTENT), server.at("a.bin"))
    assert notes.last == (len(CONTENT), len(CONTENT)) and not notes.notes


def test_what_is_there_is_verified_and_not_fetched_again(tmp_path: Path, server: Server) -> None:
    server.put("a.bin", CONTENT)
    download = file_of(server, digest=Digest("sha256", SHA256))
    assert obtain(download, tmp_path, source()[0])
    assert not obtain(download, tmp_path, source()[0])
    assert len(server.asked) == 1
    (tmp_path / "a.bin").write_bytes(CONTENT[:-1] + b"x")
    how, notes, _ = source()
    assert obtain(download, tmp_path, how)
    assert whole(tmp_path) and "is damaged" in notes.notes[0]
    assert obtain(download, tmp_path, source()[0], again=True)
    assert len(server.asked) == 3


def test_a_broken_connection_goes_on_where_it_was(tmp_path: Path, server: Server) -> None:
    server.put("a.bin", CONTENT, breaks=[400_000, 500_000])
    how, _, pauses = source()
    obtain(file_of(server, digest=Digest("sha256", SHA256)), tmp_path, how)
    assert whole(tmp_path)
    assert server.ranges() == [None, "bytes=400000-", "bytes=900000-"]
    assert server.sent == len(CONTENT)
    assert pauses == [1, 1]
    assert all(headers.get("If-Range") for _, headers in server.asked[1:])


def test_a_part_left_by_an_earlier_process_is_completed(tmp_path: Path, server: Server) -> None:
    reply = server.put("a.bin", CONTENT, breaks=[300_000, 0, 0, 0, 0])
    download = file_of(server, digest=Digest("sha256", SHA256))
    with pytest.raises(TrainingError, match="the connection broke after 300,000 of 1,500,000 bytes, 5 times in a row"):
        obtain(download, tmp_path, source()[0])
    assert (tmp_path / "a.bin.partial").stat().st_size == 300_000
    assert not (tmp_path / "a.bin").exists()
    reply.breaks.clear()
    obtain(download, tmp_path, source()[0])
    assert whole(tmp_path) and server.sent == len(CONTENT)


def test_a_file_that_changed_in_between_starts_over(tmp_path: Path, server: Server) -> None:
    server.put("a.bin", b"old" * 500_000, breaks=[200_000, 0, 0, 0, 0])
    download = file_of(server)
    with pytest.raises(TrainingError, match="connection broke"):
        obtain(download, tmp_path, source()[0])
    server.put("a.bin", CONTENT)
    obtain(download, tmp_path, source()[0])
    assert whole(tmp_path)
    assert server.asked[-1][1]["Range"] == "bytes=200000-"  # it asked for the rest and was given the new whole


def test_without_a_tag_a_part_is_completed_only_if_a_digest_proves_it(tmp_path: Path, server: Server) -> None:
    for digest, ranges in ((Digest("sha256", SHA256), "bytes=200000-"), (None, None)):
        folder = tmp_path / str(digest is None)
        server.put("a.bin", CONTENT, tag=False, breaks=[200_000])
        obtain(file_of(server, digest=digest), folder, source()[0])
        assert whole(folder)
        assert server.ranges()[-1] == ranges


def test_parts_that_do_not_fit_are_fetched_from_the_start_once(tmp_path: Path, server: Server) -> None:
    server.put("a.bin", b"old" * 500_000, tag=False, breaks=[200_000, 0, 0, 0, 0])
    download = file_of(server, digest=Digest("sha256", SHA256))
    with pytest.raises(TrainingError, match="connection broke"):
        obtain(download, tmp_path, source()[0])
    server.put("a.bin", CONTENT, tag=False)
    how, notes, _ = source()
    obtain(download, tmp_path, how)
    assert whole(tmp_path)
    assert "do not fit together" in notes.notes[0]


def test_a_server_without_ranges_starts_over(tmp_path: Path, server: Server) -> None:
    server.put("a.bin", CONTENT, ranges=False, breaks=[400_000])
    obtain(file_of(server, digest=Digest("sha256", SHA256)), tmp_path, source()[0])
    assert whole(tmp_path)


@pytest.mark.parametrize("how", [{"length": False}, {"chunked": True}])
def test_without_a_length(tmp_path: Path, server: Server, how: dict[str, bool]) -> None:
    server.put("a.bin", CONTENT, **how)
    obtain(file_of(server, digest=Digest("sha256", SHA256)), tmp_path, source()[0])
    assert whole(tmp_path)


@pytest.mark.parametrize("how", [{"length": False}, {"chunked": True}])
def test_a_break_without_a_length_is_noticed(tmp_path: Path, server: Server, how: dict[str, bool]) -> None:
    server.put("a.bin", CONTENT, breaks=[700_000], **how)
    obtain(file_of(server, digest=Digest("sha256", SHA256), size=len(CONTENT)), tmp_path, source()[0])
    assert whole(tmp_path) and server.sent == len(CONTENT)


def test_a_whole_part_needs_no_more_bytes(tmp_path: Path, server: Server) -> None:
    server.put("a.bin", CONTENT, length=False)
    obtain(file_of(server), tmp_path, source()[0])
    (tmp_path / "a.bin").rename(tmp_path / "a.bin.partial")
    state = {"address": server.at("a.bin"), "validator": None, "total": None}
    (tmp_path / "a.bin.partial.json").write_text(json.dumps(state), encoding="utf-8")
    obtain(file_of(server), tmp_path, source()[0])  # the recorded digest makes the part worth completing
    assert whole(tmp_path) and server.sent == len(CONTENT)


def test_a_busy_server_is_asked_again_after_longer_and_longer_pauses(tmp_path: Path, server: Server) -> None:
    server.put("a.bin", CONTENT, statuses=[500, 503, 502])
    how, notes, pauses = source()
    obtain(file_of(server, digest=Digest("sha256", SHA256)), tmp_path, how)
    assert whole(tmp_path) and pauses == [1, 2, 4]
    assert any("503 Service Unavailable; trying again in 2 s" in stage for stage in notes.stages)


def test_the_server_may_say_how_long_to_wait(tmp_path: Path, server: Server) -> None:
    server.put("a.bin", CONTENT, statuses=[429, 503], headers={"Retry-After": "7"})
    how, _, pauses = source()
    obtain(file_of(server, digest=Digest("sha256", SHA256)), tmp_path, how)
    assert pauses == [7, 7]


def test_a_server_that_stays_broken_is_given_up(tmp_path: Path, server: Server) -> None:
    server.put("a.bin", CONTENT, statuses=[500] * 9)
    how, _, pauses = source()
    with pytest.raises(TrainingError, match=r"the server says 500 .*, 5 times in a row.*--mirror"):
        obtain(file_of(server), tmp_path, how)
    assert pauses == [1, 2, 4, 8]


def test_nothing_there_is_said_at_once_and_the_next_address_is_tried(tmp_path: Path, server: Server) -> None:
    how, _, pauses = source()
    with pytest.raises(TrainingError, match="the server says 404 Not Found"):
        obtain(file_of(server), tmp_path, how)
    assert not pauses and len(server.asked) == 1
    server.put("b.bin", CONTENT)
    obtain(file_of(server, "a.bin", "b.bin", digest=Digest("sha256", SHA256)), tmp_path, how)
    assert whole(tmp_path)


def test_a_wrong_file_is_thrown_away_and_the_next_address_is_tried(tmp_path: Path, server: Server) -> None:
    server.put("a.bin", b"something else")
    download = file_of(server, digest=Digest("sha256", SHA256))
    with pytest.raises(TrainingError, match=f"not {SHA256} as published") as error:
        obtain(download, tmp_path, source()[0])
    assert hashlib.sha256(b"something else").hexdigest() in str(error.value)
    assert not any(tmp_path.iterdir())
    server.put("b.bin", CONTENT)
    obtain(file_of(server, "a.bin", "b.bin", digest=Digest("sha256", SHA256)), tmp_path, source()[0])
    assert whole(tmp_path)


def test_a_wrong_size_is_noticed_before_the_download(tmp_path: Path, server: Server) -> None:
    server.put("a.bin", CONTENT)
    with pytest.raises(TrainingError, match="has 1,500,000 bytes, expected 7"):
        obtain(file_of(server, digest=Digest("sha256", SHA256), size=7), tmp_path, source()[0])


def test_the_user_may_accept_another_digest(tmp_path: Path, server: Server) -> None:
    server.put("a.bin", CONTENT)
    obtain(file_of(server, digest=Digest("sha256", "0" * 64), size=7), tmp_path, source(accept=SHA256.upper())[0])
    assert whole(tmp_path)
    with pytest.raises(TrainingError, match="not " + "1" * 64):
        obtain(file_of(server), tmp_path, source(accept="1" * 64)[0], again=True)
    assert (tmp_path / "a.bin").read_bytes() == CONTENT


def test_without_a_published_digest_the_first_fetch_is_trusted_and_the_next_must_match(
    tmp_path: Path, server: Server
) -> None:
    server.put("a.bin", CONTENT)
    how, notes, _ = source()
    obtain(file_of(server), tmp_path, how)
    assert SHA256 in notes.notes[0] and "fetched.json" in notes.notes[0]
    server.put("a.bin", CONTENT[::-1])
    with pytest.raises(TrainingError, match=f"not {SHA256} as the first time"):
        obtain(file_of(server), tmp_path, source()[0], again=True)
    assert whole(tmp_path)
    (tmp_path / records.RECORD).write_text("{nonsense", encoding="utf-8")
    with pytest.raises(TrainingError, match="is damaged"):
        obtain(file_of(server), tmp_path, source()[0], again=True)


def test_a_mirror_replaces_all_addresses_and_is_verified(tmp_path: Path, server: Server) -> None:
    server.put("mirror/a.bin", CONTENT)
    download = Download("a.bin", ("http://nowhere.invalid/x",), len(CONTENT), Digest("sha256", SHA256))
    obtain(download, tmp_path, source(mirror=server.at("mirror/"))[0])
    assert whole(tmp_path)
    server.put("mirror/a.bin", b"?" * len(CONTENT))
    with pytest.raises(TrainingError, match="as published"):
        obtain(download, tmp_path, source(mirror=server.at("mirror"))[0], again=True)


def test_a_part_from_one_server_is_completed_from_another_where_a_digest_proves_it(
    tmp_path: Path, server: Server
) -> None:
    server.put("a.bin", CONTENT, breaks=[600_000, 0, 0, 0, 0])
    server.put("b.bin", CONTENT)
    obtain(file_of(server, "a.bin", "b.bin", digest=Digest("sha256", SHA256)), tmp_path, source()[0])
    assert whole(tmp_path) and server.sent == len(CONTENT)
    assert "If-Range" not in server.asked[-1][1]


def test_redirections_are_followed_but_not_to_anywhere(tmp_path: Path, server: Server) -> None:
    server.put("a.bin", b"").redirect = server.at("b.bin")
    server.put("b.bin", CONTENT)
    obtain(file_of(server, digest=Digest("sha256", SHA256)), tmp_path, source()[0])
    assert whole(tmp_path)
    server.put("a.bin", b"").redirect = (tmp_path / "a.bin").as_uri()
    with pytest.raises(TrainingError, match="the server says 302"):
        obtain(file_of(server), tmp_path, source()[0], again=True)
    request = urllib.request.Request("https://example.org/a")
    arguments = (io.BytesIO(), 302, "Found", http.client.HTTPMessage())
    with pytest.raises(transfer.AddressFailed, match="not safe"):
        transfer.SafeRedirects().redirect_request(request, *arguments, "http://example.org/b")
    followed = transfer.SafeRedirects().redirect_request(request, *arguments, "https://example.org/b")
    assert followed is not None and followed.full_url == "https://example.org/b"


def test_only_http(tmp_path: Path, server: Server) -> None:
    with pytest.raises(TrainingError, match="is not an address of HTTP or HTTPS"):
        obtain(Download("a.bin", ("file:///etc/passwd",)), tmp_path, source()[0])


def test_nobody_listening(tmp_path: Path) -> None:
    how, _, pauses = source()
    with pytest.raises(TrainingError, match="5 times in a row"):
        obtain(Download("a.bin", ("http://127.0.0.1:9/a.bin",)), tmp_path, how)
    assert len(pauses) == 4


def test_silence_is_a_broken_connection(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "TIMEOUT", 0.2)
    gate = threading.Event()
    reply = server.put("a.bin", CONTENT, gate=gate)

    def pause(_: float) -> None:
        reply.gate = None

    obtain(file_of(server, digest=Digest("sha256", SHA256)), tmp_path, Source(Notes(), pause=pause))
    gate.set()
    assert whole(tmp_path) and server.ranges()[1] == "bytes=750000-"


def test_a_small_disk_is_noticed_before_the_download(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put("a.bin", CONTENT)
    free = (64 << 20) + len(CONTENT)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free - 1))
    with pytest.raises(TrainingError, match=r"GB free, and .* are needed.*--data"):
        obtain(file_of(server), tmp_path, source()[0])
    assert not (tmp_path / "a.bin.partial").exists()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    obtain(file_of(server), tmp_path, source()[0])
    assert whole(tmp_path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_said(tmp_path: Path, server: Server) -> None:
    server.put("a.bin", CONTENT)
    (tmp_path / "a.bin.partial").symlink_to("/dev/full")
    with pytest.raises(OutputUnwritable, match=r"cannot write .*a\.bin\.partial"):
        obtain(file_of(server), tmp_path, source()[0])


def test_a_folder_that_cannot_be_made(tmp_path: Path, server: Server) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputUnwritable, match="cannot make"):
        obtain(file_of(server), tmp_path / "file", source()[0])
