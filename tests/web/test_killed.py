"""A server that is killed in the middle of its work starts again and finishes every accepted job, each exactly once."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import numpy as np
import pytest

import subpixel
from subpixel.types import Size
from subpixel.web.api import JobProblem, Settings
from subpixel.web.client import Client
from subpixel.web.store import Row, Store
from tests.video import films
from tests.web.servers import Process, picture, until

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes as Linux shows them")


def children(pid: int) -> list[int]:
    """Processes that a process started."""
    found = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(word) for path in found for word in path.read_text().split()]


def alive(pid: int) -> bool:
    """True for a process that runs; those that ended and were not waited for do not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_every_accepted_job_is_finished_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    sources = [picture(tmp_path / f"{index}.png", seed=index) for index in range(5)]
    clip = films.make(tmp_path / "clip.mp4", frames=500, size=Size(160, 120))
    settings = Settings(scale=2, model="espcn", restore="clean")
    first = Process(data, "--threads", "1")
    with Client(first.address) as client:
        jobs = [client.submit(source, settings) for source in sources[:2]]
        for job in jobs:
            client.wait(job)
        made = {job.id: client.result(job) for job in jobs}
        film = client.submit(clip, settings)
        until(lambda: client.job(film).state == "running" and client.job(film).progress > 0)
        waiting = [client.submit(source, settings) for source in sources[2:]]
        workers = children(first.process.pid)
        assert len(workers) == 3
        first.kill()
    until(lambda: not any(map(alive, workers)))  # no worker goes on behind the next server's back
    left = sqlite3.connect(data / "jobs.sqlite3").execute("SELECT count(*) FROM jobs WHERE state = 'done'").fetchone()
    assert left[0] < 6
    (data / "jobs" / ("f" * 32)).mkdir()  # of an upload that was not accepted yet
    (data / "incoming" / "half").mkdir()

    second = Process(data, "--threads", "1")
    try:
        with Client(second.address) as client:
            everything = [*jobs, film, *waiting]
            finished = [client.wait(job) for job in everything]
            assert {job.id for job in client.jobs()} == {job.id for job in everything}
            assert {job.id: client.result(job) for job in jobs} == made  # not made again
            assert [job.finished for job in finished[:2]] == [client.job(job).finished for job in jobs]
            for job, source in zip(waiting, sources[2:], strict=True):
                expected = subpixel.upscale(subpixel.read(source), scale=2, model="espcn")
                assert np.array_equal(
                    subpixel.read(client.save(job, tmp_path / "x.png", overwrite=True)).pixels, expected.pixels
                )
            whole = client.save(film, tmp_path / "film.mp4")
            assert len(films.luma(whole)) == 500
        rows = sqlite3.connect(data / "jobs.sqlite3").execute("SELECT id, attempts FROM jobs").fetchall()
        attempts = dict(rows)
        assert [attempts[job.id] for job in jobs] == [1, 1]
        assert attempts[film.id] == 2
        assert not (data / "jobs" / ("f" * 32)).exists()
        assert not list((data / "incoming").iterdir())
        results = sorted(path.relative_to(data / "jobs").name for path in data.glob("jobs/*/*"))
        assert results == sorted(["source"] * 6 + ["result.png"] * 5 + ["result.mp4"])  # no journal, no partial file
    finally:
        second.stop()


def row(job: str, **given: object) -> Row:
    """A row for tests of the store."""
    fields: dict[str, object] = {
        "id": job, "owner": "o", "peer": "p", "name": "n", "state": "queued", "kind": "picture", "width": 1,
        "height": 1, "frames": 1, "format": "png", "bytes": 1, "settings": Settings(), "suffix": ".png",
        "expected": 1.0, "created": time.time(), **given,
    }  # fmt: skip
    return Row(**fields)  # type: ignore[arg-type]


def test_no_job_is_over_twice(tmp_path: Path) -> None:
    store = Store(tmp_path / "jobs.sqlite3")
    store.add(row("a" * 32), queue=9, per_client=9)
    assert store.begin("a" * 32, 1.0)
    assert not store.begin("a" * 32, 1.0)
    assert store.finish("a" * 32, "cancelled", 2.0)
    assert not store.finish("a" * 32, "failed", 3.0, problem=JobProblem(type="t", title="t", detail="d"))
    found = store.get("a" * 32)
    assert found is not None
    assert (found.state, found.finished, found.problem) == ("cancelled", 2.0, None)
    store.close()


def test_jobs_survive_in_order(tmp_path: Path) -> None:
    store = Store(tmp_path / "jobs.sqlite3")
    for index, name in enumerate("abc"):
        store.add(row(name * 32, created=float(index)), queue=9, per_client=9)
    assert store.begin("b" * 32, 1.0)
    store.close()
    store = Store(tmp_path / "jobs.sqlite3")
    assert [one.id[0] for one in store.restart()] == ["a", "b", "c"]
    again = store.get("b" * 32)
    assert again is not None
    assert (again.state, again.attempts, again.started) == ("queued", 1, None)
    assert [one.id[0] for one in store.of("o", 2)] == ["c", "b"]
    assert store.unfinished("p") == 3
    assert store.remove("a" * 32)
    assert not store.remove("a" * 32)
    store.close()


def test_ctrl_c_puts_jobs_back(tmp_path: Path) -> None:
    """Being stopped in order counts as no attempt, and takes no long."""
    data = tmp_path / "data"
    clip = films.make(tmp_path / "clip.mp4", frames=600, size=Size(160, 120))
    server = Process(data, "--threads", "1")
    with Client(server.address) as client:
        job = client.submit(clip, scale=2, model="espcn")
        until(lambda: client.job(job).progress > 0)
    workers = children(server.process.pid)
    started = time.monotonic()
    _, err = server.stop()
    assert time.monotonic() - started < 10
    assert "Traceback" not in err
    assert not any(map(alive, workers))
    found = sqlite3.connect(data / "jobs.sqlite3").execute("SELECT state, attempts FROM jobs").fetchall()
    assert found == [("queued", 0)]
    assert data.stat().st_mode & 0o077 == 0
