"""How loud a sound is, one loudness for all, and the marks of a recording that was too loud for its medium."""

import numpy as np
from numpy.typing import NDArray

_FRAME_SECONDS = 2048 / 44_100  # over which loudness is gauged
_CEILING = 10 ** (-1 / 20)  # no sample above −1 dB
_FLAT = 1e-4  # of the limit: samples nearer to it are cut off; two steps of 16 bits, which dither may add
_FLAT_RUN = 3  # samples; a wave touches its own peak for one or two


def decibels(level: float) -> float:
    """An amplitude in dB below full scale."""
    return float(20 * np.log10(level)) if level > 0 else -np.inf


def levelled(samples: NDArray[np.float32], sample_rate: int, loudness: float) -> NDArray[np.float32]:
    """Scaled to a root mean square over the frames that sound, less where a peak would pass −1 dB.

    Frames 30 dB below the loudest count as rests, so that a solo of many rests is no louder than another.

    Args:
        samples: (frames,) or (frames, channels); silence stays silence.
        sample_rate: frames a second.
        loudness: in dB below full scale, e.g. −18.
    """
    peak = peak_of(samples)
    if peak == 0:
        return samples
    frame = round(_FRAME_SECONDS * sample_rate)
    whole = samples[: len(samples) // frame * frame] if len(samples) >= frame else samples
    power = np.square(whole.reshape(max(1, len(whole) // frame), -1)).mean(axis=1, dtype=np.float64)
    sounding = power[power > power.max() / 1000]
    gain = min(10 ** (loudness / 20) / np.sqrt(sounding.mean()), _CEILING / peak)
    return samples * np.float32(gain)


def peak_of(samples: NDArray[np.float32]) -> float:
    """The largest absolute sample, 0 where there is none."""
    return max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))


def clipped_share(samples: NDArray[np.float32]) -> float:
    """Share of the samples, 0 … 1, in flat tops: runs of three and more at the loudest level, or at full scale.

    Args:
        samples: (frames, channels), as recorded: resampling rounds the tops off.
    """
    limit = min(peak_of(samples), 1.0)
    if limit == 0:
        return 0.0
    cut = np.zeros((len(samples) + 2, samples.shape[1]), dtype=np.int8)
    cut[1:-1] = np.abs(samples) >= limit * (1 - _FLAT)
    edges = np.diff(cut.T.ravel())  # a run ends with its channel, for each has a free sample before and after it
    lengths = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    return float(lengths[lengths >= _FLAT_RUN].sum() / samples.size)
