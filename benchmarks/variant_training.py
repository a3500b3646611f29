"""Trains one variant of a family for a benchmark that compares several."""

import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch

from yardbird.devices import best_device, prepare_torch
from yardbird.models.family import Family
from yardbird.seeds import derive_seed
from yardbird.training.checkpoints import CheckpointFolder
from yardbird.training.fit import fit
from yardbird.training.training_config import TrainingConfig

Variant = TypeVar("Variant", bound=Family)


def trained_variant(
    name: str, create: Callable[[], Variant], encoded: Path, config: TrainingConfig, seed: int
) -> Variant:
    """The family that `create` gives, with the initial weights of the stage, trained in one process."""
    prepare_torch(config.threads)
    torch.manual_seed(derive_seed(seed, "create", name))
    family, config = create(), dataclasses.replace(config, processes=1, sample_every_epochs=None)
    with tempfile.TemporaryDirectory() as folder, CheckpointFolder(Path(folder), name, "benchmark") as checkpoint:
        fit(family, encoded, config, seed=seed, checkpoint=checkpoint)
    family.model.to(best_device())
    return family
