"""The MusicVAE over the melody grid."""

from yardbird.models.music_vae.family import MusicVAEFamily
from yardbird.models.music_vae.latent import Latent
from yardbird.models.music_vae.model import MusicVAE

FAMILY = MusicVAEFamily

__all__ = ["FAMILY", "Latent", "MusicVAE", "MusicVAEFamily"]
