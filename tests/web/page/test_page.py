"""The page as somebody uses it: files in, progress, results out; reloads, two tabs, languages, light and dark."""

from __future__ import annotations

import time
import urllib.request
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import subpixel
from tests.web.page.conftest import EXAMPLES, drop, wait_done
from tests.web.servers import Served, until

pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install -c constraints.txt -e '.[dev]'")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

Visit = Callable[..., "Page"]
Make = Callable[..., Path]


def test_what_it_says_when_it_opens(visit: Visit) -> None:
    page = visit()
    expect(page.get_by_role("heading", name="Drop a picture or a video here")).to_be_visible()
    expect(page.get_by_role("button", name="Choose files")).to_be_visible()
    expect(page.locator("#drop-limits")).to_contain_text("500 MB")
    expect(page.get_by_role("radio", name="×4")).to_be_checked()
    expect(page.get_by_role("radio", name="Balanced")).to_be_checked()
    expect(page.locator("#queue")).to_be_hidden()


def test_nothing_inline_and_nothing_from_elsewhere(server: Served) -> None:
    with urllib.request.urlopen(f"{server.address}/") as answer:
        policy, text = answer.headers["Content-Security-Policy"], answer.read().decode()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "style=" not in text
    assert "onclick" not in text
    folder = Path(subpixel.__file__).parent / "web" / "page"
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    for path in files:
        words = path.read_text(encoding="utf-8")
        assert len(words.splitlines()) <= 400, path
        assert "innerHTML" not in words, path
        assert "https://" not in words, path
        assert "http://" not in words.replace("http://www.w3.org/2000/svg", ""), path


def test_a_dropped_picture_is_previewed_then_finished(visit: Visit, picture: Make) -> None:
    page = visit()
    page.check("#models input[value=best]")
    drop(page, picture("boat.png", 80, 60))
    expect(page.locator("#stage-name")).to_have_text("boat.png")
    expect(page.locator("#says")).to_contain_text("boat.png added")
    page.wait_for_selector("#tag-right:text('After')")
    wait_done(page)
    expect(page.locator("#stage-facts")).to_contain_text("80 × 60 → 320 × 240 · ×4 by fine-x4")
    expect(page.locator("#stage-facts")).to_contain_text("PNG")
    expect(page.locator("#says")).to_contain_text("boat.png is done: 320 × 240")


def test_pasted_and_chosen(visit: Visit, picture: Make) -> None:
    page = visit()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose files").click()
    assert chooser.value.is_multiple()
    chooser.value.set_files([picture("one.png"), picture("two.png", seed=1)])
    page.evaluate(
        """async () => {
            const canvas = new OffscreenCanvas(40, 30);
            canvas.getContext("2d").fillRect(5, 5, 20, 20);
            const transfer = new DataTransfer();
            transfer.items.add(new File([await canvas.convertToBlob()], "image.png", { type: "image/png" }));
            dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
        }"""
    )
    wait_done(page, 3)
    assert page.locator(".item-name").all_text_contents() == ["one.png", "two.png", "pasted.png"]
    expect(page.locator("#overall-words")).to_contain_text("done")


def test_size_format_and_the_model_are_taken(visit: Visit, picture: Make, tmp_path: Path) -> None:
    page = visit()
    page.check("#factors input[value=size]")
    page.fill("#width", "150")
    page.fill("#height", "200")
    page.press("#height", "Enter")
    page.check("#models input[value=another]")
    page.select_option("#other-model", "bicubic")
    expect(page.locator("#other-summary")).to_contain_text("nothing learnt")
    page.select_option("#format", "webp")
    drop(page, picture())
    wait_done(page)
    expect(page.locator("#stage-facts")).to_contain_text("64 × 48 → 150 × 112")
    with page.expect_download() as caught:
        page.get_by_role("link", name="Download", exact=True).click()
    saved = tmp_path / caught.value.suggested_filename
    caught.value.save_as(saved)
    assert saved.suffix == ".webp"
    assert subpixel.read(saved).pixels.shape[1:3] == (112, 150)


def test_all_in_one_zip_then_cleared(visit: Visit, picture: Make, tmp_path: Path) -> None:
    page = visit()
    page.check("#factors input[value='2']")
    drop(page, picture("one.png"), picture("two.png", seed=1))
    wait_done(page, 2)
    with page.expect_download() as caught:
        page.get_by_role("button", name="Download all").click()
    saved = tmp_path / "all.zip"
    caught.value.save_as(saved)
    with zipfile.ZipFile(saved) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["one-x2.png", "two-x2.png"]
    page.get_by_role("button", name="Clear finished").click()
    expect(page.locator("#drop")).to_be_visible()
    expect(page.locator("#queue")).to_be_hidden()
    assert page.evaluate("document.activeElement.id") == "choose"


def test_other_settings_are_previewed_and_made_beside_the_first(visit: Visit, picture: Make) -> None:
    page = visit()
    drop(page, picture())
    wait_done(page)
    page.check("#factors input[value='2']")
    expect(page.locator("#tag-right")).to_have_text("After: preview")
    expect(page.locator("#size-words")).to_contain_text("128 × 96")
    page.get_by_role("button", name="Back to result").click()
    expect(page.locator("#tag-right")).to_have_text("After")
    page.check("#models input[value=fast]")
    page.get_by_role("button", name="Enlarge again").click()
    wait_done(page, 2)
    expect(page.locator("#stage-facts")).to_contain_text("64 × 48 → 128 × 96 · ×2 by swift-x2")


def test_expected_times_stand_beside_the_models(visit: Visit, picture: Make) -> None:
    page = visit()
    asked = []

    def estimate(route: Route) -> None:
        asked.append(route.request.url)
        qualities = {"fast": 0.02, "balanced": None if len(asked) == 1 else 2.34, "best": 150}
        route.fulfill(json={"width": 256, "height": 192, "seconds": {}, "qualities": qualities})

    page.route("**/v1/estimate?*", estimate)
    drop(page, picture())
    expect(page.locator("#cost-fast")).to_have_text("under 0.1 s")
    expect(page.locator("#cost-best")).to_have_text("about 3 min")
    expect(page.locator("#cost-balanced")).to_have_text("about 2.3 s")
    assert "width=64&height=48" in asked[-1], "what was not measured yet is asked for again"


def test_a_reload_loses_nothing(visit: Visit, picture: Make) -> None:
    page = visit()
    page.check("#factors input[value='3']")
    drop(page, picture("one.png"), picture("two.png", seed=1))
    wait_done(page, 2)
    page.get_by_role("button", name="two.png").first.click()
    page.reload()
    wait_done(page, 2)
    expect(page.locator("#stage-name")).to_have_text("two.png")
    expect(page.locator("#tag-right")).to_have_text("After")
    expect(page.get_by_role("radio", name="×3")).to_be_checked()


def test_cancel_and_remove(visit: Visit, picture: Make) -> None:
    page = visit()
    page.check("#factors input[value='16']")
    drop(page, picture("large.png", 320, 200))
    expect(page.locator(".item-state")).to_contain_text("Working")
    page.locator("#stage-actions").get_by_role("button", name="Cancel").click()
    expect(page.locator(".item-state")).to_have_text("Cancelled")
    expect(page.locator("#says")).to_contain_text("large.png cancelled")
    page.locator("#stage-actions").get_by_role("button", name="Remove").click()
    expect(page.locator("#drop")).to_be_visible()


def test_a_file_never_stands_twice(visit: Visit, picture: Make) -> None:
    page = visit()

    def answer_late(route: Route) -> None:
        answer = route.fetch()
        time.sleep(1)  # the events of the new job come first
        route.fulfill(response=answer)

    page.route("**/v1/jobs", lambda route: answer_late(route) if route.request.method == "POST" else route.continue_())
    page.evaluate("""() => {
        window.most = 0;
        const count = () => { window.most = Math.max(window.most, document.querySelectorAll(".item").length); };
        new MutationObserver(count).observe(document.getElementById("items"), { childList: true });
    }""")
    drop(page, picture("once.png"))
    wait_done(page, 1)
    expect(page.locator("#stage-name")).to_have_text("once.png")
    assert page.evaluate("window.most") == 1


def test_two_tabs_show_the_same_and_others_nothing_of_it(visit: Visit, picture: Make) -> None:
    one = visit()
    two = one.context.new_page()
    two.goto(one.url)
    drop(one, picture("one.png"))
    drop(two, picture("two.png", seed=1))
    for page in (one, two):
        wait_done(page, 2)
        assert sorted(page.locator(".item-name").all_text_contents()) == ["one.png", "two.png"]
    two.get_by_role("button", name="Remove one.png").click()
    expect(one.locator(".item")).to_have_count(1)
    expect(one.locator("#stage-name")).to_have_text("two.png")

    other = visit()
    other.wait_for_selector("#models .card")
    expect(other.locator(".item")).to_have_count(0)


def test_a_name_is_only_text(visit: Visit, picture: Make) -> None:
    page = visit()
    name = "<img src=x onerror=document.title='owned'>&amp;.png"
    drop(page, picture(name))
    wait_done(page)
    expect(page.locator("#stage-name")).to_have_text(name)
    expect(page.locator(".item-name")).to_have_text(name)
    assert page.locator("#stage-name img, .item-name img").count() == 0
    assert "owned" not in page.title()


def test_a_video_is_made_and_plays(visit: Visit, clip: Path) -> None:
    page = visit()
    page.check("#factors input[value='2']")
    page.check("#models input[value=fast]")
    drop(page, clip)
    wait_done(page)
    expect(page.locator("#stage-facts")).to_contain_text("64 × 48 → 128 × 96")
    page.wait_for_function("() => document.querySelector('video')?.videoWidth === 128")
    assert page.evaluate("document.querySelector('video').duration") == pytest.approx(1, abs=0.2)
    with page.expect_download() as caught:
        page.get_by_role("link", name="Download", exact=True).click()
    assert caught.value.suggested_filename == "clip-x2.mp4"


def test_chinese_follows_the_browser_and_is_stored(visit: Visit) -> None:
    page = visit(locale="zh-CN")
    expect(page.get_by_role("heading", name="把图片或视频拖到这里")).to_be_visible()
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("heading", name="Drop a picture or a video here")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="Drop a picture or a video here")).to_be_visible()


def test_both_languages_have_the_same_words() -> None:
    import re

    folder = Path(subpixel.__file__).parent / "web" / "page" / "words"
    keys = {
        name: dict(re.findall(r'^  "?([\w.-]+)"?: "(.*)",$', (folder / f"{name}.js").read_text("utf-8"), re.MULTILINE))
        for name in ("en", "zh")
    }
    # Chinese also says what the server says in English, and what published models are for.
    only = {key for key in keys["zh"] if not key.startswith(("problem.", "model."))}
    assert only == {key for key in keys["en"] if not key.startswith("problem.")}
    for key in only:
        assert set(re.findall(r"{\w+}", keys["zh"][key])) <= {"{count}", "{name}"} | set(
            re.findall(r"{\w+}", keys["en"][key])
        ), key


def test_light_and_dark(visit: Visit) -> None:
    page = visit(color_scheme="dark")
    ground = "getComputedStyle(document.documentElement).backgroundColor"
    dark = page.evaluate(ground)
    page.get_by_role("button", name="Colours: as the system").click()
    light = page.evaluate(ground)
    assert light != dark
    page.reload()
    assert page.evaluate(ground) == light, "the choice is stored"
    page.get_by_role("button", name="Colours: light").click()
    page.get_by_role("button", name="Colours: dark").click()
    assert page.evaluate(ground) == dark, "back to the system's"


SEEN = """seen => {
    Object.defineProperty(document, "hidden", { configurable: true, value: !seen });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_many_tabs(visit: Visit, server: Served, picture: Make) -> None:
    """Browsers open six connections to a server: tabs that nobody sees hold none."""
    before = server.desk.events.listeners
    first = visit()
    tabs = [first]
    for number in range(6):
        tabs[-1].wait_for_selector("#models .card")
        if number == 3:
            for tab in tabs:
                tab.evaluate(SEEN, False)
            until(lambda: server.desk.events.listeners <= before)
        tabs.append(first.context.new_page())
        tabs[-1].goto(server.address)
    drop(tabs[-1], picture())
    wait_done(tabs[-1])
    tabs[0].evaluate(SEEN, True)
    wait_done(tabs[0])  # comes back to all that happened meanwhile
    expect(tabs[0].locator("#connection")).to_be_hidden()


def test_notes_in_chinese(visit: Visit) -> None:
    page = visit(locale="zh-CN")
    page.check("#factors input[value='2']")
    page.check("#models input[value=fast]")
    page.select_option("#format", "jpeg")
    drop(page, EXAMPLES / "logo-alpha.png")
    wait_done(page)
    expect(page.locator("#stage-facts")).to_contain_text("JPEG 不能存透明度：已铺在白底上")
