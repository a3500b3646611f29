"""The stage train on two devices, started as a user does: by Lightning's launcher, by torchrun, and after kill -9."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from forked_python import python
from mlflow import MlflowClient
from ruamel.yaml import YAML
from tiny_transformer import write_encoded

from yardbird.tables.curve_table import read_curve

NAME = "music_transformer"
STAGE = ["stages/train.py", NAME]
EPOCHS = 12  # several seconds, in which the training is killed
WEIGHTS = Path("models") / NAME / "model.safetensors"

pytestmark = pytest.mark.slow


def workspace(root: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, devices: int) -> Path:
    """The current folder: the repository's code, a tiny corpus, and settings for some devices."""
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("src", "stages", "dvc.yaml"):
        Path(name).symlink_to(root / name)
    params = YAML(typ="safe", pure=True).load(root / "params.yaml")
    sizes = {"d_model": 16, "num_heads": 2, "num_layers": 1, "d_ff": 32, "dropout": 0.0, "context_length": 64}
    params[NAME]["model"] |= {**sizes, "windows_per_epoch": 32}
    params[NAME]["training"] |= {"max_epochs": EPOCHS, "patience": EPOCHS, "processes": 1, "devices": devices}
    YAML().dump(params, Path("params.yaml"))
    write_encoded(test_bars=4)
    return folder


def run(*command: str) -> str:
    done = subprocess.run(
        [python(), *command], env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def environment() -> dict[str, str]:
    """As in a job of SLURM. Lightning and torchrun start Python for the other ranks."""
    slurm = {
        "PYTHON_EXEC": python(),
        "SLURM_NTASKS": "4",
        "SLURM_JOB_ID": "7",
        "SLURM_PROCID": "1",
        "SLURM_JOB_NAME": "x",
    }
    return {name: value for name, value in os.environ.items() if name != "LOCAL_RANK"} | slurm


def validation() -> list[float]:
    return [row["validation_nats_per_note"] for row in read_curve(Path(f"reports/train/{NAME}_curve.csv"))]


def test_two_devices_learn_what_one_learns_also_by_torchrun_and_after_a_kill(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace(root, tmp_path / "one", monkeypatch, devices=1)
    run(*STAGE)
    one = validation()
    workspace(root, tmp_path / "two", monkeypatch, devices=2)
    said = run(*STAGE)
    assert validation() == pytest.approx(one, rel=1e-3)
    assert said.count(f"epoch {EPOCHS}/{EPOCHS}") >= 1
    assert "Warning" not in said
    two = WEIGHTS.read_bytes()

    workspace(root, tmp_path / "torchrun", monkeypatch, devices=2)
    run("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", *STAGE)
    assert WEIGHTS.read_bytes() == two

    folder = workspace(root, tmp_path / "killed", monkeypatch, devices=2)
    training = subprocess.Popen([python(), *STAGE], env=environment(), stderr=subprocess.DEVNULL)
    wait(lambda: any(folder.glob(f".checkpoints/{NAME}/*/*.pt")))
    training.send_signal(signal.SIGKILL)
    training.wait()
    wait(lambda: not processes_in(folder))  # the other rank ends, too
    assert not Path("models").exists()
    run(*STAGE)
    assert WEIGHTS.read_bytes() == two
    assert not any(folder.glob(f".checkpoints/{NAME}/*"))
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    (record,) = client.search_runs([client.get_experiment_by_name("yardbird").experiment_id])
    assert record.info.status == "FINISHED"
    losses = client.get_metric_history(record.info.run_id, "train_loss")
    assert [point.step for point in losses] == list(range(1, EPOCHS + 1))


def wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline, "it takes too long"
        time.sleep(0.02)


def processes_in(folder: Path) -> list[Path]:
    """The processes whose current folder it is, other than this one."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve() == folder and process.name != str(os.getpid()):
                found.append(process)
        except OSError:
            continue
    return found
