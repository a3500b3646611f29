"""Several devices divide each batch: the weights are those of one device, and only rank 0 writes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_family import FakeFamily
from ranks_here import CONFIG, on_ranks, written
from torch import nn

from yardbird.tables.curve_table import CurveRow
from yardbird.training.checkpoints import CheckpointFolder
from yardbird.training.fit import assist, fit
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


def result(folder: Path) -> dict[str, Any]:
    stored: dict[str, Any] = torch.load(folder / "result.pt", weights_only=True)
    return stored


@pytest.mark.parametrize(("batch_size", "accumulate"), [(4, 1), (7, 2)])
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


def test_equal_seeds_give_equal_bytes_on_two_processes_also_with_dropout(tmp_path: Path) -> None:
    config = replace(CONFIG, devices=2, max_epochs=2)
    families = []
    for name in ("a", "b"):
        torch.manual_seed(0)
        families.append(FakeFamily())
        assert on_two(tmp_path / name, config, families[-1]) == [0, 0]
    one, other = (result(tmp_path / name)["weights"] for name in ("a", "b"))
    assert all(torch.equal(weight, other[name]) for name, weight in one.items())


def test_a_training_on_two_processes_resumes_to_the_same_bytes_and_only_rank_0_writes(tmp_path: Path) -> None:
    config = replace(CONFIG, devices=2)
    assert on_two(tmp_path / "whole", config, Certain()) == [0, 0]
    statuses = on_two(tmp_path / "broken", config, Certain(), stop_after=2)
    assert statuses[0] == 1
    assert written(tmp_path / "broken") == {".checkpoints/fake/key/last.pt", ".checkpoints/fake/key/lock"}
    assert on_two(tmp_path / "broken", config, Certain()) == [0, 0]
    whole, resumed = result(tmp_path / "whole"), result(tmp_path / "broken")
    assert all(torch.equal(weight, whole["weights"][name]) for name, weight in resumed["weights"].items())
    assert resumed["curve"] == whole["curve"]
