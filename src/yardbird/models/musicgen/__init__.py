"""MusicGen: sound from a caption."""

from yardbird.models.musicgen.musicgen_family import MusicGenFamily

FAMILY = MusicGenFamily

__all__ = ["FAMILY", "MusicGenFamily"]
