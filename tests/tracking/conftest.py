"""A workspace with a fresh MLflow database."""

import multiprocessing
import os
import sqlite3
from pathlib import Path

import pytest
from filelock import FileLock


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root whose database four processes created concurrently. Migrations take seconds, so all tests copy it."""
    of_worker = tmp_path_factory.getbasetemp()
    folder = (of_worker.parent if "PYTEST_XDIST_WORKER" in os.environ else of_worker) / "migrated"
    with FileLock(folder.with_suffix(".lock")):
        if not (folder / "complete").exists():
            make_database(folder)
            (folder / "complete").touch()
    return folder


def make_database(root: Path) -> None:
    root.mkdir()
    forks = [multiprocessing.get_context("fork").Process(target=begin_run, args=(root,)) for _ in range(4)]
    for fork in forks:
        fork.start()
    for fork in forks:
        fork.join()
    assert [fork.exitcode for fork in forks] == [0] * 4


def begin_run(root: Path) -> None:
    from yardbird.tracking.store import connect

    client, experiment = connect(root)
    client.create_run(experiment)


@pytest.fixture
def workspace(database: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A new root with a database."""
    (tmp_path / "mlflow.db").write_bytes((database / "mlflow.db").read_bytes())
    with sqlite3.connect(tmp_path / "mlflow.db") as connection:
        connection.execute("delete from tags")
        connection.execute("delete from runs")
        connection.execute("update experiments set artifact_location = ?", ((tmp_path / "mlartifacts").as_uri(),))
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    return tmp_path
