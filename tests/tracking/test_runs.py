"""MLflow during training: one run for each training, which never stops the training."""

import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from fake_family import FakeFamily
from mlflow.entities import Run

from yardbird.audio.wave import Waveform, read_wave
from yardbird.music.midi import read_score
from yardbird.tracking.runs import TrainingRun
from yardbird.tracking.store import connect, provenance
from yardbird.tracking.store_faults import TrackingError

CURVE = [{"epoch": epoch, "train_loss": 5.0 / epoch, "validation_x": 6.0 / epoch} for epoch in range(1, 6)]
PACE = {"epoch_seconds": 2.0}


def open_run(root: Path, params: Mapping[str, str] | None = None) -> TrainingRun:
    data = {"data/encoded/fake": "0123.dir", "data/unknown": ""}
    return TrainingRun(root, "fake", params or {"seed": "0"}, {"family": "fake"}, data, root / "state/run")


def all_runs(root: Path) -> list[Run]:
    client, experiment = connect(root)
    return list(client.search_runs([experiment]))


def points(root: Path, run: Run, name: str) -> list[tuple[int, float]]:
    client, _ = connect(root)
    return [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, name)]


def test_a_training_logs_parameters_curve_and_sample(workspace: Path, tmp_path: Path) -> None:
    curve_file = tmp_path / "fake_curve.csv"
    curve_file.write_text("epoch\n1\n")
    with open_run(workspace, {f"p{index}": "1" for index in range(250)}) as run:
        run.on_start([])
        for length in range(1, 4):
            run.on_epoch(CURVE[:length], PACE)
        run.on_sample(2, FakeFamily().sample(0))
        run.on_sample(3, Waveform(np.full((800, 1), 0.25, np.float32), 8000))
        run.finish(curve_file, {"best_epoch": 3})
    (found,) = all_runs(workspace)
    assert (found.info.status, found.info.run_name, len(found.data.params)) == ("FINISHED", "train fake", 250)
    assert points(workspace, found, "validation_x") == [(1, 6.0), (2, 3.0), (3, 2.0)]
    assert found.data.metrics["epoch_seconds"] == 2.0
    samples = workspace / "mlartifacts" / found.info.run_id / "artifacts/samples"
    assert sorted(path.name for path in samples.iterdir()) == ["epoch_0002.mid", "epoch_0003.wav"]
    assert len(read_score(samples / "epoch_0002.mid").notes) == 8
    assert read_wave(samples / "epoch_0003.wav").mono.mean() == pytest.approx(0.25, abs=1e-4)


def test_a_resumed_training_continues_its_run_without_missing_or_repeated_epochs(workspace: Path) -> None:
    """The training was killed after the checkpoint of epoch 2, before logging it. Epoch 1 must not be logged again."""
    killed = open_run(workspace)
    killed.on_start([])
    killed.on_epoch(CURVE[:1], PACE)
    with open_run(workspace) as resumed:
        resumed.on_start(CURVE[:2])
        resumed.on_epoch(CURVE[:3], PACE)
    (found,) = all_runs(workspace)
    assert [step for step, _ in points(workspace, found, "train_loss")] == [1, 2, 3]
    assert found.info.status == "FINISHED"


def test_a_training_names_its_data_and_records_the_load_of_the_machine_by_epoch(workspace: Path) -> None:
    with open_run(workspace) as run:
        run.on_epoch(CURVE[:1], PACE)
    with open_run(workspace) as run:  # resumed
        run.on_epoch(CURVE[:2], PACE)
    (found,) = all_runs(workspace)
    (entry,) = found.inputs.dataset_inputs
    assert (entry.dataset.name, entry.dataset.digest) == ("data/encoded/fake", "0123.dir")
    assert "One training of `fake`" in found.data.tags["mlflow.note.content"]
    memory = points(workspace, found, "system/system_memory_usage_megabytes")
    assert [step for step, _ in memory] == [1, 2]
    assert all(value > 0 for _, value in memory)
    assert 0 <= found.data.metrics["system/cpu_utilization_percentage"] <= 100


def test_only_this_project_is_listed_unless_the_default_experiment_has_runs(workspace: Path) -> None:
    client, experiment = connect(workspace)
    assert [(found.name, found.experiment_id) for found in client.search_experiments()] == [("yardbird", experiment)]
    assert "jazz solos" in client.get_experiment(experiment).tags["mlflow.note.content"]
    client.restore_experiment("0")
    client.create_run("0")
    connect(workspace)
    assert {found.name for found in client.search_experiments()} == {"yardbird", "Default"}


def test_a_deleted_run_is_started_again(workspace: Path) -> None:
    open_run(workspace)
    (old,) = all_runs(workspace)
    connect(workspace)[0].delete_run(old.info.run_id)
    with open_run(workspace) as run:
        run.on_start(CURVE[:2])
    (new,) = all_runs(workspace)
    assert new.info.run_id != old.info.run_id
    assert [step for step, _ in points(workspace, new, "train_loss")] == [1, 2]


def test_a_failed_training_is_marked(workspace: Path) -> None:
    with suppress(KeyboardInterrupt), open_run(workspace):
        raise KeyboardInterrupt
    assert all_runs(workspace)[0].info.status == "FAILED"


def test_with_a_broken_database_the_training_continues_without_a_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mlflow.db").write_bytes(b"this is no database" * 100)
    with open_run(tmp_path) as run:
        run.on_start([])
        run.on_epoch(CURVE[:1], PACE)
        run.finish(tmp_path / "none.csv", {})
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "warning: MLflow" in line]
    assert "MLflow stopped recording this training" in line
    assert "yardbird mlflow sync" in line


@pytest.fixture
def held_database(workspace: Path) -> Iterator[Path]:
    """Another process is writing and does not end."""
    with sqlite3.connect(workspace / "mlflow.db") as connection:
        connection.execute("begin exclusive")
        yield workspace
        connection.rollback()


def test_a_locked_database_is_quickly_a_one_line_error(held_database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite waits five seconds for other writers by default."""
    monkeypatch.setattr(sqlite3.dbapi2, "connect", partial(sqlite3.dbapi2.connect, timeout=0.2))
    with pytest.raises(TrackingError, match="locked"):
        connect(held_database)


def test_four_processes_can_create_the_database_at_once(database: Path) -> None:
    """Without the lock, they interrupt each other's MLflow migrations and fail."""
    assert len(all_runs(database)) == 4
    with sqlite3.connect(database / "mlflow.db") as connection:
        assert connection.execute("pragma integrity_check").fetchone() == ("ok",)


def test_no_folder_mlruns_is_created(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If it exists, `mlflow ui` uses it by default and not the database."""
    monkeypatch.chdir(workspace)
    with open_run(workspace) as run:
        run.on_start(CURVE)
    assert not (workspace / "mlruns").exists()


def test_without_git_no_commit_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DVC_EXP_NAME", raising=False)
    monkeypatch.chdir(tmp_path)
    identity = ["-c", "user.name=a", "-c", "user.email=a"]
    for command in (["init", "-q"], [*identity, "commit", "--allow-empty", "-qm", "one"]):
        subprocess.run(["git", *command], check=True)
    assert len(provenance("train@music_vae")["mlflow.source.git.commit"]) == 40
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LOGNAME", "ann")
    assert provenance("train@music_vae") == {
        "stage": "train@music_vae",
        "mlflow.user": "ann",
        "mlflow.source.name": "stages/train.py",
        "mlflow.source.type": "LOCAL",
    }


def test_the_environment_can_select_another_server(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{workspace / 'mlflow.db'}")
    (tmp_path / "elsewhere").mkdir()
    with open_run(tmp_path / "elsewhere"):
        pass
    assert len(all_runs(workspace)) == 1
    assert not (tmp_path / "elsewhere/mlflow.db").exists()
