"""What every model family offers to training, generation and evaluation.

A family is a codec together with a model. It is loaded by name, so that its heavy dependencies load only for it.
"""

import importlib
import pkgutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset

import yardbird.models
from yardbird.config import BACKGROUND
from yardbird.seeds import generator

Batch = Mapping[str, Tensor]
Floats = NDArray[np.float64]
Means = Mapping[str, float | Floats]

#: A latent dimension is active when the posterior's mean varies more than this over the data (Burda et al. 2015, §C).
ACTIVE_VARIANCE = 0.01

#: What the train stage leaves beside the weights: family, seed, hash of the training data, what it can be asked for.
TRAINED = "trained.json"


@dataclass(frozen=True)
class Loss:
    """What training minimises, and the terms it is made of (for the curves): means over a batch's targets.

    An epoch's mean counts each batch by its `weight`, the number of targets that are no padding. As a tensor it spares
    the GPU a wait.
    """

    total: Tensor
    terms: Mapping[str, Tensor]
    weight: Tensor | float | int


@dataclass(frozen=True)
class Ratio:
    """A mean that can be accumulated: sum of `numerator` over sum of `denominator` (e.g. nats over notes)."""

    numerator: float | Floats
    denominator: float


@dataclass(frozen=True)
class TokenScores:
    """Of every token of a solo but the first, (length − 1,): negative log likelihood, and was it the likeliest."""

    nats: NDArray[np.float64]
    correct: NDArray[np.bool_]


@dataclass(frozen=True)
class Datasets:
    """Training windows (drawn anew each epoch) and the whole validation split (always the same windows).

    `mixed_epochs` is how many epochs mix background into the training windows before the rest adapt to the target; 0
    where no epochs adapt: without background, or where every epoch mixes it in.
    """

    train: Dataset[Batch]
    validation: Dataset[Batch]
    mixed_epochs: int = 0


@dataclass(frozen=True)
class Mixture:
    """How background solos enter training: a share of the windows of the first epochs (None: of every epoch)."""

    epochs: int | None
    share: float


TARGET_ALONE = Mixture(0, 0.0)


class Rounds:
    """Which of the training windows each epoch shows: places in a list of the target's, then those of background.

    The windows of a role come in rounds of all of them in random order; an epoch of `per_epoch` windows (None: as many
    as there are) continues the round where the last epoch stopped. In the first `mixture.epochs` the last
    `mixture.share` of the indices of an epoch are background windows, later and where there is no background none.
    A place is a function of (seed, epoch, index) alone.
    """

    def __init__(self, target: int, background: int, mixture: Mixture, per_epoch: int | None, seed: int) -> None:
        self._counts, self._seed = {"": target, BACKGROUND: background}, seed
        self._size = target + background if per_epoch is None else per_epoch
        mixed = mixture.epochs if background and mixture.share else 0
        self.mixed_epochs = mixed or 0
        self._mixed = sys.maxsize if mixed is None else mixed
        self._background = round(mixture.share * self._size)  # of a mixed epoch
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
        """Of the window that is shown when `drawn` windows of this role have been."""
        turn, place = divmod(drawn, self._counts[role])
        if (role, turn) not in self._orders:
            stream = generator(self._seed, "order", *([role] if role else []), turn)
            self._orders[role, turn] = stream.permutation(self._counts[role])
        return int(self._orders[role, turn][place])


class Family(ABC):
    """A model, the codec it speaks, and how both are trained, measured, stored and loaded."""

    name: ClassVar[str]
    #: The folder of data/encoded that it learns from.
    codec_name: ClassVar[str]
    #: The validation measure that early stopping and checkpoint choice watch; lower is better.
    watched: ClassVar[str]
    #: What a player can ask of it, in words for the comparison of the models.
    conditioned_on: ClassVar[tuple[str, ...]] = ()
    model: nn.Module

    @classmethod
    @abstractmethod
    def create(cls, encoded: Path, params: Path) -> "Family":
        """A fresh model for the data of the encode stage, sized by the family's own section of params.yaml."""

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> "Family":
        """Read what `save` wrote; weights are safetensors."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write weights (safetensors), configuration and codec into a folder that `load` reads alone."""

    @abstractmethod
    def datasets(self, encoded: Path, seed: int) -> Datasets:
        """Items are mappings of equally shaped tensors; the training set is a map-style set with `set_epoch(int)`."""

    @abstractmethod
    def loss(self, batch: Batch, step: int) -> Loss:
        """The training loss of a batch at an optimiser step (for warm-ups such as beta)."""

    @abstractmethod
    def measure(self, batch: Batch) -> Mapping[str, Ratio]:
        """Validation measures of a batch; summed over batches before dividing."""

    def figures(self, means: Means) -> dict[str, float]:
        """The measures of the whole validation split from the means of `measure`; some are no plain means."""
        return {name: float(value) for name, value in means.items()}

    def complete(self, encoded: Path, seed: int) -> dict[str, float]:  # noqa: ARG002  # most families are complete
        """Train what rests on the trained model, such as a prior over its latents; its validation measures.

        Called once, when `fit` has left the best weights in `model`.
        """
        return {}

    @abstractmethod
    def sample(self, seed: int) -> Any:
        """One solo, a `Score`, drawn with the family's default settings, to hear training progress by.

        Dropout is off meanwhile, without gradients; the model's mode is left as it was.
        """


def load_family(name: str) -> type[Family]:
    """The family class of `yardbird.models.<name>`, imported only now; `name` is one of ours, never user text."""
    module = importlib.import_module(f"yardbird.models.{name}")
    family: type[Family] = module.FAMILY
    return family


def family_names() -> list[str]:
    """The families that there are, by name."""
    return sorted(module.name for module in pkgutil.iter_modules(yardbird.models.__path__) if module.ispkg)
