"""One MLflow run a training, resumed by a resumed training: one unbroken curve."""

import hashlib
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

from yardbird import files
from yardbird.audio.wave import Waveform, write_wave
from yardbird.errors import YardbirdError
from yardbird.music.midi import write_score
from yardbird.tracking.store import FAILURES, connect, first_line

Row = Mapping[str, float]

#: The folder of a run's artifacts that holds what the family sampled after some epochs.
SAMPLES = "samples"


class TrainingRun:
    """Listens to a training. A database out of reach costs the record, never the training: one line says so.

    As a context manager it ends the run: finished, or failed when the block raises. A killed process leaves it running
    until the resumed training ends it.
    """

    def __init__(self, root: Path, name: str, params: Mapping[str, str], tags: Mapping[str, str], state: Path) -> None:
        """
        Args:
            name: of the run, as MLflow lists it.
            state: a file that remembers the run's id for as long as the training may be resumed.
        """
        self._client: MlflowClient | None = None
        self._logged: set[int] = set()
        self._try(lambda: self._open(root, name, params, tags, state))

    def __enter__(self) -> "TrainingRun":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        status = "FINISHED" if error is None else "FAILED"
        self._with_client(lambda client: client.set_terminated(self._run_id, status))

    def on_start(self, curve: Sequence[Row]) -> None:
        self._with_client(lambda client: log_curve(client, self._run_id, curve, self._logged))

    def on_epoch(self, curve: Sequence[Row], pace: Mapping[str, float]) -> None:
        def log(client: MlflowClient) -> None:
            log_curve(client, self._run_id, curve, self._logged)
            client.log_batch(self._run_id, metrics=as_metrics(pace, len(curve)))

        self._with_client(log)

    def on_sample(self, epoch: int, sample: Any) -> None:
        """Store a `Score` as .mid, a `Waveform` as .wav; `samples.show_samples` renders and draws them later.

        Training runs no drawing code: the stage would depend on it, and a change in it would train all families again.
        """

        def log(client: MlflowClient) -> None:
            with tempfile.TemporaryDirectory() as folder:
                if isinstance(sample, Waveform):
                    write_wave(sample, Path(folder) / f"epoch_{epoch:04d}.wav")
                else:
                    write_score(sample, Path(folder) / f"epoch_{epoch:04d}.mid")
                client.log_artifacts(self._run_id, folder, SAMPLES)

        self._with_client(log)

    def finish(self, curve: Path, results: Mapping[str, float]) -> None:
        """Add the summary and the curve's file, by whose content `yardbird mlflow sync` knows the run again."""

        def log(client: MlflowClient) -> None:
            log_results(client, self._run_id, curve, results)

        self._with_client(log)

    def _open(self, root: Path, name: str, params: Mapping[str, str], tags: Mapping[str, str], state: Path) -> None:
        client, experiment = connect(root)
        known = state.read_text() if state.exists() else None
        found = client.search_runs([experiment], f"attributes.run_id = '{known}'") if known else []
        if found:
            self._run_id = found[0].info.run_id
            client.update_run(self._run_id, status="RUNNING")
            self._logged = {point.step for point in client.get_metric_history(self._run_id, "train_loss")}
        else:
            self._run_id = start_run(client, experiment, name, params, tags)
            files.write_text(state, self._run_id)
        self._client = client

    def _with_client(self, work: Callable[[MlflowClient], None]) -> None:
        if (client := self._client) is not None:
            self._try(lambda: work(client))

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (*FAILURES, YardbirdError) as error:
            self._client = None
            print(
                f"warning: MLflow records this training no further ({first_line(error)}); the training goes on, "
                "and `yardbird mlflow sync` makes up for it",
                file=sys.stderr,
            )


def start_run(
    client: MlflowClient, experiment: str, name: str, params: Mapping[str, str], tags: Mapping[str, str]
) -> str:
    """A new run with its parameters; returns its id."""
    run_id: str = client.create_run(experiment, run_name=name, tags=dict(tags)).info.run_id
    pairs = [Param(key, value[:6000]) for key, value in params.items()]
    for start in range(0, len(pairs), 100):  # MLflow's limit a call
        client.log_batch(run_id, params=pairs[start : start + 100])
    return run_id


def log_curve(client: MlflowClient, run_id: str, curve: Sequence[Row], logged: set[int]) -> None:
    """Log the rows whose epoch is not in `logged` yet, and add them to it: no epoch is missing or stands twice."""
    for row in curve:
        epoch = int(row["epoch"])
        if epoch not in logged:
            client.log_batch(run_id, metrics=as_metrics({n: v for n, v in row.items() if n != "epoch"}, epoch))
            logged.add(epoch)


def log_results(client: MlflowClient, run_id: str, curve: Path, results: Mapping[str, float]) -> None:
    client.log_batch(run_id, metrics=as_metrics(results, 0), tags=[RunTag("curve", curve_id(curve))])
    client.log_artifact(run_id, str(curve))


def as_metrics(values: Mapping[str, float], step: int) -> list[Metric]:
    now = int(time.time() * 1000)
    return [Metric(name, float(value), now, step) for name, value in values.items()]


def curve_id(curve: Path) -> str:
    """By the bytes of its curve a training's run is found again, whichever checkout it was made in."""
    return hashlib.sha256(curve.read_bytes()).hexdigest()[:16]
