"""Settings of a training run, and its learning rate schedule."""

import math
from dataclasses import dataclass
from typing import Literal

from yardbird.config import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, Settings


@dataclass(frozen=True)
class TrainingConfig(Settings):
    """Section `<family>.training` of params.yaml."""

    batch_size: PositiveInt  # windows of a forward pass
    accumulate: PositiveInt  # forward passes of an optimiser step; the effective batch is batch_size × accumulate
    max_epochs: PositiveInt
    patience: PositiveInt  # stop after this many epochs in which the watched validation measure has not improved
    learning_rate: PositiveFloat  # peak, reached after the warm-up
    min_learning_rate: NonNegativeFloat  # at the end of the cosine, at max_epochs
    warmup_steps: NonNegativeInt  # optimiser steps of linear warm-up
    weight_decay: NonNegativeFloat  # decoupled (AdamW), on matrices only
    gradient_clip: PositiveFloat  # maximum norm of the whole gradient
    precision: Literal["auto", "32-true", "bf16-mixed", "16-mixed"]  # auto: `yardbird.devices.best_precision`
    processes: PositiveInt  # that share each batch on a CPU (see `yardbird.training.shares`); 1: no sharing
    devices: PositiveInt  # of each machine, among which each batch is divided (see `yardbird.training.ranks`)
    num_nodes: PositiveInt  # machines, started by torchrun
    strategy: Literal["auto", "ddp", "fsdp"]  # of Lightning; auto: ddp if there are several devices
    sample_every_epochs: PositiveInt | None  # record a sample solo after every this many epochs; null: never
    threads: PositiveInt | None  # CPU threads of torch; null: torch decides (see `yardbird.devices.prepare_torch`)


#: Settings of a training that can change when it is resumed: they are no part of its checkpoint's key.
FREE_SETTINGS = ("processes", "devices", "num_nodes", "sample_every_epochs", "threads")


def learning_rate(config: TrainingConfig, step: int, total_steps: int) -> float:
    """The learning rate of optimiser step `step` (from 0): linear warm-up, then half a cosine down to the minimum.

    Loshchilov & Hutter 2017, arXiv 1608.03983, one period without restarts. It is a pure function of the step, so that
    a resumed run needs no scheduler state.
    """
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    progress = min(1.0, (step - config.warmup_steps) / max(1, total_steps - config.warmup_steps))
    height = (config.learning_rate - config.min_learning_rate) / 2
    return config.min_learning_rate + height * (1 + math.cos(math.pi * progress))
