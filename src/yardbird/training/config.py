"""The settings of a training run, and the learning rate they imply."""

import math
from dataclasses import dataclass
from typing import Literal

from yardbird.config import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, Settings


@dataclass(frozen=True)
class TrainingConfig(Settings):
    """Section `<family>.training` of params.yaml."""

    batch_size: PositiveInt  # windows a forward pass
    accumulate: PositiveInt  # forward passes an optimiser step; the effective batch is batch_size × accumulate
    max_epochs: PositiveInt
    patience: PositiveInt  # stop after so many epochs without a better watched validation measure
    learning_rate: PositiveFloat  # the peak, reached after the warm-up
    min_learning_rate: NonNegativeFloat  # where the cosine ends, at max_epochs
    warmup_steps: NonNegativeInt  # optimiser steps of linear warm-up
    weight_decay: NonNegativeFloat  # decoupled (AdamW), on matrices only
    gradient_clip: PositiveFloat  # largest norm of the whole gradient
    precision: Literal["32-true", "bf16-mixed"]  # bf16 for a GPU: on a CPU it works, but is slower
    processes: PositiveInt
    sample_every_epochs: PositiveInt | None  # a solo to hear every so many epochs; null: never
    threads: PositiveInt | None


def learning_rate(config: TrainingConfig, step: int, total_steps: int) -> float:
    """The rate of optimiser step `step` (from 0): linear warm-up, then half a cosine down to the minimum.

    Loshchilov & Hutter 2017, arXiv 1608.03983, one period without restarts. A pure function of the step, so that
    a resumed run needs no scheduler state.
    """
    if step < config.warmup_steps:
        return config.learning_rate * (step + 1) / config.warmup_steps
    progress = min(1.0, (step - config.warmup_steps) / max(1, total_steps - config.warmup_steps))
    height = (config.learning_rate - config.min_learning_rate) / 2
    return config.min_learning_rate + height * (1 + math.cos(math.pi * progress))
