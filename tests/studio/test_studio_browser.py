"""The studio in a real headless browser, with tiny models: sessions, visitors beside each other, hostile files."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeoutError
from tiny_corpus import walk
from tiny_studio import studio_of

from yardbird import files
from yardbird.music.midi import write_score

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]
PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
TABS = ("Solo", "Between", "Move", "Sing", "Measure")
WAIT = 120_000  # milliseconds: the machine of a test may be busy
expect.set_options(timeout=WAIT)
#: Records the times at which sources of Web Audio start and stop.
RECORD = """
  window.heard = [];
  const { start, stop } = AudioBufferSourceNode.prototype;
  AudioBufferSourceNode.prototype.start = function (at, ...rest) {
    heard.push(["start", at]); return start.call(this, at, ...rest); };
  AudioBufferSourceNode.prototype.stop = function (at) { heard.push(["stop", at]); return stop.call(this, at); };
"""


@pytest.fixture(scope="module")
def address(project: Path) -> Iterator[str]:
    pytest.importorskip("gradio", reason="gradio is not installed")
    with studio_of(project) as address:
        yield address


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--mute-audio"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open the studio as another visitor. No page may log an error or ask another address for anything."""
    complaints: list[str] = []
    pages: list[Page] = []

    def open_page(**options: object) -> Page:
        page = browser.new_context(**options).new_page()
        page.set_default_timeout(WAIT)
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: None if _is_ours(asked.url, address) else complaints.append(asked.url))
        page.add_init_script(RECORD)
        page.goto(address)
        expect(page.get_by_label("Model").first).to_have_value(re.compile("Music Transformer"))
        pages.append(page)
        return page

    yield open_page
    for page in pages:
        page.context.close()
    assert complaints == []


def _is_ours(url: str, address: str) -> bool:
    return url.startswith((address, "data:", "blob:"))


def press(page: Page, button: str) -> None:
    page.get_by_role("button", name=button, exact=True).locator("visible=true").click()


def choose(page: Page, label: str, option: str) -> None:
    page.get_by_label(label).click()
    page.locator("[role=option]:visible", has_text=option).last.click()


def result(page: Page) -> Locator:
    return page.locator("[data-name]:visible")


def wait_for_another(page: Page, name: str | None) -> str:
    """The name of the next result."""
    expect(result(page)).not_to_have_attribute("data-name", name or "")
    return result(page).get_attribute("data-name") or ""


def ask_for_a_short_solo(page: Page) -> str:
    page.get_by_label("Changes").fill("title: Short\n\nF7 | Bb7 | F7 | Cm7 F7")
    press(page, "Play a solo")
    expect(result(page)).to_be_visible()
    return result(page).get_attribute("data-name") or ""


def upload(page: Page, file: Path, answer: Locator) -> None:
    """Choose a file, again if the page has not attached its handlers yet: a script is faster than any visitor."""
    for _ in range(5):
        page.locator(".tabitem:visible input[type=file]").first.set_input_files(file)
        try:
            answer.wait_for(timeout=20_000)
            return
        except PlaywrightTimeoutError:
            continue
    expect(answer).to_be_visible()


def session_folder(project: Path, page: Page) -> Path:
    kept = page.locator(".yb-kept")
    expect(kept).to_contain_text("Kept in")  # it is drawn after the answer to Keep
    found = re.search(r"Kept in (\S+):", kept.inner_text())
    assert found
    return project / found[1]


def test_a_whole_session_leaves_what_was_kept_with_its_origin(
    project: Path, visit: Callable[..., Page], tmp_path: Path
) -> None:
    page = visit()
    first = name = ask_for_a_short_solo(page)
    expect(page.locator(".yb-player audio")).to_have_js_property("error", None)
    expect(page.locator(".roll rect.tone").first).to_be_attached()
    expect(page.get_by_text("What it quotes")).to_be_visible()
    for button, made in (("Again", "Drawn"), ("Continue", "Continued"), ("Fill bars", "Bars 5-8 filled")):
        press(page, button)
        name = wait_for_another(page, name)
        expect(page.locator(".yb-made:visible")).to_contain_text(made)
    press(page, "Keep")
    expect(page.locator(".yb-done:visible")).to_have_text(f"Kept: {name}")
    page.get_by_role("tab", name="Between").click()
    choose(page, "From: or choose", "the solo of the tab Solo")
    choose(page, "To: or choose", "etude 002")
    press(page, "Go between")
    expect(result(page)).to_be_visible()
    _hear_without_a_gap(page)
    press(page, "Keep")
    expect(page.locator(".yb-done:visible")).to_contain_text("Kept: between")
    page.get_by_role("tab", name="Move").click()
    choose(page, "Solo: or choose", name)
    page.get_by_label("Density, less or more").first.fill("2")
    press(page, "Move it")
    expect(page.get_by_text("What changed")).to_be_visible()
    press(page, "Keep")
    expect(page.locator(".yb-done:visible")).to_contain_text("Kept: moved")
    page.get_by_role("tab", name="Sing").click()
    page.get_by_label("Seconds").first.fill("2")
    press(page, "Sing it")
    expect(page.get_by_alt_text("Spectrogram of the sound")).to_be_visible()
    press(page, "Keep")
    expect(page.locator(".yb-done:visible")).to_contain_text("Kept: be_bop")
    page.get_by_role("tab", name="Measure").click()
    write_score(walk(1, 16), tmp_path / "tune.mid")
    upload(page, tmp_path / "tune.mid", page.get_by_text("tune.mid"))
    press(page, "Measure")
    expect(page.get_by_text("Tune one bar 1, same pitch").locator("visible=true")).to_be_visible()
    folder = session_folder(project, page)
    kept = {path.stem for path in folder.glob("*.json")}
    assert {name} | {stem for stem in kept if stem.startswith(("between", "moved", "be_bop"))} == kept
    assert len(kept) == 4
    assert first not in kept
    for path in folder.glob("*.json"):
        told = files.read_json(path)
        assert told["model"]["sha256"]
        assert "commit" in told["studio"]


def _hear_without_a_gap(page: Page) -> None:
    """Move the slider while the steps sound: each starts before the one that it replaces has stopped."""
    press(page, "Play")
    expect(page.locator(".yb-play")).to_have_text("Pause")
    slider = page.locator(".yb-step-slider")
    slider.focus()
    for step in range(2, 10):
        page.keyboard.press("ArrowRight")
        expect(page.locator(".yb-between output")).to_have_text(f"{step} of 9")
        expect(page.locator(".yb-step:visible")).to_have_count(1)
        page.wait_for_timeout(60)
    page.locator(".yb-play").click()
    heard = page.evaluate("heard")
    starts, stops = ([at for kind, at in heard if kind == which] for which in ("start", "stop"))
    assert len(starts) == len(stops) == 9
    assert all(start < stop for start, stop in zip(starts[1:], stops[:-1], strict=True)), json.dumps(heard)


def test_two_visitors_do_not_see_each_other(project: Path, visit: Callable[..., Page]) -> None:
    ann, bob = visit(), visit()
    for page, title in ((ann, "Tune of Ann"), (bob, "Tune of Bob")):
        page.get_by_label("Changes").fill(f"title: {title}\n\nF7 | Bb7")
        press(page, "Play a solo")
    for page, own, other in ((ann, "Ann", "Bob"), (bob, "Bob", "Ann")):
        expect(result(page)).to_contain_text(f"Tune of {own}")
        press(page, "Keep")
        expect(page.locator(".yb-done:visible")).to_contain_text(f"tune_of_{own.lower()}")
        assert f"Tune of {other}" not in page.content().replace(f"title: Tune of {own}", "")
    folders = [session_folder(project, page) for page in (ann, bob)]
    assert folders[0] != folders[1]
    assert [len([*folder.glob("*.json")]) for folder in folders] == [1, 1]
    assert "tune_of_ann" not in bob.locator(".yb-kept").inner_text()


def test_hostile_files_and_texts_are_one_line_each(project: Path, visit: Callable[..., Page], tmp_path: Path) -> None:
    page = visit()
    page.get_by_label("Changes").fill("title: <img src=x onerror='document.title=1'>${document.title=2}\n\nF7 | Bb7")
    press(page, "Play a solo")
    expect(page.locator("figcaption:visible").first).to_contain_text("<img src=x")
    page.get_by_label("Changes").fill("F7 | <script>alert(1)</script>")
    press(page, "Play a solo")
    expect(page.get_by_role("alert").locator("visible=true")).to_contain_text("chart, line 1")
    expect(page.locator("figcaption:visible").first, "the solo stays").to_be_visible()
    page.get_by_role("tab", name="Measure").click()
    bad = tmp_path / "<img src=x onerror='document.title=3'>.mid"
    bad.write_bytes(b"MThd nonsense")
    big = tmp_path / "big.mid"
    big.write_bytes(b"x" * 1_500_000)
    upload(page, bad, page.locator(".tabitem:visible", has_text="onerror"))
    press(page, "Measure")
    expect(page.locator(".yb-file .yb-notice")).to_have_count(1)
    expect(page.locator(".yb-file .yb-notice")).to_contain_text("expected a whole MIDI file")
    page.get_by_role("tab", name="Move").click()
    refusal = page.get_by_role("alert").locator("visible=true")
    upload(page, big, refusal.first)
    expect(refusal).to_contain_text("big.mid: expected at most 1 MB, found 1.5 MB")
    assert page.title() == "Yardbird studio"
    written = [path for path in (project / "out/studio").rglob("*") if path.is_file()]
    assert all(re.fullmatch(r"[a-z0-9_.-]+", path.name) for path in written)
    assert not [path for path in written if path.stat().st_size == 1_500_000]


@pytest.mark.parametrize("size", [PHONE, {"viewport": {"width": 1280, "height": 900}}], ids=["phone", "desk"])
def test_every_tab_fits_the_screen(visit: Callable[..., Page], size: dict[str, object], tmp_path: Path) -> None:
    page = visit(**size)
    width = page.viewport_size["width"]
    ask_for_a_short_solo(page)
    for tab in TABS:
        page.get_by_role("tab", name=tab).click()
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, tab
        page.screenshot(path=tmp_path / f"{tab}.png", full_page=True)


def test_a_solo_is_drawn_and_kept_by_keyboard(visit: Callable[..., Page]) -> None:
    page = visit()
    page.get_by_label("Changes").fill("title: Keys\n\nF7 | Bb7")
    _tab_to(page, "Play a solo")
    page.keyboard.press("Enter")
    expect(result(page)).to_be_visible()
    _tab_to(page, "Keep")
    page.keyboard.press("Enter")
    expect(page.locator(".yb-done:visible")).to_contain_text("keys")
    page.get_by_role("tab", name="Solo").focus()
    reached = set()
    for tab in TABS[1:]:
        _tab_to(page, tab)
        page.keyboard.press("Enter")
        expect(page.get_by_role("tab", name=tab)).to_have_attribute("aria-selected", "true")
        reached.add(tab)
        page.get_by_role("tab", name="Solo").focus()
    assert reached == {*TABS[1:]}


def _tab_to(page: Page, name: str) -> None:
    """Press the tab key until the element with a text has the focus."""
    for _ in range(60):
        if page.evaluate("document.activeElement.innerText?.trim()") == name:
            return
        page.keyboard.press("Tab")
    pytest.fail(f"{name} cannot be reached by keyboard")
