"""Takes the pictures of the page in docs/how-to/page.md: `python docs/make_page_pictures.py`.

A server of its own in a temporary folder, the example pictures, and a Chromium that is there (`apt-get install -y
chromium`). Nothing is drawn or mended afterwards; the files are only stored as small PNGs.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
TARGET = ROOT / "docs" / "images"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
MEASURED = 120_000
"""Milliseconds until the server knows how quick its models are."""


def main() -> None:
    """Take them."""
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output", type=Path, default=TARGET)
    parser.add_argument("--chromium", default=shutil.which("chromium") or shutil.which("google-chrome"))
    options = parser.parse_args()
    with serving() as address, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=options.chromium, args=FLAGS)
        result(browser, address, options.output / "page-result.png")
        narrow(browser, address, options.output / "page-narrow.png")
        browser.close()


@contextmanager
def serving() -> Iterator[str]:
    """A server; gives its address."""
    with tempfile.TemporaryDirectory() as folder:
        program = "from subpixel.cli.start import main; main()"
        words = ["serve", "--port", "0", "--data", folder, "--no-open"]
        process = subprocess.Popen([sys.executable, "-c", program, *words], stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[1]
        finally:
            process.kill()
            process.wait()


def result(browser: Browser, address: str, target: Path) -> None:
    """A finished picture on a wide screen, light."""
    page = visit(browser, address, width=1280, height=780, color_scheme="light")
    page.set_input_files("#files", [EXAMPLES / "squeezed.jpg", EXAMPLES / "logo-alpha.png", EXAMPLES / "scene.png"])
    page.wait_for_function("() => document.querySelectorAll('.item[data-state=done]').length === 3")
    page.get_by_role("button", name="scene.png").first.click()
    page.wait_for_selector("#tag-right:text-is('After')")
    page.wait_for_function(
        "() => ['fast', 'balanced', 'best'].every(name => document.getElementById(`cost-${name}`).textContent)",
        timeout=MEASURED,
    )
    take(page, target)


def narrow(browser: Browser, address: str, target: Path) -> None:
    """Zoomed in on a phone, dark."""
    page = visit(browser, address, width=390, height=780, color_scheme="dark")
    page.set_input_files("#files", EXAMPLES / "scene.png")
    page.wait_for_selector("#tag-right:text-is('After')")
    for _ in range(4):
        page.click("#zoom-in")
    page.wait_for_timeout(800)
    take(page, target)


def visit(browser: Browser, address: str, *, width: int, height: int, **options: str) -> Page:
    """The page for somebody new."""
    size = {"width": width, "height": height}
    context = browser.new_context(viewport=size, locale="en-GB", reduced_motion="reduce", **options)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(address)
    page.wait_for_selector("#models .card")
    return page


def take(page: Page, target: Path) -> None:
    """Keep what is seen, in 256 colours."""
    from PIL import Image

    page.mouse.move(0, 0)
    page.wait_for_timeout(500)
    page.screenshot(path=target)
    with Image.open(target) as picture:
        picture.convert("RGB").quantize(256, kmeans=4, dither=Image.Dither.FLOYDSTEINBERG).save(target, optimize=True)
    print(f"{target}  {target.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
