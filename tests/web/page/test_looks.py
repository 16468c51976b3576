"""Pictures of the page at three widths, to look at: SUBPIXEL_SCREENSHOTS names the folder that keeps them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.web.page.conftest import EXAMPLES, drop, wait_done

pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install -c constraints.txt -e '.[dev]'")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

SIZES = ((1440, 900), (820, 1180), (380, 800))


def test_screenshots(visit: Callable[..., Page], screenshots: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "notes.jpg"
    wrong.write_text("no picture")
    page = visit()
    page.wait_for_selector("#models .card")

    def keep(name: str, *schemes: str) -> None:
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            for colours in schemes:
                page.emulate_media(color_scheme=colours)
                page.wait_for_timeout(80)
                path = screenshots / f"{width}-{name}-{colours}.png"
                assert len(page.screenshot(path=path, full_page=width < 1080)) > 5000
            assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing to scroll sideways"
            outside = page.evaluate(OUTSIDE)
            assert outside == [], f"{name} at {width}"

    keep("1-empty", "light")
    page.check("#factors input[value='2']")
    drop(page, EXAMPLES / "scene.png")
    wait_done(page)
    page.wait_for_selector("#tag-right:text-is('After')")
    keep("2-result", "light", "dark")
    page.check("#models input[value=fast]")
    page.wait_for_selector("#tag-right:text-is('After: preview')")
    keep("3-trial", "light")
    drop(page, wrong)
    expect(page.locator("#trouble")).to_be_visible()
    keep("4-error", "dark")
    page.get_by_role("button", name="中文").click()
    page.get_by_role("button", name="scene.png").first.click()
    page.wait_for_selector("#tag-right:text-is('之后')")
    keep("5-chinese", "light")


OUTSIDE = """() => [...document.querySelectorAll("main button, main a, main select")]
    .filter(element => element.offsetParent)
    .filter(element => {
        const { left, right } = element.getBoundingClientRect();
        return left < 0 || right > innerWidth + 1;
    })
    .map(element => element.outerHTML.slice(0, 80))"""
