"""A family as a Lightning module: training and validation steps, optimiser and measures."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from lightning.pytorch import LightningModule
from torch import Tensor
from torch.distributed.fsdp import FullyShardedDataParallel
from torch.optim import AdamW, Optimizer
from torch.utils.data import Sampler

from yardbird.errors import YardbirdError
from yardbird.models.family import Batch, Family
from yardbird.seeds import derive_seed
from yardbird.training.ranks import DealtBatches, SharedBatches, summed, total_weight
from yardbird.training.shares import Partner, shares_of
from yardbird.training.training_config import TrainingConfig, learning_rate

_CHECK_EVERY = 25  # batches between checks of the loss: each check synchronises the GPU


class DivergedError(YardbirdError):
    """The loss or a validation measure is not finite any more."""


class EpochOrder(Sampler[int]):
    """All indices in a random order that depends only on seed and epoch: a restarted epoch has the same order."""

    def __init__(self, size: int, seed: int) -> None:
        self._size, self._seed, self._epoch = size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[int]:
        draw = torch.Generator().manual_seed(derive_seed(self._seed, "order", self._epoch))
        yield from torch.randperm(self._size, generator=draw).tolist()


class FamilyModule(LightningModule):
    """Trains `family.model` in place.

    `step` counts optimiser steps. `row` has the means of the last epoch, over all ranks. `training_seconds` is the time
    of its training batches. Each batch is shared with the `partners`, or with the other ranks.

    Args:
        precision: Lightning's name of it.
        batches: those of training and of validation, of this rank.
    """

    def __init__(
        self,
        family: Family,
        config: TrainingConfig,
        precision: str,
        total_steps: int,
        batches: tuple[SharedBatches, DealtBatches],
    ) -> None:
        super().__init__()
        self._training, self._measuring = batches
        # By name, because a strategy that shards the weights makes each of them a vector.
        self._decayed = {name for name, parameter in family.model.named_parameters() if parameter.ndim >= 2}
        self.partners: Sequence[Partner] = ()
        self._waiting: list[tuple[Partner, float]] = []
        self.model = family.model
        self.step = 0
        self.row: dict[str, float] = {}
        self._family, self._config, self._total_steps = family, config, total_steps
        self._scaled = precision == "16-mixed"
        self._sums: dict[str, Tensor | float] = {}
        self._weight: Tensor | float = 0.0
        self.training_seconds = 0.0
        self._ratios: dict[str, tuple[Any, float]] = {}

    def configure_optimizers(self) -> Optimizer:
        parameters = [each for each in self.model.named_parameters() if each[1].requires_grad]
        groups = [
            {
                "params": [p for name, p in parameters if name in self._decayed],
                "weight_decay": self._config.weight_decay,
            },
            {"params": [p for name, p in parameters if name not in self._decayed], "weight_decay": 0.0},
        ]
        # A fused optimiser divides by the scale of a 16-bit loss in its step, which is after the clipping.
        return AdamW(groups, lr=self._config.learning_rate, betas=(0.9, 0.98), fused=not self._scaled)

    def on_train_epoch_start(self) -> None:
        self._sums, self._weight = {}, 0.0
        self._started = time.perf_counter()

    def training_step(self, batch: Batch, index: int) -> Tensor:
        own, *others = shares_of(batch, 1 + len(self.partners))
        total = sum(len(next(iter(share.values()))) for share in (own, *others))
        self._waiting = []
        for partner, part in zip(self.partners, others, strict=False):  # with a small batch, some partners have no work
            partner.start(part, self.step, self.current_epoch * int(self.trainer.num_training_batches) + index)
            self._waiting.append((partner, len(next(iter(part.values()))) / total))
        loss = self._family.loss(own, self.step)
        counts = self._training.counts(index)
        if counts:
            self._count({"loss": loss.total, **loss.terms}, loss.weight)
        if index % _CHECK_EVERY == 0:
            self._check()
        if (ranks := self.trainer.world_size) > 1:  # the mean of the ranks' gradients becomes that of the whole batch
            weight = loss.weight * counts
            return loss.total * (ranks * weight / total_weight(weight, loss.total.device))
        return loss.total * (1 - sum(share for _, share in self._waiting))

    def on_after_backward(self) -> None:
        for partner, share in self._waiting:
            self._count(*partner.finish(share / self._config.accumulate))

    def _count(self, terms: Mapping[str, Tensor | float], weight: Tensor | float) -> None:
        for name, value in terms.items():
            detached = value.detach() if isinstance(value, Tensor) else value
            self._sums[name] = self._sums.get(name, 0.0) + detached * weight
        self._weight = self._weight + weight

    def configure_gradient_clipping(self, optimizer: Optimizer, *_: Any, **__: Any) -> None:  # noqa: ARG002  # Lightning's
        # Lightning refuses to clip for a fused optimiser in mixed precision. It is safe without a scaled loss.
        if isinstance(whole := self.trainer.strategy.model, FullyShardedDataParallel):  # the norm is over all ranks
            whole.clip_grad_norm_(self._config.gradient_clip)
        else:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self._config.gradient_clip)

    def optimizer_step(
        self, epoch: int, batch_idx: int, optimizer: Any, optimizer_closure: Callable[[], Any] | None = None
    ) -> None:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(self._config, self.step, self._total_steps)
        super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        self.step += 1

    def on_validation_epoch_start(self) -> None:
        self._check()  # synchronises the GPU before the clock is read
        self.training_seconds = time.perf_counter() - self._started
        self._ratios = {}

    def validation_step(self, batch: Batch, index: int) -> None:
        # Always in full precision, so that early stopping does not compare rounding errors.
        with torch.autocast(self.device.type, enabled=False):
            measures = self._family.measure(batch)
        for name, ratio in measures.items() if self._measuring.counts(index) else ():
            numerator, denominator = self._ratios.get(name, (0.0, 0.0))
            self._ratios[name] = numerator + ratio.numerator, denominator + ratio.denominator

    def on_validation_epoch_end(self) -> None:
        epoch: int = self.current_epoch + 1
        rate = learning_rate(self._config, self.step - 1, self._total_steps)
        sums = summed({name: float(value) for name, value in {**self._sums, "": self._weight}.items()})
        weight = sums.pop("")
        train = {f"train_{name}": total / weight for name, total in sums.items()}
        above, below = (summed({name: ratio[part] for name, ratio in self._ratios.items()}) for part in (0, 1))
        figures = self._family.figures({name: above[name] / below[name] for name in above})
        validation = {f"validation_{name}": value for name, value in figures.items()}
        for name, value in validation.items():
            self._refuse_infinite(name.replace("_", " measure ", 1), value)
        self.row = {"epoch": epoch, "learning_rate": rate, **train, **validation}

    def _check(self) -> None:
        self._refuse_infinite("training loss", summed({"loss": float(self._sums.get("loss", 0.0))})["loss"])

    def _refuse_infinite(self, what: str, value: float) -> None:
        if not math.isfinite(value):
            raise DivergedError(
                f"{self._family.name}: the {what} became {value} in epoch {self.current_epoch + 1}, at step "
                f"{self.step}; lower {self._family.name}.training.learning_rate (now {self._config.learning_rate:g}) "
                f"or gradient_clip (now {self._config.gradient_clip:g})"
            )
