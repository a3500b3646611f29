"""The locations of artifacts are rewritten all together or not at all, and only those of the former place."""

import sqlite3
from pathlib import Path

import pytest

from yardbird.tracking.artifact_locations import BACKUP, former_root, relocated, rewrite
from yardbird.tracking.store import EXPERIMENT

TABLES = ("runs", "logged_models", "model_versions")


def store(root: Path, former: Path) -> Path:
    """A database with the columns of MLflow that hold locations, with locations below `former`."""
    at = former.as_uri()
    root.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(root / "mlflow.db") as database:
        database.execute("create table experiments (name text, artifact_location text)")
        database.execute("create table runs (artifact_uri text)")
        database.execute("create table logged_models (artifact_location text)")
        database.execute("create table model_versions (storage_location text, source text)")
        database.execute("insert into experiments values (?, ?)", (EXPERIMENT, f"{at}/mlartifacts"))
        database.execute("insert into experiments values ('Default', ?)", (f"{former}/mlruns/0",))
        for run in range(3):
            database.execute("insert into runs values (?)", (f"{at}/mlartifacts/run{run}/artifacts",))
        database.execute("insert into runs values ('s3://bucket/run')")
        database.execute("insert into runs values (?)", (f"{at}er/mlartifacts/run9/artifacts",))
        database.execute("insert into logged_models values (?)", (f"{at}/mlartifacts/models/m-1/artifacts",))
        location = f"{at}/mlartifacts/models/m-1/artifacts"
        database.execute("insert into model_versions values (?, 'models:/m-1')", (location,))
    return root


def content(database: Path) -> list[tuple[str, ...]]:
    with sqlite3.connect(database) as opened:
        return [row for table in ("experiments", *TABLES) for row in opened.execute(f"select * from {table}")]


@pytest.mark.parametrize("name", ["place", "two words", "Über_100%", "a#b?c"])
def test_every_location_of_the_former_place_is_rewritten_and_no_other(tmp_path: Path, name: str) -> None:
    former, root = tmp_path / name, tmp_path / f"new {name}"
    store(root, former)
    before = content(root / "mlflow.db")
    assert former_root(root, EXPERIMENT) == former
    assert rewrite(root, former) == 7
    after = content(root / "mlflow.db")
    assert after == [tuple(relocated(text, former, root) for text in row) for row in before[:1]] + [
        ("Default", f"{root}/mlruns/0"),
        *(tuple(relocated(text, former, root) for text in row) for row in before[2:]),
    ]
    assert [row for row in after if row in before] == [
        ("s3://bucket/run",),
        (f"{former.as_uri()}er/mlartifacts/run9/artifacts",),
    ]
    assert content(root / BACKUP) == before
    assert former_root(root, EXPERIMENT) is None
    assert sorted(path.name for path in root.iterdir()) == ["mlflow.db", BACKUP]


def test_an_error_leaves_every_location(tmp_path: Path) -> None:
    former, root = tmp_path / "former", store(tmp_path / "root", tmp_path / "former")
    with sqlite3.connect(root / "mlflow.db") as database:
        database.execute(
            "create trigger full before update on model_versions begin select raise(abort, 'disk is full'); end"
        )
    before = content(root / "mlflow.db")
    with pytest.raises(sqlite3.Error, match="disk is full"):
        rewrite(root, former)
    assert content(root / "mlflow.db") == before


@pytest.mark.parametrize("location", ["s3://bucket/mlartifacts", "mlflow-artifacts:/1", "file:///disk/elsewhere"])
def test_artifacts_that_were_never_in_the_repository_have_not_moved(tmp_path: Path, location: str) -> None:
    root = store(tmp_path / "root", tmp_path / "x")
    with sqlite3.connect(root / "mlflow.db") as database:
        database.execute("update experiments set artifact_location = ?", (location,))
    assert former_root(root, EXPERIMENT) is None
