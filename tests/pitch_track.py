"""The pitch that sounds at each moment of a monophonic recording: YIN (de Cheveigné & Kawahara 2002, JASA 111, 1917).

The difference function, its cumulative mean normalisation, the absolute threshold and the parabolic interpolation are
those of the paper (its steps 2 to 5), for all frames at once; the best local estimate (step 6) is left out.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LOWEST_HZ, HIGHEST_HZ = 36.0, 1800.0  # below a double bass's E, above a soprano saxophone
_WINDOW_SECONDS = 0.064
_THRESHOLD = 0.15  # the first dip below is the period
_APERIODIC = 0.3  # no dip below: unvoiced
_QUIET = 10 ** (-35 / 20)  # against the loudest frame: unvoiced

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PitchTrack:
    """Of every frame, (frames,): the likeliest pitch in Hz, and is there one at all."""

    hertz: Floats
    voiced: NDArray[np.bool_]


def track_pitch(samples: NDArray[np.float32], sample_rate: int, *, hop: int) -> PitchTrack:
    """Track the pitch of `samples`, shape (n,), in frames centred at 0, hop, 2·hop, … samples; n // hop of them."""
    window = round(_WINDOW_SECONDS * sample_rate)
    longest, shortest = int(sample_rate / LOWEST_HZ) + 2, int(sample_rate / HIGHEST_HZ)
    count = len(samples) // hop
    if not count:
        return PitchTrack(np.zeros(0), np.zeros(0, dtype=bool))
    reach = window + longest
    padded = np.pad(samples.astype(np.float64), (reach // 2, reach))
    frames = np.lib.stride_tricks.sliding_window_view(padded, reach)[: count * hop : hop]
    dips = _normalised_difference(frames, window, longest)
    lags = _first_dip(dips, shortest)
    rows = np.arange(count)
    left, middle, right = (dips[rows, lags + offset] for offset in (-1, 0, 1))
    curvature = left - 2 * middle + right
    shift = np.divide(left - right, 2 * curvature, out=np.zeros(count), where=curvature > 1e-12)
    loudness = np.sqrt((frames[:, longest // 2 : longest // 2 + window] ** 2).mean(axis=1))
    voiced = (middle < _APERIODIC) & (loudness > max(_QUIET * loudness.max(), 1e-6))
    return PitchTrack(sample_rate / (lags + np.clip(shift, -1, 1)), voiced)


def _normalised_difference(frames: Floats, window: int, longest: int) -> Floats:
    """d'(τ) for τ = 0 … longest − 1, equation 8 of the paper; (frames, longest)."""
    size = 1 << (frames.shape[1] - 1).bit_length()
    spectrum = np.fft.rfft(frames, size)
    start = np.fft.rfft(frames[:, :window], size)
    products = np.fft.irfft(spectrum * start.conj(), size)[:, :longest]
    energy = np.pad((frames**2).cumsum(axis=1), ((0, 0), (1, 0)))
    energies = energy[:, window : window + longest] - energy[:, :longest]
    difference = np.maximum(energies[:, :1] + energies - 2 * products, 0)
    lags = np.arange(1, longest)
    mean = difference[:, 1:].cumsum(axis=1) / lags
    normalised = np.divide(difference[:, 1:], mean, out=np.ones_like(mean), where=mean > 1e-12)
    return np.concatenate([np.ones((len(frames), 1)), normalised], axis=1)


def _first_dip(dips: Floats, shortest: int) -> NDArray[np.int64]:
    """The bottom of the first dip below the threshold, or of the deepest; an index with a neighbour on both sides."""
    lags = np.arange(dips.shape[1])
    inside = (lags >= shortest) & (lags < dips.shape[1] - 1)
    below = (dips < _THRESHOLD) & inside
    first = np.where(below.any(axis=1), below.argmax(axis=1), dips.shape[1])
    rising = np.concatenate([dips[:, 1:] >= dips[:, :-1], np.ones((len(dips), 1), dtype=bool)], axis=1)
    bottom = (rising & inside & (lags >= first[:, None])).argmax(axis=1)
    deepest = np.where(inside, dips, np.inf).argmin(axis=1)
    chosen: NDArray[np.int64] = np.where(bottom > 0, bottom, deepest)
    return chosen
