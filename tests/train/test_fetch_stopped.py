"""Downloads that are stopped, and two of them at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pydantic", reason="fetching needs pydantic: pip install 'subpixel[train]'")

from fetching import CONTENT, file_of, source, whole
from server import Server, serving

from subpixel.errors import TrainingError
from subpixel_train.fetch.obtain import obtain


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.mark.skipif(sys.platform == "win32", reason="needs fcntl")
def test_two_at_a_time_do_not_write_one_file(tmp_path: Path, server: Server) -> None:
    gate = threading.Event()
    server.put("a.bin", CONTENT, gate=gate)
    first = threading.Thread(target=obtain, args=(file_of(server), tmp_path, source()[0]))
    first.start()
    while not server.sent:
        time.sleep(0.01)
    with pytest.raises(TrainingError, match="is being fetched by another process"):
        obtain(file_of(server), tmp_path, source()[0])
    gate.set()
    first.join()
    assert whole(tmp_path)


PROGRAM = """
import signal, sys
from pathlib import Path
from fetching import Notes
from subpixel_train.fetch.entries import Download
from subpixel_train.fetch.obtain import Source, obtain
try:
    obtain(Download("a.bin", (sys.argv[1],)), Path(sys.argv[2]), Source(Notes()))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_process_leaves_a_part_that_is_completed(
    tmp_path: Path, server: Server, number: signal.Signals
) -> None:
    gate = threading.Event()
    reply = server.put("a.bin", CONTENT, gate=gate)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    running = subprocess.Popen([sys.executable, "-c", PROGRAM, server.at("a.bin"), str(tmp_path)], env=environment)
    part = tmp_path / "a.bin.partial"
    deadline = time.monotonic() + 60
    while not (part.is_file() and part.stat().st_size >= 500_000) and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(number)
    assert running.wait(30) == (130 if number == signal.SIGINT else -signal.SIGKILL)
    gate.set()
    reply.gate = None
    have = part.stat().st_size
    assert have >= 500_000 and not (tmp_path / "a.bin").exists()
    obtain(file_of(server), tmp_path, source()[0])
    assert (tmp_path / "a.bin").read_bytes() == CONTENT
    assert server.ranges()[-1] == f"bytes={have}-"
