"""The page in a real headless browser: on a desktop and on a phone, in light and dark mode."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright", reason="the browser's driver is not installed")
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright
from tiny_run import FAMILY

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
DESK = {"viewport": {"width": 1200, "height": 800}, "color_scheme": "light"}
PHONE = {"viewport": {"width": 360, "height": 640}, "is_mobile": True, "has_touch": True, "color_scheme": "dark"}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def tab(browser: Browser, page: Path, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The opened page, without console errors and without requests."""
    tab = browser.new_context(**request.param).new_page()
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    inside = (page.as_uri(), "data:", "blob:")
    tab.on("request", lambda asked: complaints.append(asked.url) if not asked.url.startswith(inside) else None)
    tab.goto(page.as_uri())
    yield tab
    tab.context.close()
    assert complaints == []


def drawn(tab: Page, name: str) -> Locator:
    plot = tab.locator(f"#{name}")
    plot.evaluate("plot => plot.closest('details')?.setAttribute('open', '')")
    plot.scroll_into_view_if_needed()
    expect(plot.locator("svg.main-svg").first).to_be_visible()
    return plot


@pytest.mark.parametrize("tab", [DESK], indirect=True)
def test_charts_sounds_and_the_strip_work_with_mouse_and_keyboard(tab: Page, tmp_path: Path) -> None:
    expect(tab).to_have_title("Yardbird: report of a run")
    for name in ("distances", "solos", "tempo", f"originality_{FAMILY}", "latent_map", "transfer_0", "arithmetic"):
        drawn(tab, name)
    curve = drawn(tab, f"curve_{FAMILY}")
    path = curve.locator(".js-line").first
    before = path.get_attribute("d")
    tab.locator(f"select[data-chart=curve_{FAMILY}]").select_option("train loss")
    expect(path).not_to_have_attribute("d", before or "")

    lengths = tab.eval_on_selector_all(
        "audio",
        """sounds => Promise.all(sounds.map(sound => sound.readyState ? sound.duration :
             new Promise(done => { sound.onloadedmetadata = () => done(sound.duration); sound.load() })))""",
    )
    assert [round(length, 1) for length in lengths] == pytest.approx([1, 1, 1, 0.5, 0.5, 0.5], abs=0.11)

    shown = tab.locator(".strip .step:visible")
    expect(shown).to_contain_text("0 % of the way")
    tab.get_by_role("radio", name="50 %").check()
    expect(shown).to_contain_text("50 % of the way")
    expect(shown).to_have_count(1)
    tab.keyboard.press("ArrowRight")
    expect(shown).to_contain_text("100 % of the way")
    tab.screenshot(path=tmp_path / "desk.png", full_page=True)


@pytest.mark.parametrize("tab", [DESK], indirect=True)
def test_sound_midi_and_musicxml_of_a_solo_are_downloads(tab: Page) -> None:
    heads = {"sound": b"", "MIDI": b"MThd", "MusicXML": b"<?xml"}
    for name, head in heads.items():
        with tab.expect_download() as waiting:
            tab.locator("article").first.get_by_role("link", name=name, exact=True).click()
        content = Path(waiting.value.path()).read_bytes()
        assert content.startswith(head)
        assert len(content) > 200


@pytest.mark.parametrize("tab", [DESK], indirect=True)
def test_a_click_on_a_roll_plays_from_there_and_stops_other_sounds(tab: Page) -> None:
    players = tab.locator("article .player")
    players.nth(0).locator(".roll").click(position={"x": 28, "y": 40})
    expect(players.nth(0).locator(".head")).not_to_have_attribute("x1", "0")
    first = players.nth(0).locator("audio").evaluate("sound => sound.currentTime")
    assert 0.4 <= first <= 1, "half a second is 28 pixels"
    players.nth(1).locator(".roll").click(position={"x": 5, "y": 40})
    assert players.nth(0).locator("audio").evaluate("sound => sound.paused")


@pytest.mark.parametrize("tab", [DESK], indirect=True)
def test_a_roll_starts_after_the_count_in_of_its_sound(tab: Page) -> None:
    player = tab.locator("article .player").nth(0)
    player.evaluate("player => { player.dataset.countInSeconds = 0.25 }")
    player.locator(".roll").click(position={"x": 14, "y": 40})
    sound = player.locator("audio")
    began = sound.evaluate("sound => { sound.pause(); return sound.currentTime }")
    assert began >= 0.49, "a quarter, and 14 pixels, of which a browser may cut one off"
    seek = "(sound, to) => new Promise(done => { sound.onseeked = done; sound.currentTime = to })"
    for second, place in ((0.1, 0.0), (0.25, 0.0), (0.75, 28.0)):
        sound.evaluate(seek, second)
        assert float(player.locator(".head").get_attribute("x1") or "nan") == pytest.approx(place, abs=0.5)
    player.evaluate("player => { player.dataset.countInSeconds = 0 }")


@pytest.mark.parametrize("tab", [DESK], indirect=True)
def test_a_seek_during_playback_starts_no_second_animation_loop(tab: Page) -> None:
    """Regression: each click on the roll added one more function call per frame."""
    tab.evaluate(
        """() => {
             const asked = window.requestAnimationFrame.bind(window);
             window.chains = 0;
             window.requestAnimationFrame = (work) => { window.chains += 1; return asked(work); };
           }"""
    )
    sound = tab.locator("article audio").first
    chains = sound.evaluate(
        """async (sound) => {
             const frames = (count) => new Promise((done) => {
               const next = () => (count-- ? setTimeout(next, 17) : done());
               next();
             });
             sound.loop = true;
             await sound.play();
             for (let seek = 0; seek < 8; seek += 1) {
               sound.currentTime = 0.1 * seek;
               await new Promise((done) => sound.addEventListener("seeked", done, { once: true }));
             }
             let seen = 0;
             const count = () => { seen += 1; if (!sound.paused) requestAnimationFrame(count); };
             window.chains = 0;
             requestAnimationFrame(count);
             await frames(30);
             sound.pause();
             sound.loop = false;
             return window.chains / seen;
           }"""
    )
    assert chains == pytest.approx(2, abs=0.5), "the playhead's, and the one that counts"


@pytest.mark.parametrize("tab", [DESK], indirect=True)
def test_a_sound_stopped_before_it_starts_is_no_error(tab: Page) -> None:
    """An uncaught promise rejection would be an error of the page."""
    tab.locator("article .player").first.evaluate(
        """(player) => {
             player.querySelector(".roll").dispatchEvent(new MouseEvent("click"));
             player.querySelector("audio").pause();
           }"""
    )
    tab.wait_for_timeout(100)


@pytest.mark.slow
@pytest.mark.parametrize("tab", [PHONE], indirect=True)
def test_on_a_phone_the_page_has_a_dark_mode_and_fits_the_screen(tab: Page, tmp_path: Path) -> None:
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(23, 23, 26)"
    label = drawn(tab, "tempo").locator(".xtitle")
    assert label.evaluate("text => getComputedStyle(text).fill") == "rgb(236, 236, 240)"
    tab.emulate_media(color_scheme="light")
    expect(label).to_have_css("fill", "rgb(27, 27, 31)")
    tab.emulate_media(color_scheme="dark")
    tab.get_by_role("radio", name="100 %").tap()
    expect(tab.locator(".strip .step:visible")).to_contain_text("100 % of the way")
    tab.screenshot(path=tmp_path / "phone.png", full_page=True)
