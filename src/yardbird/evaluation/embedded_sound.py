"""The distance of sets of sounds from held-out sound, over an embedding: here the latents of the codec.

The embedding is the mean of the latents, which the codec quantises, over windows of one second, two a second. It
requires no pretrained network. Distances over the latents of two codecs do not compare.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from yardbird.audio.resampling import to_mono
from yardbird.audio.wave import Waveform
from yardbird.bootstrap_settings import Resampling
from yardbird.metrics.estimates import Results
from yardbird.metrics.set_rows import REAL
from yardbird.metrics.sound_distance import frechet_audio_distance, kernel_audio_distance
from yardbird.models.family_kinds import SoundFamily
from yardbird.music.score import Floats
from yardbird.progress import progress

FRECHET, KERNEL = "frechet_distance", "kernel_distance"
_WINDOW_SECONDS, _WINDOWS_A_SECOND = 1.0, 2


def embed_with_codec(family: SoundFamily, sounds: Sequence[Waveform], label: str) -> list[Floats]:
    """(windows, dimensions) of each sound; one shorter than a second is one window."""
    return [_windows(family, sound) for sound in progress(sounds, doing=f"embedding {label}", unit="sound")]


def _windows(family: SoundFamily, sound: Waveform) -> Floats:
    latents = family.sound_latents(to_mono(sound, family.sample_rate)).astype(np.float64)
    frames = min(round(_WINDOW_SECONDS * family.frame_rate), len(latents))
    hop = max(round(family.frame_rate / _WINDOWS_A_SECOND), 1)
    means: Floats = np.lib.stride_tricks.sliding_window_view(latents, frames, axis=0)[::hop].mean(axis=2)
    return means


def distances(embedded: Mapping[str, Sequence[Floats]], resampling: Resampling, prefix: str = "") -> Results:
    """The Fréchet and the kernel distance of every set from the set `real`, by row; their names start with `prefix`."""
    real = embedded[REAL]
    return {
        row: {
            f"{prefix}{name}": distance(own, real, resampling.samples, resampling.random())
            for name, distance in ((FRECHET, frechet_audio_distance), (KERNEL, kernel_audio_distance))
        }
        for row, own in embedded.items()
        if row != REAL
    }
