"""`subpixel serve` under load: 50 clients at once, small pictures beside a large one, and whether it still answers.

    python benchmarks/serving.py

Starts the server as a process of its own, with a data folder of its own. Fifty clients send one small picture after
the other, each waiting for its result: half through POST /v1/upscale, half as jobs (send, follow its events, fetch,
remove). That is done twice: alone, and while a picture of 2 megapixels is enlarged to 34 with the best quality. Another
process asks /healthz twenty times a second all the time. See README.md.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any
from urllib.request import urlopen

import numpy as np
from report import command_line, machine_class, run_command, table, versions, write_section

from subpixel import image
from subpixel.calibrating import scene
from subpixel.errors import OutputUnwritable
from subpixel.types import Picture
from subpixel.web.api import Settings
from subpixel.web.client import Client, ServerProblem, Unreachable

CLIENTS = 50
SMALL = (320, 240)
LARGE = (1640, 1300)
SCALE = 4
BEAT = 0.05


@dataclass
class Load:
    """What came of one load."""

    seconds: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    health: list[float] = field(default_factory=list)
    spent: float = 0.0
    memory: dict[str, float] = field(default_factory=dict)
    large: str = ""


def drawn(path: Path, size: tuple[int, int]) -> Path:
    """A picture file of that size."""
    side = max(size)
    pixels = scene(side)[:, : size[1], : size[0]]
    image.write(Picture(np.ascontiguousarray(pixels)), path)
    return path


def start(data: Path) -> tuple[subprocess.Popen[str], str]:
    """The server and its address."""
    code = "from subpixel.cli.start import main; main()"
    words = [sys.executable, "-c", code, "serve", "--port", "0", "--no-open", "--data", str(data)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = ""
    for line in process.stdout:
        if line.startswith("page"):
            address = line.split()[1].rstrip("/")
        if line.startswith("stop"):
            return process, address
    raise OutputUnwritable("the server did not start", "its messages are above")


def ask_health(address: str, stop: Any, answers: Any) -> None:
    """Ask again and again, from a process of its own, and hand over how long each answer took."""
    times = []
    while not stop.is_set():
        started = time.perf_counter()
        with urlopen(f"{address}/healthz", timeout=30) as answer:
            json.load(answer)
        times.append(time.perf_counter() - started)
        time.sleep(BEAT)
    answers.put(times)


def processes(pid: int) -> dict[str, float]:
    """Peak memory in MB of the server and its workers."""
    found = {"server": _peak(pid)}
    children = [int(word) for path in Path(f"/proc/{pid}/task").glob("*/children") for word in path.read_text().split()]
    found["workers"] = sum(_peak(child) for child in children)
    return found


def _peak(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError("this system does not tell a process's peak of memory: Linux is needed")


def one_client(address: str, picture: bytes, through_jobs: bool, end: float, load: Load) -> None:
    """Send one picture after the other until the time is over."""
    settings = Settings(scale=SCALE, quality="fast")
    with Client(address) as client:
        while time.perf_counter() < end:
            started = time.perf_counter()
            try:
                if through_jobs:
                    job = client.submit(picture, settings, name="small.jpg")
                    client.wait(job)
                    client.result(job)
                    client.remove(job)
                else:
                    client.upscale(picture, settings)
            except ServerProblem as problem:
                where = load.refused if problem.problem.status == 429 else load.failed
                where[problem.slug] += 1
                time.sleep(problem.retry_after or 1)
                continue
            except Unreachable as error:
                load.failed[str(error)] += 1
                continue
            load.seconds.append(time.perf_counter() - started)


def measure(process: subprocess.Popen[str], address: str, picture: bytes, seconds: float, large: Path | None) -> Load:
    """One load."""
    load = Load()
    stop, answers = multiprocessing.Event(), multiprocessing.Queue()  # type: ignore[var-annotated]
    asking = multiprocessing.Process(target=ask_health, args=(address, stop, answers))
    with Client(address, name="l" * 16) as client:
        job = None if large is None else client.submit(large, Settings(scale=SCALE, quality="best"))
        while job is not None and client.job(job).state != "running":
            time.sleep(0.05)
        asking.start()
        started = time.perf_counter()
        end = started + seconds
        threads = [
            threading.Thread(target=one_client, args=(address, picture, index % 2 == 1, end, load))
            for index in range(CLIENTS)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        load.spent = time.perf_counter() - started
        stop.set()
        load.health = answers.get(timeout=30)
        asking.join()
        load.memory = processes(process.pid)
        if job is not None:
            now = client.job(job)
            load.large = f"{now.progress:.0%} done" if now.state == "running" else now.state
            client.remove(job)
    return load


def share(values: list[float], part: float) -> float:
    """The value below which that part of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def row(title: str, load: Load) -> list[str]:
    """One line of the table."""
    return [
        title,
        f"{len(load.seconds)}",
        f"{len(load.seconds) / load.spent:.1f}",
        f"{median(load.seconds):.2f} / {share(load.seconds, 0.95):.2f} / {max(load.seconds):.2f}",
        f"{sum(load.refused.values())} / {sum(load.failed.values())}",
        f"{1000 * median(load.health):.0f} / {1000 * share(load.health, 0.99):.0f} / {1000 * max(load.health):.0f}",
        f"{load.memory['server']:.0f} / {load.memory['workers']:.0f}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="of each load")
    parser.add_argument("--no-report", action="store_true", help="print alone")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        small = drawn(Path(folder) / "small.jpg", SMALL).read_bytes()
        large = drawn(Path(folder) / "large.jpg", LARGE)
        process, address = start(Path(folder) / "data")
        try:
            with Client(address) as client:
                for _ in range(3):
                    client.upscale(small, Settings(scale=SCALE, quality="fast"))
            alone = measure(process, address, small, given.seconds, None)
            beside = measure(process, address, small, given.seconds, large)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    heads = [
        "load",
        "pictures",
        "a second",
        "seconds for one: median / 95% / most",
        "429 / failed",
        "/healthz ms: median / 99% / most",
        "MB: server / workers",
    ]
    title = f"a picture of {LARGE[0]}×{LARGE[1]} beside them, ×{SCALE} best"
    made = table(heads, [row("50 clients", alone), row(f"{title} ({beside.large})", beside)])
    wrong = {**alone.failed, **beside.failed}
    said = f"\n\nFailed: {wrong}" if wrong else ""
    print(made + said)
    if not given.no_report:
        about = (
            f"{CLIENTS} clients, half through `POST /v1/upscale`, half through jobs, each sending the next small "
            f"picture ({SMALL[0]}×{SMALL[1]} JPEG, ×{SCALE}, `fast`) when it has the result of the last; "
            f"{given.seconds:.0f} s each. Memory is each process's peak, the workers' together. Clients run on "
            "the same cores.\n\n"
        )
        used = versions("subpixel", "openvino", "uvicorn")
        foot = f"\n\n{machine_class(os.cpu_count() or 1)}. {used}. `{command_line()}`"
        write_section("Serving: 50 clients at once", about + made + said + foot)


if __name__ == "__main__":
    run_command(main)
