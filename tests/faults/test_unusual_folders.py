"""A repository works in a folder whose name has `%`, `#`, `?`, spaces, quotes and letters of any language."""

import json
from pathlib import Path

import mlflow
import pytest
from published_store import publish_model, yardbird

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


def beside(root: Path) -> list[Path]:
    """What is next to a repository."""
    return [path for path in root.parent.iterdir() if path != root]


def test_the_store_and_its_artifacts_are_in_the_folder(unusual: Path, tmp_path: Path) -> None:
    """Regression: with `?` the database was outside the repository, with two kinds of quotes it was an error of SQL,
    and with `%` MLflow made an empty folder beside the repository.
    """
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
    assert beside(unusual) == []
    moved = unusual.rename(unusual.with_name(f"moved {NAME}"))
    client, same = connect(moved)
    assert same == experiment
    assert [file.path for file in client.list_artifacts(run)] == ["a.txt"]
    assert beside(moved) == []


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_command_line_works_in_the_folder(unusual: Path) -> None:
    publish_model(unusual, 0)
    draw = ("generate", "--bars", "2", "--seed", "1", "--json", "--model")
    drawn = [yardbird(unusual, *draw, model) for model in ("music_transformer@challenger", "models/music_transformer")]
    first, second = (json.loads(one.stdout)["solos"][0] for one in drawn)
    assert first["notes"] == second["notes"]
    assert (unusual / first["mid"]).is_file()
    yardbird(unusual, "regenerate", first["json"], "--out", "again")
    yardbird(unusual, "mlflow", "sync")
    assert beside(unusual) == []
