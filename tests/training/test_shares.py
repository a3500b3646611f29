import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fake_family import FakeFamily
from torch import nn

from yardbird.models.family import Batch, Loss
from yardbird.training.checkpoints import CheckpointFolder
from yardbird.training.fit import fit
from yardbird.training.shares import LostProcessError, Partner, can_share, shares_of
from yardbird.training.training_config import TrainingConfig

CONFIG = TrainingConfig(
    batch_size=4, accumulate=1, max_epochs=3, patience=3, learning_rate=0.03, min_learning_rate=0.001, warmup_steps=3,
    weight_decay=0.1, gradient_clip=1.0, precision="32-true", sample_every_epochs=None, threads=1, processes=2,
    devices=1, num_nodes=1, strategy="auto",
)  # fmt: skip

pytestmark = pytest.mark.skipif(not can_share("cpu"), reason="processes are shared on Linux only")


class Certain(FakeFamily):
    """Without dropout, so that the gradients of both halves add up to that of the whole batch."""

    def __init__(self) -> None:
        super().__init__()
        self.model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))


def trained(folder: Path, family: FakeFamily, config: TrainingConfig) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    for parameter in family.model.parameters():
        nn.init.normal_(parameter, std=0.5)
    with CheckpointFolder(folder, "fake", "key") as checkpoint:
        fit(family, folder, config, seed=1, checkpoint=checkpoint)
    return dict(family.model.state_dict())


@pytest.mark.parametrize(
    ("batch_size", "accumulate"),
    [pytest.param(4, 1, marks=pytest.mark.slow), (5, 2), pytest.param(1, 3, marks=pytest.mark.slow)],
)
def test_training_with_shared_batches_equals_training_with_whole_batches(
    tmp_path: Path, batch_size: int, accumulate: int
) -> None:
    """22 items: the last batch is smaller, odd, or of one item that cannot be shared."""
    config = replace(CONFIG, batch_size=batch_size, accumulate=accumulate)
    alone = trained(tmp_path / "one", Certain(), replace(config, processes=1))
    for processes in (2, 3):
        shared = trained(tmp_path / str(processes), Certain(), replace(config, processes=processes))
        for name, weight in alone.items():
            torch.testing.assert_close(shared[name], weight, atol=1e-5, rtol=1e-4)


def test_the_curve_counts_every_share(tmp_path: Path) -> None:
    families = Certain(), Certain()
    families[1].model.load_state_dict(families[0].model.state_dict())
    losses = []
    for processes, family in zip((1, 2), families, strict=True):
        config = replace(CONFIG, processes=processes, max_epochs=1)
        with CheckpointFolder(tmp_path, str(processes), "k") as checkpoint:
            result = fit(family, tmp_path, config, seed=1, checkpoint=checkpoint)
        losses.append((result.curve[0]["train_loss"], result.curve[0]["train_squared_error"]))
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)


def test_equal_seeds_give_equal_bytes_also_with_dropout(tmp_path: Path) -> None:
    one, other = (trained(tmp_path / name, FakeFamily(), CONFIG) for name in ("one", "other"))
    assert all(torch.equal(weight, other[name]) for name, weight in one.items())


def test_a_lost_process_ends_the_training_with_one_line(tmp_path: Path) -> None:
    class Killed(FakeFamily):
        def loss(self, batch: Batch, step: int) -> Loss:
            if os.getpid() != trainer and step == 2:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().loss(batch, step)

    trainer = os.getpid()
    with pytest.raises(LostProcessError, match="a process that shared the training ended"):
        trained(tmp_path, Killed(), CONFIG)


def test_a_partner_ends_with_its_trainer_even_if_the_trainer_is_killed() -> None:
    """A killed trainer does not shut down in order, but the system closes its end of the pipe."""
    read, write = os.pipe()
    trainer = os.fork()
    if trainer == 0:
        os.write(write, str(Partner(FakeFamily(), mixed=False, seed=0)._process.pid).encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(trainer, 0)
    stat, deadline = Path(f"/proc/{os.read(read, 20).decode()}/stat"), time.monotonic() + 10
    while running(stat) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running(stat)


def running(stat: Path) -> bool:
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_batch_is_split_into_nearly_equal_parts() -> None:
    batch = {"x": torch.arange(5), "y": torch.arange(10).view(5, 2)}
    parts = shares_of(batch, 2)
    assert [len(part["x"]) for part in parts] == [3, 2]
    assert torch.equal(torch.cat([part["y"] for part in parts]), batch["y"])
    assert len(shares_of({"x": torch.arange(1)}, 3)) == 1
