"""A workspace with a fresh MLflow database."""

import os
import sqlite3
import subprocess
import sys
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
    program = f"""
import os
from pathlib import Path
from yardbird.tracking.store import connect

children = []
for _ in range(4):
    if (child := os.fork()) == 0:
        client, experiment = connect(Path({str(root)!r}))
        client.create_run(experiment)
        os._exit(0)
    children.append(child)
assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=200)


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
