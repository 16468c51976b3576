"""For everybody: axe finds nothing, keys reach everything, what has the focus is seen, live regions speak."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.web.page.conftest import drop, wait_done

pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install -c constraints.txt -e '.[dev]'")
pytest.importorskip("axe_playwright_python", reason="needs axe: pip install -c constraints.txt -e '.[dev]'")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page

Visit = Callable[..., "Page"]
Make = Callable[..., Path]


def violations(page: Page) -> list[str]:
    """What axe-core says is wrong, with the places."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {[node['target'] for node in rule['nodes']]}" for rule in found]


def test_axe_finds_nothing(visit: Visit, picture: Make, tmp_path: Path) -> None:
    page = visit()

    def look(at: str, *schemes: str) -> None:
        for colours in schemes:
            page.emulate_media(color_scheme=colours)
            assert violations(page) == [], f"{at}, {colours}"

    page.wait_for_selector("#models .card")
    look("empty", "light")

    page.check("#models input[value=another]")
    drop(page, picture("one.png"), picture("two.png", seed=1))
    wait_done(page, 2)
    page.wait_for_selector("#tag-right:text-is('After')")
    look("finished", "light", "dark")

    page.check("#models input[value=best]")
    page.check("#factors input[value=size]")
    page.wait_for_selector("#tag-right:text-is('After: preview')")
    look("other settings tried", "dark")

    wrong = tmp_path / "wrong.jpg"
    wrong.write_text("no picture")
    drop(page, wrong)
    expect(page.locator("#trouble")).to_be_visible()
    page.get_by_role("button", name="中文").click()
    look("failed, in Chinese", "dark", "light")


def test_axe_finds_nothing_on_a_narrow_screen_that_waits(visit: Visit, picture: Make) -> None:
    page = visit(viewport={"width": 380, "height": 800})
    page.check("#models input[value=best]")
    page.check("#factors input[value='16']")
    drop(page, picture("large.png", 320, 200))
    expect(page.locator(".item-state")).to_contain_text("Working")
    page.wait_for_selector("#tag-left:text('Before')")
    assert violations(page) == []
    page.route("**/v1/**", lambda route: route.abort())
    page.evaluate("dispatchEvent(new Event('offline'))")
    page.get_by_role("button", name="Cancel large.png").click()
    expect(page.locator("#connection")).to_be_visible()
    assert violations(page) == []
    page.unroute_all()
    expect(page.locator("#connection")).to_be_hidden()
    page.get_by_role("button", name="Cancel large.png").click()
    expect(page.locator(".item-state")).to_have_text("Cancelled")


def test_keys_alone_do_everything(visit: Visit, picture: Make) -> None:
    page = visit()
    page.wait_for_selector("#models .card")
    order = []
    for _ in range(8):
        page.keyboard.press("Tab")
        order.append(page.evaluate("(({ id, className, name }) => id || className || name)(document.activeElement)"))
        assert page.evaluate(SEEN), f"{order[-1]} has the focus, and nothing shows it"
    assert order == ["skip", "language", "theme", "choose", "factor", "model", "format", "restore"]

    page.focus("#choose")
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(picture())
    wait_done(page)
    page.locator(".item-open").focus()
    page.keyboard.press("Enter")
    page.focus("#canvas")
    page.keyboard.press("+")
    expect(page.locator("#zoom-value")).to_have_text("150 %")
    expect(page.locator("#canvas")).to_have_attribute("aria-label", "boat.png, 256 × 192, zoom 150 %")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "divider", "the divider comes after the picture"
    page.keyboard.press("Home")
    expect(page.locator("#divider")).to_have_attribute("aria-valuetext", "0 % before, 100 % after")
    page.locator(".item-tools button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#says")).to_contain_text("boat.png removed")
    assert page.evaluate("document.activeElement.id") == "choose", "the focus goes where one goes on"


SEEN = """() => {
    const focused = document.activeElement;
    const shows = element => element && getComputedStyle(element).outlineStyle !== "none"
        && parseFloat(getComputedStyle(element).outlineWidth) >= 2;
    return shows(focused) || shows(focused.nextElementSibling) || shows(focused.parentElement);
}"""


def test_larger_letters_and_forced_colours_keep_everything(visit: Visit, picture: Make) -> None:
    page = visit(viewport={"width": 640, "height": 400}, forced_colors="active")
    drop(page, picture())
    wait_done(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "nothing to scroll sideways at 200 %"
    expect(page.get_by_role("link", name="Download", exact=True)).to_be_visible()
