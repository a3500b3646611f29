"""Several devices divide each batch: the weights are those of one device, and only rank 0 writes."""

import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_family import FakeFamily
from lightning.pytorch.strategies import DDPStrategy, FSDPStrategy
from ranks_here import CONFIG, on_ranks, written
from torch import nn
from torch.utils.data import BatchSampler

from yardbird.errors import ConfigError
from yardbird.models.family import Batch, Loss
from yardbird.tables.curve_table import CurveRow
from yardbird.training.checkpoints import CheckpointFolder
from yardbird.training.fit import _strategy, assist, fit
from yardbird.training.ranks import DealtBatches, SharedBatches, check_devices, this_rank
from yardbird.training.training_config import TrainingConfig


class Certain(FakeFamily):
    """Without dropout, so that equal weights can be compared. Some weights are trained later, as those of a prior."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
        self.model[0].register_module("later", nn.Linear(2, 2))

    def complete(self, encoded: Path, seed: int) -> dict[str, float]:
        return {}


class Stopper:
    """A listener that stops the training after an epoch, like Ctrl-C."""

    def __init__(self, after: int) -> None:
        self.after = after

    def on_start(self, curve: Sequence[CurveRow]) -> None: ...

    def on_sample(self, epoch: int, sample: Any) -> None: ...

    def on_epoch(self, curve: Sequence[CurveRow], pace: Mapping[str, float]) -> None:
        if len(curve) == self.after:
            raise KeyboardInterrupt


def trained(folder: Path, config: TrainingConfig, family: FakeFamily, *, stop_after: int = 0) -> None:
    """Train, and store weights and curve."""
    listeners = [Stopper(stop_after)] if stop_after else []
    with CheckpointFolder(folder, "fake", "key") as checkpoint:
        result = fit(family, folder, config, seed=1, checkpoint=checkpoint, listeners=listeners)
    torch.save({"weights": family.model.state_dict(), "curve": list(result.curve)}, folder / "result.pt")


def on_two(folder: Path, config: TrainingConfig, family: FakeFamily, *, stop_after: int = 0) -> list[int | None]:
    folder.mkdir(exist_ok=True)

    def work(rank: int) -> None:
        if rank:
            assist(family, folder, config, seed=1)
        else:
            trained(folder, config, family, stop_after=stop_after)

    return on_ranks(2, work)


class Killed(Certain):
    """Rank 1 is killed in its fifth step."""

    def loss(self, batch: Batch, step: int) -> Loss:
        if os.environ["LOCAL_RANK"] == "1" and step == 4:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().loss(batch, step)


def result(folder: Path) -> dict[str, Any]:
    stored: dict[str, Any] = torch.load(folder / "result.pt", weights_only=True)
    return stored


@pytest.mark.parametrize(("batch_size", "accumulate"), [pytest.param(4, 1, marks=pytest.mark.slow), (7, 2)])
def test_two_processes_give_the_weights_and_the_curve_of_one(tmp_path: Path, batch_size: int, accumulate: int) -> None:
    """22 windows: the last batch is smaller or has one window only, of which one rank has none."""
    config = replace(CONFIG, batch_size=batch_size, accumulate=accumulate)
    trained(tmp_path, config, Certain())
    one = result(tmp_path)
    assert on_two(tmp_path / "two", replace(config, devices=2), Certain()) == [0, 0]
    two = result(tmp_path / "two")
    for name, weight in one["weights"].items():
        torch.testing.assert_close(two["weights"][name], weight, atol=1e-5, rtol=1e-4)
    for row, expected in zip(two["curve"], one["curve"], strict=True):
        assert row == pytest.approx(expected, rel=1e-4)


@pytest.mark.slow
def test_equal_seeds_give_equal_bytes_on_two_processes_also_with_dropout(tmp_path: Path) -> None:
    config = replace(CONFIG, devices=2, max_epochs=2)
    families = []
    for name in ("a", "b"):
        torch.manual_seed(0)
        families.append(FakeFamily())
        assert on_two(tmp_path / name, config, families[-1]) == [0, 0]
    one, other = (result(tmp_path / name)["weights"] for name in ("a", "b"))
    assert all(torch.equal(weight, other[name]) for name, weight in one.items())


@pytest.mark.slow
def test_a_training_on_two_processes_resumes_to_the_same_bytes_and_only_rank_0_writes(tmp_path: Path) -> None:
    config = replace(CONFIG, devices=2)
    assert on_two(tmp_path / "whole", config, Certain()) == [0, 0]
    statuses = on_two(tmp_path / "broken", config, Certain(), stop_after=2)
    assert statuses[0] == 1
    assert {name.partition("-")[0] for name in written(tmp_path / "broken/.checkpoints/fake/key")} == {
        "000001", "000002", "lock",
    }  # fmt: skip
    assert on_two(tmp_path / "broken", config, Certain()) == [0, 0]
    whole, resumed = result(tmp_path / "whole"), result(tmp_path / "broken")
    assert all(torch.equal(weight, whole["weights"][name]) for name, weight in resumed["weights"].items())
    assert resumed["curve"] == whole["curve"]
    assert on_two(tmp_path / "broken", config, Certain()) == [0, 0], "a finished training is not repeated"
    assert result(tmp_path / "broken")["curve"] == whole["curve"]


@pytest.mark.slow
def test_a_killed_rank_ends_the_training_with_one_line_and_the_same_command_resumes_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    config = replace(CONFIG, devices=2, batch_size=8)  # three steps an epoch
    assert on_two(tmp_path, config, Killed()) == [1, -signal.SIGKILL]
    assert "LostProcessError: fake: another process of this training ended; " in capfd.readouterr().err
    assert on_two(tmp_path, config, Certain()) == [0, 0]
    assert [row["epoch"] for row in result(tmp_path)["curve"]] == [1, 2, 3]


@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
def test_the_ranks_divide_each_batch_and_deal_whole_batches_for_measuring(ranks: int) -> None:
    """22 windows in batches of 4, of which 5 ranks get one at most, and the last has 2."""
    whole = list(BatchSampler(range(22), 4, drop_last=False))
    shared = [SharedBatches(range(22), 4, rank, ranks) for rank in range(ranks)]
    dealt = [DealtBatches(22, 4, rank, ranks) for rank in range(ranks)]
    for samplers in (shared, dealt):
        assert len({len(list(sampler)) for sampler in samplers} | {len(sampler) for sampler in samplers}) == 1
    for number, batch in enumerate(whole):
        assert batch == [index for sampler in shared if sampler.counts(number) for index in list(sampler)[number]]
    measured = [batch for sampler in dealt for number, batch in enumerate(sampler) if sampler.counts(number)]
    assert sorted(measured) == sorted(whole)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"devices": 2, "processes": 2}, r"fake.training.processes: expected 1, because .* among devices, found 2$"),
        ({"strategy": "fsdp"}, r"fake.training.strategy: expected auto or ddp, .* requires a GPU, found 'fsdp'$"),
        ({"devices": 5}, r"fake.training.batch_size: expected 5 or more, so that each of 5 × 1 devices .*, found 4$"),
        ({"num_nodes": 2}, r"fake.training.num_nodes: expected 1; several machines require torchrun, .*, found 2$"),
    ],
)
def test_settings_of_devices_that_contradict_each_other_are_refused_in_one_line(
    settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=f"^params.yaml: {message}"):
        check_devices(replace(CONFIG, **settings), "fake")


def test_more_gpus_than_the_machine_has_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    check_devices(replace(CONFIG, processes=2), "fake")  # `processes` has no effect on a GPU
    with pytest.raises(ConfigError, match="devices: expected at most 1, the GPUs of this machine, found 2"):
        check_devices(replace(CONFIG, devices=2), "fake")


def test_torchrun_must_start_a_process_for_each_device(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "RANK": "3", "LOCAL_RANK": "1", "WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    assert this_rank() == 3
    check_devices(replace(CONFIG, devices=2, num_nodes=2), "fake")
    with pytest.raises(ConfigError, match=r"devices: expected 4 devices × num_nodes, .* started, found '1 × 1'"):
        check_devices(CONFIG, "fake")


def test_the_strategy_goes_to_lightning() -> None:
    family = FakeFamily()
    assert _strategy(CONFIG, family) == "auto"
    assert isinstance(_strategy(replace(CONFIG, strategy="fsdp"), family), FSDPStrategy)
    several: list[dict[str, Any]] = [{"devices": 2}, {"num_nodes": 2}, {"strategy": "ddp"}]
    assert all(isinstance(_strategy(replace(CONFIG, **settings), family), DDPStrategy) for settings in several)


def test_variables_of_slurm_do_not_change_a_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lightning took SLURM_NTASKS=4 for the number of devices and refused to train."""
    trained(tmp_path, CONFIG, Certain())
    expected = result(tmp_path)["weights"]
    for name, value in {"NTASKS": "4", "JOB_ID": "7", "JOB_NAME": "x", "PROCID": "2", "LOCALID": "2"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    shutil.rmtree(tmp_path / ".checkpoints")
    trained(tmp_path, CONFIG, Certain())
    assert all(torch.equal(weight, expected[name]) for name, weight in result(tmp_path)["weights"].items())
