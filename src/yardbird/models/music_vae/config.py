"""What a MusicVAE is made of: section `music_vae.model` of params.yaml."""

from dataclasses import dataclass
from typing import Literal

from yardbird.config import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, Settings, Share, ShareBelowOne
from yardbird.models.base import Mixture
from yardbird.models.music_vae.network import Decoder, Posterior


@dataclass(frozen=True)
class PriorConfig(Settings, section="music_vae.model.prior"):
    """Section `music_vae.model.prior` of params.yaml: where the windows of a new solo come from."""

    kind: Literal["sequence", "normal"]  # learnt, window after window under the chords; or N(0, I)
    size: PositiveInt  # of its LSTM
    components: PositiveInt  # Gaussians of the mixture
    steps: PositiveInt  # of its optimiser, after the model is trained
    batch_size: PositiveInt  # crops of solos
    crop_windows: PositiveInt  # length of a crop
    learning_rate: PositiveFloat  # the peak
    temperature: NonNegativeFloat  # that solos are drawn at
    blur: NonNegativeFloat  # standard deviation of the noise that the decoder takes what is drawn to have


@dataclass(frozen=True)
class ModelConfig(Settings, section="music_vae.model"):
    """Section `music_vae.model` of params.yaml: sizes as at `MusicVAE`, and what the loss is made of."""

    bars: PositiveInt  # a window: 2, 4 or 16 in the paper and here; any number will do
    latent_dim: PositiveInt
    posterior: Posterior
    ordered: bool
    degrees: bool
    intervals: bool
    embedding_size: PositiveInt
    encoder_size: PositiveInt
    encoder_layers: PositiveInt
    patch_steps: PositiveInt
    conductor_size: PositiveInt
    conductor_layers: PositiveInt
    decoder_size: PositiveInt
    decoder_layers: PositiveInt
    decoder: Decoder
    chords: bool
    chord_dropout: Share  # share of the training windows whose chords are hidden, so that it plays without any too
    velocity_weight: NonNegativeFloat  # of the velocities' nats in the loss; 0: velocities are left out
    dropout: ShareBelowOne
    beta: NonNegativeFloat  # weight of the KL term, reached after the warm-up
    beta_warmup_steps: NonNegativeInt
    free_bits: NonNegativeFloat  # of the whole window's KL: what costs nothing
    teacher_forcing: Share  # share of the steps that the decoder is told, at the end of the schedule; 1: all, always
    teacher_forcing_steps: NonNegativeInt  # optimiser steps until then, down from 1 in a line
    blur_share: Share  # of the training windows, whose z gets noise: the decoder learns how far to trust a z
    windows_per_epoch: PositiveInt | None  # null: every window once
    background_epochs: NonNegativeInt | None  # the first, which mix background windows in; null: all
    background_share: ShareBelowOne  # of the windows of these epochs
    step_temperature: NonNegativeFloat  # of the steps at a point, times the one asked for, where solos are drawn
    prior: PriorConfig

    @property
    def mixture(self) -> Mixture:
        return Mixture(self.background_epochs, self.background_share)
