"""Settings of a training run, and its learning rate schedule."""

import math
from dataclasses import dataclass
from typing import Literal

from yardbird.config import PARAMS
from yardbird.errors import ConfigError


@dataclass(frozen=True)
class TrainingConfig:
    """Section `<family>.training` of params.yaml."""

    batch_size: int  # windows of a forward pass
    accumulate: int  # forward passes of an optimiser step; the effective batch is batch_size × accumulate
    max_epochs: int
    patience: int  # stop after this many epochs in which the watched validation measure has not improved
    learning_rate: float  # peak, reached after the warm-up
    min_learning_rate: float  # at the end of the cosine, at max_epochs
    warmup_steps: int  # optimiser steps of linear warm-up
    weight_decay: float  # decoupled (AdamW), on matrices only
    gradient_clip: float  # maximum norm of the whole gradient
    precision: Literal["32-true", "bf16-mixed"]  # bf16 is for a GPU; it also works on a CPU, but slower
    processes: int  # processes that share each batch on a CPU (see `yardbird.training.shares`); 1: no sharing
    sample_every_epochs: int | None  # record a sample solo after every this many epochs; null: never
    threads: (
        int | None
    )  # CPU threads of torch; null: torch decides. On two busy cores, two threads can be 34 times slower than one

    def __post_init__(self) -> None:
        least = {"batch_size": 1, "accumulate": 1, "max_epochs": 1, "patience": 1, "warmup_steps": 0, "weight_decay": 0}
        least["processes"] = 1
        least |= {name: 1 for name in ("sample_every_epochs", "threads") if getattr(self, name) is not None}
        for key, low in least.items():
            if getattr(self, key) < low:
                raise ConfigError(PARAMS, f"training.{key}", expected=f"{low} or more", found=str(getattr(self, key)))
        for key in ("learning_rate", "gradient_clip"):
            if getattr(self, key) <= 0:
                raise ConfigError(PARAMS, f"training.{key}", expected="more than 0", found=str(getattr(self, key)))


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
