"""The interface of a model family for training, generation and evaluation.

A family combines a codec and a model. It is imported by name, so that its heavy dependencies are loaded on demand.
"""

import importlib
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from yardbird.config import BACKGROUND
from yardbird.seeds import generator

if TYPE_CHECKING:  # at run time, stages that only compare results do not import torch, which takes a second
    from torch import Tensor, nn
    from torch.utils.data import Dataset

    Batch = Mapping[str, Tensor]
else:
    Batch = Mapping[str, Any]
Floats = NDArray[np.float64]
Means = Mapping[str, float | Floats]

#: A latent dimension is active if the variance of its posterior mean over the data exceeds this (Burda et al. 2015).
ACTIVE_VARIANCE = 0.01


@dataclass(frozen=True)
class Loss:
    """The training loss and its terms (for the curves), each a mean over the targets of a batch.

    The mean of an epoch weights each batch by `weight`, the number of targets that are not padding. As a tensor, it
    avoids a synchronisation with the GPU.
    """

    total: "Tensor"
    terms: Mapping[str, "Tensor"]
    weight: "Tensor | float | int"


@dataclass(frozen=True)
class Ratio:
    """A mean that can be accumulated over batches: sum of `numerator` / sum of `denominator` (e.g. nats / notes)."""

    numerator: float | Floats
    denominator: float


@dataclass(frozen=True)
class TokenScores:
    """Negative log likelihood of all tokens except the first, (length − 1,), and whether each was the most probable."""

    nats: NDArray[np.float64]
    correct: NDArray[np.bool_]


@dataclass(frozen=True)
class Datasets:
    """Training windows (sampled again in each epoch) and the whole validation split (always the same windows).

    `mixed_epochs` is the number of epochs that mix background into the training windows; the later epochs adapt to the
    target. It is 0 if there is no adaptation, i.e. without background or if every epoch mixes it in.
    """

    train: "Dataset[Batch]"
    validation: "Dataset[Batch]"
    mixed_epochs: int = 0


@dataclass(frozen=True)
class Mixture:
    """How background solos enter training: as a share of the windows of the first `epochs` (None: of every epoch)."""

    epochs: int | None
    share: float


TARGET_ALONE = Mixture(0, 0.0)


class Rounds:
    """Which training windows each epoch uses: places in a list of all target windows, then all background windows.

    A round shows all windows of one role once, in random order. An epoch of `per_epoch` windows (None: the number of
    all windows) continues the round where the previous epoch stopped. In the first `mixture.epochs`, the last
    `mixture.share` of an epoch's indices are background windows. Later epochs have none. A place is a function of
    (seed, epoch, index) alone.
    """

    def __init__(self, target: int, background: int, mixture: Mixture, per_epoch: int | None, seed: int) -> None:
        self._counts, self._seed = {"": target, BACKGROUND: background}, seed
        self._size = target + background if per_epoch is None else per_epoch
        mixed = mixture.epochs if background and mixture.share else 0
        self.mixed_epochs = mixed or 0
        self._mixed = sys.maxsize if mixed is None else mixed
        self._background = round(mixture.share * self._size)  # windows of a mixed epoch
        self._epoch = 0
        self._orders: dict[tuple[str, int], NDArray[np.int64]] = {}

    def __len__(self) -> int:
        return self._size

    def set_epoch(self, epoch: int) -> None:
        self._epoch = epoch
        self._orders.clear()

    def __getitem__(self, index: int) -> int:
        if not 0 <= index < self._size:
            raise IndexError(index)
        mixed = min(self._epoch, self._mixed)  # epochs of mixed windows before this one
        own = self._size - (self._background if self._epoch < self._mixed else 0)
        if index < own:
            return self._place("", self._epoch * self._size - mixed * self._background + index)
        return self._counts[""] + self._place(BACKGROUND, mixed * self._background + index - own)

    def _place(self, role: str, drawn: int) -> int:
        """The place of the next window of a role after `drawn` windows of it have been shown."""
        turn, place = divmod(drawn, self._counts[role])
        if (role, turn) not in self._orders:
            stream = generator(self._seed, "order", *([role] if role else []), turn)
            self._orders[role, turn] = stream.permutation(self._counts[role])
        return int(self._orders[role, turn][place])


class Family(ABC):
    """A model and its codec, and how they are trained, measured, stored and loaded."""

    name: ClassVar[str]
    #: The folder in data/encoded with its training data.
    codec_name: ClassVar[str]
    #: The validation measure that early stopping and checkpoint choice watch; lower is better.
    watched: ClassVar[str]
    #: What a user can condition it on, as shown in the comparison of the models.
    conditioned_on: ClassVar[tuple[str, ...]] = ()
    model: "nn.Module"

    @classmethod
    @abstractmethod
    def create(cls, encoded: Path, params: Path) -> "Family":
        """A new model for the data of the encode stage, with the sizes of the family's section in params.yaml."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> "Family":
        """Read what `save` wrote; weights are safetensors."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write weights (safetensors), configuration and codec. `load` needs nothing but this folder."""

    @abstractmethod
    def datasets(self, encoded: Path, seed: int) -> Datasets:
        """Datasets of mappings of equally shaped tensors. The training set is map-style and has `set_epoch(int)`."""

    @abstractmethod
    def loss(self, batch: Batch, step: int) -> Loss:
        """The training loss of a batch at an optimiser step (for warm-ups such as beta)."""

    @abstractmethod
    def measure(self, batch: Batch) -> Mapping[str, Ratio]:
        """Validation measures of a batch. Both parts are summed over batches before the division."""

    def figures(self, means: Means) -> dict[str, float]:
        """The measures of the whole validation split, from the means of `measure`; some are not plain means."""
        return {name: float(value) for name, value in means.items()}

    def complete(self, encoded: Path, seed: int) -> dict[str, float]:  # noqa: ARG002  # most families are complete
        """Train what depends on the trained model, such as a prior over its latents. Return its validation measures.

        Called once, after `fit` has put the best weights into `model`.
        """
        return {}

    @abstractmethod
    def sample(self, seed: int) -> Any:
        """Sample one solo (a `Score` or a `Waveform`) with the family's default settings.

        Training stores it raw; publish renders it. Runs without dropout and gradients, and restores the mode.
        """


def load_family(name: str) -> type[Family]:
    """Import the family class of `yardbird.models.<name>`. `name` must be one of `family_names()`, never user text."""
    module = importlib.import_module(f"yardbird.models.{name}")
    family: type[Family] = module.FAMILY
    return family
