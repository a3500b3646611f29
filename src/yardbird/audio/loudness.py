"""How loud a sound is, one loudness for all, and the marks of a recording that was too loud for its medium."""

import numpy as np
from numpy.typing import NDArray

_FRAME_SECONDS = 2048 / 44_100  # over which loudness is gauged
_CEILING = 10 ** (-1 / 20)  # no sample above −1 dB
_FLAT = 1e-4  # of the limit: samples nearer to it are cut off; two steps of 16 bits, which dither may add
_FLAT_RUN = 3  # samples; a wave touches its own peak for one or two
_TOP = 0.5  # of the peak: levels above it show how coarse the samples are
_COARSE = 2e-3  # of the peak: the least distance of two levels in 8 bits or µ-law, which 16 bits keep far below
_PILED = 4  # times as many samples at the highest level as at the one below; a sine in coarse levels has 2.4
_CANCELLED = 0.2  # of the power that channels without a relation would keep in their mean


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
    """Share of the samples, 0 … 1, in flat tops: runs of three and more at the loudest level.

    That level may be above full scale, in files of floating-point numbers. In 8 bits and in µ-law every wave stays at
    its highest level for a while: there the tops count where samples pile up at them.

    Args:
        samples: (frames, channels), as recorded: resampling rounds the tops off.
    """
    limit = peak_of(samples)
    if limit == 0:
        return 0.0
    cut = np.zeros((len(samples) + 2, samples.shape[1]), dtype=np.int8)
    if _is_coarse(samples, limit):
        cut[1:-1] = _piled_up(samples) | _piled_up(-samples)
    else:
        cut[1:-1] = np.abs(samples) >= limit * (1 - _FLAT)
    edges = np.diff(cut.T.ravel())  # a run ends with its channel, for each has a free sample before and after it
    lengths = np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1)
    return float(lengths[lengths >= _FLAT_RUN].sum() / samples.size)


def _is_coarse(samples: NDArray[np.float32], limit: float) -> bool:
    levels = np.unique(np.abs(samples[np.abs(samples) > _TOP * limit]))
    return len(levels) > 1 and float(np.diff(levels).min()) > _COARSE * limit


def _piled_up(samples: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The samples at the highest level, where far more are there than at the level below; else none."""
    highest = samples.max()
    below = samples[samples < highest].max(initial=-np.inf)
    is_highest: NDArray[np.bool_] = samples == highest
    if highest > 0 and np.count_nonzero(is_highest) > _PILED * np.count_nonzero(samples == below):
        return is_highest
    return np.zeros_like(is_highest)


def cancelled_decibels(samples: NDArray[np.float32]) -> float:
    """By how many dB the mean of the channels is below them, where they are in antiphase; else 0.

    Channels without a relation lose 3 dB in the mean of two; those in antiphase cancel each other.

    Args:
        samples: (frames, channels).
    """
    channels = samples.shape[1]
    power = float(np.square(samples).mean(dtype=np.float64))
    mean = sum(samples.T) / np.float32(channels)  # several times as fast as the mean over an axis of two
    mean_power = float(np.square(mean).mean(dtype=np.float64))
    if channels == 1 or power == 0 or mean_power > _CANCELLED / channels * power:
        return 0.0
    return -float(10 * np.log10(mean_power / power)) if mean_power else np.inf
