"""Data parallelism on a CPU: several processes share each batch, one for each core.

Two threads of torch do not speed up models as small as ours, because each operation is too short to be split. A process
that computes the gradient of half a batch keeps its core busy. The processes share weights and gradients in memory.
Only the trainer runs the optimiser. The other processes wait for their share of the next batch and have no state, so
that checkpoints, resumption and the order of the data depend on the trainer alone, and equal seeds give equal bytes.

The processes are forked, because not every model can be pickled. This works on Linux only. On other systems and on a
GPU, the trainer computes whole batches.
"""

import multiprocessing
import signal
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection

import numpy as np
import torch
from torch import Tensor, nn

from yardbird.errors import YardbirdError
from yardbird.models.family import Batch, Family
from yardbird.seeds import derive_seed


class LostProcessError(YardbirdError):
    """A process that shared the batches has ended."""


def can_share(device: str) -> bool:
    """Whether batches can be shared among processes here."""
    return device == "cpu" and sys.platform == "linux"


class Partner:
    """A process that computes the gradient of its share of every batch.

    Args:
        family: its trainable weights are moved to shared memory.
        mixed: compute under autocast to bfloat16, as the trainer does.
        seed: combined with the number of each batch, it seeds the random numbers of this process.
    """

    def __init__(self, family: Family, *, mixed: bool, seed: int) -> None:
        family.model.share_memory()
        self._parameters = [parameter for parameter in family.model.parameters() if parameter.requires_grad]
        self._gradients = [_shared(parameter) for parameter in self._parameters]
        context = multiprocessing.get_context("fork")
        self._pipe, far_end = context.Pipe()
        work = (family, self._gradients, far_end, self._pipe, mixed, seed)
        self._process = context.Process(target=_work, args=work, daemon=True)
        self._process.start()
        far_end.close()

    def start(self, batch: Batch, step: int, number: int) -> None:
        """Send a share of batch `number` at optimiser step `step`."""
        self._pipe.send(({name: values.numpy() for name, values in batch.items()}, step, number))

    def finish(self, share: float) -> tuple[dict[str, float], float]:
        """Wait for the gradient and add it, times `share`, to that of the weights. Return loss terms and their weight.

        Raises:
            LostProcessError: the process has ended, for example because it ran out of memory.
        """
        try:
            terms, weight = self._pipe.recv()
        except (EOFError, ConnectionError):
            raise LostProcessError(
                f"a process that shared the training ended (exit code {self._process.exitcode}); "
                "set `processes` of this training to 1, or free memory"
            ) from None
        for parameter, gradient in zip(self._parameters, self._gradients, strict=True):
            if parameter.grad is not None:
                parameter.grad.add_(gradient, alpha=share)
        return terms, weight

    def close(self) -> None:
        with suppress(OSError):  # the process has already ended
            self._pipe.send(None)
        self._pipe.close()
        self._process.join()


def shares_of(batch: Batch, processes: int) -> list[dict[str, Tensor]]:
    """Split a batch into at most `processes` parts of nearly equal size."""
    parts = {name: values.chunk(processes) for name, values in batch.items()}
    count = len(next(iter(parts.values())))
    return [{name: values[index] for name, values in parts.items()} for index in range(count)]


def _shared(like: Tensor) -> Tensor:
    zeros: Tensor = torch.zeros_like(like).share_memory_()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    return zeros


def _work(
    family: Family, gradients: Iterable[Tensor], pipe: Connection, trainers_end: Connection, mixed: bool, seed: int
) -> None:
    """Compute gradients until the trainer ends. Ignores Ctrl-C, which the trainer handles."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    trainers_end.close()  # the fork's copy: while it is open, the end of the trainer is not detected
    model: nn.Module = family.model
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    while True:
        try:
            work = pipe.recv()
        except EOFError:  # the trainer was killed
            return
        if work is None:
            return
        arrays, step, number = work
        result = _differentiate(family, parameters, gradients, arrays, step, mixed, derive_seed(seed, number))
        with suppress(BrokenPipeError):  # the trainer was stopped in the meantime
            pipe.send(result)


def _differentiate(
    family: Family,
    parameters: Iterable[nn.Parameter],
    gradients: Iterable[Tensor],
    arrays: Mapping[str, np.ndarray],
    step: int,
    mixed: bool,
    seed: int,
) -> tuple[dict[str, float], float]:
    torch.manual_seed(seed)
    family.model.train()
    family.model.zero_grad(set_to_none=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        loss = family.loss({name: torch.from_numpy(values) for name, values in arrays.items()}, step)
    loss.total.backward()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    for parameter, gradient in zip(parameters, gradients, strict=True):
        gradient.zero_() if parameter.grad is None else gradient.copy_(parameter.grad)
    terms = {"loss": loss.total, **loss.terms}
    return {name: value.item() for name, value in terms.items()}, float(loss.weight)
