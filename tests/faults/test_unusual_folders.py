"""A repository works in a folder whose name has `%`, `#`, `?`, spaces, quotes and letters of any language."""

from pathlib import Path

import mlflow
import pytest

from yardbird.tracking.artifact_locations import ARTIFACTS, DATABASE
from yardbird.tracking.store import connect, is_own, tracking_uri
from yardbird.tracking.store_faults import database_file

NAME = '50% off%20 #1? "Bird\'s" é 日 : [x]'


@pytest.fixture
def unusual(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    root = tmp_path / "around" / NAME
    root.mkdir(parents=True)
    return root


def files_beside(root: Path) -> list[Path]:
    """Files next to a repository. MLflow makes an empty folder there, with the name as it is written in the URI."""
    return [path for path in root.parent.rglob("*") if path.is_file() and root not in path.parents]


def test_the_store_and_its_artifacts_are_in_the_folder(unusual: Path, tmp_path: Path) -> None:
    """Regression: with `?` the database was outside the repository, with two kinds of quotes it was an error of SQL."""
    uri = tracking_uri(unusual)
    assert database_file(uri) == unusual / DATABASE
    assert is_own(uri, unusual)
    client, experiment = connect(unusual)
    run = client.create_run(experiment).info.run_id
    (tmp_path / "a.txt").write_text("a")
    client.log_artifact(run, str(tmp_path / "a.txt"))
    assert [path.name for path in (unusual / ARTIFACTS).rglob("*.txt")] == ["a.txt"]
    got = mlflow.artifacts.download_artifacts(run_id=run, artifact_path="a.txt", tracking_uri=uri)
    assert Path(got).read_text() == "a"
    assert files_beside(unusual) == []
    moved = unusual.rename(unusual.with_name(f"moved {NAME}"))
    client, same = connect(moved)
    assert same == experiment
    assert [file.path for file in client.list_artifacts(run)] == ["a.txt"]
    assert files_beside(moved) == []
