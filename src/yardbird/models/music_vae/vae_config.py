"""Settings of a MusicVAE: section `music_vae.model` of params.yaml."""

from dataclasses import dataclass
from typing import Literal

from yardbird.config import (
    Layers,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Settings,
    Share,
    ShareBelowOne,
    Width,
)
from yardbird.models.family import Mixture
from yardbird.models.music_vae.vae_network import Decoder, Posterior


@dataclass(frozen=True)
class PriorConfig(Settings, section="music_vae.model.prior"):
    """Section `music_vae.model.prior` of params.yaml: the prior that new solos are sampled from."""

    kind: Literal["sequence", "normal"]  # learnt and autoregressive, conditioned on the chords; or N(0, I)
    size: Width  # of its LSTM
    components: PositiveInt  # Gaussians of the mixture
    steps: PositiveInt  # optimiser steps, after the model is trained
    batch_size: PositiveInt  # crops of solos
    crop_windows: PositiveInt  # length of a crop
    learning_rate: PositiveFloat  # peak
    temperature: NonNegativeFloat  # for sampling solos
    guidance: NonNegativeFloat  # weight of the chords in sampling solos; 1: as in training
    blur: NonNegativeFloat  # noise level of sampled points given to the decoder (standard deviation)


@dataclass(frozen=True)
class ModelConfig(Settings, section="music_vae.model"):
    """Section `music_vae.model` of params.yaml: the sizes of `MusicVAE`, and the settings of its loss."""

    bars: PositiveInt  # of a window: 2, 4 or 16 in the paper and here; any number is possible
    latent_dim: Width
    posterior: Posterior
    ordered: bool
    degrees: bool
    intervals: bool
    embedding_size: Width
    encoder_size: Width
    encoder_layers: Layers
    patch_steps: PositiveInt
    conductor_size: Width
    conductor_layers: Layers
    decoder_size: Width
    decoder_layers: Layers
    decoder: Decoder
    chords: bool
    chord_dropout: Share  # share of the training windows without chords, so that the model also works without them
    velocity_weight: NonNegativeFloat  # weight of the velocities' nats in the loss; 0: no velocities
    dropout: ShareBelowOne
    beta: NonNegativeFloat  # weight of the KL term, reached after the warm-up
    beta_warmup_steps: NonNegativeInt
    free_bits: NonNegativeFloat  # of the KL of a whole window that are not penalised
    teacher_forcing: Share  # share of the true steps given to the decoder at the end of the schedule; 1: always all
    teacher_forcing_steps: NonNegativeInt  # optimiser steps of the linear schedule down from 1
    blur_share: Share  # share of the training windows with noise on z: the decoder learns how far to rely on z
    windows_per_epoch: PositiveInt | None  # null: every window once
    background_epochs: NonNegativeInt | None  # the first epochs, which mix in background windows; null: all epochs
    background_share: ShareBelowOne  # share of the windows of these epochs
    step_temperature: NonNegativeFloat  # factor on the requested temperature when steps are sampled at a point
    prior: PriorConfig

    def __post_init__(self) -> None:
        super().__post_init__()
        guided = self.prior.kind == "sequence" and self.prior.guidance != 1
        self.require(self.chord_dropout > 0 or not guided, "chord_dropout", "above 0, since prior.guidance is not 1")

    @property
    def mixture(self) -> Mixture:
        return Mixture(self.background_epochs, self.background_share)
