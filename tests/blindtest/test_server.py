"""The server as a user starts it, nearly always in a separate process on loopback."""

import asyncio
import signal
import socket
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path

import httpx2
import pytest
import uvicorn
from starlette.testclient import TestClient
from starlette.types import ASGIApp
from tiny_blind_test import LISTENER_COOKIE, make_tiny_test, params_of, serving

from yardbird.blindtest.bundle import VOTES
from yardbird.blindtest.votes import Given, VoteStore
from yardbird.cli import app

PROFILE = {"consent": True, "expertise": "newcomer"}


@pytest.fixture
def params(root: Path, tmp_path: Path) -> Path:
    return params_of(root, tmp_path)


@pytest.mark.slow
def test_behind_a_proxy_with_tls_the_test_has_its_name_and_secure_cookies(tmp_path: Path, params: Path) -> None:
    """Regression: forwarded requests have the public host; they were refused with 400, and no cookie was Secure."""
    folder = tmp_path / "test"
    make_tiny_test(folder)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ("--port", str(port), "--public-url", "https://Blind.example.org:8443/parker/")
    with (
        serving(folder, params, *options) as (_, address, results),
        httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers={"Host": "blind.example.org:8443"}) as proxy,
    ):
        assert address == "https://Blind.example.org:8443/parker/"
        assert results.startswith(f"{address}results?token=")
        assert proxy.get("/").status_code == 200
        assert "Secure" in proxy.post("api/listeners", json=PROFILE).headers["set-cookie"]
        assert "Secure" in proxy.get(results.removeprefix(address)).headers["set-cookie"]
        assert proxy.get("/", headers={"Host": "evil.example"}).status_code == 400


def test_the_request_limit_is_read_from_the_current_settings(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the limit was stored in key.json, so it could not be raised for an existing test."""
    make_tiny_test(tmp_path / "test")
    params_of(root, tmp_path, requests_per_minute=3)
    monkeypatch.chdir(tmp_path)
    served: list[ASGIApp] = []  # in this process: the imports of another one take seconds
    monkeypatch.setattr(uvicorn.Server, "run", lambda server, sockets: served.append(server.config.app))
    with pytest.raises(SystemExit):
        app(["blind-test", "serve", "--port", "0", "--folder", str(tmp_path / "test")])
    with TestClient(served[0], base_url="http://127.0.0.1") as browser:
        assert [browser.get("api/state").status_code for _ in range(4)] == [200] * 3 + [429]


@pytest.mark.slow
def test_an_answer_survives_the_kill_of_the_server(tmp_path: Path, params: Path) -> None:
    folder = tmp_path / "test"
    make_tiny_test(folder)
    with serving(folder, params) as (process, address, _), httpx2.Client(base_url=address) as browser:
        state = browser.post("api/listeners", json=PROFILE).json()
        cookies, answered = dict(browser.cookies), []
        for _ in range(3):
            answered.append(state["question"])
            state = browser.post("api/votes", json={"question": state["question"], "answer": "yes"}).json()
        process.send_signal(signal.SIGKILL)
        process.wait()
    with (
        serving(folder, params) as (process, address, results),
        httpx2.Client(base_url=address, cookies=cookies) as browser,
    ):
        assert browser.get("api/state").json() == {**state, "answer": None}, "resumes where it was"
        assert browser.get("results").status_code == 403
        page = browser.get(results, follow_redirects=True).text
        assert "1 who" in page, "has not finished, or has failed a check that came early"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0, "Ctrl-C is a clean end"
    ((_, votes),) = VoteStore(folder / VOTES).everything().values()
    assert votes == dict.fromkeys(answered, Given("yes"))


@pytest.mark.parametrize("listeners", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_with_many_concurrent_listeners_no_vote_is_lost(tmp_path: Path, params: Path, listeners: int) -> None:
    """Each listener answers differently, sends one answer twice, and receives the one that counts."""
    folder = tmp_path / "test"
    test, _ = make_tiny_test(folder, each=1)

    async def listen(browser: httpx2.AsyncClient, number: int) -> tuple[str, dict[str, Given]]:
        reply = await browser.post("api/listeners", json=PROFILE)
        cookie, state = reply.cookies[LISTENER_COOKIE], reply.json()
        headers, votes = {"Cookie": f"{LISTENER_COOKIE}={cookie}"}, {}
        while question := state["question"]:
            answer = {
                "question": question,
                "answer": ("no", "yes")[(number >> int(question, 16)) % 2],
                "why": str(number),
            }
            sent = [browser.post("api/votes", json=answer, headers=headers) for _ in range(1 if votes else 2)]
            replies = await asyncio.gather(*sent)
            assert [reply.status_code for reply in replies] == [200] * len(sent)
            state, votes[question] = replies[0].json(), Given(answer["answer"], answer["why"])
            assert state["answer"] == answer["answer"]
        return cookie, votes

    async def crowd(address: str) -> dict[str, dict[str, Given]]:
        limits = httpx2.Limits(max_connections=listeners)
        async with httpx2.AsyncClient(base_url=address, limits=limits, timeout=60) as browser:
            browser.cookies.jar.set_policy(
                DefaultCookiePolicy(allowed_domains=[])
            )  # each listener has a separate cookie jar
            return dict(await asyncio.gather(*(listen(browser, number) for number in range(listeners))))

    with serving(folder, params) as (_, address, _):
        told = asyncio.run(crowd(address))
    kept = {name: votes for name, (_, votes) in VoteStore(folder / VOTES).everything().items()}
    assert kept == told
    assert sum(map(len, kept.values())) == listeners * len(test.questions)
