"""Training on several devices: the processes that take part, and the part of each batch that a process computes.

A rank is one of these processes; each has one device and all weights. For one machine, Lightning starts the other ranks
with the command of rank 0; for several machines, `torchrun` starts all of them. Every batch of `batch_size` windows is
divided among the ranks, so that the effective batch, the number of steps and the learning rate do not depend on the
number of devices, and the weights depend on it only by rounding and by random numbers such as dropout. Only rank 0
writes: checkpoints, MLflow, TensorBoard and the outputs.
"""

import os
from collections.abc import Iterator, Mapping, Sized
from typing import Protocol, TypeVar

import torch
import torch.distributed as dist
from lightning.fabric.plugins.environments.cluster_environment import ClusterEnvironment
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.torchelastic import TorchElasticEnvironment
from torch import Tensor
from torch.utils.data import BatchSampler, Sampler

from yardbird.config import PARAMS
from yardbird.devices import best_device
from yardbird.errors import ConfigError
from yardbird.models.family import Floats
from yardbird.training.shares import can_share
from yardbird.training.training_config import TrainingConfig

Value = TypeVar("Value", float, float | Floats)


class Indices(Sized, Protocol):
    """A sampler of a known length."""

    def __iter__(self) -> Iterator[int]: ...


def environment() -> ClusterEnvironment:
    """How Lightning finds the ranks. It would choose SLURM itself if SLURM's variables are set in the shell."""
    return TorchElasticEnvironment() if TorchElasticEnvironment.detect() else LightningEnvironment()


def started_by_torchrun() -> bool:
    return bool(TorchElasticEnvironment.detect())


def this_rank() -> int:
    """The rank of this process; 0 if it trains alone. Known before the ranks are connected."""
    return int(os.environ["RANK"]) if started_by_torchrun() else int(os.environ.get("LOCAL_RANK", 0))


def check_devices(config: TrainingConfig, family: str) -> None:
    """Check the settings of devices against each other and against this machine.

    Raises:
        ConfigError: they contradict each other, or this machine or `torchrun` has other devices.
    """
    device, ranks = best_device().type, config.devices * config.num_nodes

    def require(holds: bool, key: str, expected: str, found: object) -> None:
        if not holds:
            raise ConfigError(PARAMS, f"{family}.training.{key}", expected=expected, found=repr(found))

    if device == "cuda":
        there = torch.cuda.device_count()
        require(config.devices <= there, "devices", f"at most {there}, the GPUs of this machine", config.devices)
    else:
        require(config.strategy != "fsdp", "strategy", "auto or ddp, because fsdp requires a GPU", config.strategy)
    if can_share(device) and (ranks > 1 or config.strategy == "ddp"):
        expected = "1, because on a CPU a batch is divided either among processes or among devices"
        require(config.processes == 1, "processes", expected, config.processes)
    expected = f"{ranks} or more, so that each of {config.devices} × {config.num_nodes} devices gets a window"
    require(config.batch_size >= ranks, "batch_size", expected, config.batch_size)
    if started_by_torchrun():
        started = int(os.environ["WORLD_SIZE"])
        expected = f"{started} devices × num_nodes, the number of processes that torchrun started"
        require(ranks == started, "devices", expected, f"{config.devices} × {config.num_nodes}")
    else:
        expected = "1; several machines require torchrun, see docs/experiments.md"
        require(config.num_nodes == 1, "num_nodes", expected, config.num_nodes)


class SharedBatches(Sampler[list[int]]):
    """The batches of a sampler, each divided among the ranks: yields the indices of one rank.

    All ranks must run equally many steps. A rank that has no window of a small batch repeats one that does not count.
    """

    def __init__(self, sampler: Indices, batch_size: int, rank: int, ranks: int) -> None:
        self.sampler, self._size, self._rank, self._ranks = sampler, batch_size, rank, ranks

    def __len__(self) -> int:
        return -(-len(self.sampler) // self._size)

    def __iter__(self) -> Iterator[list[int]]:
        for batch in BatchSampler(self.sampler, self._size, drop_last=False):
            start, stop = self._part(len(batch))
            yield batch[start:stop] or batch[:1]

    def counts(self, number: int) -> bool:
        """Whether this rank has windows of batch `number`."""
        start, stop = self._part(min(self._size, len(self.sampler) - number * self._size))
        return start < stop

    def _part(self, size: int) -> tuple[int, int]:
        """The first and the last window, exclusive, of this rank in a batch of some size."""
        return size * self._rank // self._ranks, size * (self._rank + 1) // self._ranks


class DealtBatches(Sampler[list[int]]):
    """Whole batches in turn to each rank, for measuring: some measures compare the windows of a batch.

    All ranks must measure equally many batches. A rank whose turn does not come repeats the first batch, uncounted.
    """

    def __init__(self, size: int, batch_size: int, rank: int, ranks: int) -> None:
        self.sampler = range(size)
        self._batches = list(BatchSampler(self.sampler, batch_size, drop_last=False))
        self._rank, self._ranks = rank, ranks

    def __len__(self) -> int:
        return -(-len(self._batches) // self._ranks)

    def __iter__(self) -> Iterator[list[int]]:
        for number in range(len(self)):
            yield self._batches[self._number(number)] if self.counts(number) else self._batches[0]

    def counts(self, number: int) -> bool:
        """Whether the rank's batch `number` is one that it measures."""
        return self._number(number) < len(self._batches)

    def _number(self, number: int) -> int:
        return number * self._ranks + self._rank


def summed(values: Mapping[str, Value]) -> dict[str, Value]:
    """The sum of each value over all ranks, in the order of the ranks, so that each rank has the same result."""
    gathered = [dict(values)]
    if dist.is_initialized():
        gathered *= dist.get_world_size()
        dist.all_gather_object(gathered, dict(values))
    total: dict[str, Value] = {}
    for of_rank in gathered:
        for name, value in of_rank.items():
            total[name] = total[name] + value if name in total else value
    return total


def total_weight(weight: Tensor | float, device: torch.device) -> Tensor:
    """The sum of a weight over all ranks, on the device, without waiting for the device."""
    total = torch.as_tensor(weight, dtype=torch.float32, device=device).clone()
    dist.all_reduce(total)
    return total
