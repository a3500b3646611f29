"""The server and its command: what it sends and refuses, and what it says where something is missing."""

import importlib.util
import logging
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

import pytest

from yardbird.cli import app
from yardbird.studio.model_shelf import ModelShelf
from yardbird.studio.reference_solos import ReferenceSolos

if TYPE_CHECKING:
    from starlette.testclient import TestClient


def refused(*arguments: str) -> str:
    """The error line of the command."""
    with pytest.raises(SystemExit) as ended:
        app(["studio", *arguments])
    assert isinstance(ended.value.code, str)
    assert "\n" not in ended.value.code
    return ended.value.code


def test_without_gradio_the_command_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr("yardbird.cli.studio_command.find_spec", lambda name: None if name == "gradio" else find(name))
    assert refused() == (
        "error: studio: expected the package gradio, found none; install requirements.lock, or "
        "`pip install 'yardbird[studio]'`"
    )


def test_a_port_in_use_is_one_line() -> None:
    pytest.importorskip("gradio", reason="gradio is not installed")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert refused("--port", port).startswith(f"error: 127.0.0.1:{port}: expected a free port, found ")


def test_outside_the_repository_no_address_is_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Regression: the address was printed before the error."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    monkeypatch.chdir(tmp_path)
    assert refused("--port", "0").endswith(
        "expected the parameters, found no such file; run from the repository's root"
    )
    assert capsys.readouterr().out == ""


def test_the_server_sends_its_policy_and_refuses_foreign_names_and_files(
    project: Path, shelf: ModelShelf, references: ReferenceSolos, tmp_path: Path
) -> None:
    pytest.importorskip("gradio", reason="gradio is not installed")
    from starlette.testclient import TestClient

    from yardbird.studio.studio_server import make_app
    from yardbird.studio.studio_visitors import Studio

    studio = Studio(shelf, references, tmp_path)
    with TestClient(make_app(studio, ["127.0.0.1"]), base_url="http://127.0.0.1") as client:
        page = client.get("/")
        assert page.status_code == 200
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert "fonts.googleapis" not in page.text
        assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
        for path in ("params.yaml", str(project / "params.yaml"), "/etc/passwd", sys.modules[__name__].__file__):
            assert client.get(f"/gradio_api/file={path}").status_code == 403
        for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200)):
            small, headers = {"files": ("small.mid", b"x")}, {"Sec-Fetch-Site": site}
            assert client.post("/gradio_api/upload", files=small, headers=headers).status_code == status
        big = client.post("/gradio_api/upload", files={"files": ("big.mid", b"x" * 1_000_001)})
        assert big.status_code == 413
        assert client.get("/gradio_api/info").json() == {"named_endpoints": {}, "unnamed_endpoints": {}}


def presser(client: "TestClient") -> Callable[[str], int]:
    """A function that opens the page as a visitor, presses Play, and returns the status of the request."""
    events = client.get("/config").json()["dependencies"]
    load = next(event for event in events if event["targets"][0][1] == "load")
    inputs = ["F7 | Bb7", None, "the model's choice", 0, 1, 1.0, 1, False, True, None]
    play = next(event["id"] for event in events if event["api_name"] == "play")

    def press(visitor: str) -> int:
        opened = {"data": [], "fn_index": load["id"], "session_hash": visitor}
        assert client.post(f"/gradio_api/run/{load['api_name']}", json=opened).status_code == 200
        wanted = {"data": [None, *inputs], "fn_index": play, "session_hash": visitor}
        return int(client.post("/gradio_api/queue/join", json=wanted).status_code)

    return press


def answer(client: "TestClient", visitor: str) -> str:
    return client.get("/gradio_api/queue/data", params={"session_hash": visitor}).text


def test_work_for_a_visitor_ends_with_its_time(
    shelf: ModelShelf, references: ReferenceSolos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gradio", reason="gradio is not installed")
    from starlette.testclient import TestClient

    from yardbird.studio import solo_desk, studio_tabs
    from yardbird.studio.studio_server import make_app
    from yardbird.studio.studio_visitors import Studio
    from yardbird.time_budget import check_time

    monkeypatch.setattr(solo_desk, "play", lambda *_: check_time())
    monkeypatch.setattr(studio_tabs, "MOST_SECONDS", -1.0)
    with TestClient(make_app(Studio(shelf, references, tmp_path), ["testserver"])) as client:
        assert presser(client)("visitor") == 200
        assert "request: expected at most -1 s of work, found more; request less" in answer(client, "visitor")


def test_a_solo_that_is_not_shown_in_time_is_not_on_the_desk(
    shelf: ModelShelf, references: ReferenceSolos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("gradio", reason="gradio is not installed")
    from starlette.testclient import TestClient

    from yardbird.studio import solo_desk, studio_tabs, studio_views
    from yardbird.studio.studio_server import make_app
    from yardbird.studio.studio_visitors import Studio, Visitor
    from yardbird.time_budget import check_time

    seen: list[Visitor] = []
    find = studio_tabs._attempt

    def attempt(function: Callable[..., str], visitor: Visitor, *inputs: object) -> tuple[str | None, str]:
        seen.append(visitor)
        return find(function, visitor, *inputs)

    monkeypatch.setattr(studio_tabs, "_attempt", attempt)
    monkeypatch.setattr(studio_tabs, "MOST_SECONDS", -1.0)
    monkeypatch.setattr(solo_desk, "play", lambda *_: "a solo")
    monkeypatch.setattr(studio_views, "take_html", lambda *_: check_time())
    with TestClient(make_app(Studio(shelf, references, tmp_path), ["testserver"])) as client:
        assert presser(client)("visitor") == 200
        assert "found more; request less" in answer(client, "visitor")
    assert [visitor.take for visitor in seen] == [None]


@pytest.mark.parametrize(
    ("place", "logged"),
    [
        ("queue/join", "POST '/gradio_api/queue/join' failed: KeyError(9999)"),
        ("run/nothing", "POST '/gradio_api/run/nothing' failed: FnIndexInferError("),
    ],
)
def test_a_request_that_no_page_sends_is_one_line_in_the_log(
    shelf: ModelShelf, references: ReferenceSolos, tmp_path: Path, caplog: pytest.LogCaptureFixture, place: str,
    logged: str,
) -> None:  # fmt: skip
    """Regression: the log had Gradio's traceback of a hundred lines."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    from starlette.testclient import TestClient

    from yardbird.studio.studio_server import make_app
    from yardbird.studio.studio_visitors import Studio

    wanted = {"data": [None], "session_hash": "visitor"} | ({"fn_index": 9999} if place == "queue/join" else {})
    with TestClient(make_app(Studio(shelf, references, tmp_path), ["testserver"])) as client:
        assert client.post(f"/gradio_api/{place}", json=wanted).status_code == 500
    (record,) = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert record.getMessage().startswith(logged)
    assert "\n" not in record.getMessage()
    assert record.exc_info is None


def test_thirty_two_requests_wait_and_the_others_are_refused(
    shelf: ModelShelf, references: ReferenceSolos, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of 50 visitors requests a solo, while the first one is drawn."""
    pytest.importorskip("gradio", reason="gradio is not installed")
    from starlette.testclient import TestClient

    from yardbird.errors import InputError
    from yardbird.studio import solo_desk
    from yardbird.studio.studio_server import make_app
    from yardbird.studio.studio_visitors import Studio

    drawing, go_on, drawn = Event(), Event(), []

    def play(*_: object) -> None:
        drawing.set()
        assert go_on.wait(60)
        drawn.append(1)
        raise InputError("solo", expected="a test", found="a solo", remedy="continue")

    monkeypatch.setattr(solo_desk, "play", play)
    with TestClient(make_app(Studio(shelf, references, tmp_path), ["testserver"])) as client:
        press = presser(client)
        statuses = [press("visitor 0")]
        assert drawing.wait(60)
        statuses += [press(f"visitor {number}") for number in range(1, 50)]
        go_on.set()
        last = answer(client, "visitor 32")
    assert statuses == [200] * 33 + [503] * 17
    assert "expected a test, found a solo" in last
    assert len(drawn) == 33
