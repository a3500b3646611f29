"""A corpus of a dozen solos in the format of the augment stage, and its study with an untrained MusicVAE."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from solo_rows import row, solo, write_ingested
from tiny_vae import tiny_vae

from yardbird.data.augmentation import AugmentConfig, augment
from yardbird.latent.study import Study, open_study
from yardbird.models.music_vae import MusicVAEFamily

AUGMENT = AugmentConfig(14, 0, (-1, 0, 1), (1.0,), (40, 360), {"other": (0, 127)})
#: Six of training, four of validation (two of them of one tune), one to test.
SPLITS = [*["train"] * 6, *["validation"] * 4, "test"]


@pytest.fixture(scope="session")
def augmented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    names = [f"a/tune{number:02d}" for number in range(len(SPLITS))]
    rows = [row(name, artist=("Ada Line", "Bo Dense")[number % 2]) for number, name in enumerate(names)]
    rows[9] = replace(rows[9], tune_group=rows[8].tune_group)
    scores = {
        name: solo(number, notes=64 + 8 * (number % 3), qpm=120 + 10 * number) for number, name in enumerate(names)
    }
    rows = write_ingested(folder / "ingested", scores, rows)
    augment(rows, folder / "ingested", dict(zip(names, SPLITS, strict=True)), folder / "augmented", AUGMENT, 0)
    return folder / "augmented"


@pytest.fixture(scope="session")
def family() -> MusicVAEFamily:
    """An untrained family with confident predictions: its likeliest steps are notes and differ for every z."""
    family = tiny_vae()
    with torch.no_grad():
        family.model.head.weight *= 40
        family.model.conductor_start.weight *= 10
    return family


@pytest.fixture(scope="session")
def study(augmented: Path, family: MusicVAEFamily) -> Study:
    return open_study(family, augmented, "validation", 0)
