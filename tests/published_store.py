"""A repository with a published tiny Music Transformer, and commands that run in it as a user runs them."""

import os
import subprocess
from dataclasses import asdict
from pathlib import Path

import forked_python

ROOT = Path(__file__).resolve().parents[1]


def in_folder(folder: Path, *arguments: str, status: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run Python with arguments in a folder, without the MLflow settings of this process."""
    inherited = {name: text for name, text in os.environ.items() if not name.startswith(("MLFLOW_", "DVC_"))}
    path = (ROOT / "src", ROOT / "tests", os.environ.get("PYTHONPATH", ""))
    paths = {"PYTHONPATH": os.pathsep.join(map(str, path)), "OMP_NUM_THREADS": "1"}
    command = [forked_python.python(), *arguments]
    done = subprocess.run(
        command, cwd=folder, env=inherited | paths | variables, capture_output=True, text=True, timeout=250
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done


def yardbird(folder: Path, *arguments: str, status: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
    return in_folder(folder, "-m", "yardbird.cli", *arguments, status=status, **variables)


def publish_model(folder: Path, seed: int, **variables: str) -> subprocess.CompletedProcess[str]:
    """Train nothing, log a training with a sample, and publish a model with the weights of a seed."""
    folder.mkdir(exist_ok=True)
    return in_folder(folder, "-c", f"import published_store; published_store.run({seed})", **variables)


def run(seed: int) -> None:
    """What the stages leave, and the stage publish, in the current folder."""
    from tiny_transformer import NAME, scale, write_encoded, write_evaluation, write_model, write_training

    from yardbird import files
    from yardbird.config import read_section
    from yardbird.generation.audition import sound_and_picture
    from yardbird.generation.orders import GenerateConfig
    from yardbird.serving.music_transformer_endpoint import ENDPOINT
    from yardbird.tracking.endpoint import Server
    from yardbird.tracking.gate import Gate
    from yardbird.tracking.publish import publish
    from yardbird.tracking.runs import TrainingRun

    root, curve = Path.cwd(), Path("reports/train") / f"{NAME}_curve.csv"
    params = (ROOT / "params.yaml").read_text()
    files.write_text(Path("params.yaml"), params.replace("answer_seconds: 3", "answer_seconds: 30"))  # a busy machine
    files.write_text(Path("dvc.lock"), f"stages: {{train@{NAME}: {{outs: [{{path: models, md5: '{seed}'}}]}}}}\n")
    write_model(seed)
    write_evaluation(2.0 - seed / 10)
    write_encoded(4)
    write_training()
    files.write_text(curve, f"epoch,train_loss,validation_x\n1,3,{seed}\n")
    with TrainingRun(root, NAME, {}, {"family": NAME}, {}, root / ".checkpoints/run") as training:
        training.on_epoch([{"epoch": 1.0, "train_loss": 3.0, "validation_x": float(seed)}], {})
        training.on_sample(1, scale(2))
        training.finish(curve, {})
    (root / ".checkpoints/run").unlink(missing_ok=True)
    server = Server(ENDPOINT, asdict(read_section("generate", GenerateConfig)) | {"seed": 0})
    gate = Gate(measure="nats_per_note", baseline="ngram", requires=())
    publish(root, {NAME: gate}, {NAME: server}, sound_and_picture)
