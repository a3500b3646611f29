"""Runs and models on real servers: PostgreSQL, S3, `mlflow server` behind a proxy with a prefix and a password."""

import shutil
import time
from pathlib import Path

import pytest
from mlflow_servers import PASSWORD, USER, mlflow_server, postgres, proxy, s3
from published_store import in_folder, publish_model, yardbird

pytestmark = pytest.mark.slow
MODEL = "music_transformer@challenger"
LISTED = """
from yardbird.tracking.store import connect
client, experiment = connect(__import__("pathlib").Path.cwd())
for run in client.search_runs([experiment]):
    print(run.info.run_name.split()[0], run.info.artifact_uri.partition(":")[0], run.info.status)
"""


def check(root: Path, scheme: str, variables: dict[str, str]) -> None:
    """A training, a pipeline run and a model go to the server and come back, and nothing is written locally."""
    said = publish_model(root, 0, **variables)
    assert "warning" not in said.stderr
    runs = sorted(in_folder(root, "-c", LISTED, **variables).stdout.split("\n"))[1:]
    assert runs == [f"pipeline {scheme} FINISHED", f"train {scheme} FINISHED"]
    drawn = yardbird(root, "generate", "--bars", "2", "--seed", "1", "--model", MODEL, **variables)
    assert "free_seed1_000.mid" in drawn.stdout
    assert yardbird(root, "mlflow", "sync", **variables).stdout.startswith(
        "rebuilt 0 of 1 training runs and 0 pipeline"
    )
    assert PASSWORD not in yardbird(root, "doctor", **variables, status=1).stdout
    assert not [path.name for path in root.iterdir() if path.name in ("mlflow.db", "mlartifacts", "mlruns")]


def test_a_server_with_postgresql_behind_a_proxy_with_prefix_and_password(tmp_path: Path) -> None:
    with postgres() as database:
        options = ["--backend-store-uri", database, "--artifacts-destination", str(tmp_path / "artifacts")]
        with mlflow_server(tmp_path, options, {}) as (port, _), proxy(port, "/music/mlflow") as address:
            root, variables = tmp_path / "project", {"MLFLOW_TRACKING_URI": address}
            root.mkdir()
            refused = publish_model(root, 0, **variables)
            assert "it refuses the user (HTTP 401); set MLFLOW_TRACKING_USERNAME and _PASSWORD" in refused.stderr
            (root / "mlflow.db").unlink()  # what was recorded locally instead
            shutil.rmtree(root / "mlartifacts")
            account = {"MLFLOW_TRACKING_USERNAME": USER, "MLFLOW_TRACKING_PASSWORD": PASSWORD}
            check(root, "mlflow-artifacts", variables | account)


def test_postgresql_and_s3_without_a_server_of_mlflow(tmp_path: Path) -> None:
    with postgres() as database, s3(tmp_path) as variables:
        variables |= {"MLFLOW_TRACKING_URI": database, "MLFLOW_DEFAULT_ARTIFACT_ROOT": "s3://solos/artifacts"}
        check(tmp_path / "project", "s3", variables)


def test_a_server_that_hands_out_s3_locations(tmp_path: Path) -> None:
    with s3(tmp_path) as variables:
        options = ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--no-serve-artifacts"]
        options += ["--default-artifact-root", "s3://solos/artifacts"]
        with mlflow_server(tmp_path, options, variables) as (port, _):
            check(tmp_path / "project", "s3", variables | {"MLFLOW_TRACKING_URI": f"http://127.0.0.1:{port}"})


STOPPED = """
import os, signal, sys, time
from pathlib import Path
from yardbird.tracking.runs import TrainingRun
with TrainingRun(Path.cwd(), "fake", {}, {"family": "fake"}, {}, Path("state")) as run:
    run.on_epoch([{"epoch": 1, "train_loss": 3.0}], {})
    os.killpg(int(sys.argv[1]), signal.SIGSTOP)
    start = time.monotonic()
    for epoch in (2, 3):
        run.on_epoch([{"epoch": number, "train_loss": 3.0} for number in range(1, epoch + 1)], {})
print(time.monotonic() - start)
"""


def test_a_server_that_stops_during_a_training_costs_seconds_once(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    (root / "params.yaml").write_text("tracking: {if_silent: stop, answer_seconds: 3}\n")
    options = ["--backend-store-uri", f"sqlite:///{tmp_path}/server.db", "--artifacts-destination", str(tmp_path / "a")]
    with mlflow_server(tmp_path, options, {}) as (port, group):
        said = in_folder(root, "-c", STOPPED, str(group), MLFLOW_TRACKING_URI=f"http://127.0.0.1:{port}")
    assert float(said.stdout) < 30
    assert said.stderr.count("\n") == 1
    assert "does not answer: no answer in 3 seconds); the training continues" in said.stderr


def test_a_stage_with_a_dead_server_goes_on_within_seconds(tmp_path: Path) -> None:
    start = time.monotonic()
    said = publish_model(tmp_path / "project", 0, MLFLOW_TRACKING_URI="http://127.0.0.1:9")
    assert said.stderr.count("does not answer") == 1
    assert (tmp_path / "project/mlflow.db").is_file()
    assert time.monotonic() - start < 240
