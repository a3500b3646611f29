"""The Fréchet audio distance (Kilgour et al. 2019) of two sets of sounds.

    embedding "log-mel statistics": the mean and the standard deviation of each of 24 bands of the log-mel spectrogram,
    in tens of decibels, over windows of one second, two a second: 48 numbers.

It requires no pretrained network. It is sensitive to level, timbre, register and density, but not to notes.
"""

from collections.abc import Sequence

import librosa
import numpy as np
from numpy.typing import NDArray

from yardbird.metrics.bootstrap import bootstrap, places_drawn
from yardbird.metrics.estimates import Estimate, percentile_interval
from yardbird.metrics.frechet import frechet_distance
from yardbird.music.score import Floats, Ints

EMBEDDING = "log-mel statistics"
SAMPLE_RATE = 16_000
_BANDS = 24
_SPECTRUM, _HOP = 1024, 160  # samples; 100 spectra a second
_WINDOW, _STRIDE = 100, 50  # spectra
_FULL_SCALE = (_SPECTRUM / 4) ** 2  # power of a sine of amplitude 1 with a Hann window
_FLOOR = 1e-6  # relative to full scale: −60 dB


def embed(samples: NDArray[np.float32]) -> Floats:
    """The embeddings of a sound of shape (n,) at `SAMPLE_RATE`, (windows, 48).

    The rest after the last whole half second is ignored. A sound shorter than a second is one window. A sound without
    samples has none.
    """
    if not len(samples):
        return np.zeros((0, 2 * _BANDS))
    whole = np.pad(samples, (0, max(_SPECTRUM - len(samples), 0)))
    power = librosa.feature.melspectrogram(
        y=whole, sr=SAMPLE_RATE, n_fft=_SPECTRUM, hop_length=_HOP, n_mels=_BANDS, norm=None
    )
    tens = np.log10(np.maximum(power[:, : max(len(samples) // _HOP, 1)] / _FULL_SCALE, _FLOOR))
    windows = np.lib.stride_tricks.sliding_window_view(tens, min(_WINDOW, tens.shape[1]), axis=1)[:, ::_STRIDE]
    embeddings: Floats = np.concatenate([windows.mean(axis=2), windows.std(axis=2)]).T.astype(np.float64)
    return embeddings


def sound_distance(sounds: Sequence[Floats], real: Sequence[Floats]) -> float:
    """The Fréchet audio distance of two sets of sounds, given by their embeddings. Windows are pooled in each set."""
    return frechet_distance(np.concatenate(sounds), np.concatenate(real))


def estimate_distance(
    sounds: Sequence[Floats], real: Sequence[Floats], samples: int, random: np.random.Generator
) -> Estimate:
    """`sound_distance` with its 95 % bootstrap interval over whole sounds, because windows of one are not independent.

    A sample with repetitions has less variety than the set itself and so a greater distance. This bias, the mean of the
    samples − the distance, is subtracted. The real sounds are not resampled. Source of the bias: Efron & Tibshirani
    1993, ch. 10.
    """

    def distances(drawn: Ints) -> Floats:
        return np.array([sound_distance([sounds[place] for place in row], real) for row in drawn])

    distance = sound_distance(sounds, real)
    draws = bootstrap(distances, [len(sounds)], samples, random, places_drawn)
    low, high = percentile_interval(draws - (draws.mean() - distance))
    return Estimate(distance, max(low, 0.0), max(high, 0.0), len(sounds))
