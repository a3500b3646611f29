"""Each batch shared among processes, one for each core: data parallelism on a CPU.

Two threads of torch gain nothing for models as small as ours: every operation is too short to be cut in two. A process
that computes the gradient of half a batch keeps its core busy. The processes share the weights and the gradients in
memory. The trainer alone steps; the others wait for their share of the next batch and hold no state, so checkpoints,
resuming and the order of the data are the trainer's, and the same seed gives the same bytes.

They are forked, because not every model can be pickled; so only Linux has them. Elsewhere, and on a GPU, the trainer
computes whole batches.
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
from yardbird.models.base import Batch, Family
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
        seed: of the random numbers of this process, together with the number of each batch.
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
        """Hand over a share of batch `number`, at an optimiser step."""
        self._pipe.send(({name: values.numpy() for name, values in batch.items()}, step, number))

    def finish(self, share: float) -> tuple[dict[str, float], float]:
        """Wait, add `share` of the gradient to that of the weights; the loss and its terms, and their weight.

        Raises:
            LostProcessError: the process has ended, for example because memory ran out.
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
        with suppress(OSError):  # it has ended already
            self._pipe.send(None)
        self._pipe.close()
        self._process.join()


def shares_of(batch: Batch, processes: int) -> list[dict[str, Tensor]]:
    """A batch cut into at most so many parts, as equal as can be."""
    parts = {name: values.chunk(processes) for name, values in batch.items()}
    count = len(next(iter(parts.values())))
    return [{name: values[index] for name, values in parts.items()} for index in range(count)]


def _shared(like: Tensor) -> Tensor:
    zeros: Tensor = torch.zeros_like(like).share_memory_()  # type: ignore[no-untyped-call]  # torch leaves it unannotated
    return zeros


def _work(
    family: Family, gradients: Iterable[Tensor], pipe: Connection, trainers_end: Connection, mixed: bool, seed: int
) -> None:
    """Answer until the trainer is gone; Ctrl-C reaches the trainer, too, and it decides."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    trainers_end.close()  # a copy that the fork made: while it is open, the trainer's death would go unnoticed
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
        pipe.send(_differentiate(family, parameters, gradients, arrays, step, mixed, derive_seed(seed, number)))


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
