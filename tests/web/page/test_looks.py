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

WIDTHS = ((1440, 900), (820, 1180), (380, 800))


@pytest.mark.parametrize(("width", "height"), WIDTHS)
def test_screenshots(visit: Callable[..., Page], screenshots: Path, tmp_path: Path, width: int, height: int) -> None:
    wrong = tmp_path / "notes.jpg"
    wrong.write_text("no picture")
    page = visit(viewport={"width": width, "height": height}, reduced_motion="reduce")
    page.wait_for_selector("#models .card")
    shots = 0

    def keep(name: str, colours: str) -> None:
        nonlocal shots
        page.emulate_media(color_scheme=colours)
        page.wait_for_timeout(60)
        taken = page.screenshot(path=screenshots / f"{width}-{name}-{colours}.png", full_page=width < 1080)
        assert len(taken) > 5000
        shots += 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width, "nothing to scroll sideways"
        for part in page.locator("main button:visible, main a:visible").all():
            box = part.bounding_box()
            assert box is None or (box["x"] >= 0 and box["x"] + box["width"] <= width + 1), part.inner_text()

    keep("1-empty", "light")
    page.check("#factors input[value='2']")
    drop(page, EXAMPLES / "scene.png")
    wait_done(page)
    page.wait_for_selector("#tag-right:text-is('After')")
    keep("2-result", "light")
    keep("2-result", "dark")
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
    assert shots == 6
