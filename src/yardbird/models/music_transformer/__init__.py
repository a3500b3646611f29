"""The Music Transformer over event tokens."""

from yardbird.models.music_transformer.midi_export import save_to_midi
from yardbird.models.music_transformer.transformer_family import MusicTransformerFamily
from yardbird.models.music_transformer.transformer_model import MusicTransformer

FAMILY = MusicTransformerFamily

__all__ = ["FAMILY", "MusicTransformer", "MusicTransformerFamily", "save_to_midi"]
