"""Before and after: the divider by mouse, touch and keys; zoom to single pixels; bicubic and the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install -c constraints.txt -e '.[dev]'")
from playwright.sync_api import expect

import subpixel
from tests.web.page.conftest import drop, shown, visits, wait_done, write_picture
from tests.web.servers import until

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

    from tests.web.servers import Served

WIDE, HIGH = 256, 192
"""Of the results."""


@pytest.fixture(scope="module")
def compared(browser: Browser, server: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    with visits(browser, server) as open_page:
        page = open_page()
        drop(page, write_picture(tmp_path_factory.mktemp("compared") / "boat.png"))
        wait_done(page)
        page.wait_for_selector("#tag-right:text-is('After')")
        yield page


@pytest.fixture
def finished(compared: Page) -> Page:
    """A finished picture, all of it seen, the divider in the middle."""
    compared.click("#zoom-fit")
    compared.check("#compare input[value=source]", force=True)
    compared.locator("#divider").dispatch_event("dblclick")
    return compared


def value(page: Page) -> int:
    return int(page.get_attribute("#divider", "aria-valuenow") or -1)


def middle(pixels: np.ndarray, width: int = WIDE, height: int = HIGH) -> np.ndarray:
    """The picture in the middle of the canvas, without what lies around it."""
    top, left = (pixels.shape[0] - height) // 2, (pixels.shape[1] - width) // 2
    return pixels[top : top + height, left : left + width, :3].astype(int)


def test_the_divider_follows_the_mouse(finished: Page) -> None:
    box = finished.locator("#divider").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    finished.mouse.move(x, y)
    finished.mouse.down()
    finished.mouse.move(x + 64, y, steps=4)
    assert value(finished) == pytest.approx(75, abs=1)
    finished.mouse.up()
    finished.mouse.move(x - 64, y)
    assert value(finished) == pytest.approx(75, abs=1), "let go, it stays"
    finished.mouse.click(x - 64, y)
    assert value(finished) == pytest.approx(25, abs=1), "all of it is seen: a click anywhere puts the divider there"


def test_the_divider_follows_keys_and_shows_each_side(finished: Page) -> None:
    finished.focus("#divider")
    finished.keyboard.press("ArrowRight")
    finished.keyboard.press("ArrowRight")
    assert value(finished) == 54
    finished.keyboard.press("Shift+ArrowLeft")
    assert value(finished) == 44
    assert "44 % before, 56 % after" in (finished.get_attribute("#divider", "aria-valuetext") or "")
    finished.keyboard.press("End")
    before = middle(shown(finished))
    finished.keyboard.press("Home")
    after = middle(shown(finished))
    finished.keyboard.press("PageUp")
    for _ in range(4):
        finished.keyboard.press("PageUp")
    both = middle(shown(finished))
    assert np.abs(before - after).mean() > 1, "the sides differ"
    assert np.array_equal(both[:, :120], before[:, :120])
    assert np.array_equal(both[:, -120:], after[:, -120:])


def test_after_is_the_result_itself(finished: Page, server: Served, tmp_path: Path) -> None:
    finished.focus("#divider")
    finished.keyboard.press("Home")
    finished.click("#zoom-pixels")
    expect(finished.locator("#zoom-value")).to_have_text("100 %")
    with finished.expect_download() as caught:
        finished.click("#stage-actions a")
    saved = tmp_path / caught.value.suggested_filename
    caught.value.save_as(saved)
    assert saved.name == "boat-x4.png"
    result = subpixel.read(saved).pixels[0]
    assert result.shape == (HIGH, WIDE, 3)
    assert np.array_equal(middle(shown(finished)), result)


def test_single_pixels_stay_square_and_in_step(finished: Page, picture: Callable[..., Path]) -> None:
    finished.click("#zoom-pixels")
    for _ in range(6):
        finished.click("#zoom-in")
    expect(finished.locator("#zoom-value")).to_have_text("800 %")
    assert finished.get_attribute("#viewer", "data-pans") is not None
    finished.focus("#divider")
    finished.keyboard.press("Home")
    after = blocks(shown(finished)[..., :3], 8)
    finished.focus("#canvas")
    finished.keyboard.press("ArrowRight")
    assert not np.array_equal(blocks(shown(finished)[..., :3], 8)[:40, :40], after[:40, :40]), "keys pan"
    finished.keyboard.press("ArrowLeft")
    assert np.array_equal(blocks(shown(finished)[..., :3], 8), after), "and back"
    finished.focus("#divider")
    finished.keyboard.press("End")
    before = blocks(shown(finished)[..., :3], 32)
    source = subpixel.read(picture("again.png")).pixels[0]
    rows, columns = before.shape[:2]
    places = [
        (top, left)
        for top in range(source.shape[0] - rows + 1)
        for left in range(source.shape[1] - columns + 1)
        if np.array_equal(source[top : top + rows, left : left + columns], before)
    ]
    assert len(places) == 1, "before shows the source's own pixels"
    finished.keyboard.press("0")
    expect(finished.locator("#zoom-value")).to_have_text("100 %")


def blocks(pixels: np.ndarray, side: int) -> np.ndarray:
    """One value for each whole square of pixels; fails where a square is not of one colour."""
    for top in range(side):
        for left in range(side):
            part = pixels[top:, left:]
            high, wide = part.shape[0] // side, part.shape[1] // side
            squares = part[: high * side, : wide * side].reshape(high, side, wide, side, 3)
            if (squares == squares[:, :1, :, :1]).all():
                return squares[:, 0, :, 0]
    raise AssertionError(f"not in squares of {side} pixels")


def test_the_wheel_zooms_where_the_mouse_is_and_a_drag_pans(finished: Page) -> None:
    finished.focus("#divider")
    finished.keyboard.press("Home")
    box = finished.locator("#canvas").bounding_box()
    assert box is not None
    x, y = int(box["x"] + box["width"] / 2 + 60), int(box["y"] + box["height"] / 2 + 30)
    finished.mouse.move(x, y)
    for _ in range(10):
        finished.mouse.wheel(0, -200)
    expect(finished.locator("#zoom-value")).to_have_text("3200 %")
    under = shown(finished)[int(y - box["y"]), int(x - box["x"])]
    finished.mouse.down()
    finished.mouse.move(x - 100, y, steps=4)
    finished.mouse.up()
    assert np.array_equal(shown(finished)[int(y - box["y"]), int(x - 100 - box["x"])], under)
    assert finished.locator("#chart").is_visible(), "a small picture says where one is"


def test_bicubic_and_the_difference(finished: Page) -> None:
    finished.focus("#divider")
    finished.keyboard.press("End")
    views = {}
    for name in ("source", "bicubic", "difference"):
        finished.check(f"#compare input[value={name}]", force=True)
        views[name] = middle(shown(finished))
    assert "Difference" in (finished.text_content("#tag-left") or "")
    assert np.abs(views["source"] - views["bicubic"]).mean() < 12, "both show the scene"
    assert np.abs(views["bicubic"] - views["difference"]).mean() > 30


def test_touch(visit: Callable[..., Page], picture: Callable[..., Path]) -> None:
    page = visit(has_touch=True, is_mobile=True, viewport={"width": 380, "height": 800})
    drop(page, picture())
    wait_done(page)
    page.wait_for_selector("#tag-right:text-is('After')")
    page.locator("#viewer").scroll_into_view_if_needed()
    box = page.locator("#divider").bounding_box()
    assert box is not None
    x, y = box["x"] + 22, box["y"] + box["height"] / 2
    hand = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": px, "y": py, "id": number} for number, (px, py) in enumerate(points)]
        hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    touch("touchStart", (x, y))
    for step in range(5):
        touch("touchMove", (x + 16 * step, y))
    touch("touchEnd")
    assert value(page) == pytest.approx(75, abs=3)

    touch("touchStart", (x - 80, y - 20), (x - 40, y - 20))
    for step in range(1, 6):
        touch("touchMove", (x - 80 - 8 * step, y - 20), (x - 40 + 8 * step, y - 20))
    touch("touchEnd")
    page.wait_for_function("() => parseInt(document.getElementById('zoom-value').textContent) > 180")


def test_frames_of_a_video(visit: Callable[..., Page], clip: Path) -> None:
    """A finished video is played, or compared frame by frame: the slider chooses, zoom and divider stay."""
    page = visit()
    page.check("#factors input[value='2']")
    page.check("#models input[value=fast]")
    drop(page, clip)
    wait_done(page)
    expect(page.locator("#film video")).to_be_visible()
    expect(page.locator("#moment")).to_be_hidden()
    page.get_by_role("radio", name="Before and after").check(force=True)
    expect(page.locator("#film")).to_be_hidden()
    page.wait_for_selector("#tag-right:text-is('After')")
    expect(page.locator("#moment-value")).to_have_text("Frame 5 of 8")
    page.focus("#divider")
    page.keyboard.press("End")  # nothing but the source

    def drawn() -> np.ndarray:
        return middle(shown(page), 128, 96)

    def moved(by: int) -> np.ndarray:
        """The source's frame as it was drawn, as large as the result."""
        from tests.web.page.conftest import drawing

        return np.roll(drawing(), by, 1).repeat(2, 0).repeat(2, 1).astype(int)

    def frame() -> int:
        now = drawn()
        return int(np.argmin([np.abs(now - moved(by)).mean() for by in range(8)]))

    assert frame() == 4
    slider = page.get_by_role("slider", name="Which frame")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#moment-value")).to_have_text("Frame 7 of 8")
    assert slider.get_attribute("aria-valuetext") == "Frame 7 of 8"
    until(lambda: frame() == 6)
    assert value(page) == 100, "the divider stays"
    page.focus("#divider")
    page.keyboard.press("Home")  # nothing but the result
    until(lambda: frame() == 6)
    page.check("#compare input[value=difference]", force=True)
    expect(page.locator("#tag-left")).to_have_text("Difference to bicubic")
    page.get_by_role("radio", name="Play").check(force=True)
    expect(page.locator("#film video")).to_be_visible()
    expect(page.locator("#viewer")).to_be_hidden()
