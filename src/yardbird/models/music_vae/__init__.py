"""The MusicVAE over the melody grid."""

from yardbird.models.music_vae.latent_solo import Latent
from yardbird.models.music_vae.vae_family import MusicVAEFamily
from yardbird.models.music_vae.vae_model import MusicVAE

FAMILY = MusicVAEFamily

__all__ = ["FAMILY", "Latent", "MusicVAE", "MusicVAEFamily"]
