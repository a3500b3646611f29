"""An untrained MusicVAE of eight units: a draw takes milliseconds."""

from dataclasses import replace
from pathlib import Path
from typing import Literal

import torch

from yardbird.codecs.melody import HOLD, REST, MelodyCodec, MelodyConfig
from yardbird.config import read_section
from yardbird.models.music_vae import MusicVAEFamily
from yardbird.models.music_vae.vae_family import ModelConfig

PARAMS = Path(__file__).resolve().parents[1] / "params.yaml"


def tiny_vae(prior: Literal["sequence", "normal"] = "sequence") -> MusicVAEFamily:
    """The default settings with small sizes and windows of two bars. Holds and rests are likelier than onsets."""
    default = read_section("music_vae.model", ModelConfig, PARAMS)
    config = replace(
        default, prior=replace(default.prior, kind=prior, size=8, components=2), bars=2, latent_dim=8,
        embedding_size=8, encoder_size=8, encoder_layers=1, conductor_size=8, conductor_layers=1, decoder_size=8,
        decoder_layers=1, step_temperature=1.0,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.manual_seed(0)
        family = MusicVAEFamily(MelodyCodec(read_section("encode.melody", MelodyConfig, PARAMS)), config)
    with torch.no_grad():
        family.model.head.bias[HOLD] += 6
        family.model.head.bias[REST] += 4
    family.model.eval()
    return family
