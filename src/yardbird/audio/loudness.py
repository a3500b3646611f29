"""Loudness: measurement, normalisation, and detection of clipping and of antiphase channels."""

import numpy as np
from numpy.typing import NDArray

SILENCE_DECIBELS = -60.0  # a recording with a lower peak has no sound

_FRAME_SECONDS = 2048 / 44_100  # over which loudness is measured
_CEILING = 10 ** (-1 / 20)  # no sample above −1 dB
_FLAT = 1e-4  # of the peak: samples nearer to it count as clipped; two steps of 16 bits, which dither may add
_FLAT_RUN = 3  # samples; an unclipped wave has one or two at its peak
_TOP = 0.5  # of the peak: the levels above it show the resolution of the samples
_COARSE = 2e-3  # of the peak: the smallest step between two levels in 8 bits or µ-law; 16 bits have far smaller ones
_PILED = 4  # times as many samples at the highest level as at the one below; a sine in coarse levels has 2.4
_CANCELLED = 0.2  # of the power that the mean of uncorrelated channels has


def decibels(level: float) -> float:
    """An amplitude in dB below full scale."""
    return float(20 * np.log10(level)) if level > 0 else -np.inf


def levelled(samples: NDArray[np.float32], sample_rate: int, loudness: float) -> NDArray[np.float32]:
    """Scale samples to a root mean square over the sounding frames, or to less if a peak would exceed −1 dB.

    Frames 30 dB below the loudest count as rests, so that a solo with many rests does not become louder.

    Args:
        samples: (frames,) or (frames, channels); silence stays silence.
        sample_rate: frames a second.
        loudness: in dB below full scale, e.g. −18.
    """
    peak = peak_of(samples)
    if peak == 0:
        return samples
    gain = min(10 ** (loudness / 20) / sounding_level(samples, sample_rate), _CEILING / peak)
    return samples * np.float32(gain)


def sounding_level(samples: NDArray[np.float32], sample_rate: int) -> float:
    """The root mean square of the frames that are at most 30 dB below the loudest; 0 for silence."""
    frame = round(_FRAME_SECONDS * sample_rate)
    whole = samples[: len(samples) // frame * frame] if len(samples) >= frame else samples
    power = np.square(whole.reshape(max(1, len(whole) // frame), -1)).mean(axis=1, dtype=np.float64)
    return float(np.sqrt(power[power >= power.max() / 1000].mean()))


def peak_of(samples: NDArray[np.float32]) -> float:
    """The largest absolute sample; 0 for an empty array."""
    return max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))


def clipped_share(samples: NDArray[np.float32]) -> float:
    """The share of clipped samples, 0 … 1: those in runs of three or more at the peak level.

    The peak may be above full scale in floating-point files. In 8 bits and in µ-law, unclipped waves have such runs,
    too; there, runs count only if far more samples are at the highest level than at the one below.

    Args:
        samples: (frames, channels), as recorded: resampling rounds off the clipped tops.
    """
    limit = peak_of(samples)
    if limit == 0:
        return 0.0
    cut = np.zeros((len(samples) + 2, samples.shape[1]), dtype=np.int8)
    if _is_coarse(samples, limit):
        cut[1:-1] = _piled_up(samples) | _piled_up(-samples)
    else:
        cut[1:-1] = np.abs(samples) >= limit * (1 - _FLAT)
    edges = np.diff(cut.T.ravel())  # the padding between channels ends every run with its channel
    lengths = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    return float(lengths[lengths >= _FLAT_RUN].sum() / samples.size)


def _is_coarse(samples: NDArray[np.float32], limit: float) -> bool:
    levels = np.unique(np.abs(samples[np.abs(samples) > _TOP * limit]))
    return len(levels) > 1 and float(np.diff(levels).min()) > _COARSE * limit


def _piled_up(samples: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The samples at the highest level, if there are far more than at the level below; otherwise none."""
    highest = samples.max()
    below = samples[samples < highest].max(initial=-np.inf)
    is_highest: NDArray[np.bool_] = samples == highest
    if highest > 0 and np.count_nonzero(is_highest) > _PILED * np.count_nonzero(samples == below):
        return is_highest
    return np.zeros_like(is_highest)


def cancelled_decibels(samples: NDArray[np.float32]) -> float:
    """The level of the mean of the channels in dB below the channels if they are in antiphase; otherwise 0.

    The mean of two uncorrelated channels loses 3 dB; channels in antiphase cancel each other.

    Args:
        samples: (frames, channels).
    """
    channels = samples.shape[1]
    power = float(np.square(samples).mean(dtype=np.float64))
    mean = sum(samples.T) / np.float32(channels)  # several times faster than the mean over an axis of two
    mean_power = float(np.square(mean).mean(dtype=np.float64))
    if channels == 1 or power == 0 or mean_power > _CANCELLED / channels * power:
        return 0.0
    return -float(10 * np.log10(mean_power / power)) if mean_power else np.inf
