"""A family of a few hundred weights, so that training and tracking are tested in milliseconds per step."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.data import Dataset

from yardbird.codecs.events import EventCodec
from yardbird.models.family import Batch, Datasets, Family, Loss, Ratio, TokenScores
from yardbird.models.family_kinds import TokenFamily
from yardbird.music.score import Score, make_notes
from yardbird.nn.sampling import Constraint, Sampling
from yardbird.seeds import derive_seed


class Noise(Dataset[Batch]):
    """Points on a noisy line; with `set_epoch` the noise is sampled again, as windows are cut again from solos."""

    def __init__(self, size: int, seed: int) -> None:
        self.size, self.seed, self.epoch = size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: int) -> Batch:
        draw = torch.Generator().manual_seed(derive_seed(self.seed, self.epoch, index))
        x = torch.randn(4, generator=draw)
        return {"x": x, "y": x.sum()[None] + 0.1 * torch.randn(1, generator=draw)}


class FakeFamily(Family):
    name: ClassVar[str] = "fake"
    codec_name: ClassVar[str] = "events"
    watched: ClassVar[str] = "squared_error"

    def __init__(self) -> None:
        self.model: nn.Module = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Dropout(0.2), nn.Linear(16, 1))
        self.scale = 1.0  # a huge one makes the loss infinite

    @classmethod
    def create(cls, encoded: Path, params: Path) -> "FakeFamily":
        return cls()

    @classmethod
    def load(cls, folder: Path) -> "FakeFamily":
        family = cls()
        family.model.load_state_dict(load_file(folder / "model.safetensors"))
        return family

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        save_file(self.model.state_dict(), folder / "model.safetensors")

    def datasets(self, encoded: Path, seed: int) -> Datasets:
        return Datasets(Noise(22, seed), Noise(7, seed + 1))

    def loss(self, batch: Batch, step: int) -> Loss:
        error = self._errors(batch).mean()
        return Loss(error * self.scale, {"squared_error": error}, weight=len(batch["x"]))

    def measure(self, batch: Batch) -> Mapping[str, Ratio]:
        errors = self._errors(batch)
        return {"squared_error": Ratio(float(errors.sum()), float(len(errors)))}

    def sample(self, seed: int) -> Score:
        return Score(12, make_notes([(12 * beat, 9, 60 + (seed + beat) % 12, 90) for beat in range(8)]), 96)

    def _errors(self, batch: Batch) -> Tensor:
        return (self.model(batch["x"]) - batch["y"]).square()[:, 0]


class FakeTokens(FakeFamily, TokenFamily):
    """A token family that wraps a sequence model such as an n-gram. It records the last `int8`."""

    def __init__(self, model: Any, codec: EventCodec) -> None:
        super().__init__()
        self.sequences, self.codec = model, codec

    @property
    def fill_context(self) -> int:
        return 0

    def score_tokens(self, tokens: ArrayLike) -> TokenScores:
        scores: TokenScores = self.sequences.score_tokens(tokens)
        return scores

    def generate(
        self,
        primes: Sequence[ArrayLike],
        constraints: Sequence[Constraint],
        sampling: Sampling,
        seed: int,
        max_tokens: int,
        *,
        int8: bool = False,
    ) -> list[NDArray[np.uint16]]:
        self.int8 = int8
        return list(self.sequences.generate(primes, constraints, sampling, seed, max_tokens))


FAMILY = FakeFamily
