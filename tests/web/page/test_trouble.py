"""What goes wrong: files that are none, limits, a server that goes and comes, tokens. Each says what would be right."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from subpixel.web.problems import CASES, TITLES
from tests.web.page.conftest import Server, drop, wait_done
from tests.web.servers import Served

pytest.importorskip("playwright.sync_api", reason="needs Playwright: pip install -c constraints.txt -e '.[dev]'")
from playwright.sync_api import expect

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

Visit = Callable[..., "Page"]
Make = Callable[..., Path]


@pytest.fixture(scope="module")
def frail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server to be killed, with a token and small limits."""
    made = Server(tmp_path_factory.mktemp("frail") / "data", TOKEN)
    made.start()
    yield made
    made.kill()


TOKEN = "correct-horse-battery"


def trouble(page: Page) -> str:
    expect(page.locator("#trouble")).to_be_visible()
    return page.locator("#trouble").inner_text()


def test_files_that_are_no_pictures(visit: Visit, picture: Make, tmp_path: Path) -> None:
    page = visit()
    text = tmp_path / "holiday.jpg"
    text.write_text("Dear diary,\n" * 50)
    drop(page, text)
    assert "Neither a picture nor a video" in trouble(page)
    expect(page.locator("#warns")).to_contain_text("holiday.jpg failed")
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)

    empty = tmp_path / "empty.png"
    empty.touch()
    drop(page, empty)
    assert "The file is empty" in trouble(page)
    assert "empty.png has 0 bytes" in trouble(page)

    whole = picture("whole.png").read_bytes()
    cut = tmp_path / "cut.png"
    cut.write_bytes(whole[: len(whole) // 2])
    drop(page, cut)
    expect(page.locator("#stage-name")).to_have_text("cut.png")
    assert "damaged or truncated" in trouble(page)
    expect(page.locator(".item[data-state=failed]")).to_have_count(3)
    expect(page.get_by_role("button", name="Enlarge again")).to_have_count(0)  # no other setting would help
    page.get_by_role("button", name="中文").click()
    assert "文件损坏或不完整" in trouble(page)
    assert "请重新取得此文件" in trouble(page)
    drop(page, picture("good.png"), cut)
    wait_done(page)
    expect(page.locator("#overall-words")).to_have_text("完成 1 个，未完成 1 个")


def test_every_problem_in_chinese(visit: Visit) -> None:
    """Whatever the server says, in all its cases: no English sentence, no value left out."""
    values = {
        "limit_bytes": 500_000_000, "used_bytes": 499_000_000, "limit_pixels": 100_000_000, "width": 9000,
        "height": 8000, "factor": 2.5, "format": "GIF", "limit": 65535, "model": "gone", "many": 7, "seconds": 31,
    }  # fmt: skip
    problems = [
        {
            "type": f"urn:subpixel:problem:{slug}", "title": title, "status": status, "detail": "Some English words",
            "right": "some more", "case": case, "values": {name: values[name] for name in names},
        }
        for slug, (status, title) in TITLES.items()
        for case, names in CASES.get(slug, {"": ()}).items()
    ]  # fmt: skip
    page = visit(locale="zh-CN")
    said = page.evaluate(
        """async (problems) => {
            const { inWords } = await import("/page/messages.js");
            return problems.map((problem) => inWords(problem));
        }""",
        problems,
    )
    for problem, words in zip(problems, said, strict=True):
        assert not words["foreign"], problem
        for text in (words["title"], words["detail"], words["right"]):
            assert re.search("[\u4e00-\u9fff]", text), (problem, words)
            assert "{" not in text
            assert "English" not in text
    of = {problem["case"]: words for problem, words in zip(problems, said, strict=True) if "large" in problem["type"]}
    assert of["result"]["detail"] == "结果将有 9000 × 8000 像素，超过上限 100 百万像素。"
    assert of["file"]["detail"] == "文件超过上限 500 MB。"


def test_factor_too_large_is_said_before_and_after(visit: Visit, frail: Server, picture: Make) -> None:
    page = visit(f"{frail.address}/#token={TOKEN}")
    assert "token" not in page.url, "it does not stay in the address"
    page.check("#factors input[value='2']")
    drop(page, picture())
    wait_done(page)
    expect(page.get_by_role("link", name="Download", exact=True)).to_be_visible()
    page.check("#factors input[value='16']")
    expect(page.locator("#size-words")).to_contain_text("1024 × 768 would be 0.8 megapixels")
    page.get_by_role("button", name="Enlarge again").click()
    assert "Choose a smaller factor" in page.locator("#size-words").inner_text()
    assert len(trouble(page)) > 20
    expect(page.locator(".item")).to_have_count(1)
    page.get_by_role("button", name="Back to result").click()
    with page.expect_download() as caught:
        page.get_by_role("link", name="Download", exact=True).click()
    assert caught.value.suggested_filename == "boat-x2.png", "downloads need no token in their address"


def test_an_upload_that_is_too_large(visit: Visit, frail: Server, tmp_path: Path) -> None:
    page = visit(f"{frail.address}/#token={TOKEN}")
    expect(page.locator("#drop-limits")).to_contain_text("100 KB")
    large = tmp_path / "large.png"
    large.write_bytes(bytes(150_000))
    drop(page, large)
    assert "large.png has 150 KB; at most 100 KB are taken here" in trouble(page)


def test_a_token_is_asked_for(visit: Visit, frail: Server, picture: Make) -> None:
    page = visit(frail.address)
    page.fill("#token-input", "wrong-horse-battery")
    page.keyboard.press("Enter")
    expect(page.locator("#token-wrong")).to_have_text("This token is not the right one.")
    page.fill("#token-input", TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_have_count(0)
    drop(page, picture())
    wait_done(page)
    page.reload()
    wait_done(page)


def test_the_server_goes_and_comes(visit: Visit, frail: Server, picture: Make) -> None:
    page = visit(f"{frail.address}/#token={TOKEN}")
    page.check("#factors input[value='2']")
    drop(page, picture("first.png"))
    wait_done(page)
    frail.kill()
    expect(page.locator("#connection")).to_contain_text("does not answer")
    expect(page.locator("#warns")).to_contain_text("does not answer")
    drop(page, picture("second.png", seed=1))
    expect(page.locator(".item-state").nth(1)).to_have_text("Waiting for the server")
    page.get_by_role("button", name="Try now").click()
    expect(page.locator("#connection")).to_be_visible()
    frail.start()
    expect(page.locator("#connection")).to_be_hidden()
    wait_done(page, 2)
    assert page.locator(".item-name").all_text_contents() == ["first.png", "second.png"]
    expect(page.locator("#says")).to_contain_text("second.png is done")


def test_no_room_is_waited_for(visit: Visit, picture: Make) -> None:
    page = visit()
    refused = 0

    def full(route: Route) -> None:
        nonlocal refused
        refused += 1
        if refused > 1:
            route.continue_()
            return
        body = {"type": "urn:subpixel:problem:queue-full", "title": "The queue is full", "status": 429}
        route.fulfill(status=429, headers={"Retry-After": "2"}, json={**body, "detail": "", "right": ""})

    page.route("**/v1/jobs", lambda route: full(route) if route.request.method == "POST" else route.continue_())
    drop(page, picture())
    expect(page.locator(".item-state")).to_contain_text("No room at the moment; tries again in")
    wait_done(page)
    assert refused == 2


def test_an_upload_cut_midway_is_sent_again(visit: Visit, picture: Make) -> None:
    page = visit()
    tries = 0

    def cut(route: Route) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/v1/jobs", lambda route: cut(route) if route.request.method == "POST" else route.continue_())
    drop(page, picture())
    wait_done(page)
    assert tries == 2


def test_a_model_that_is_not_there_any_more(visit: Visit, picture: Make) -> None:
    page = visit()
    page.wait_for_selector("#models .card")
    page.evaluate("""localStorage.setItem("subpixel.settings", '{"choice": "another", "model": "gone-x4"}')""")
    page.reload()
    expect(page.get_by_role("radio", name="Balanced")).to_be_checked()

    # And where it goes between the list and the upload.
    def name_another(route: Route) -> None:
        body = (route.request.post_data_buffer or b"").replace(b'name="quality"', b'name="model"')
        route.continue_(post_data=body.replace(b"\r\nbalanced\r\n", b"\r\ngone-x4\r\n"))

    page.route("**/v1/jobs", lambda route: name_another(route) if route.request.method == "POST" else route.continue_())
    drop(page, picture())
    assert "gone-x4" in trouble(page)


def test_storage_that_is_forbidden(visit: Visit, server: Served, picture: Make) -> None:
    page = visit("about:blank")
    page.add_init_script(
        """for (const name of ["localStorage", "sessionStorage"]) {
            Object.defineProperty(window, name, { get() { throw new DOMException("forbidden", "SecurityError"); } });
        }"""
    )
    page.goto(server.address)
    drop(page, picture())
    wait_done(page)


def test_an_answer_that_is_lost_makes_no_second_job(visit: Visit, picture: Make) -> None:
    page = visit()
    tries = 0

    def lose(route: Route) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            route.fetch()  # the server has it, the page does not hear so
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/v1/jobs", lambda route: lose(route) if route.request.method == "POST" else route.continue_())
    drop(page, picture())
    page.wait_for_function("() => document.querySelectorAll('.item[data-state=done]').length >= 1")
    page.wait_for_function("() => document.querySelectorAll('.item').length === 1")
    assert tries == 2
    page.reload()
    wait_done(page)
