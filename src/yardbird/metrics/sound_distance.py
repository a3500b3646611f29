"""Distances of two sets of sounds, given by their embeddings: the Fréchet and the kernel audio distance.

An embedding is one or more vectors for each sound, (vectors, dimensions). The vectors of one sound are not independent:
intervals resample whole sounds, and the kernel distance leaves out the pairs within a sound. The sounds that a set is
compared with are not resampled.
"""

import math
from collections.abc import Sequence

import numpy as np

from yardbird.metrics.bootstrap import bootstrap, places_drawn, times_drawn
from yardbird.metrics.estimates import Estimate, percentile_interval
from yardbird.metrics.frechet import frechet_distance
from yardbird.music.score import Floats, Ints

_PERCENT = 100  # the published unit of the kernel distance
_MOST = 2000  # vectors, for the width of the kernel


def frechet_audio_distance(
    sounds: Sequence[Floats], real: Sequence[Floats], samples: int, random: np.random.Generator
) -> Estimate:
    """The Fréchet audio distance (Kilgour et al. 2019), with its 95 % interval. Vectors are pooled in each set.

    A sample with repetitions has less variety than the set itself and so a greater distance. This bias, the mean of the
    samples − the distance, is subtracted. Source of the bias: Efron & Tibshirani 1993, ch. 10.
    """
    others = np.concatenate(real)

    def distances(drawn: Ints) -> Floats:
        return np.array([frechet_distance(np.concatenate([sounds[place] for place in row]), others) for row in drawn])

    distance = frechet_distance(np.concatenate(sounds), others)
    draws = bootstrap(distances, [len(sounds)], samples, random, places_drawn)
    low, high = percentile_interval(draws - (draws.mean() - distance))
    return Estimate(distance, max(low, 0.0), max(high, 0.0), len(sounds))


def kernel_audio_distance(
    sounds: Sequence[Floats], real: Sequence[Floats], samples: int, random: np.random.Generator
) -> Estimate:
    """The kernel audio distance (Chung et al. 2025, arXiv 2502.15602), with its 95 % interval: 100 · the unbiased
    squared maximum mean discrepancy (Gretton et al. 2012).

        mean k(x, x′) + mean k(y, y′) − 2 · mean k(x, y),   k(x, y) = exp(−‖x − y‖² / 2σ²)

    x and x′ are vectors of two sounds of a set, y and y′ of two real ones; σ is the median distance of real vectors.
    Unlike the Fréchet distance, it does not grow when the sets become smaller; for equal distributions it is 0 on
    average, and negative for every second sample. The kernel distance of kadtk, which has one vector for each sound, is
    the same. NaN if a set has fewer than two sounds; without interval for two sounds, which have one pair.
    """
    if min(len(sounds), len(real)) < 2:
        return Estimate(math.nan, n=len(sounds))
    width = _width(np.concatenate(real))
    pairs = ((sounds, sounds), (real, real), (sounds, real))
    own, others, across = (_similarities(first, second, width) for first, second in pairs)
    among_real = float(_mean_of_pairs(np.ones((1, len(real))), others)[0])

    def distances(times: Ints | Floats) -> Floats:
        between = times @ across.mean(axis=1) / times.sum(axis=1)
        drawn: Floats = _PERCENT * (_mean_of_pairs(times, own) + among_real - 2 * between)
        return drawn

    distance = float(distances(np.ones((1, len(sounds))))[0])
    if len(sounds) == 2:
        return Estimate(distance, n=2)
    draws = bootstrap(distances, [len(sounds)], samples, random, times_drawn)
    return Estimate.drawn(distance, draws[np.isfinite(draws)], len(sounds))


def _mean_of_pairs(times: Ints | Floats, similarities: Floats) -> Floats:
    """The mean over pairs of different sounds, each sound counted as often as drawn: (draws, sounds) → (draws,).

    NaN for a draw of a single sound.
    """
    apart = similarities - np.diag(np.diag(similarities))
    pairs = times.sum(axis=1) ** 2 - (times**2).sum(axis=1)
    means: Floats = ((times @ apart) * times).sum(axis=1) / np.where(pairs > 0, pairs, np.nan)
    return means


def _similarities(first: Sequence[Floats], second: Sequence[Floats], width: float) -> Floats:
    """The mean of the kernel over all pairs of vectors of two sounds: (first sounds, second sounds)."""

    from scipy.spatial.distance import cdist

    vectors, counts = np.concatenate(second), np.array([len(sound) for sound in second])
    starts = np.cumsum(counts) - counts
    rows = []
    for sound in first:  # one at a time: the kernel of all vectors of two large sets needs gigabytes
        kernel = np.exp(-cdist(sound, vectors, "sqeuclidean") / (2 * width**2)).mean(axis=0)
        rows.append(np.add.reduceat(kernel, starts) / counts)
    return np.array(rows)


def _width(vectors: Floats) -> float:
    """The median distance of two vectors, of at most `_MOST` evenly spaced ones; 1 if they are all equal."""

    from scipy.spatial.distance import pdist

    some = vectors[:: -(-len(vectors) // _MOST)]
    return float(np.median(pdist(some))) or 1.0
