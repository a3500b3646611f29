"""All three families learn on two ranks what they learn on one."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from event_scores import CODEC
from ranks_here import CONFIG, on_ranks
from tiny_musicgen import tiny_musicgen
from tiny_transformer import SIZES
from tiny_vae import tiny_vae
from torch.optim import AdamW
from torch.utils.data import Dataset

from yardbird.codecs.melody import CHORD_FEATURES, PAD
from yardbird.models.family import Batch, Datasets, Family
from yardbird.models.music_transformer.transformer_family import MusicTransformerFamily
from yardbird.music.score_frames import COLUMNS
from yardbird.training.checkpoints import CheckpointFolder
from yardbird.training.fit import assist, fit


class Items(Dataset[Batch]):
    def __init__(self, items: Sequence[Batch]) -> None:
        self.items = items

    def set_epoch(self, epoch: int) -> None: ...

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Batch:
        return self.items[index]


def transformer() -> tuple[Family, Sequence[Batch]]:
    torch.manual_seed(0)
    family = MusicTransformerFamily(CODEC, SIZES)
    tokens = torch.randint(CODEC.vocab_size, (7, SIZES.context_length + 1))
    for row, padded in enumerate(tokens):  # windows of different length
        padded[64 - 7 * row :] = CODEC.pad_id
    return family, [{"tokens": row, "scored": row[1:] != CODEC.pad_id} for row in tokens]


def vae() -> tuple[Family, Sequence[Batch]]:
    family = tiny_vae(prior="normal")
    torch.manual_seed(0)
    shape = 2, family.codec.segment_steps
    items = []
    for row in range(7):
        steps = torch.randint(30, 80, shape)
        steps[1, 3 * row :] = PAD
        items.append(
            {"steps": steps, "velocities": torch.randint(1, 16, shape), "chords": torch.ones(*shape, CHORD_FEATURES)}
        )
    return family, items


def musicgen() -> tuple[Family, Sequence[Batch]]:
    family = tiny_musicgen()
    for module in family.model.modules():
        if isinstance(getattr(module, "dropout", None), float):
            module.dropout = 0.0
    torch.manual_seed(0)
    text, mask = family.text_ids(["Charlie Parker jazz solo", "Be-bop alto"] * 4)
    items = []
    for row in range(7):
        codes = torch.randint(16, (4, family.context_frames))
        codes[:, 10 - row :] = family.pad_id
        score = torch.randint(4, (family.context_frames, len(COLUMNS)))
        score[10 - row :] = 0  # as in the windows of training: unknown after the end of the clip
        known = {"codes": codes, "score": score, "text": text[row], "mask": mask[row]}
        items.append(known | {"scored": codes[0] != family.pad_id})
    return family, items


def train(folder: Path, make: Callable[[], tuple[Family, Sequence[Batch]]], devices: int) -> dict[str, torch.Tensor]:
    """The weights after two epochs of 4 steps."""
    family, items = make()
    family.datasets = lambda encoded, seed: Datasets(Items(items), Items(items[:3]))  # type: ignore[method-assign]
    config = replace(CONFIG, batch_size=2, max_epochs=2, learning_rate=1e-3, devices=devices)

    def work(rank: int) -> None:
        if rank:
            assist(family, folder, config, seed=1)
        else:
            with CheckpointFolder(folder, family.name, str(devices)) as checkpoint:
                fit(family, folder, config, seed=1, checkpoint=checkpoint)
            torch.save(family.model.state_dict(), folder / f"{devices}.pt")

    assert on_ranks(devices, work) == [0] * devices
    weights: dict[str, torch.Tensor] = torch.load(folder / f"{devices}.pt", weights_only=True)
    return weights


@pytest.mark.slow
@pytest.mark.parametrize("make", [transformer, vae, musicgen])
def test_two_ranks_learn_the_weights_of_one(
    tmp_path: Path, make: Callable[[], tuple[Family, Sequence[Batch]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The windows have different numbers of targets. Random numbers are constant, because each rank draws others."""
    monkeypatch.setattr(torch, "randn_like", torch.zeros_like)
    monkeypatch.setattr(torch, "rand", lambda *size, **options: torch.zeros(*size, **options) + 0.5)
    # Some gradients are zero but for rounding, such as those of the biases of attention keys; Adam would scale them up.
    monkeypatch.setattr("yardbird.training.lightning_module.AdamW", partial(AdamW, eps=1e-4))
    one, two = (train(tmp_path, make, devices) for devices in (1, 2))
    for name, weight in one.items():
        torch.testing.assert_close(two[name], weight, atol=1e-5, rtol=1e-4)
