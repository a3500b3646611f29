"""Agreement of the chroma of two sounds: whether a melody is followed, as measured for MusicGen (Copet et al. 2023)."""

import librosa
import numpy as np

from yardbird.audio.compile_lock import compiled_alone
from yardbird.audio.resampling import to_mono
from yardbird.audio.wave import Waveform
from yardbird.music.score import Floats

_SAMPLE_RATE, _SPECTRUM, _HOP = (
    16_000,
    4096,
    1024,
)  # a window of a quarter of a second resolves semitones from C4 upwards
_SILENT = 1e-4  # of the loudest frame's power


def chroma_cosines(reference: Waveform, sound: Waveform) -> Floats:
    """The cosine similarity of the chroma in each frame in which the reference sounds, 0 … 1: (frames,).

    Chroma is the power in each of the 12 pitch classes. Frames are 64 ms apart, as many as in the shorter sound; where
    only the reference sounds, the similarity is 0. Unlike the original, frames where the reference is silent are left
    out.
    """
    ours, theirs = (_chroma(each) for each in (reference, sound))
    frames = min(len(ours), len(theirs))
    ours, theirs = ours[:frames], theirs[:frames]
    sounding = ours.sum(axis=1) > _SILENT * max(ours.sum(axis=1).max(initial=0.0), np.finfo(float).tiny)
    lengths = np.linalg.norm(ours[sounding], axis=1) * np.linalg.norm(theirs[sounding], axis=1)
    products = (ours[sounding] * theirs[sounding]).sum(axis=1)
    cosines: Floats = np.where(lengths > 0, products / np.where(lengths > 0, lengths, 1.0), 0.0)
    return cosines


@compiled_alone
def _chroma(sound: Waveform) -> Floats:
    """(frames, 12)."""
    samples = to_mono(sound, _SAMPLE_RATE)
    whole = np.pad(samples, (0, max(_SPECTRUM - len(samples), 0)))
    power = librosa.feature.chroma_stft(
        y=whole, sr=_SAMPLE_RATE, n_fft=_SPECTRUM, hop_length=_HOP, norm=None, tuning=0.0
    )
    return power.T.astype(np.float64)
