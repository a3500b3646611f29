"""The pages in a real headless browser: on a phone with touch, on a desktop with keys, and from a file."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect, sync_playwright
from tiny_blind_test import ARTIST, RIGHT, make_tiny_test, params_of, serving

from yardbird.blindtest.bundle import VOTES
from yardbird.blindtest.offline import export_test, import_answers
from yardbird.blindtest.votes import VoteStore

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
PHONE = {"viewport": {"width": 360, "height": 640}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page on a phone or a desktop, without console errors and without requests to other addresses."""
    page = browser.new_context(**getattr(request, "param", {}), accept_downloads=True).new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if _is_complaint(message) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda asked: complaints.append(asked.url) if not _is_ours(asked.url) else None)
    yield page
    page.context.close()
    assert complaints == []


def _is_complaint(message: ConsoleMessage) -> bool:
    """Whether a console message is an error, other than for requests that the test makes fail."""
    return message.type == "error" and not re.search(r"net::ERR_FAILED|status of 429", message.text)


def _is_ours(url: str) -> bool:
    return re.match(r"http://127\.0\.0\.1:|file://|data:|blob:", url) is not None


@pytest.fixture
def server(root: Path, tmp_path: Path) -> Iterator[tuple[Path, str, str]]:
    """The folder of the test, its address, and that of its results."""
    make_tiny_test(tmp_path / "test")
    with serving(tmp_path / "test", params_of(root, tmp_path)) as (_, address, results):
        yield tmp_path / "test", address, results


@pytest.mark.parametrize("page", [PHONE], indirect=True)
def test_the_whole_test_works_by_touch(server: tuple[Path, str, str], page: Page, tmp_path: Path) -> None:
    folder, address, results = server
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Is this {ARTIST}?")
    page.get_by_role("button", name="Start").tap()
    expect(page.locator("#welcome"), "without consent").to_be_visible()
    page.get_by_role("button", name="Play example 1").tap()
    page.get_by_label("I play jazz").check()
    page.get_by_label(re.compile("I take part voluntarily")).check()
    page.screenshot(path=tmp_path / "welcome.png", full_page=True)
    page.get_by_role("button", name="Start").tap()
    heard = set()
    for number in range(1, 9):
        expect(page.locator("#count")).to_have_text(f"Clip {number} of 8")
        expect(page.get_by_role("button", name="Yes"), "before it is heard").to_be_disabled()
        _fits(page)
        heard.add(_clip(page))
        page.get_by_role("button", name="Play").tap()
        expect(page.get_by_role("button", name="Yes")).to_be_enabled()
        if number == 2:
            page.screenshot(path=tmp_path / "clip.png")
            page.reload()
            expect(page.locator("#count"), "resumes where it was").to_have_text("Clip 2 of 8")
            page.get_by_role("button", name="Play").tap()
        page.get_by_role("button", name="Yes").tap()
    expect(page.get_by_role("heading", name="Thank you")).to_be_focused()
    ((person, votes),) = VoteStore(folder / VOTES).everything().values()
    assert (person.expertise, len(heard), votes) == ("jazz_musician", 8, dict.fromkeys(heard, True))
    page.goto(results)
    expect(page).to_have_url(re.compile(r"/results$"))
    expect(page.get_by_text("1 who failed a check")).to_be_visible()
    page.screenshot(path=tmp_path / "results.png", full_page=True)


def _fits(page: Page) -> None:
    """Check that nothing overflows a narrow screen and that touch targets are large enough."""
    assert page.locator("html").evaluate("element => element.scrollWidth") <= 360
    for button in page.locator("button:visible").all():
        box = button.bounding_box()
        assert box
        assert box["height"] >= 48
        assert box["width"] >= 48


def test_the_whole_test_works_by_keyboard(server: tuple[Path, str, str], page: Page) -> None:
    folder, address, _ = server
    page.goto(address)
    page.get_by_role("button", name="Play example 1").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")  # the second level of expertise
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    told = {}
    for number, key in enumerate(["y", "n", "ArrowRight", "ArrowLeft", "Y", "N", "y", "n"], start=1):
        expect(page.locator("#count")).to_have_text(f"Clip {number} of 8")
        told[_clip(page)] = key in ("y", "Y", "ArrowRight")
        page.keyboard.press("y")  # too early: nothing has been played
        page.keyboard.press("Space")
        expect(page.get_by_role("button", name="Yes")).to_be_enabled()
        page.keyboard.press(key)
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    ((person, votes),) = VoteStore(folder / VOTES).everything().values()
    assert person.expertise == "listener"
    assert votes == told


def _clip(page: Page) -> str:
    source = page.locator("#audio").get_attribute("src")
    assert source
    return Path(source).stem


def _start(page: Page) -> None:
    page.get_by_label("I rarely hear jazz").check()
    page.get_by_label(re.compile("I take part voluntarily")).check()
    page.get_by_role("button", name="Start").click()
    expect(page.locator("#count")).to_have_text("Clip 1 of 8")


@pytest.mark.parametrize("refuse", [lambda route: route.abort(), lambda route: route.fulfill(status=429)])
def test_an_answer_is_repeated_until_the_server_accepts_it(
    server: tuple[Path, str, str], page: Page, refuse: Callable[[Route], None]
) -> None:
    folder, address, _ = server
    page.goto(address)
    _start(page)
    page.route("**/api/votes", refuse)
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="No").click()
    expect(page.get_by_role("status")).to_have_text("Your answer has not been saved yet. Trying again …")
    page.unroute("**/api/votes")
    expect(page.locator("#count")).to_have_text("Clip 2 of 8", timeout=20_000)
    ((_, votes),) = VoteStore(folder / VOTES).everything().values()
    assert list(votes.values()) == [False]


def test_play_requests_a_failed_sound_again(server: tuple[Path, str, str], page: Page) -> None:
    """Regression: play() does not reload after an error, so the listener was stuck at this clip."""
    _, address, _ = server
    page.goto(address)
    page.route("**/clips/*.wav", lambda route: route.abort(), times=1)
    _start(page)
    expect(page.get_by_role("status")).to_have_text("The sound could not be loaded. Press Play to try again.")
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Yes")).to_be_enabled()
    expect(page.get_by_role("status")).to_have_text("")


def test_an_exported_file_in_two_tabs_keeps_the_answers_of_both(page: Page, tmp_path: Path) -> None:
    """Regression: each tab wrote its own list, so the last answer overwrote those of the other tab."""
    test, _ = make_tiny_test(tmp_path / "test")
    export_test(tmp_path / "test", test, tmp_path / "page.html")
    other = page.context.new_page()
    for tab in (page, other):
        tab.goto((tmp_path / "page.html").as_uri())
    _start(page)
    _start(other)
    counts = []
    for tab, key in [(page, "y"), (page, "n"), (other, "n"), (other, "n"), (page, "y")]:
        tab.get_by_role("button", name="Play").click()
        expect(tab.get_by_role("button", name="Yes")).to_be_enabled()
        counts.append(tab.locator("#count").text_content())
        tab.keyboard.press(key)
    # The other tab still shows clip 1 and continues at clip 3; then the first one still shows clip 3.
    assert counts == [f"Clip {clip} of 8" for clip in (1, 2, 1, 3, 3)]
    expect(page.locator("#count")).to_have_text("Clip 4 of 8")
    kept = json.loads(page.evaluate(f"localStorage.getItem('yardbird-blind-test-{test.id}')"))
    assert [vote["yes"] for vote in kept["votes"]] == [True, False, False]
    assert [vote["clip"] for vote in kept["votes"]] == kept["order"][:3]


@pytest.mark.parametrize("page", [{}, PHONE], indirect=True, ids=["desk", "phone"])
def test_the_exported_file_works_without_a_server_and_its_answers_can_be_imported(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "test"
    test, _ = make_tiny_test(folder)
    export_test(folder, test, tmp_path / "page.html")
    page.goto((tmp_path / "page.html").as_uri())
    page.get_by_label("I play music, but no jazz").check()
    page.get_by_label(re.compile("I take part voluntarily")).check()
    page.get_by_role("button", name="Start").click()
    for number in range(1, 9):
        expect(page.locator("#count")).to_have_text(f"Clip {number} of 8")
        page.get_by_role("button", name="Play").click()
        expect(page.get_by_role("button", name="Yes")).to_be_enabled()
        if number == 3:
            page.reload()
            expect(page.locator("#count"), "this browser remembers").to_have_text("Clip 3 of 8")
            page.keyboard.press("Space")
            expect(page.get_by_role("button", name="Yes")).to_be_enabled()
        page.keyboard.press("n")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save my answers").click()
    assert re.fullmatch(r"blind-test-[0-9a-f]{8}\.json", download.value.suggested_filename)
    download.value.save_as(tmp_path / "answers.json")
    assert page.get_by_label(re.compile("copy this text")).input_value() == (tmp_path / "answers.json").read_text()
    page.screenshot(path=tmp_path / "done.png")
    store = VoteStore(folder / VOTES)
    assert import_answers(tmp_path / "answers.json", test, store) == (8, 8)
    ((person, votes),) = store.everything().values()
    assert (person.expertise, person.via, set(votes)) == ("musician", "file", set(test.clips))
    order = [vote["clip"] for vote in json.loads((tmp_path / "answers.json").read_text())["votes"]]
    assert order != sorted(order), "the order is random; it is sorted with probability 1 in 40 000"
    assert any(votes[clip] != answer for clip, answer in RIGHT.items())
