"""Under load and attack: every limit holds, and what falls costs one job, not the server."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from subpixel import image
from subpixel.types import Size
from subpixel.web.client import Client, JobFailed, ServerProblem
from subpixel.web.folder import Folder
from subpixel.web.limits import Limits
from subpixel.web.problems import Refused
from subpixel.web.store import Row
from subpixel.web.waiting import Waiting
from tests.web.servers import Served, picture, serving, until
from tests.web.test_bad_uploads import png
from tests.web.test_killed import row

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="hurts processes as Linux has them")

MEMORY = 700_000_000
FAST = {"scale": 2, "model": "espcn", "restore": "clean"}


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with narrow limits."""
    limits = Limits(
        memory=MEMORY,
        pixels=10**9,
        result_pixels=4 * 10**9,
        queue=4,
        jobs_per_client=3,
        waiting=3,
        quiet_seconds=2.0,
        keep_seconds=3600,
        small_seconds=0.05,
    )
    with serving(tmp_path_factory.mktemp("tight") / "data", limits) as there:
        yield there


@pytest.fixture
def client(tight: Served) -> Iterator[Client]:
    until(lambda: all(worker.alive for worker in tight.desk.workers))
    with Client(tight.address) as made:
        yield made
        for job in made.jobs():
            made.remove(job)


def held(tight: Served) -> Callable[[], None]:
    """Keep both workers from working; returns what lets them go on."""
    pids = [worker.pid for worker in (tight.desk.quick, tight.desk.slow)]
    for pid in pids:
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)

    def on() -> None:
        for pid in pids:
            try:
                os.kill(pid or 0, signal.SIGCONT)
            except ProcessLookupError:
                continue

    return on


def test_a_decoder_that_crashes_costs_one_job(tight: Served, client: Client, photo: Path) -> None:
    go_on = held(tight)
    job = client.submit(photo, **FAST)
    until(lambda: client.job(job).state == "running")
    pids = [worker.pid for worker in (tight.desk.quick, tight.desk.slow)]
    for pid in pids:
        os.kill(pid or 0, signal.SIGSEGV)
    go_on()
    with pytest.raises(JobFailed) as failed:
        client.wait(job)
    assert failed.value.job.problem is not None
    assert failed.value.job.problem.type == "urn:subpixel:problem:crashed"
    assert "save it again" in failed.value.job.problem.right
    assert client.wait(client.submit(photo, **FAST)).state == "done"
    text = httpx.get(f"{tight.address}/metrics", trust_env=False).text
    assert 'subpixel_jobs_total{state="failed"} 1.0' in text
    assert sum(worker.restarts for worker in tight.desk.workers) >= 1


def test_work_that_hangs_is_ended(tight: Served, client: Client, photo: Path) -> None:
    go_on = held(tight)
    job = client.submit(photo, **FAST)
    with pytest.raises(JobFailed, match="took more than") as failed:
        client.wait(job)
    go_on()
    assert failed.value.job.problem is not None
    assert failed.value.job.problem.type == "urn:subpixel:problem:time"
    assert client.wait(client.submit(photo, **FAST)).state == "done"


def test_a_bomb_costs_one_job(tight: Served, client: Client, photo: Path) -> None:
    """A PNG of 160 kB that becomes 170 MB, and 680 MB when it is enlarged."""
    bomb = png(13_000, 13_000, bytes(13_001 * 13_000))
    assert len(bomb) < 200_000
    job = client.submit(bomb, **FAST, format="ppm")
    with pytest.raises(JobFailed) as failed:
        client.wait(job)
    assert failed.value.job.problem is not None
    assert failed.value.job.problem.type == "urn:subpixel:problem:memory"
    assert client.wait(client.submit(photo, **FAST)).state == "done"
    assert max(worker.used() for worker in tight.desk.workers) < MEMORY
    view = image.read(client.view(job, "source", width=64))  # reduced row by row
    assert view.size == Size(64, 64)
    assert client.health().status == "ok"


def test_the_queue_has_an_end(tight: Served, client: Client, photo: Path) -> None:
    go_on = held(tight)
    body = photo.read_bytes()
    with httpx.Client(base_url=tight.address, trust_env=False) as http:
        sent = [http.post("/v1/jobs", params=FAST, content=body) for _ in range(3)]
        assert [answer.status_code for answer in sent] == [201] * 3
        refused = http.post("/v1/jobs", params=FAST, content=body)
        assert (refused.status_code, refused.json()["type"]) == (429, "urn:subpixel:problem:too-many")
        assert int(refused.headers["retry-after"]) >= 1
        started = time.perf_counter()
        assert http.get("/healthz").json()["queued"] >= 1
        assert time.perf_counter() - started < 0.5
        waiting = [job for job in http.get("/v1/jobs").json()["jobs"] if job["state"] == "queued"]
        assert waiting
        assert waiting[-1]["position"] == 1
        cancelled = http.post(f"/v1/jobs/{waiting[0]['id']}/cancel").json()
        assert cancelled["state"] == "cancelled"
        again = http.post(f"/v1/jobs/{waiting[0]['id']}/cancel").json()
        assert again == cancelled
    go_on()
    assert client.submit(photo, **FAST).state == "queued"  # waits as Retry-After says, and goes in


def test_a_running_job_is_cancelled(tight: Served, client: Client, tmp_path: Path) -> None:
    big = picture(tmp_path / "big.png", 900, 700)
    job = client.submit(big, scale=4, quality="best")
    until(lambda: client.job(job).state == "running")
    started = time.monotonic()
    assert client.cancel(job).state == "cancelled"
    assert time.monotonic() - started < 8
    until(lambda: all(worker.alive for worker in tight.desk.workers))
    folder = tight.desk.folder.jobs / job.id
    assert [path.name for path in folder.iterdir()] == ["source"]
    client.remove(job)
    assert not folder.exists()


def test_who_goes_away_is_not_waited_for(tight: Served, photo: Path) -> None:
    """A request whose client hung up is dropped from the queue."""
    go_on = held(tight)
    try:
        for _ in range(3):
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"{tight.address}/v1/upscale", params=FAST, content=photo.read_bytes(), timeout=0.4)
        until(lambda: tight.desk.waiting.calls == 0)
    finally:
        go_on()


def test_two_clients_share(tmp_path: Path) -> None:
    """One with much does not keep another one waiting."""
    waiting = Waiting(2.0)
    waiting._jobs = {
        name: row(name, owner=name[0], peer="p", created=float(index), expected=9.0 if "large" in name else 1.0)
        for index, name in enumerate(("a1", "a2", "a3", "a-large", "b1", "b-large"))
    }

    def order(*, quick: bool) -> list[str]:
        taken = []
        while isinstance(found := waiting._next(quick=quick), Row):
            taken.append(found.id)
        return taken

    assert waiting.position("a-large") == 1
    assert waiting.position("b1") == 4
    assert order(quick=True) == ["a1", "b1", "a2", "a3"]  # never a large one
    assert order(quick=False) == ["b-large", "a-large"]


def test_requests_and_jobs_take_turns() -> None:
    waiting = Waiting(2.0)

    async def call(_: object) -> None:
        raise AssertionError

    waiting._calls = [call, call, call]
    waiting._jobs = {name: row(name, created=float(index)) for index, name in enumerate(("a", "b"))}
    taken = [found.id if isinstance(found := waiting._next(quick=True), Row) else "call" for _ in range(5)]
    assert taken == ["call", "a", "call", "b", "call"]
    assert waiting._next(quick=True) is None


def test_small_pictures_overtake_a_large_one(tight: Served, client: Client, photo: Path, tmp_path: Path) -> None:
    large = client.submit(picture(tmp_path / "large.png", 1200, 900), scale=4, quality="best")
    until(lambda: client.job(large).state == "running")
    assert client.wait(client.submit(photo, **FAST)).state == "done"
    assert client.job(large).state == "running"


def test_jobs_go_when_their_time_is_over(tmp_path: Path, photo: Path) -> None:
    limits = Limits(keep_seconds=0.8, disk_bytes=40_000, free_bytes=0)
    with serving(tmp_path / "data", limits) as there, Client(there.address) as client:
        job = client.wait(client.submit(photo, **FAST))
        assert job.expires is not None
        assert job.finished is not None
        assert (job.expires - job.finished).total_seconds() == pytest.approx(0.8)
        with pytest.raises(ServerProblem) as full:  # the source and its result are 40 kB nearly
            client.submit(photo.read_bytes() + bytes(20_000), **FAST)
        assert full.value.slug == "quota"
        assert full.value.problem.status == 507
        until(lambda: not client.jobs())
        assert not list((tmp_path / "data" / "jobs").iterdir())
        assert client.submit(photo, **FAST).state == "queued"


def test_a_folder_belongs_to_one_server(tmp_path: Path) -> None:
    from subpixel.web.folder import InUse

    first = Folder(tmp_path / "data", Limits())
    first.say("http://127.0.0.1:1234")
    with pytest.raises(InUse, match=r"127\.0\.0\.1:1234"):
        Folder(tmp_path / "data", Limits())
    first.close()
    Folder(tmp_path / "data", Limits()).close()


def test_no_room_is_said_before_anything_is_written(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "data", Limits(disk_bytes=1000))
    with pytest.raises(Refused, match="--disk"):
        folder.check_room(2000)
    folder.close()
    folder = Folder(tmp_path / "data", Limits(free_bytes=10**18))
    with pytest.raises(Refused, match="nearly full"):
        folder.check_room(0)
    folder.close()


def test_health_answers_while_both_workers_work(tight: Served, client: Client, tmp_path: Path) -> None:
    """Also while fifty clients ask at the same time; the figures of benchmarks/serving.py are for real loads."""
    job = client.submit(picture(tmp_path / "large.png", 1200, 900), scale=4, quality="best")
    until(lambda: client.job(job).state == "running")
    times: list[float] = []

    def ask() -> None:
        with httpx.Client(base_url=tight.address, trust_env=False) as http:
            for _ in range(4):
                started = time.perf_counter()
                assert http.get("/healthz").status_code == 200
                times.append(time.perf_counter() - started)

    threads = [threading.Thread(target=ask) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(times) == 40
    assert sorted(times)[20] < 0.5


def test_times_are_guessed_for_what_could_be_sent(http: httpx.Client, tight: Served) -> None:
    """To plan for a million by a million pixels takes minutes, in the worker that looks into everybody's uploads."""
    for sides in ({"width": 10**6, "height": 10**6}, {"width": 900, "height": 900, "scale": 16}):
        refused = http.get("/v1/estimate", params=sides)
        assert (refused.status_code, refused.json()["type"]) == (413, "urn:subpixel:problem:too-large")
    long = {"width": 200_000, "height": 1, "scale": 16}
    assert http.get("/v1/estimate", params=long).json()["case"] == "result"
    assert httpx.get(f"{tight.address}/v1/estimate", params=long, trust_env=False).json()["case"] == "side"
    assert http.get("/v1/estimate", params={"width": 900, "height": 900, "scale": 2}).status_code == 200


def test_who_asks_nothing_is_put_out(http: httpx.Client, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection without a whole request is closed; one that is answered for long is not."""
    monkeypatch.setattr("subpixel.web.connection._LOOK", 0.1)
    monkeypatch.setattr("subpixel.web.connection._PATIENCE", 0.4)
    host, port = address.removeprefix("http://").split(":")
    with http.stream("GET", "/v1/events") as stream, socket.create_connection((host, int(port))) as link:
        link.settimeout(10)
        link.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127")
        assert link.recv(1000) == b""
        time.sleep(0.5)
        with httpx.Client(base_url=address, trust_env=False) as other:
            job = other.post("/v1/jobs", params=FAST, content=b"no picture")
            assert job.status_code == 415
        assert not stream.is_closed
        assert "retry" in next(stream.iter_text())


def test_models_are_measured_while_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("subpixel.web.calls._SETTLED", 0.0)
    monkeypatch.setattr("subpixel.web.calls._IDLE", 0.1)
    monkeypatch.setattr("subpixel.zoo.default_models", lambda *_, **__: {2: "swift-x2"})
    monkeypatch.setattr("subpixel.web.calls.zoo.model_names", lambda: ("espcn-x2",))
    with serving(tmp_path / "data", measure=True) as there, Client(there.address) as client:
        until(lambda: len(there.desk.calls.speeds) == 2)
        monkeypatch.undo()
        cards = {card.name: card for card in client.models().models}
        seconds = cards["swift-x2"].seconds_per_megapixel
        assert seconds is not None
        assert 0 < seconds < 60
        assert cards["crisp-x4"].seconds_per_megapixel is None
        estimate = client.estimate(1000, 1000, scale=2).seconds["swift-x2"]
        assert estimate is not None
        assert 4 * seconds < estimate < 6 * seconds + 0.5  # with coding, and what tiles share
