"""The pages in a real headless browser: on a phone with touch, on a desktop with keys, and from a file."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect, sync_playwright
from tiny_blind_test import ARTIST, RIGHT, make_tiny_test, params_of, serving

from yardbird.blindtest.bundle import VOTES
from yardbird.blindtest.offline import export_test, import_answers
from yardbird.blindtest.questions import KINDS, Mode
from yardbird.blindtest.votes import Given, VoteStore

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
    page.get_by_role("button", name="Continue").tap()
    expect(page.locator("#welcome"), "without consent").to_be_visible()
    page.get_by_role("button", name="Play example 1").tap()
    page.get_by_label("I play jazz").check()
    page.get_by_label(re.compile("I take part voluntarily")).check()
    page.screenshot(path=tmp_path / "welcome.png", full_page=True)
    page.get_by_role("button", name="Continue").tap()
    _fits(page)
    page.get_by_role("button", name="Start without the check").tap()
    heard = set()
    for number in range(1, 9):
        expect(page.locator("#count")).to_have_text(f"{number} of 8")
        expect(page.get_by_role("button", name="Yes"), "before it is heard").to_be_disabled()
        _fits(page)
        heard.add(_clip(page))
        page.get_by_role("button", name="Play").tap()
        expect(page.get_by_role("button", name="Yes")).to_be_enabled()
        if number == 2:
            page.screenshot(path=tmp_path / "clip.png")
            page.reload()
            expect(page.locator("#count"), "resumes where it was").to_have_text("2 of 8")
            page.get_by_role("button", name="Play").tap()
        page.get_by_role("button", name="Yes").tap()
    expect(page.get_by_role("heading", name="Thank you")).to_be_focused()
    ((person, votes),) = VoteStore(folder / VOTES).everything().values()
    assert (person.expertise, len(heard), votes) == ("jazz_musician", 8, dict.fromkeys(heard, Given("yes")))
    assert person.headphones is None
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
    expect(page.get_by_role("heading", name="Your volume")).to_be_focused()
    for key in ("Tab", "Tab", "Enter"):  # past the volume to the start without a check
        page.keyboard.press(key)
    told = {}
    for number, key in enumerate(["y", "n", "ArrowRight", "ArrowLeft", "Y", "N", "y", "n"], start=1):
        expect(page.locator("#count")).to_have_text(f"{number} of 8")
        told[_clip(page)] = Given("yes" if key in ("y", "Y", "ArrowRight") else "no")
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
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Start without the check").click()
    expect(page.locator("#count")).to_have_text("1 of 8")


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
    expect(page.locator("#count")).to_have_text("2 of 8", timeout=20_000)
    ((_, votes),) = VoteStore(folder / VOTES).everything().values()
    assert list(votes.values()) == [Given("no")]


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
    assert counts == [f"{clip} of 8" for clip in (1, 2, 1, 3, 3)]
    expect(page.locator("#count")).to_have_text("4 of 8")
    kept = json.loads(page.evaluate(f"localStorage.getItem('yardbird-blind-test-{test.id}')"))
    assert [vote["answer"] for vote in kept["votes"]] == ["yes", "no", "no"]
    assert [vote["question"] for vote in kept["votes"]] == [question["question"] for question in kept["order"][:3]]


@pytest.mark.parametrize("page", [{}, PHONE], indirect=True, ids=["desk", "phone"])
def test_the_exported_file_works_without_a_server_and_its_answers_can_be_imported(page: Page, tmp_path: Path) -> None:
    folder = tmp_path / "test"
    test, _ = make_tiny_test(folder)
    export_test(folder, test, tmp_path / "page.html")
    page.goto((tmp_path / "page.html").as_uri())
    page.get_by_label("I play music, but not jazz").check()
    page.get_by_label(re.compile("I take part voluntarily")).check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Start without the check").click()
    for number in range(1, 9):
        expect(page.locator("#count")).to_have_text(f"{number} of 8")
        page.get_by_role("button", name="Play").click()
        expect(page.get_by_role("button", name="Yes")).to_be_enabled()
        if number == 3:
            page.reload()
            expect(page.locator("#count"), "this browser remembers").to_have_text("3 of 8")
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
    assert (person.expertise, person.via, set(votes)) == (
        "musician",
        "file",
        {question[0] for question in test.questions},
    )
    order = [vote["question"] for vote in json.loads((tmp_path / "answers.json").read_text())["votes"]]
    assert order != sorted(order), "the order is random; it is sorted with probability 1 in 40 000"
    assert any(votes[question] != answer for question, answer in RIGHT.items())


@pytest.mark.parametrize("page", [PHONE, {}], indirect=True, ids=["phone", "desk"])
@pytest.mark.parametrize("offline", [False, True], ids=["server", "file"])
@pytest.mark.parametrize("mode", ["scale", "pairs"])
def test_every_mode_works_on_a_server_and_in_a_file(
    page: Page, mode: Mode, offline: bool, root: Path, tmp_path: Path
) -> None:
    """By keys on a desktop, by touch on a phone. The right answers to all checks, a reason once."""
    folder, phone = tmp_path / "test", page.viewport_size == PHONE["viewport"]
    test, key = make_tiny_test(folder, mode=mode, each=1)
    with ExitStack() as stack:
        if offline:
            export_test(folder, test, tmp_path / "page.html")
            address = (tmp_path / "page.html").as_uri()
        else:
            _, address, results = stack.enter_context(serving(folder, params_of(root, tmp_path)))
        page.goto(address)
        _begin(page)
        clips_of, told, kind = {question[0]: question for question in test.questions}, {}, KINDS[mode]
        for number in range(1, len(test.questions) + 1):
            expect(page.locator("#count")).to_have_text(f"{number} of {len(test.questions)}")
            players, choices = page.locator("#players button"), page.locator("#answers button")
            shown = [button.get_attribute("data-clip") for button in players.all()]
            question = next(name for name, clips in clips_of.items() if set(clips) == set(shown))
            for index in range(kind.clips):
                expect(choices.first, "before all is heard").to_be_disabled()
                players.nth(index).tap() if phone else page.keyboard.press("ab"[index] if mode == "pairs" else "Space")
                expect(players.nth(index)).to_contain_text("Play again", timeout=5000)
            if number == 1:
                page.get_by_text("Why?").click()
                page.get_by_label("Why?").fill("=1 <b>yes</b> 5")
                page.get_by_label("Why?").press("1")  # a letter of the reason, not an answer
            codes = kind.answers if shown == list(clips_of[question]) else kind.answers[::-1]
            told[question] = Given(
                key.right.get(question, codes[number % 2]), "=1 <b>yes</b> 51" if number == 1 else ""
            )
            place = codes.index(told[question].answer)
            if phone:
                _fits(page)
                choices.nth(place).tap()
            else:
                page.locator("h1").click()
                page.keyboard.press(str(place + 1) if mode == "scale" else ("ArrowLeft", "ArrowRight")[place])
        expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
        if offline:
            (tmp_path / "answers.json").write_text(page.locator("#saved").input_value())
            assert import_answers(tmp_path / "answers.json", test, VoteStore(folder / VOTES))[1] == len(told)
        else:
            page.goto(results)
            expect(page.get_by_text("1 listeners")).to_be_visible()
        page.screenshot(path=tmp_path / "end.png", full_page=True)
    ((_, votes),) = VoteStore(folder / VOTES).everything().values()
    assert votes == told


def _begin(page: Page) -> None:
    page.get_by_label("I play jazz").check()
    page.get_by_label(re.compile("I take part voluntarily")).check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Start without the check").click()


def test_listeners_get_a_pair_in_both_orders(page: Page, tmp_path: Path) -> None:
    """In the exported file; test_app tests the server. All 21 pairs have one order by a chance of 1 in a million."""
    test, _ = make_tiny_test(tmp_path / "test", mode="pairs", each=5)
    export_test(tmp_path / "test", test, tmp_path / "page.html")
    page.goto((tmp_path / "page.html").as_uri())
    _begin(page)
    kept = json.loads(page.evaluate(f"localStorage.getItem('yardbird-blind-test-{test.id}')"))
    assert {question["turned"] for question in kept["order"]} == {True, False}


def test_the_headphone_check_plays_the_tones_of_woods_and_its_result_is_kept(
    server: tuple[Path, str, str], page: Page
) -> None:
    folder, address, _ = server
    page.goto(address)
    rate, order = 22050, ["antiphase", "quiet", "plain"]
    samples = np.array(page.evaluate(f"Array.from(tones({json.dumps(order)}))"), dtype=float).reshape(-1, 2)
    assert len(samples) == 4 * rate
    levels, mono = [], []
    for start in (0, 1.5, 3):
        tone = samples[int((start + 0.1) * rate) : int((start + 0.9) * rate)]
        levels.append(np.sqrt(np.mean(tone**2)))
        mono.append(np.abs(tone.sum(axis=1)).max())
        spectrum = np.abs(np.fft.rfft(tone[:, 0]))
        assert np.fft.rfftfreq(len(tone), 1 / rate)[spectrum.argmax()] == pytest.approx(200, abs=2)
    assert 20 * np.log10(levels[1] / levels[2]) == pytest.approx(-6, abs=0.01)
    assert levels[0] == pytest.approx(levels[2])
    assert mono[0] == 0, "between two loudspeakers it cancels"
    assert mono[1] > 0
    page.get_by_label("I play jazz").check()
    page.get_by_label(re.compile("I take part voluntarily")).check()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Play the piano").click()
    page.get_by_role("button", name="Check my headphones").click()
    right = 0
    for number in range(1, 7):
        expect(page.locator("#trial-count")).to_contain_text(f"Tones {number} of 6")
        page.keyboard.press("1")  # too early: the tones are still playing
        expect(page.get_by_role("button", name="First")).to_be_enabled(timeout=15_000)
        quiet = page.evaluate("trial.order.indexOf('quiet')")
        right += quiet == 0 or number < 5
        page.keyboard.press(str(quiet + 1) if number < 5 else "1")
    expect(page.locator("#count")).to_have_text("1 of 8")
    ((person, _),) = VoteStore(folder / VOTES).everything().values()
    assert person.headphones == right


@pytest.mark.parametrize("page", [{"locale": "de-AT"}], indirect=True)
def test_the_page_has_the_language_of_the_browser_and_another_can_be_chosen(
    server: tuple[Path, str, str], page: Page
) -> None:
    _, address, _ = server
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Ist das {ARTIST}?")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.get_by_label("Language").select_option("English")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Is this {ARTIST}?")
    page.reload()
    expect(page.get_by_role("heading", level=1), "it stays").to_have_text(f"Is this {ARTIST}?")
    page.get_by_label("Language").select_option("Deutsch")
    page.get_by_label("Ich spiele Jazz").check()
    page.get_by_label(re.compile("Ich nehme freiwillig teil")).check()
    page.get_by_role("button", name="Weiter").click()
    page.get_by_role("button", name="Ohne Prüfung beginnen").click()
    expect(page.locator("#count")).to_have_text("1 von 8")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Ja")).to_be_enabled()
    page.keyboard.press("j")
    expect(page.locator("#count")).to_have_text("2 von 8")
