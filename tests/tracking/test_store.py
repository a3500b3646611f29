"""The MLflow database is created whole, or not at all."""

import re
import socket
import sqlite3
from pathlib import Path

import pytest

from yardbird.cli import app
from yardbird.tracking import store
from yardbird.tracking.store import EXPERIMENT, connect


def test_a_port_in_use_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: the command printed an address, and the server failed with a traceback."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit) as ended:
        app(["mlflow", "ui", "--port", str(taken.getsockname()[1])])
    assert re.fullmatch(
        r"error: 127\.0\.0\.1:\d+: expected a free port, found .*; use another --port", str(ended.value.code)
    )
    assert list(tmp_path.iterdir()) == []


def test_after_an_interrupted_creation_the_database_is_created_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: after Ctrl-C in the first seconds of the first training, MLflow never recorded a run again."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    created: list[Path] = []

    class Interrupted:
        def __init__(self, uri: str, _artifacts: str) -> None:
            created.append(Path(uri.removeprefix("sqlite:///")))
            with sqlite3.connect(created[0]) as database:
                database.execute("create table experiments (half integer)")
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store, "SqlAlchemyStore", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            connect(tmp_path)
    assert created[0].exists()
    client, experiment = connect(tmp_path)
    assert client.get_experiment(experiment).name == EXPERIMENT
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mlflow.db", "mlflow.lock"]
