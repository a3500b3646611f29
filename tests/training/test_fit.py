"""Training: the loss, the weights that it keeps, and exact resumption after a kill."""

import itertools
import math
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import forked_python
import numpy as np
import pytest
import torch
from fake_family import FakeFamily, Noise
from lightning.pytorch import Trainer
from lightning.pytorch.plugins import MixedPrecision

from yardbird.devices import device_in_words
from yardbird.errors import ConfigError, InputError
from yardbird.models.family import Datasets, Loss, Ratio
from yardbird.tables.curve_table import CurveRow
from yardbird.training.checkpoints import CheckpointFolder
from yardbird.training.fit import InterruptedTrainingError, TrainingResult, fit, precision_of
from yardbird.training.lightning_module import DivergedError, EpochOrder
from yardbird.training.listeners import TensorBoard
from yardbird.training.training_config import TrainingConfig, learning_rate

CONFIG = TrainingConfig(
    batch_size=4,
    accumulate=2,
    max_epochs=5,
    patience=5,
    learning_rate=0.03,
    min_learning_rate=0.001,
    warmup_steps=3,
    weight_decay=0.1,
    gradient_clip=1.0,
    precision="32-true",
    sample_every_epochs=2,
    threads=1,
    processes=1,
    devices=1,
    num_nodes=1,
    strategy="auto",
)


class Recorder:
    """A listener that records its calls, and can stop the training after an epoch like a kill."""

    def __init__(self, stop_after: int | None = None) -> None:
        self.epochs: list[int] = []
        self.samples: list[int] = []
        self.paces: list[Mapping[str, float]] = []
        self.stop_after = stop_after

    def on_start(self, curve: Sequence[CurveRow]) -> None:
        self.resumed_behind = len(curve)

    def on_epoch(self, curve: Sequence[CurveRow], pace: Mapping[str, float]) -> None:
        self.epochs.append(len(curve))
        self.paces.append(pace)
        if len(curve) == self.stop_after:
            raise KeyboardInterrupt

    def on_sample(self, epoch: int, sample: Any) -> None:
        self.samples.append(epoch)


def train(
    folder: Path,
    config: TrainingConfig = CONFIG,
    family: FakeFamily | None = None,
    listeners: Sequence[Any] = (),
) -> tuple[FakeFamily, TrainingResult]:
    if family is None:
        torch.manual_seed(0)
        family = FakeFamily()
    with CheckpointFolder(folder, "fake", "key") as checkpoint:
        return family, fit(family, folder, config, seed=3, checkpoint=checkpoint, listeners=listeners)


def newest(folder: Path) -> Path:
    """The last checkpoint."""
    return max(folder.glob(".checkpoints/fake/key/*.pt"))


def weights(family: FakeFamily) -> bytes:
    return b"".join(value.numpy().tobytes() for value in family.model.state_dict().values())


def test_training_lowers_the_loss_and_gives_one_row_an_epoch(tmp_path: Path) -> None:
    _, result = train(tmp_path)
    assert [row["epoch"] for row in result.curve] == [1, 2, 3, 4, 5]
    assert result.curve[-1]["train_loss"] < 0.5 * result.curve[0]["train_loss"]
    assert set(result.curve[0]) == {
        "epoch", "learning_rate", "train_loss", "train_squared_error", "validation_squared_error",
    }  # fmt: skip
    assert result.parameters == 4 * 16 + 16 + 16 + 1


def test_the_weights_of_the_best_epoch_are_kept(tmp_path: Path) -> None:
    """A learning rate that grows too high during warm-up makes an early epoch the best."""
    harmful = replace(CONFIG, learning_rate=30.0, warmup_steps=100, min_learning_rate=30.0, gradient_clip=1e9)
    family, result = train(tmp_path, harmful)
    watched = [row["validation_squared_error"] for row in result.curve]
    assert result.best_epoch == int(np.argmin(watched)) + 1 < len(watched)
    errors = [family._errors(item_batch(index)).detach() for index in range(7)]
    assert float(torch.cat(errors).mean()) == pytest.approx(min(watched), rel=1e-5)
    assert result.best == {"validation_squared_error": min(watched)}


def item_batch(index: int) -> dict[str, torch.Tensor]:
    return {name: value[None] for name, value in Noise(7, 4)[index].items()}


def test_validation_sums_over_batches_before_it_divides(tmp_path: Path) -> None:
    """Seven windows in batches of four: a mean of batch means would give the last three too much weight."""
    by_four = train(tmp_path / "a", replace(CONFIG, max_epochs=1, learning_rate=1e-12, min_learning_rate=1e-12))[1]
    by_seven = train(
        tmp_path / "b", replace(CONFIG, max_epochs=1, batch_size=7, learning_rate=1e-12, min_learning_rate=1e-12)
    )[1]
    assert by_four.best["validation_squared_error"] == pytest.approx(
        by_seven.best["validation_squared_error"], rel=1e-6
    )


def test_the_training_loss_counts_batches_by_their_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[float, int]] = []
    loss = FakeFamily.loss

    def padded(family: FakeFamily, batch: Any, step: int) -> Loss:
        whole = replace(loss(family, batch, step), weight=1 + 10 * len(seen))
        seen.append((float(whole.total.detach()), 1 + 10 * len(seen)))
        return whole

    monkeypatch.setattr(FakeFamily, "loss", padded)
    _, result = train(tmp_path, replace(CONFIG, max_epochs=1))
    values, counts = zip(*seen, strict=True)
    assert result.curve[0]["train_loss"] == pytest.approx(np.average(values, weights=counts), rel=1e-5)


def test_the_pace_counts_training_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    measure = FakeFamily.measure

    def slow(family: FakeFamily, batch: Any) -> Mapping[str, Ratio]:
        time.sleep(0.2)
        return measure(family, batch)

    monkeypatch.setattr(FakeFamily, "measure", slow)
    recorder = Recorder()
    train(tmp_path, replace(CONFIG, max_epochs=2), listeners=[recorder])
    for pace in recorder.paces:
        assert pace["epoch_seconds"] - 22 / pace["windows_per_second"] > 0.4, "two batches of validation"


def test_training_stops_after_the_patience_without_improvement(tmp_path: Path) -> None:
    still = replace(CONFIG, learning_rate=1e-30, min_learning_rate=1e-30, weight_decay=0.0, max_epochs=50, patience=3)
    _, result = train(tmp_path, still)
    assert (result.best_epoch, len(result.curve)) == (1, 4)


def test_equal_seeds_give_equal_weights_and_every_epoch_its_own_order(tmp_path: Path) -> None:
    one, other = train(tmp_path / "a")[0], train(tmp_path / "b")[0]
    assert weights(one) == weights(other)
    order = EpochOrder(22, 0)
    first = list(order)
    order.set_epoch(1)
    assert sorted(first) == list(range(22))
    assert first != list(order)


@pytest.mark.parametrize("stop_after", [1, 2, 4, 5])
def test_a_resumed_training_gives_the_same_bytes(tmp_path: Path, stop_after: int) -> None:
    whole, expected = train(tmp_path / "whole")
    with pytest.raises(InterruptedTrainingError, match=rf"stopped after {stop_after} complete epochs; run the same"):
        train(tmp_path / "broken", listeners=[Recorder(stop_after)])
    torch.manual_seed(99)  # a new process starts with other weights and another random state
    recorder = Recorder()
    resumed, result = train(tmp_path / "broken", family=FakeFamily(), listeners=[recorder])
    assert recorder.resumed_behind == stop_after
    assert recorder.epochs == list(range(stop_after + 1, 6))
    assert weights(resumed) == weights(whole)
    assert result.curve == expected.curve


def test_the_cost_of_a_resumed_training_includes_all_its_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count()
    monkeypatch.setattr("yardbird.training.fit.time.perf_counter", lambda: float(next(ticks)))
    monkeypatch.setattr("yardbird.training.course.peak_memory_mib", lambda: 900.4)
    _, whole = train(tmp_path / "whole")
    with pytest.raises(InterruptedTrainingError):
        train(tmp_path / "broken", listeners=[Recorder(3)])
    monkeypatch.setattr("yardbird.training.course.peak_memory_mib", lambda: 100.0)
    _, resumed = train(tmp_path / "broken")
    assert resumed.cost == whole.cost
    assert whole.cost.asdict() == {
        "training_seconds": 5 * 3.0 + 1.0, "peak_memory_mib": 900, "device": device_in_words(),  # and what completes it
        "precision": "32-true",
    }  # fmt: skip


def test_frozen_weights_are_neither_trained_nor_stored_and_not_needed_to_resume(tmp_path: Path) -> None:
    """Each checkpoint once contained a frozen text encoder of half a gigabyte, twice."""

    def adapted() -> FakeFamily:
        torch.manual_seed(0)
        family = FakeFamily()
        family.model[0].requires_grad_(False)
        return family

    whole, _ = train(tmp_path / "whole", family=adapted())
    with pytest.raises(InterruptedTrainingError):
        train(tmp_path / "broken", family=adapted(), listeners=[Recorder(2)])
    state = torch.load(newest(tmp_path / "broken"), weights_only=True)
    resumed, _ = train(tmp_path / "broken", family=adapted())
    assert set(state["weights"]) == set(state["best_weights"]) == {"3.weight", "3.bias"}
    assert weights(resumed) == weights(whole)
    assert torch.equal(whole.model[0].weight, adapted().model[0].weight)


def test_a_training_resumes_from_the_files_after_its_third_epoch_to_the_same_bytes(tmp_path: Path) -> None:
    """The copy is what a process leaves that is killed at that moment, with a partial next checkpoint."""

    class Copying(Recorder):
        def on_epoch(self, curve: Sequence[CurveRow], pace: Mapping[str, float]) -> None:
            if len(curve) == 3:
                shutil.copytree(tmp_path / "whole", tmp_path / "killed")

    whole, _ = train(tmp_path / "whole", listeners=[Copying()])
    last = newest(tmp_path / "killed")
    (last.parent / "next.part").write_bytes(last.read_bytes()[:500])
    recorder = Recorder()
    resumed, _ = train(tmp_path / "killed", family=FakeFamily(), listeners=[recorder])
    assert (recorder.resumed_behind, weights(resumed)) == (3, weights(whole))


@pytest.mark.slow
def test_a_training_killed_with_signal_9_resumes_to_the_same_bytes(tmp_path: Path) -> None:
    """The process is killed in the middle of an epoch, with a partial next checkpoint on disk."""
    whole, _ = train(tmp_path / "whole")
    program = (
        "import os, time, torch, test_fit as t\n"
        "from pathlib import Path\n"
        "class Slow(t.Recorder):\n"
        "    def on_epoch(self, curve, pace):\n"
        "        print(os.getpid(), len(curve), flush=True)\n"
        "        time.sleep(60 if len(curve) == 3 else 0)\n"
        f"t.train(Path({str(tmp_path / 'killed')!r}), listeners=[Slow()])\n"
    )
    here = Path(__file__).parent
    paths = [str(here), str(here.parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    with subprocess.Popen(
        [forked_python.python(), "-c", program], env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lines = (line.split() for line in iter(process.stdout.readline, ""))
        training = next((pid for pid, epoch in lines if epoch == "3"), None)
        assert training, "it ended before its third epoch"
        os.kill(int(training), signal.SIGKILL)
    last = newest(tmp_path / "killed")
    (last.parent / "next.part").write_bytes(last.read_bytes()[:500])
    recorder = Recorder()
    resumed, _ = train(tmp_path / "killed", family=FakeFamily(), listeners=[recorder])
    assert (recorder.resumed_behind, weights(resumed)) == (3, weights(whole))


def test_a_finished_training_without_outputs_is_not_repeated(tmp_path: Path) -> None:
    whole, _ = train(tmp_path)
    recorder = Recorder()
    again, result = train(tmp_path, family=FakeFamily(), listeners=[recorder])
    assert (weights(again), recorder.epochs, len(result.curve)) == (weights(whole), [], 5)


def test_an_infinite_loss_stops_with_one_line_and_is_not_written_to_the_checkpoint(tmp_path: Path) -> None:
    family = FakeFamily()
    family.scale = math.inf
    with pytest.raises(DivergedError, match=r"^fake: the training loss became inf in epoch 1, at step 0; lower fake\."):
        train(tmp_path, family=family)
    assert not list(tmp_path.rglob("*.pt"))


def test_a_validation_measure_that_is_not_finite_stops_the_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NaN as the best value so far would always win, because no value is less."""
    monkeypatch.setattr(FakeFamily, "measure", lambda *_: {"squared_error": Ratio(math.nan, 1.0)})
    with pytest.raises(DivergedError, match=r"^fake: the validation measure squared_error became nan in epoch 1, "):
        train(tmp_path)


def test_a_split_without_windows_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FakeFamily, "datasets", lambda *_: Datasets(Noise(3, 0), Noise(0, 0)))
    with pytest.raises(InputError, match="expected validation windows, found none"):
        train(tmp_path)


def test_listeners_receive_a_sample_every_so_many_epochs(tmp_path: Path) -> None:
    recorder = Recorder()
    train(tmp_path, listeners=[recorder])
    assert (recorder.epochs, recorder.samples) == ([1, 2, 3, 4, 5], [2, 4])


def date_back(board: Path) -> None:
    """Rename event files as if they were from an earlier second: they are read in the order of their names."""
    for path in list(board.rglob("events.out.tfevents.*")):
        *kind, second, place = path.name.split(".", 4)
        path.rename(path.with_name(".".join([*kind, f"{int(second) - 2:010}", place])))


def test_tensorboard_shows_one_unbroken_curve_of_a_resumed_training(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with pytest.raises(InterruptedTrainingError):
        train(tmp_path, listeners=[TensorBoard(tmp_path / "board"), Recorder(3)])
    date_back(tmp_path / "board")
    train(tmp_path, listeners=[TensorBoard(tmp_path / "board")])
    events = EventAccumulator(str(tmp_path / "board"))
    events.Reload()
    assert [event.step for event in events.Scalars("validation/squared_error")] == [1, 2, 3, 4, 5]


def test_tensorboard_logs_the_epoch_that_a_kill_prevented(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with pytest.raises(InterruptedTrainingError):  # the checkpoint has epoch 3, TensorBoard does not
        train(tmp_path, listeners=[Recorder(3), TensorBoard(tmp_path / "board")])
    date_back(tmp_path / "board")
    train(tmp_path, listeners=[TensorBoard(tmp_path / "board")])
    events = EventAccumulator(str(tmp_path / "board"))
    events.Reload()
    assert [event.step for event in events.Scalars("train/loss")] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("key", ["batch_size", "patience", "learning_rate", "threads", "sample_every_epochs"])
def test_an_invalid_setting_is_named(key: str) -> None:
    with pytest.raises(ConfigError, match=rf"^TrainingConfig: {key}: expected .*, found 0"):
        replace(CONFIG, **{key: 0})


def test_the_rate_warms_up_then_falls_along_a_cosine_to_its_minimum() -> None:
    rates = [learning_rate(CONFIG, step, 103) for step in range(110)]
    assert rates[:3] == pytest.approx([0.01, 0.02, 0.03])
    assert max(rates) == 0.03
    assert rates[53] == pytest.approx((0.03 + 0.001) / 2), "half-way down after half of the steps"
    assert rates[103:] == [pytest.approx(0.001)] * 7


def test_mixed_precision_trains_in_bfloat16_and_measures_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[bool, set[torch.dtype]] = {True: set(), False: set()}
    errors = FakeFamily._errors

    def spy(family: FakeFamily, batch: Any) -> torch.Tensor:
        seen[family.model.training].add(family.model(batch["x"]).dtype)
        return errors(family, batch)

    monkeypatch.setattr(FakeFamily, "_errors", spy)
    _, result = train(tmp_path, replace(CONFIG, precision="bf16-mixed"))
    assert seen == {True: {torch.bfloat16}, False: {torch.float32}}
    assert result.curve[-1]["train_loss"] < 0.5 * result.curve[0]["train_loss"]


@pytest.mark.parametrize(
    ("gpu", "bfloat16", "precision"), [(False, False, "32-true"), (True, False, "16-mixed"), (True, True, "bf16-mixed")]
)
def test_auto_is_the_best_precision_of_the_device(
    monkeypatch: pytest.MonkeyPatch, gpu: bool, bfloat16: bool, precision: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *, including_emulation: bfloat16)
    assert precision_of(replace(CONFIG, precision="auto"), "fake") == precision
    for chosen in ("32-true", "bf16-mixed"):
        assert precision_of(replace(CONFIG, precision=chosen), "fake") == chosen


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU has another precision")
def test_auto_trains_in_full_precision_on_a_cpu(tmp_path: Path) -> None:
    automatic, result = train(tmp_path / "auto", replace(CONFIG, precision="auto"))
    full, _ = train(tmp_path / "full")
    assert weights(automatic) == weights(full)
    assert result.cost.precision == "32-true"
    with pytest.raises(
        ConfigError, match=r"fake\.training\.precision: expected auto, .* without a GPU, found 16-mixed"
    ):
        train(tmp_path / "half", replace(CONFIG, precision="16-mixed"))


@pytest.fixture
def scaled(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Trainings in 16 bits on the CPU, where Lightning offers them only as a plugin; the norms before the clipping."""
    norms: list[float] = []
    clip = torch.nn.utils.clip_grad_norm_

    def trainer(*, precision: str, plugins: list[Any], **settings: Any) -> Trainer:
        assert precision == "16-mixed"
        scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12, growth_interval=5)
        return Trainer(plugins=[*plugins, MixedPrecision("16-mixed", "cpu", scaler)], **settings)

    monkeypatch.setattr("yardbird.training.fit.precision_of", lambda *_: "16-mixed")
    monkeypatch.setattr("yardbird.training.fit.Trainer", trainer)
    monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *given: norms.append(float(clip(*given))))
    return norms


def test_gradients_of_a_scaled_loss_are_clipped_at_their_own_size_and_the_scale_is_resumed(
    tmp_path: Path, scaled: list[float]
) -> None:
    """A fused optimiser would divide by the scale after the clipping: each norm would be 4096 times as large."""
    whole, result = train(tmp_path / "whole")
    assert 0.1 < scaled[0] < 100
    assert result.curve[-1]["train_loss"] < 0.5 * result.curve[0]["train_loss"]
    with pytest.raises(InterruptedTrainingError):
        train(tmp_path / "broken", listeners=[Recorder(2)])
    state = torch.load(newest(tmp_path / "broken"), weights_only=True)
    assert state["scaler"]["scale"] > 2.0**12
    resumed, _ = train(tmp_path / "broken")
    assert weights(resumed) == weights(whole)


def test_a_training_without_scaler_continues_in_16_bits(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    with pytest.raises(InterruptedTrainingError):
        train(tmp_path, listeners=[Recorder(2)])
    request.getfixturevalue("scaled")
    _, result = train(tmp_path)
    assert result.curve[-1]["train_loss"] < result.curve[1]["train_loss"]


def test_accumulated_batches_make_the_step_of_one_large_batch(tmp_path: Path) -> None:
    """Two batches of eleven without dropout equal one of twenty-two."""

    def final(folder: str, batch_size: int, accumulate: int) -> torch.Tensor:
        torch.manual_seed(0)
        family = FakeFamily()
        family.model[2].p = 0.0
        config = replace(CONFIG, batch_size=batch_size, accumulate=accumulate, max_epochs=2)
        train(tmp_path / folder, config, family)
        return torch.cat([value.flatten() for value in family.model.state_dict().values()])

    torch.testing.assert_close(final("a", 11, 2), final("b", 22, 1), rtol=1e-4, atol=1e-6)


def test_no_folder_of_lightning_or_mlflow_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    train(tmp_path / "work")
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


class TwoPhases(FakeFamily):
    """Acts as a family whose first four epochs mix in background."""

    def datasets(self, encoded: Path, seed: int) -> Datasets:
        return replace(super().datasets(encoded, seed), mixed_epochs=4)


def test_patience_never_ends_a_training_before_it_has_adapted_to_the_target(tmp_path: Path) -> None:
    still = replace(CONFIG, learning_rate=1e-30, min_learning_rate=1e-30, weight_decay=0.0, max_epochs=50, patience=3)
    _, result = train(tmp_path, still, TwoPhases())
    assert (result.best_epoch, len(result.curve)) == (1, 7)
    assert [row["adapting"] for row in result.curve] == [0, 0, 0, 0, 1, 1, 1]


def test_training_without_an_epoch_for_adaptation_is_refused_in_one_line(tmp_path: Path) -> None:
    expected = r"params.yaml: fake.model.background_epochs: expected less than training.max_epochs \(4\), found 4"
    with pytest.raises(ConfigError, match=f"^{expected}$"):
        train(tmp_path, replace(CONFIG, max_epochs=4), TwoPhases())


@pytest.mark.parametrize("stop_after", [2, 4])
def test_a_training_that_is_interrupted_in_either_phase_resumes_to_the_same_bytes(
    tmp_path: Path, stop_after: int
) -> None:
    torch.manual_seed(0)
    whole, expected = train(tmp_path / "whole", family=TwoPhases())
    torch.manual_seed(0)
    with pytest.raises(InterruptedTrainingError):
        train(tmp_path / "broken", family=TwoPhases(), listeners=[Recorder(stop_after)])
    resumed, result = train(tmp_path / "broken", family=TwoPhases())
    assert weights(resumed) == weights(whole)
    assert result.curve == expected.curve
