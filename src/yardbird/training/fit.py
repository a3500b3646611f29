"""Train any family, with checkpoints, early stopping and exact resumption."""

import copy
import logging
import math
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
import torch.distributed as dist
from lightning.pytorch import Trainer
from lightning.pytorch.strategies import DDPStrategy, FSDPStrategy, Strategy
from torch.utils.data import DataLoader

from yardbird.config import PARAMS
from yardbird.devices import best_device, best_precision, device_in_words
from yardbird.errors import ConfigError, InputError, YardbirdError
from yardbird.models.family import Family
from yardbird.seeds import derive_seed
from yardbird.tables.curve_table import CurveRow
from yardbird.training.checkpoints import CheckpointFolder
from yardbird.training.course import Course, set_learnt
from yardbird.training.lightning_module import DivergedError, EpochOrder, FamilyModule
from yardbird.training.listeners import Listener
from yardbird.training.ranks import (
    DealtBatches,
    SharedBatches,
    check_devices,
    environment,
    started_by_torchrun,
    this_rank,
)
from yardbird.training.shares import LostProcessError, Partner, can_share
from yardbird.training.training_config import TrainingConfig


class InterruptedTrainingError(YardbirdError):
    """Training was stopped by Ctrl-C or SIGTERM."""


@dataclass(frozen=True)
class Cost:
    """Time and memory of a training, over all runs that it took. Differs from run to run."""

    training_seconds: float  # of complete epochs with validation; without epochs that a kill interrupted
    peak_memory_mib: float  # see the function `peak_memory_mib`
    device: str
    precision: str  # that of Lightning, which `auto` was resolved to

    def asdict(self) -> dict[str, float | str]:
        """As written to a metrics file."""
        return {
            "training_seconds": round(self.training_seconds, 2),
            "peak_memory_mib": round(self.peak_memory_mib),
            "device": self.device,
            "precision": self.precision,
        }


@dataclass(frozen=True)
class TrainingResult:
    """Result of `fit`. The curve has one row for each epoch, counted from 1. The model is that of `best_epoch`."""

    curve: tuple[CurveRow, ...]
    best_epoch: int
    parameters: int
    cost: Cost
    completion: Mapping[str, float]  # what `Family.complete` measured

    @property
    def best(self) -> dict[str, float]:
        """The validation measures of the best epoch and of `Family.complete`."""
        row = self.curve[self.best_epoch - 1]
        return {name: value for name, value in row.items() if name.startswith("validation_")} | dict(self.completion)


def fit(
    family: Family,
    encoded: Path,
    config: TrainingConfig,
    *,
    seed: int,
    checkpoint: CheckpointFolder,
    listeners: Sequence[Listener] = (),
) -> TrainingResult:
    """Train until `max_epochs`, or until the watched measure has not improved for `patience` epochs.

    If the first epochs mix in background windows, patience counts from the end of these epochs, so that the adaptation
    to the target always takes place. Any epoch can be the best.

    Afterwards `family.model` is on the CPU and has the weights of the best epoch by the watched measure on the
    validation split. A training found in `checkpoint` resumes after its last complete epoch. The order of the data and
    all random numbers are functions of seed and epoch, so that on the same CPU the result is bit-identical.

    Args:
        encoded: the folder of the encode stage.
        checkpoint: written after every epoch. The caller removes it after writing the outputs.
        listeners: receive every epoch and the sampled solos. Without listeners, nothing is sampled.

    Raises:
        DivergedError: the loss or a validation measure became infinite or NaN.
        InterruptedTrainingError: Ctrl-C or SIGTERM. The checkpoint remains.
        LostProcessError: a process that shares the batches ended. The checkpoint remains.
        InputError: a split has no windows, or the checkpoint is damaged.
        ConfigError: no epoch is left for adaptation, the settings of devices contradict each other, or the precision
            requires a GPU.
    """
    course = _train(family, encoded, config, seed, checkpoint, listeners)
    set_learnt(family.model, course.best_weights)
    family.model.cpu().eval()
    started = time.perf_counter()
    completion = family.complete(encoded, seed)
    parameters = sum(parameter.numel() for parameter in family.model.parameters())
    seconds = course.seconds + time.perf_counter() - started
    devices = config.devices * config.num_nodes
    device = device_in_words() if devices == 1 else f"{devices} × {device_in_words()}"
    return TrainingResult(
        tuple(course.curve),
        course.best_epoch,
        parameters,
        Cost(seconds, course.peak_memory_mib, device, precision_of(config, family.name)),
        completion,
    )


def assist(family: Family, encoded: Path, config: TrainingConfig, *, seed: int) -> bool:
    """If this process is not rank 0 (see `yardbird.training.ranks`), take part in the training, and write nothing.

    Errors that rank 0 also reports are not raised here.

    Returns:
        Whether this process is not rank 0.

    Raises:
        ConfigError: the settings of devices contradict each other, in any rank.
    """
    check_devices(config, family.name)
    if not this_rank():
        return False
    with suppress(DivergedError, InterruptedTrainingError, LostProcessError):
        _train(family, encoded, config, seed, None, ())
    return True


def precision_of(config: TrainingConfig, family: str) -> Literal["32-true", "16-mixed", "bf16-mixed"]:
    """The precision of a training on this machine.

    Raises:
        ConfigError: it is 16-mixed, and there is no GPU.
    """
    if config.precision == "16-mixed" and best_device().type == "cpu":
        key, expected = f"{family}.training.precision", "auto, 32-true or bf16-mixed without a GPU"
        raise ConfigError(PARAMS, key, expected=expected, found=config.precision)
    return best_precision() if config.precision == "auto" else config.precision


def _train(
    family: Family,
    encoded: Path,
    config: TrainingConfig,
    seed: int,
    checkpoint: CheckpointFolder | None,
    listeners: Sequence[Listener],
) -> Course:
    """The epochs of a training, in any rank; only rank 0 has a checkpoint."""
    check_devices(config, family.name)
    data = family.datasets(encoded, seed)
    for split, windows in (("training", len(data.train)), ("validation", len(data.validation))):  # type: ignore[arg-type]  # map-style sets have a length
        if windows == 0:
            raise InputError(encoded, expected=f"{split} windows", found="none", remedy="add tunes, then encode again")
    if data.mixed_epochs >= config.max_epochs:
        key, expected = f"{family.name}.model.background_epochs", f"less than training.max_epochs ({config.max_epochs})"
        raise ConfigError(PARAMS, key, expected=expected, found=str(data.mixed_epochs))
    rank, ranks = this_rank(), config.devices * config.num_nodes
    order = EpochOrder(len(data.train), derive_seed(seed, "train", family.name))  # type: ignore[arg-type]  # as above
    batches = (
        SharedBatches(order, config.batch_size, rank, ranks),
        DealtBatches(len(data.validation), config.batch_size, rank, ranks),  # type: ignore[arg-type]  # as above
    )
    precision = precision_of(config, family.name)
    device = best_device().type  # never MPS, which does not support float64
    # Each iterator gets a generator: else it would draw from the global stream and change the dropout.
    train, validation = (
        DataLoader(windows, batch_sampler=of_rank, pin_memory=device == "cuda", generator=torch.Generator())
        for windows, of_rank in zip((data.train, data.validation), batches, strict=True)
    )
    total_steps = math.ceil(len(train) / config.accumulate) * config.max_epochs
    # FSDP leaves each rank with a part of the weights, so it trains a copy.
    trained = copy.deepcopy(family) if config.strategy == "fsdp" else family
    module = FamilyModule(trained, config, precision, total_steps, batches)
    course = Course(trained, module, config, seed, checkpoint, listeners, train, data.mixed_epochs)
    for listener in listeners:
        listener.on_start(course.curve)
    if course.finished and not started_by_torchrun():  # else the other ranks wait for this one
        return course
    module.partners = [
        Partner(family, mixed=precision != "32-true", seed=derive_seed(seed, "partner", family.name, number))
        for number in range(1, config.processes if can_share(device) else 1)
    ]
    with _quiet_lightning():
        trainer = Trainer(
            accelerator=device,
            devices=config.devices,
            num_nodes=config.num_nodes,
            strategy=_strategy(config, family),
            plugins=[environment()],
            precision=precision,
            max_epochs=config.max_epochs,
            accumulate_grad_batches=config.accumulate,
            callbacks=[course],
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
        )
        try:
            trainer.fit(module, train, validation)
        except SystemExit:  # Lightning's answer to Ctrl-C and to SIGTERM
            raise InterruptedTrainingError(
                f"{family.name}: training was stopped after {len(course.curve)} complete epochs; "
                "run the same command to resume it"
            ) from None
        except RuntimeError as error:
            if ranks == 1 or not (isinstance(error, dist.DistError) or "gloo" in str(error)):
                raise
            raise LostProcessError(
                f"{family.name}: another process of this training ended; if it printed an error, that is the cause; "
                "run the same command to resume the training"
            ) from None
        finally:
            course.bar.close()
            for partner in module.partners:
                partner.close()
    return course


def _strategy(config: TrainingConfig, family: Family) -> str | Strategy:
    """Lightning's strategy for the devices."""
    if config.strategy == "fsdp":
        return FSDPStrategy()
    if config.strategy == "ddp" or config.devices * config.num_nodes > 1:
        # What `complete` trains afterwards has no gradient.
        return DDPStrategy(find_unused_parameters=type(family).complete is not Family.complete)
    return "auto"


@contextmanager
def _quiet_lightning() -> Iterator[None]:
    """Silence Lightning's banners and its advice, which users of the pipeline cannot follow."""
    loggers = [logging.getLogger(f"lightning.{part}") for part in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="lightning")
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)
