"""Room: in the queue, on the disk, for connections. What there is none for is refused, also when many come at once."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from subpixel.web.client import Client, JobFailed, ServerProblem
from subpixel.web.folder import Folder
from subpixel.web.limits import Limits
from subpixel.web.problems import Refused
from subpixel.web.store import Full, Store
from tests.web.servers import Served, picture, serving, until
from tests.web.test_killed import row

FAST = {"scale": 2, "model": "espcn", "restore": "clean"}
RAW = {"Content-Type": "application/octet-stream"}


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with little room."""
    limits = Limits(
        queue=5, jobs_per_client=3, disk_bytes=400_000, free_bytes=0, uploads_per_client=2, streams_per_client=2
    )
    with serving(tmp_path_factory.mktemp("narrow") / "data", limits) as there:
        yield there


@pytest.fixture
def client(narrow: Served) -> Iterator[Client]:
    until(lambda: all(worker.alive for worker in narrow.desk.workers))
    with Client(narrow.address) as made:
        yield made
        for job in made.jobs():
            made.remove(job)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="stops processes as Linux has them")
def test_many_at_once_do_not_pass_together(
    narrow: Served, client: Client, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten posts of one client that were all let in find room for three jobs."""

    async def let_in(_: object) -> None:
        return

    monkeypatch.setattr(narrow.desk, "check_queue", let_in)
    monkeypatch.setattr("subpixel.web.limits.Limits.uploads_per_client", 64)
    pids = [worker.pid or 0 for worker in (narrow.desk.quick, narrow.desk.slow)]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    answers: list[httpx.Response] = []

    def post() -> None:
        body = photo.read_bytes()
        answers.append(
            httpx.post(f"{narrow.address}/v1/jobs", params=FAST, content=body, headers=RAW, timeout=60, trust_env=False)
        )

    threads = [threading.Thread(target=post) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 7
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert refused.json()["type"] in ("urn:subpixel:problem:too-many", "urn:subpixel:problem:busy")
    assert int(refused.headers["retry-after"]) >= 1
    assert len(list(narrow.desk.folder.jobs.iterdir())) == 3
    for job in client.jobs():
        assert client.wait(job).state == "done"


def test_limits_are_looked_at_with_the_job(tmp_path: Path) -> None:
    store = Store(tmp_path / "jobs.sqlite3")
    store.add(row("a", peer="p"), queue=2, per_client=1)
    with pytest.raises(Full, match="1 jobs of the client"):
        store.add(row("b", peer="p"), queue=2, per_client=1)
    store.add(row("c", peer="q"), queue=2, per_client=1)
    with pytest.raises(Full, match="2 jobs of the queue"):
        store.add(row("d", peer="r"), queue=2, per_client=1)
    assert store.ids() == {"a", "c"}
    store.close()


def test_a_full_disk_refuses_a_job_and_leaves_nothing(narrow: Served, client: Client, photo: Path) -> None:
    link = narrow.desk.store._link
    pages = link.execute("PRAGMA page_count").fetchone()[0]
    link.execute(f"PRAGMA max_page_count = {pages}")
    try:
        for length in (900, 0):  # until the last page is full
            with pytest.raises(sqlite3.OperationalError, match="full"):
                while True:
                    filling = row(os.urandom(16).hex(), peer="q", owner="q", state="done", name="x" * length)
                    narrow.desk.store.add(filling, queue=10**6, per_client=10**6)
        link.execute("UPDATE jobs SET state = 'done' WHERE peer = 'q'")
        with pytest.raises(ServerProblem, match="cannot be kept") as full:
            client.submit(photo, **FAST)
        assert full.value.slug == "quota"
        assert full.value.problem.status == 507
    finally:
        link.execute("PRAGMA max_page_count = 1073741823")
        link.execute("DELETE FROM jobs WHERE peer = 'q'")
    assert not list(narrow.desk.folder.jobs.iterdir())
    assert client.wait(client.submit(photo, **FAST)).state == "done"


def test_what_the_disk_does_not_take_is_tried_again(
    narrow: Served, client: Client, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job ends although its beginning and its end could not be kept at once."""
    monkeypatch.setattr("subpixel.web.desk._AGAIN", 0.05)
    store, refusals = narrow.desk.store, {"begin": 2, "finish": 2}

    def stubborn(name: str) -> object:
        right = getattr(store, name)

        def change(*values: object, **named: object) -> bool:
            if refusals[name]:
                refusals[name] -= 1
                raise sqlite3.OperationalError("database or disk is full")
            return bool(right(*values, **named))

        return change

    for name in refusals:
        monkeypatch.setattr(store, name, stubborn(name))
    assert client.wait(client.submit(photo, **FAST)).state == "done"
    assert refusals == {"begin": 0, "finish": 0}


def test_a_result_without_room_fails_its_job(narrow: Served, client: Client, tmp_path: Path) -> None:
    source = picture(tmp_path / "a.png", 200, 150)
    job = client.submit(source, scale=4, model="espcn", restore="clean", format="ppm")  # 1.4 MB
    with pytest.raises(JobFailed) as failed:
        client.wait(job)
    assert failed.value.job.problem is not None
    assert failed.value.job.problem.type == "urn:subpixel:problem:quota"
    assert [path.name for path in (narrow.desk.folder.jobs / job.id).iterdir()] == ["source"]
    assert narrow.desk.folder.used < 400_000
    with pytest.raises(ServerProblem) as refused:
        client.upscale(source, scale=4, model="espcn", restore="clean", format="ppm")
    assert refused.value.slug == "quota"


def test_uploads_on_their_way_count(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data", Limits(disk_bytes=100_000, free_bytes=0))
    one, two = folder.new_incoming(), folder.new_incoming()
    folder.expect(one, 60_000)
    with pytest.raises(Refused, match="are used"):
        folder.expect(two, 60_000)
    folder.expect(one, 90_000)  # more than was declared
    assert folder.room == 10_000
    folder.drop(one)
    folder.expect(two, 60_000)
    (two / "source").write_bytes(b"tiny")
    folder.accept(two, "a" * 32)
    assert folder.used == 8192  # a block for the file, one for its folder
    folder.close()


def test_who_sends_too_slowly_is_refused(tmp_path: Path) -> None:
    """A byte now and then would hold a place for ever."""
    limits = Limits(upload_pause=0.4, upload_rate=1000.0)
    with serving(tmp_path / "data", limits) as there:
        host, port = there.address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as link:
            link.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n")
            link.settimeout(20)
            answer = b""
            for _ in range(100):
                try:
                    link.sendall(b"x")
                    link.setblocking(False)
                    answer = link.recv(4000)
                    break
                except BlockingIOError:
                    link.setblocking(True)
                    time.sleep(0.1)
            assert b" 408 " in answer
        assert not list(there.desk.folder.incoming.iterdir())


def test_one_client_does_not_hold_every_place(narrow: Served, client: Client) -> None:
    host, port = narrow.address.removeprefix("http://").split(":")
    links = [socket.create_connection((host, int(port))) for _ in range(2)]
    for link in links:
        link.sendall(b"POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nx")
    until(lambda: len(list(narrow.desk.folder.incoming.iterdir())) == 2)
    third = httpx.post(f"{narrow.address}/v1/jobs", content=b"x", headers=RAW, trust_env=False)
    assert (third.status_code, third.json()["type"]) == (429, "urn:subpixel:problem:busy")
    for link in links:
        link.close()
    until(lambda: not list(narrow.desk.folder.incoming.iterdir()))


def test_one_client_does_not_hold_every_connection(narrow: Served) -> None:
    with httpx.Client(base_url=narrow.address, trust_env=False) as http, http.stream("GET", "/v1/events") as one:
        first = one.iter_raw()  # held: the connection ends with it
        next(first)
        with http.stream("GET", "/v1/events") as two:
            second = two.iter_raw()
            next(second)
            third = http.get("/v1/events")
            assert (third.status_code, third.json()["type"]) == (429, "urn:subpixel:problem:busy")
            assert third.headers["retry-after"] == "10"
    until(lambda: narrow.desk.events.listeners == 0, 30)


def test_cancelled_on_the_way_into_the_queue(narrow: Served, client: Client, photo: Path) -> None:
    """Between the database and the queue a job is known already."""
    made = row("c" * 32, peer="q", owner="q")
    narrow.desk.store.add(made, queue=100, per_client=100)
    assert client.cancel(made.id).state == "cancelled"
    client.remove(made.id)
