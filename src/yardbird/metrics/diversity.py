"""The diversity of a set of solos: the Vendi score (Friedman & Dieng 2023, arXiv 2210.02410).

    vendi_score   exp(−Σ λ ln λ) over the eigenvalues λ of K / n, where K holds the similarities of n solos

It is the effective number of different solos: 1 if all are alike, n if no two have anything in common. The similarity
of two solos is the cosine of their counts of figures: two successive intervals, in any key and rhythm. Intervals over
an octave count as octaves. A solo of fewer than three notes has no figures and is left out.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from yardbird.metrics.bootstrap import places_drawn
from yardbird.metrics.estimates import Estimate, Results, percentile_interval
from yardbird.music.score import Floats, Ints, Score
from yardbird.seeds import Streams

VENDI = "vendi_score"
_OCTAVE = 12
_INTERVALS = 2 * _OCTAVE + 1
_DRAWS = 200
_ROUNDING = 1e-12  # eigenvalues below it are 0


def diversity_of(sets: Mapping[str, Sequence[Score]], streams: Streams) -> Results:
    """The Vendi score of each set with two or more solos, all at the size of the smallest, with a 95 % interval.

    The score grows with the number of solos. A larger set has the mean over random subsets of that size. The interval
    is over solos drawn with replacement. Repetitions reduce the diversity, and this bias, the mean of the draws − the
    score, is subtracted.

    Args:
        streams: random streams of the draws, by the name of the set.
    """
    figures = {name: _figures(solos) for name, solos in sets.items()}
    alike = {name: own @ own.T for name, own in figures.items() if len(own) > 1}
    size = min(map(len, alike.values()), default=0)
    results: Results = {}
    for name, similarities in alike.items():
        random, solos = streams("diversity", name), len(similarities)
        subsets = random.permuted(np.tile(np.arange(solos), (_DRAWS if solos > size else 1, 1)), axis=1)[:, :size]
        score = float(_scores(similarities, subsets).mean())
        draws = _scores(similarities, places_drawn(solos, _DRAWS, random)[:, :size])
        low, high = percentile_interval(draws - (draws.mean() - score))
        results[name] = {VENDI: Estimate(score, max(low, 1.0), min(high, float(size)), size)}
    return results


def vendi_score(similarities: Floats) -> float:
    """The effective number of items, 1 … n, from a positive semidefinite matrix (n, n) with 1 on the diagonal."""
    shares = np.linalg.eigvalsh(similarities / len(similarities))
    shares = shares[shares > _ROUNDING]
    return float(np.exp(-(shares * np.log(shares)).sum()))


def _scores(similarities: Floats, drawn: Ints) -> Floats:
    return np.array([vendi_score(similarities[np.ix_(places, places)]) for places in drawn])


def _figures(solos: Sequence[Score]) -> Floats:
    """Counts of the figures of each solo that has any, as vectors of length 1: (solos, figures)."""
    rows = []
    for solo in solos:
        intervals = np.clip(np.diff(solo.pitches), -_OCTAVE, _OCTAVE) + _OCTAVE
        counts = np.bincount(intervals[:-1] * _INTERVALS + intervals[1:], minlength=_INTERVALS**2)
        if len(intervals) > 1:
            rows.append(counts / np.linalg.norm(counts))
    return np.array(rows).reshape(-1, _INTERVALS**2)
