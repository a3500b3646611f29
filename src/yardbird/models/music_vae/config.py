"""What a MusicVAE is made of: section `music_vae.model` of params.yaml."""

from dataclasses import dataclass
from typing import Literal

from yardbird.errors import InputError
from yardbird.models.base import Mixture
from yardbird.models.music_vae.network import Decoder, Posterior


@dataclass(frozen=True)
class PriorConfig:
    """Section `music_vae.model.prior` of params.yaml: where the windows of a new solo come from."""

    kind: Literal["sequence", "normal"]  # learnt, window after window under the chords; or N(0, I)
    size: int  # of its LSTM
    components: int  # Gaussians of the mixture
    steps: int  # of its optimiser, after the model is trained
    batch_size: int  # crops of solos
    crop_windows: int  # length of a crop
    learning_rate: float  # the peak
    temperature: float  # that solos are drawn at
    blur: float  # standard deviation of the noise that the decoder takes what is drawn to have

    def __post_init__(self) -> None:
        for name in ("size", "components", "steps", "batch_size", "crop_windows"):
            _require(getattr(self, name) >= 1, f"prior.{name}", "1 or more", getattr(self, name))
        _require(self.learning_rate > 0, "prior.learning_rate", "above 0", self.learning_rate)
        for name in ("temperature", "blur"):
            _require(getattr(self, name) >= 0, f"prior.{name}", "0 or more", getattr(self, name))


@dataclass(frozen=True)
class ModelConfig:
    """Section `music_vae.model` of params.yaml: sizes as at `MusicVAE`, and what the loss is made of."""

    bars: int  # a window: 2, 4 or 16 in the paper and here; any number will do
    latent_dim: int
    posterior: Posterior
    ordered: bool
    degrees: bool
    intervals: bool
    embedding_size: int
    encoder_size: int
    encoder_layers: int
    patch_steps: int
    conductor_size: int
    conductor_layers: int
    decoder_size: int
    decoder_layers: int
    decoder: Decoder
    chords: bool
    chord_dropout: float  # share of the training windows whose chords are hidden, so that it plays without any too
    velocity_weight: float  # of the velocities' nats in the loss; 0: velocities are left out
    dropout: float
    beta: float  # weight of the KL term, reached after the warm-up
    beta_warmup_steps: int
    free_bits: float  # of the whole window's KL: what costs nothing
    teacher_forcing: float  # share of the steps that the decoder is told, at the end of the schedule; 1: all, always
    teacher_forcing_steps: int  # optimiser steps until then, down from 1 in a line
    blur_share: float  # of the training windows, whose z gets noise: the decoder learns how far to trust a z
    windows_per_epoch: int | None  # null: every window once
    background_epochs: int | None  # the first, which mix background windows in; null: all
    background_share: float  # of the windows of these epochs
    step_temperature: float  # of the steps at a point, times the one asked for, where solos are drawn
    prior: PriorConfig

    def __post_init__(self) -> None:
        self.mixture  # noqa: B018  # checks both
        _require(self.bars >= 1, "bars", "1 or more", self.bars)
        for name in ("chord_dropout", "teacher_forcing", "blur_share"):
            _require(0 <= getattr(self, name) <= 1, name, "from 0 to 1", getattr(self, name))
        steps = ("beta_warmup_steps", "teacher_forcing_steps")
        for name in ("velocity_weight", "beta", "free_bits", "step_temperature", *steps):
            _require(getattr(self, name) >= 0, name, "0 or more", getattr(self, name))
        _require(
            self.windows_per_epoch is None or self.windows_per_epoch > 0,
            "windows_per_epoch",
            "1 or more, or null",
            self.windows_per_epoch,
        )

    @property
    def mixture(self) -> Mixture:
        return Mixture(self.background_epochs, self.background_share)


def _require(holds: bool, name: str, expected: str, found: object) -> None:
    if not holds:
        raise InputError(f"music_vae.model.{name}", expected=expected, found=str(found), remedy="change it")
