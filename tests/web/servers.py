"""Servers for the tests: in a thread of this process, or as the command in a process of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from subpixel import image
from subpixel.types import Picture
from subpixel.web.desk import Desk
from subpixel.web.folder import Folder
from subpixel.web.limits import Limits, Options
from subpixel.web.serving import make_server, open_door

PATIENCE = 20.0


@dataclass(frozen=True)
class Served:
    """A server of this process: its address, and what is behind it, to be looked at and hurt."""

    address: str
    desk: Desk


@contextmanager
def serving(
    data: Path, limits: Limits | None = None, token: str | None = None, *, measure: bool = False
) -> Iterator[Served]:
    """A server in a thread."""
    options = Options(data=data, limits=limits or Limits(), token=token, threads=1, measure=measure)
    door = open_door("127.0.0.1", 0, asked=False)
    ready = threading.Event()
    server = make_server(options, Folder(data, options.limits), door, ready.set)
    thread = threading.Thread(target=server.run, args=([door.socket],))
    thread.start()
    try:
        assert ready.wait(PATIENCE)
        app = getattr(server, "_app")  # noqa: B009
        yield Served(door.address, app.state.desk)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()


class Process:
    """`subpixel serve` in a process of its own."""

    def __init__(self, data: Path, *words: str) -> None:
        program = "from subpixel.cli.start import main; main()"
        command = [sys.executable, "-c", program, "serve", "--port", "0", "--no-open", "--data", str(data), *words]
        environment = {**os.environ, "XDG_CACHE_HOME": str(data.parent / "cache"), "OMP_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
        self.said: list[str] = []
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("page"):
                self.address = line.split()[1].partition("/#")[0].rstrip("/")
            if line.startswith("stop"):
                return
        raise AssertionError(self.process.communicate())

    def kill(self) -> None:
        """SIGKILL, as when the power goes."""
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()

    def stop(self) -> tuple[str, str]:
        """SIGTERM, and what was printed until the end."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.communicate(timeout=PATIENCE)


def until(question: object, seconds: float = PATIENCE) -> None:
    """Wait until a question is answered with yes."""
    assert callable(question)
    end = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < end
        time.sleep(0.02)


def picture(path: Path, width: int = 64, height: int = 48, *, seed: int = 0) -> Path:
    """A picture file."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = 128 + 70 * np.sin(x / 5 + seed)[..., None] * np.cos(y / 7)[..., None] + rng.normal(0, 4, (height, width, 3))
    image.write(Picture(np.clip(waves, 0, 255).astype(np.uint8)[None]), path, overwrite=True)
    return path
