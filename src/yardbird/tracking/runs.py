"""One MLflow run for each training. A resumed training resumes its run, so that the curve is continuous."""

import hashlib
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.system_metrics.metrics.cpu_monitor import CPUMonitor
from mlflow.system_metrics.metrics.disk_monitor import DiskMonitor
from mlflow.system_metrics.metrics.gpu_monitor import GPUMonitor
from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT, MLFLOW_RUN_NOTE

from yardbird import files
from yardbird.audio.wave import Waveform, write_wave
from yardbird.errors import YardbirdError
from yardbird.music.midi import write_score
from yardbird.tables.curve_table import CurveRow
from yardbird.tracking.store import check_answer, connect, tracking_uri
from yardbird.tracking.store_faults import FAILURES, first_line

#: The folder of a run's artifacts that holds what the family sampled after some epochs.
SAMPLES = "samples"
_MONITORS: tuple[Any, ...] = (CPUMonitor, DiskMonitor, GPUMonitor)  # MLflow's, without types


class TrainingRun:
    """A listener that records a training in MLflow. If MLflow cannot be reached, it warns, and the training continues.

    As a context manager, it ends the run: as finished, or as failed if the block raises. After a kill, the run stays in
    state running until the resumed training ends it.
    """

    def __init__(
        self,
        root: Path,
        family: str,
        params: Mapping[str, str],
        tags: Mapping[str, str],
        data: Mapping[str, str],
        state: Path,
    ) -> None:
        """
        Args:
            data: folder → DVC's hash of what the family learns from.
            state: a file that stores the run's id while the training can be resumed.

        Raises:
            SilentStoreError: the server does not answer, and `tracking.if_silent` is `stop`.
        """
        self._client: MlflowClient | None = None
        self._logged: set[int] = set()
        self._monitors: list[Any] = []
        for kind in _MONITORS:
            with suppress(ImportError, RuntimeError):  # there is no GPU, or no package that reads its load
                self._monitors.append(kind())
        tracking_uri(root)  # raises an error if the training requires a server that does not answer
        self._try(lambda: self._open(root, family, params, tags, data, state))

    def __enter__(self) -> "TrainingRun":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        status = "FINISHED" if error is None else "FAILED"
        self._with_client(lambda client: client.set_terminated(self._run_id, status))

    def on_start(self, curve: Sequence[CurveRow]) -> None:
        self._with_client(lambda client: log_curve(client, self._run_id, curve, self._logged))

    def on_epoch(self, curve: Sequence[CurveRow], pace: Mapping[str, float]) -> None:
        def log(client: MlflowClient) -> None:
            log_curve(client, self._run_id, curve, self._logged)
            client.log_batch(self._run_id, metrics=as_metrics({**pace, **self._system_metrics()}, len(curve)))

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
        """Log the summary and the curve's file. `yardbird mlflow sync` identifies the run by the file's content."""

        def log(client: MlflowClient) -> None:
            log_results(client, self._run_id, curve, results)

        self._with_client(log)

    def _system_metrics(self) -> dict[str, float]:
        """MLflow's system metrics at the end of an epoch: load since the last epoch, memory, disk and GPU.

        MLflow samples them in a thread. There is none here, because trainings that share batches fork.
        """
        metrics: dict[str, float] = {}
        for monitor in self._monitors:
            monitor.collect_metrics()
            metrics |= {f"system/{name}": value for name, value in monitor.aggregate_metrics().items()}
            monitor.clear_metrics()
        return metrics

    def _open(
        self,
        root: Path,
        family: str,
        params: Mapping[str, str],
        tags: Mapping[str, str],
        data: Mapping[str, str],
        state: Path,
    ) -> None:
        client, experiment = connect(root)
        known = state.read_text(errors="replace") if state.exists() else ""
        found = client.search_runs([experiment], f"attributes.run_id = '{known}'") if known.isalnum() else []
        if found:
            self._run_id = found[0].info.run_id
            client.update_run(self._run_id, status="RUNNING")
            self._logged = {point.step for point in client.get_metric_history(self._run_id, "train_loss")}
        else:
            self._run_id = start_training(client, experiment, family, params, tags, data)
            files.write_text(state, self._run_id)
        self._client = client

    def _with_client(self, work: Callable[[MlflowClient], None]) -> None:
        def ask_and_work(client: MlflowClient) -> None:
            check_answer(client.tracking_uri)  # MLflow would wait for minutes if a server has stopped
            work(client)

        if (client := self._client) is not None:
            self._try(lambda: ask_and_work(client))

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except (*FAILURES, YardbirdError) as error:
            self._client = None
            print(
                f"warning: MLflow stopped recording this training ({first_line(error)}); the training continues, "
                "and `yardbird mlflow sync` can add the run later",
                file=sys.stderr,
            )


def start_training(
    client: MlflowClient,
    experiment: str,
    family: str,
    params: Mapping[str, str],
    tags: Mapping[str, str],
    data: Mapping[str, str],
) -> str:
    """Start the run of a training of a family. Returns its id."""
    text = (
        f"One training of `{family}`, by epoch: the curve (`train_…`, `validation_…`), the load of the machine "
        f"(`system/…`), and what the model sampled (artifacts in `{SAMPLES}`). The model is of epoch `best_epoch`. "
        "A resumed training continues its run. The results of the model are in the run of the pipeline above."
    )
    noted = {**tags, MLFLOW_RUN_NOTE: text}
    return start_run(client, experiment, f"train {family}", params, noted, data, "training")


def start_run(
    client: MlflowClient,
    experiment: str,
    name: str,
    params: Mapping[str, str],
    tags: Mapping[str, str],
    data: Mapping[str, str],
    context: str,
) -> str:
    """Start a run with its parameters and data. Returns its id.

    Args:
        data: folder → DVC's hash. Folders without a hash are left out.
        context: what the run uses the data for.
    """
    run_id: str = client.create_run(experiment, run_name=name, tags=dict(tags)).info.run_id
    datasets = [
        DatasetInput(
            Dataset(path, digest, source_type="local", source=json.dumps({"uri": path})),
            [InputTag(MLFLOW_DATASET_CONTEXT, context)],
        )
        for path, digest in data.items()
        if digest
    ]
    if datasets:
        client.log_inputs(run_id, datasets)
    pairs = [Param(key, value[:6000]) for key, value in params.items()]
    for start in range(0, len(pairs), 100):  # MLflow's limit per call
        client.log_batch(run_id, params=pairs[start : start + 100])
    return run_id


def log_curve(client: MlflowClient, run_id: str, curve: Sequence[CurveRow], logged: set[int]) -> None:
    """Log the rows whose epochs are not in `logged`, and add them to it: each epoch is logged exactly once."""
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
    """A hash of a training's curve, which identifies its run in every checkout."""
    return hashlib.sha256(curve.read_bytes()).hexdigest()[:16]
