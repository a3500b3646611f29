"""Loudness: measurement, normalisation, and detection of clipping and of antiphase channels."""

import functools

import numpy as np
from numpy.typing import NDArray

SILENCE_DECIBELS = -60.0  # a recording with a lower peak has no sound
CEILING = 10 ** (-1 / 20)  # amplitude: no sample of a render or a clip is above −1 dB

# ITU-R BS.1770-4: blocks of 400 ms, each 100 ms after the one before
_HOP_SECONDS, _HOPS_PER_BLOCK = 0.1, 4
_OFFSET = -0.691  # dB: a sine of 997 Hz at full scale in one channel has −3.01 LUFS
_ABSOLUTE_GATE = 10 ** ((-70 - _OFFSET) / 10)  # power
_RELATIVE_GATE = 0.1  # of the mean power of the blocks above the absolute gate
_SHELF_HERTZ, _SHELF_Q = 1681.974450955533, 0.7071752369554196
_SHELF_GAIN, _BAND_EXPONENT = 10 ** (3.999843853973347 / 20), 0.4996667741545416
_HIGH_PASS_HERTZ, _HIGH_PASS_Q, _HIGH_PASS_GAIN = 38.13547087602444, 0.5003270373238773, 1.0049948987146884
_HOPS_AT_ONCE = 10  # filtered at once, so that long recordings need little memory

_FLAT = 1e-4  # of the peak: samples nearer to it count as clipped; two steps of 16 bits, which dither may add
_FLAT_RUN = 3  # samples; an unclipped wave has one or two at its peak
_TOP = 0.5  # of the peak: the levels above it show the resolution of the samples
_COARSE = 2e-3  # of the peak: the smallest step between two levels in 8 bits or µ-law; 16 bits have far smaller ones
_PILED = 4  # times as many samples at the highest level as at the one below; a sine in coarse levels has 2.4
_CANCELLED = 0.2  # of the power that the mean of uncorrelated channels has


def decibels(level: float) -> float:
    """An amplitude in dB below full scale."""
    return float(20 * np.log10(level)) if level > 0 else -np.inf


def integrated_loudness(samples: NDArray[np.float32], sample_rate: int) -> float:
    """The loudness of a whole sound in LUFS by ITU-R BS.1770-4; −inf if no block is above −70 LUFS.

    Blocks more than 10 LU below the mean of the others are not counted, so rests of a second do not matter. The
    standard does not define the loudness of a sound shorter than a block: here, that is one block. All channels count
    equally; the standard gives surround channels 1.5 dB more.

    Args:
        samples: (frames,) or (frames, channels).
        sample_rate: frames a second, at least 1000.
    """
    assert sample_rate >= 1000, "the filters have no meaning at such a rate"
    if not len(samples):
        return -np.inf
    hop, per_block = round(_HOP_SECONDS * sample_rate), _HOPS_PER_BLOCK
    if len(samples) < hop * per_block:
        hop, per_block = len(samples), 1
    power = _weighted_power(samples.reshape(len(samples), -1), sample_rate, hop)
    blocks = np.lib.stride_tricks.sliding_window_view(power, per_block).mean(axis=1)
    loud = blocks[blocks > _ABSOLUTE_GATE]
    if not len(loud):
        return -np.inf
    return float(_OFFSET + 10 * np.log10(loud[loud > _RELATIVE_GATE * loud.mean()].mean()))


def levelled(samples: NDArray[np.float32], sample_rate: int, loudness: float) -> NDArray[np.float32]:
    """Scale samples to a loudness, or to less if a peak would exceed −1 dB.

    Equal sounds at different levels become equal, because the loudness is measured at a peak of full scale. A sound
    whose blocks are silent even there, such as a click after seconds of silence, gets a peak of −1 dB.

    Args:
        samples: (frames,) or (frames, channels); silence stays silence.
        sample_rate: frames a second.
        loudness: in LUFS, e.g. −17.
    """
    peak = peak_of(samples)
    if peak == 0:
        return samples
    full_scale = samples / np.float32(peak)
    gain = min(10 ** ((loudness - integrated_loudness(full_scale, sample_rate)) / 20), CEILING)
    return full_scale * np.float32(gain)


def _weighted_power(samples: NDArray[np.float32], sample_rate: int, hop: int) -> NDArray[np.float64]:
    """The power of the K-weighted channels together, in every `hop` frames: (len(samples) // hop,)."""
    from scipy import signal

    sections = _k_weighting(sample_rate)
    state = np.zeros((len(sections), samples.shape[1], 2))
    powers, end = [], len(samples) // hop * hop
    for start in range(0, end, hop * _HOPS_AT_ONCE):
        piece = samples[start : min(end, start + hop * _HOPS_AT_ONCE)].T
        weighted, state = signal.sosfilt(sections, piece, zi=state)
        powers.append(np.square(weighted).reshape(len(piece), -1, hop).mean(axis=2).sum(axis=0))
    return np.concatenate(powers)


@functools.cache
def _k_weighting(sample_rate: int) -> NDArray[np.float64]:
    """The two filters of BS.1770 as second-order sections: a high shelf (the head), then a high pass.

    The standard has their coefficients at 48 kHz. Frequencies, Q and gains are those from which these follow by the
    bilinear transform.
    """
    shelf, high = (np.tan(np.pi * hertz / sample_rate) for hertz in (_SHELF_HERTZ, _HIGH_PASS_HERTZ))
    middle = _SHELF_GAIN**_BAND_EXPONENT * shelf / _SHELF_Q
    head = [_SHELF_GAIN + middle + shelf**2, 2 * (shelf**2 - _SHELF_GAIN), _SHELF_GAIN - middle + shelf**2]
    pass_ = [_HIGH_PASS_GAIN, -2 * _HIGH_PASS_GAIN, _HIGH_PASS_GAIN]
    sections = np.array([_section(head, shelf, _SHELF_Q), _section(pass_, high, _HIGH_PASS_Q)])
    return sections if sample_rate > 2 * _SHELF_HERTZ else sections[1:]  # below, no frequency is in the shelf


def _section(numerator: list[float], frequency: float, quality: float) -> list[float]:
    """A second-order section of scipy.signal, with the poles of an analog filter."""
    norm = 1 + frequency / quality + frequency**2
    denominator = [norm, 2 * (frequency**2 - 1), 1 - frequency / quality + frequency**2]
    return [value / norm for value in numerator + denominator]


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
