"""Settings of a MusicVAE: section `music_vae.model` of params.yaml."""

from dataclasses import dataclass
from typing import Literal

from yardbird.errors import InputError
from yardbird.models.base import Mixture
from yardbird.models.music_vae.network import Decoder, Posterior


@dataclass(frozen=True)
class PriorConfig:
    """Section `music_vae.model.prior` of params.yaml: the prior that new solos are sampled from."""

    kind: Literal["sequence", "normal"]  # learnt and autoregressive, conditioned on the chords; or N(0, I)
    size: int  # of its LSTM
    components: int  # Gaussians of the mixture
    steps: int  # optimiser steps, after the model is trained
    batch_size: int  # crops of solos
    crop_windows: int  # length of a crop
    learning_rate: float  # peak
    temperature: float  # for sampling solos
    blur: float  # noise level of sampled points given to the decoder (standard deviation)

    def __post_init__(self) -> None:
        for name in ("size", "components", "steps", "batch_size", "crop_windows"):
            _require(getattr(self, name) >= 1, f"prior.{name}", "1 or more", getattr(self, name))
        _require(self.learning_rate > 0, "prior.learning_rate", "above 0", self.learning_rate)
        for name in ("temperature", "blur"):
            _require(getattr(self, name) >= 0, f"prior.{name}", "0 or more", getattr(self, name))


@dataclass(frozen=True)
class ModelConfig:
    """Section `music_vae.model` of params.yaml: the sizes of `MusicVAE`, and the settings of its loss."""

    bars: int  # of a window: 2, 4 or 16 in the paper and here; any number is possible
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
    chord_dropout: float  # share of the training windows without chords, so that the model also works without them
    velocity_weight: float  # weight of the velocities' nats in the loss; 0: no velocities
    dropout: float
    beta: float  # weight of the KL term, reached after the warm-up
    beta_warmup_steps: int
    free_bits: float  # of the KL of a whole window that are not penalised
    teacher_forcing: float  # share of the true steps given to the decoder at the end of the schedule; 1: always all
    teacher_forcing_steps: int  # optimiser steps of the linear schedule down from 1
    blur_share: float  # share of the training windows with noise on z: the decoder learns how far to rely on z
    windows_per_epoch: int | None  # null: every window once
    background_epochs: int | None  # the first epochs, which mix in background windows; null: all epochs
    background_share: float  # share of the windows of these epochs
    step_temperature: float  # factor on the requested temperature when steps are sampled at a point
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
