"""A real server, a real browser without a screen, pictures to drop.

Needs Chromium and Playwright for Python; where one of them is missing, the tests say so and are skipped.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import subpixel
from tests.turns import taking_turns
from tests.web.servers import Served, serving

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EXAMPLES = Path(__file__).parents[3] / "examples"
CHROMIUM = os.environ.get("SUBPIXEL_CHROMIUM") or next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
PATIENCE = 30_000
"""Milliseconds that anything on the page may take."""


PROGRAM = """
import sys
from pathlib import Path
from subpixel.web.folder import Folder
from subpixel.web.limits import Limits, Options
from subpixel.web.serving import make_server, open_door
data, port, token = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
limits = Limits(upload_bytes=100_000, pixels=20_000, result_pixels=80_000)
options = Options(data=data, limits=limits, token=token, threads=1, measure=False)
door = open_door("127.0.0.1", port, asked=True)
make_server(options, Folder(data, limits), door, lambda: None).run([door.socket])
"""
"""As `subpixel serve --token … --upload 100k --pixels 20k`, but it does not measure the models meanwhile."""


class Server:
    """A server in a process of its own, with a token and small limits; it can be killed and started again."""

    def __init__(self, data: Path, token: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.data, self.token = data, token
        self.address = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        env = {**os.environ, "OMP_NUM_THREADS": "1"}
        with (self.data.parent / f"{self.data.name}.log").open("ab") as log:
            words = [sys.executable, "-c", PROGRAM, str(self.data), str(self.port), self.token]
            self._process = subprocess.Popen(words, env=env, stdout=log, stderr=log)
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{self.address}/", timeout=5):
                    return
            except (urllib.error.URLError, ConnectionError):
                assert self._process.poll() is None, f"the server ended, see {log.name}"
                time.sleep(0.1)
        raise AssertionError(f"the server did not answer, see {log.name}")

    def kill(self) -> None:
        """Without a word, as when the power goes."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(20)
            self._process = None


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One for all tests that leave it running. Every visitor has jobs of their own."""
    with serving(tmp_path_factory.mktemp("page")) as made:
        yield made


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs Playwright: pip install -c constraints.txt -e '.[dev]'"
    )
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install -y chromium, or name one in SUBPIXEL_CHROMIUM")
    playwright.expect.set_options(timeout=PATIENCE)
    with playwright.sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield made
        made.close()


@pytest.fixture(scope="module", autouse=True)
def _turn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with taking_turns(tmp_path_factory):
        yield


@pytest.fixture
def visit(browser: Browser, server: Served) -> Iterator[Callable[..., Page]]:
    """Open the page as somebody new: `visit(locale="zh-CN", color_scheme="dark", …)`."""
    with visits(browser, server) as open_page:
        yield open_page


@contextmanager
def visits(browser: Browser, server: Served) -> Iterator[Callable[..., Page]]:
    """Opens pages, and closes them.

    At the end: no script failed, the Content-Security-Policy kept nothing back, nothing was asked of another host.
    """
    contexts, wrong = [], []

    def watch(page: Page) -> None:
        page.on("filechooser", lambda _: None)  # from the start: switched on by a click it may come too late
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: "Security Policy" in said.text and wrong.append(said.text))
        page.on("request", lambda sent: _own(sent.url, page) or wrong.append(f"asked of another: {sent.url}"))

    def open_page(at: str | None = None, **options: Any) -> Page:
        usual = {"locale": "en-GB", "viewport": {"width": 1200, "height": 800}, "reduced_motion": "reduce"}
        context = browser.new_context(**{**usual, **options})
        context.set_default_timeout(PATIENCE)
        context.on("page", watch)
        contexts.append(context)
        page = context.new_page()
        page.goto(at or server.address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong


def _own(url: str, page: Page) -> bool:
    return url.startswith(("blob:", "data:", "/".join(page.url.split("/")[:3]))) or page.url == "about:blank"


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pictures of the page are kept: SUBPIXEL_SCREENSHOTS, or pytest's temporary folder."""
    named = os.environ.get("SUBPIXEL_SCREENSHOTS")
    folder = Path(named) if named else tmp_path_factory.mktemp("screenshots")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def drawing(width: int = 64, height: int = 48, seed: int = 0) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A part of the example scene, of which `seed` says where."""
    scene = subpixel.read(EXAMPLES / "scene.png").pixels[0]
    left, top = (seed * 37) % (321 - width), (seed * 23 + 90) % (214 - height)
    return scene[top : top + height, left : left + width].copy()


def write_picture(path: Path, width: int = 64, height: int = 48, seed: int = 0) -> Path:
    """A picture file, under whatever name."""
    plain = path.parent / "plain.png"
    subpixel.write(subpixel.Picture(drawing(width, height, seed)[None]), plain, overwrite=True)
    return plain.rename(path)


@pytest.fixture
def picture(tmp_path: Path) -> Callable[..., Path]:
    """A picture file: `picture("name.png", width, height, seed)`."""

    def make(name: str = "boat.png", width: int = 64, height: int = 48, seed: int = 0) -> Path:
        return write_picture(tmp_path / name, width, height, seed)

    return make


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A video of eight frames."""
    import av

    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as target:
        stream = target.add_stream("libx264", rate=8)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for at in range(8):
            frame = av.VideoFrame.from_ndarray(np.roll(drawing(), at, 1), format="rgb24")
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
    return path


def drop(page: Page, *paths: Path) -> None:
    """Let go of files over the page, as a mouse does."""
    import base64

    files = [[path.name, base64.b64encode(path.read_bytes()).decode()] for path in paths]
    page.evaluate(
        """files => {
            const transfer = new DataTransfer();
            for (const [name, bytes] of files) {
                const data = Uint8Array.from(atob(bytes), sign => sign.charCodeAt(0));
                transfer.items.add(new File([data], name));
            }
            const options = { dataTransfer: transfer, bubbles: true, cancelable: true };
            for (const type of ["dragenter", "dragover", "drop"]) {
                document.body.dispatchEvent(new DragEvent(type, options));
            }
        }""",
        files,
    )


def wait_done(page: Page, count: int = 1) -> None:
    """Until so many pictures are finished."""
    page.wait_for_function("n => document.querySelectorAll('.item[data-state=done]').length === n", arg=count)


def shown(page: Page) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """What the viewer's canvas holds now, (H, W, 4), drawn with everything that it waits for."""
    from PIL import Image

    page.wait_for_function(SETTLED)
    url = page.evaluate("document.getElementById('canvas').toDataURL('image/png')")
    import base64

    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGBA"))


SETTLED = """async () => {
    const canvas = document.getElementById("canvas");
    const one = canvas.toDataURL();
    await new Promise(resolve => setTimeout(resolve, 120));
    return canvas.toDataURL() === one;
}"""
