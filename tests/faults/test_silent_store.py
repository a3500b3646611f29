"""A server that does not answer costs seconds, and a database that is not of this MLflow is named in one line."""

import http.server
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from yardbird import files
from yardbird.tracking import store
from yardbird.tracking.store import SilentStoreError, connect, tracking_uri
from yardbird.tracking.store_faults import TrackingError, check_database, shown, silence


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of a server that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def refused() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def replies() -> Iterator[dict[str, int]]:
    """A web server, which is no MLflow, by its port; it replies with the status of the setting."""
    setting = {"status": 404}

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(setting["status"])
            self.end_headers()
            self.wfile.write(b"<html>")

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        setting["port"] = server.server_address[1]
        yield setting
        server.shutdown()


def test_a_server_that_never_answers_takes_the_given_seconds(deaf: int) -> None:
    start = time.monotonic()
    assert silence(f"http://127.0.0.1:{deaf}", 0.3) == "no answer in 0.3 seconds"
    assert silence(f"postgresql+none://u:p@127.0.0.1:{deaf}/db", 0.3)
    assert time.monotonic() - start < 3


def test_a_refused_connection_and_another_web_server_are_named(refused: int, replies: dict[str, int]) -> None:
    assert "Connection refused" in silence(f"http://127.0.0.1:{refused}/mlflow", 3)
    page = f"http://127.0.0.1:{replies['port']}"
    assert silence(page, 3) == "HTTP 404, and not from MLflow's API"
    replies["status"] = 401
    assert "MLFLOW_TRACKING_USERNAME" in silence(page, 3)
    replies["status"] = 503
    assert silence(page, 3) == "HTTP 503, and not from MLflow's API"


def test_a_silent_server_is_asked_once_and_the_local_database_is_used(
    tmp_path: Path, refused: int, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Regression: every stage waited for 301 seconds, without a message."""
    monkeypatch.chdir(tmp_path)
    files.write_text(Path("params.yaml"), "tracking: {if_silent: local, answer_seconds: 3}\n")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://ann:secret@127.0.0.1:{refused}")
    asked: list[str] = []
    monkeypatch.setattr(store, "silence", lambda uri, seconds: asked.append(uri) or "Connection refused")
    local = f"sqlite:///{tmp_path / 'mlflow.db'}"
    assert [tracking_uri(tmp_path) for _ in range(3)] == [local] * 3
    assert len(asked) == 1
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith(f"warning: the MLflow store http://ann:***@127.0.0.1:{refused} does not answer: Connection")
    assert "secret" not in said


def test_a_silent_server_stops_a_command_if_the_parameter_says_so(
    tmp_path: Path, refused: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files.write_text(Path("params.yaml"), "tracking: {if_silent: stop, answer_seconds: 3}\n")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{refused}")
    with pytest.raises(SilentStoreError, match=r"does not answer: .*; start it, or unset MLFLOW_TRACKING_URI"):
        connect(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["params.yaml"]


@pytest.mark.parametrize(
    ("revision", "said"),
    [
        ("451aebb31d03", "found one of an older MLflow .*copy of it, then run `mlflow db upgrade sqlite:///"),
        ("ffffffffffff", "found one of a newer MLflow .*install that MLflow"),
        (None, "found one of another program; move it away, and run `yardbird mlflow sync`"),
    ],
)
def test_a_database_of_another_version_is_one_line(
    tmp_path: Path, revision: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with sqlite3.connect(tmp_path / "mlflow.db") as database:
        database.execute("create table other (number integer)")
        if revision:
            database.execute("create table alembic_version (version_num text)")
            database.execute("insert into alembic_version values (?)", (revision,))
    before = (tmp_path / "mlflow.db").read_bytes()
    with pytest.raises(TrackingError, match=said) as error:
        connect(tmp_path)
    assert "\n" not in str(error.value)
    assert (tmp_path / "mlflow.db").read_bytes() == before


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    (tmp_path / "mlflow.db").write_bytes(b"junk" * 1000)
    with pytest.raises(TrackingError, match="file is not a database; move it away") as error:
        connect(tmp_path)
    assert "\n" not in str(error.value)


def test_passwords_are_not_shown() -> None:
    assert shown("postgresql://ann:secret@host:5432/db") == "postgresql://ann:***@host:5432/db"
    assert shown("sqlite:////a/b.db") == "sqlite:////a/b.db"


def test_an_empty_database_of_a_server_is_accepted(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "empty.db").close()
    check_database(f"sqlite:///{tmp_path / 'empty.db'}")
