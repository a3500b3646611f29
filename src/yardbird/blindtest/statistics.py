"""How sure one can be: intervals of shares and of their differences, sensitivity, power.

Votes on one clip are alike, and so are those of one listener: a thousand votes on six clips say little of a seventh.
The formulas here take the votes as independent, each on a clip drawn anew by a listener drawn anew; `redrawn_shares`
does not, and its intervals are the ones to judge by.
"""

import math
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from yardbird.metrics.bootstrap import times_drawn
from yardbird.metrics.estimates import Estimate, share
from yardbird.music.score import Floats
from yardbird.seeds import generator

DRAWS = 1000
_Z = float(norm.ppf(0.975))
Rate = TypeVar("Rate", float, Floats)


def difference(yes_a: int, votes_a: int, yes_b: int, votes_b: int) -> Estimate:
    """Share a − share b, its interval made of Wilson's two (Newcombe, Statistics in Medicine 17, 1998, method 10)."""
    a, b = share(yes_a, votes_a), share(yes_b, votes_b)
    (a_low, a_high), (b_low, b_high) = a.span, b.span
    apart = a.value - b.value
    low = apart - math.hypot(a.value - a_low, b_high - b.value)
    return Estimate(apart, low, apart + math.hypot(a_high - a.value, b.value - b_low), votes_a + votes_b)


def sensitivity(hits: int, signals: int, false_alarms: int, noises: int) -> Estimate:
    """d′ = z(hit rate) − z(false alarm rate): 0 where listeners cannot tell the two apart, 1 and more where they can.

    Rates have the log-linear correction, (n + ½) / (N + 1), without which a rate of 0 or 1 has no z (Hautus, Behavior
    Research Methods 27, 1995). The interval is that of Gourevitch & Galanter (Psychometrika 32, 1967).
    """
    value = float(z_of(hits / signals, signals) - z_of(false_alarms / noises, noises))
    variance = 0.0
    for yes, votes in ((hits, signals), (false_alarms, noises)):
        rate = _corrected(yes / votes, votes)
        variance += rate * (1 - rate) / ((votes + 1) * float(norm.pdf(norm.ppf(rate))) ** 2)
    reach = _Z * math.sqrt(variance)
    return Estimate(value, value - reach, value + reach, signals + noises)


def z_of(rate: Rate, votes: int) -> Rate:
    """The normal quantile of a rate among so many votes, or of each of many, with the log-linear correction."""
    z: Rate = norm.ppf(_corrected(rate, votes))
    return z


def _corrected(rate: Rate, votes: int) -> Rate:
    return (rate * votes + 0.5) / (votes + 1)


def redrawn_shares(answers: Mapping[str, NDArray[np.bool_]], seed: int) -> dict[str, Floats]:
    """Every source's share of Yes as `DRAWS` repetitions with other listeners and other clips would give it.

    Listeners are drawn with replacement, the same for all sources, and so are clips, of each source for itself: the
    pigeonhole bootstrap (Owen, Annals of Applied Statistics 1, 2007), which errs on the wide side. Of n are drawn
    n − 1, without which six clips would seem to vary less than they do (Rao & Wu, JASA 83, 1988).

    Args:
        answers: source → votes, shape (listeners, clips), at least two of both.
    """
    listeners = len(next(iter(answers.values())))
    times_heard = _all_but_one(listeners, seed, "listeners")  # shape (draws, listeners)
    return {
        source: np.sum(times_heard @ votes * _all_but_one(votes.shape[1], seed, "clips", source), axis=1)
        / ((listeners - 1) * (votes.shape[1] - 1))
        for source, votes in answers.items()
    }


def _all_but_one(count: int, seed: int, *names: str) -> NDArray[np.int64]:
    """How often each of `count` is among `count` − 1 drawn with replacement: shape (draws, count)."""
    return times_drawn(count, DRAWS, generator(seed, "blind_test", "bootstrap", *names), taken=count - 1)


def power(rate: float, smallest: float, votes_a: int, votes_b: int) -> float:
    """The chance that a two-sided test at 5 % finds a share that is `smallest` away from `rate`, towards ½ and beyond.

    By Cohen's effect size h, the difference of the arcsines (Statistical Power Analysis, 1988, chapter 6). It holds for
    votes on clips drawn anew, each by another listener; so many votes on a few clips find less.
    """
    h = _effect(rate, smallest)
    shift = h * math.sqrt(votes_a * votes_b / (votes_a + votes_b))
    return float(norm.cdf(shift - _Z) + norm.cdf(-shift - _Z))


def votes_needed(rate: float, smallest: float, wanted_power: float = 0.8) -> int:
    """The least number of votes, on clips drawn anew, on each of two sources at which `power` is `wanted_power`."""
    h = _effect(rate, smallest)
    return math.ceil(2 * ((_Z + float(norm.ppf(wanted_power))) / h) ** 2)


def _effect(rate: float, smallest: float) -> float:
    other = rate - smallest if rate >= 0.5 else rate + smallest
    return abs(2 * math.asin(math.sqrt(rate)) - 2 * math.asin(math.sqrt(other)))
