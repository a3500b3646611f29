"""The responses of the app, in this process; test_server starts a real server."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient
from tiny_blind_test import ANY_RATE, LISTENER_COOKIE, RIGHT, make_tiny_test

from yardbird.blindtest import guard
from yardbird.blindtest.app import make_app
from yardbird.blindtest.bundle import VOTES
from yardbird.blindtest.questions import Mode
from yardbird.blindtest.votes import MAX_WHY, Given, VoteStore

TOKEN = "secret-token"
PROFILE = {"consent": True, "expertise": "jazz_musician", "headphones": 6}
Visit = Callable[..., TestClient]


@pytest.fixture
def visit(tmp_path: Path) -> Iterator[Visit]:
    """A client of the app; each call gives a new client of the same app."""
    apps = {}

    def make(
        requests_per_minute: int = ANY_RATE,
        artist: str = "Charlie Parker",
        secure: bool = False,
        id: str = "f" * 16,
        mode: Mode = "yes_no",
    ) -> TestClient:
        if id not in apps:
            folder = tmp_path / id
            test, key = make_tiny_test(folder, artist=artist, id=id, mode=mode)
            apps[id] = make_app(
                folder, test, key, VoteStore(folder / VOTES), TOKEN,
                hosts=["testserver", "127.0.0.1"], requests_per_minute=requests_per_minute, secure=secure,
            )  # fmt: skip
        return TestClient(apps[id])

    return make


def judge(browser: TestClient, answer: Callable[[str], str]) -> list[str]:
    """Enrol, answer all questions, and return their order."""
    state, order = browser.post("api/listeners", json=PROFILE).json(), []
    while question := state["question"]:
        order.append(question)
        assert [browser.get(f"clips/{clip}.wav").status_code for clip in state["clips"]] == [200] * len(state["clips"])
        state = browser.post("api/votes", json={"question": question, "answer": answer(question)}).json()
        assert state["answered"] == len(order)
    return order


def test_consent_and_experience_come_before_the_first_clip(visit: Visit) -> None:
    browser = visit()
    assert browser.get("api/state").json() is None
    assert browser.post("api/votes", json={"question": "0" * 16, "answer": "yes"}).status_code == 401
    for profile in ({"consent": False, "expertise": "listener"}, {"consent": True}, {"expertise": "listener"}):
        assert browser.post("api/listeners", json=profile).status_code == 422
    assert browser.get("api/state").json() is None
    assert browser.post("api/listeners", json=PROFILE).json()["answered"] == 0


def test_every_listener_gets_every_question_once_in_a_separate_random_order(visit: Visit) -> None:
    orders = [judge(visit(), lambda question: "yes") for _ in range(6)]
    assert len({tuple(sorted(order)) for order in orders}) == 1
    assert len({tuple(order) for order in orders}) == 6
    assert len(orders[0]) == len(set(orders[0])) == 8


def test_a_returning_listener_resumes_at_the_same_question(visit: Visit) -> None:
    browser = visit()
    first = browser.post("api/listeners", json=PROFILE).json()["question"]
    second = browser.post("api/votes", json={"question": first, "answer": "no"}).json()["question"]
    assert browser.get("api/state").json() == {
        "answered": 1, "total": 8, "question": second, "clips": [second], "answers": ["no", "yes"], "answer": None,
    }  # fmt: skip
    assert browser.post("api/listeners", json=PROFILE).json()["question"] == second, "enrolled twice"


def test_a_second_answer_returns_the_first_one(visit: Visit) -> None:
    browser = visit()
    clip = browser.post("api/listeners", json=PROFILE).json()["question"]
    first = browser.post("api/votes", json={"question": clip, "answer": "yes"})
    second = browser.post("api/votes", json={"question": clip, "answer": "no"})
    assert (second.status_code, second.json()) == (200, first.json())
    assert second.json()["answer"] == "yes"


def test_an_answer_to_a_question_that_is_not_next_is_refused(visit: Visit) -> None:
    browser = visit()
    clip = browser.post("api/listeners", json=PROFILE).json()["question"]
    other = next(f"{number:016x}" for number in range(8) if f"{number:016x}" != clip)
    assert browser.post("api/votes", json={"question": other, "answer": "yes"}).status_code == 409
    assert browser.post("api/votes", json={"question": "e" * 16, "answer": "yes"}).status_code == 409, "an example"
    assert browser.get("api/state").json()["answered"] == 0


def test_a_reason_is_kept_and_an_answer_of_another_mode_is_refused(visit: Visit, tmp_path: Path) -> None:
    browser = visit(mode="scale")
    name = browser.post("api/listeners", json=PROFILE).json()["question"]
    assert browser.post("api/votes", json={"question": name, "answer": "yes"}).status_code == 422
    why = "<script>alert(1)</script> 'quoted' \U0001f3b7" + "ä" * 250
    state = browser.post("api/votes", json={"question": name, "answer": "4", "why": f"  {why}\n"}).json()
    assert (state["answer"], state["answers"]) == ("4", ["1", "2", "3", "4", "5"])
    ((person, votes),) = VoteStore(tmp_path / ("f" * 16) / VOTES).everything().values()
    assert votes == {name: Given("4", why)}
    assert person.headphones == 6


def test_the_longest_reason_fits_in_a_request(visit: Visit) -> None:
    """Letters of four bytes, and those that JSON escapes."""
    browser = visit()
    for letter in ("\U0001f3b7", '"'):
        name = browser.get("api/state").json() or browser.post("api/listeners", json=PROFILE).json()
        vote = {"question": name["question"], "answer": "yes", "why": letter * MAX_WHY}
        content = json.dumps(vote, ensure_ascii=False).encode()
        sent = browser.post("api/votes", content=content, headers={"Content-Type": "application/json"})
        assert sent.status_code == 200


def test_listeners_get_a_pair_in_both_orders_and_the_answers_turn_with_the_clips(visit: Visit) -> None:
    turned = set()
    for _ in range(8):
        state = visit(mode="pairs").post("api/listeners", json=PROFILE).json()
        assert state["clips"][state["answers"].index("a")] == state["question"], "a is the first clip of the question"
        turned.add(state["answers"][0])
    assert turned == {"a", "b"}


@pytest.mark.parametrize("headphones", [-1, 7, 5.5, "6", True])
def test_a_wrong_result_of_the_headphone_check_is_refused(visit: Visit, headphones: object) -> None:
    assert visit().post("api/listeners", json=PROFILE | {"headphones": headphones}).status_code == 422


@pytest.mark.parametrize(
    "body",
    [
        {}, {"question": "0" * 16}, {"question": "0" * 16, "answer": "true"}, {"question": "0" * 16, "answer": 1},
        {"question": "0" * 16, "answer": "5"}, {"question": "0" * 16, "answer": "a"},
        {"question": "0" * 17, "answer": "yes"},
        {"question": "../key.json", "answer": "yes"}, {"question": 5, "answer": "yes"},
        {"question": "0" * 16, "answer": "yes", "listener": "x"},
        {"question": "0" * 16, "answer": "yes", "why": "x" * 301},
        ["0" * 16, "yes"], None,
    ],
)  # fmt: skip
def test_an_answer_of_another_shape_is_refused(visit: Visit, body: object) -> None:
    browser = visit()
    browser.post("api/listeners", json=PROFILE)
    assert browser.post("api/votes", json=body).status_code == 422


def test_a_body_that_is_too_long_or_not_json_is_refused(visit: Visit) -> None:
    browser = visit()
    browser.post("api/listeners", json=PROFILE)
    long = {"question": "0" * 16, "answer": "yes", "why": "x" * 10_000}
    assert browser.post("api/votes", json=long).status_code == 413
    form = {"Content-Type": "text/plain"}  # a form of another site can send this without a preflight
    assert (
        browser.post("api/votes", content='{"question": "0000000000000000", "answer": "yes"}', headers=form).status_code
        == 422
    )


def test_an_unknown_listener_id_is_rejected(visit: Visit) -> None:
    browser = visit()
    browser.cookies.set(LISTENER_COOKIE, "x" * 32)
    assert browser.get("api/state").json() is None
    browser.cookies.set(LISTENER_COOKIE, "x" * 5000)
    assert browser.get("api/state").status_code == 422


def test_the_cookie_is_inaccessible_to_scripts_and_other_sites(visit: Visit) -> None:
    cookie = visit().post("api/listeners", json=PROFILE).headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


@pytest.mark.parametrize("secure", [False, True])
def test_behind_https_both_cookies_are_secure(visit: Visit, secure: bool) -> None:
    """Regression: a proxy connects by http, so the app never saw https and no cookie was Secure."""
    browser = visit(secure=secure)
    enrolled = browser.post("api/listeners", json=PROFILE)
    admitted = browser.get(f"results?token={TOKEN}", follow_redirects=False)
    assert [("Secure" in reply.headers["set-cookie"]) for reply in (enrolled, admitted)] == [secure] * 2


def test_two_tests_on_one_host_have_separate_cookies(visit: Visit) -> None:
    """Cookies ignore ports: with one name, a listener of both tests would be enrolled again and again."""
    one, other = visit(id="a" * 16), visit(id="b" * 16)
    other.cookies = one.cookies.jar  # one browser
    clip = one.post("api/listeners", json=PROFILE).json()["question"]
    state = one.post("api/votes", json={"question": clip, "answer": "yes"}).json()
    assert other.get("api/state").json() is None
    assert other.post("api/listeners", json=PROFILE).json()["answered"] == 0
    assert one.get("api/state").json() == {**state, "answer": None}
    assert one.get(f"results?token={TOKEN}").status_code == 200
    assert [browser.get("results").status_code for browser in (one, other)] == [200, 403]


@pytest.mark.parametrize(
    "path", ["clips/key.json", "clips/%2e%2e%2fkey.json", "clips/..%2fkey.wav", "key.json", "clips/1234.wav",
             "static/../key.json", "static/%2e%2e/%2e%2e/bundle.py", "votes.sqlite", "openapi.json", "docs"],
)  # fmt: skip
def test_only_clips_and_pages_can_be_fetched(visit: Visit, path: str) -> None:
    assert visit().get(path).status_code == 404


def test_no_response_to_a_listener_names_a_source(visit: Visit) -> None:
    browser = visit()
    pages = [browser.get(path) for path in ("/", "static/listen.js", "static/listen.css")]
    state = browser.post("api/listeners", json=PROFILE)
    sound = browser.get(f"clips/{state.json()['question']}.wav")
    text = "".join([page.text for page in pages] + [state.text, str(sound.headers)]).lower()
    assert not re.search(r"transformer|decoy|vae|solo \d|key\.json", text)


def test_sound_supports_range_requests(visit: Visit) -> None:
    part = visit().get(f"clips/{0:016x}.wav", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"RIFF")


def test_pages_have_security_headers(visit: Visit) -> None:
    headers = visit().get("/").headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert not re.search(r"https?://", visit().get("/").text)


def test_a_request_with_another_host_name_is_refused(visit: Visit) -> None:
    """A site whose name resolves to this machine (DNS rebinding) must not read the test."""
    assert visit().get("/", headers={"Host": "evil.example"}).status_code == 400


def test_requests_above_the_limit_get_a_retry_time(visit: Visit) -> None:
    browser = visit(requests_per_minute=5)
    replies = [browser.get("api/state") for _ in range(7)]
    assert [reply.status_code for reply in replies] == [200] * 5 + [429] * 2
    assert 1 <= int(replies[-1].headers["retry-after"]) <= 60


def test_a_rate_limited_vote_is_not_recorded_until_it_is_repeated(
    visit: Visit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nine requests at five a minute; a refused client waits for Retry-After and sends the opposite answer."""
    real, waited = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: real() + sum(waited))
    monkeypatch.setattr(guard, "time", time.time)
    browser, told = visit(requests_per_minute=5), {}
    state, answer = browser.post("api/listeners", json=PROFILE).json(), "yes"
    while question := state["question"]:
        reply = browser.post("api/votes", json={"question": question, "answer": answer})
        if reply.status_code == 429:
            waited.append(int(reply.headers["retry-after"]))
            answer = "no" if answer == "yes" else "yes"
        else:
            told[question], state = Given(answer), reply.json()
            assert state["answer"] == answer
    assert len(waited) > 1, "nothing was refused"
    assert {given.answer for given in told.values()} == {"yes", "no"}
    ((_, kept),) = VoteStore(tmp_path / ("f" * 16) / VOTES).everything().values()
    assert kept == told


def test_results_require_the_token(visit: Visit) -> None:
    browser = visit()
    for path in ("results", "results?token=wrong", "results?token=", "results.json", "results.json?token=" + TOKEN):
        assert browser.get(path).status_code == 403, path
    for header in (b"Bearer wrong", b"Bearer", "Bearer schlüssel".encode(), TOKEN.encode()):
        assert browser.get("results.json", headers={"Authorization": header}).status_code == 403, header
    assert (
        browser.get("results.json", headers={"Authorization": f"Bearer {TOKEN}"}).json()["artist"] == "Charlie Parker"
    )


def test_the_token_moves_from_the_address_to_a_cookie(visit: Visit) -> None:
    browser = visit()
    page = browser.get(f"results?token={TOKEN}")
    assert (page.status_code, page.url.query) == (200, b"")
    assert browser.get("results").status_code == 200
    assert browser.get("results.json").status_code == 200


def test_results_count_listeners_who_finished_and_passed_the_checks(visit: Visit) -> None:
    for _ in range(3):
        judge(
            visit(), lambda clip: RIGHT[clip].answer if clip in RIGHT else "yes" if clip < f"{2:016x}" else "no"
        )  # Yes to the real clips only
    judge(visit(), lambda question: "yes")  # fails the checks
    visit().post("api/listeners", json=PROFILE)  # unfinished
    browser = visit()
    found = browser.get("results.json", headers={"Authorization": f"Bearer {TOKEN}"}).json()
    assert (found["total"]["listeners"], found["failed_checks"], found["unfinished"]) == (3, 1, 1)
    counts = {row["source"]: (row["answers"]["yes"], row["votes"]) for row in found["total"]["sources"]}
    assert counts == {"real": (6, 6), "decoy": (0, 6), "transformer": (0, 6)}
    page = browser.get(f"results?token={TOKEN}").text
    assert "3 listeners" in page
    assert "below the goal of one half" in page


def test_an_invented_player_is_declared_and_names_are_escaped(visit: Visit) -> None:
    page = visit(artist="<script>Otto</script> (synthetic)").get("/").text
    assert "invented" in page
    assert "<script>Otto" not in page
    assert "\\u003cscript>Otto" in page
    assert "&lt;script&gt;Otto" in page, "the title"
