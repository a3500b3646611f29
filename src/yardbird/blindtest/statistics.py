"""How sure one can be: intervals of shares and of their differences, sensitivity, power.

All take the votes as independent. Those of one listener, and those on one clip, are somewhat alike: the intervals are a
little too narrow where few listeners judge many clips.
"""

import math
from dataclasses import dataclass

from scipy.stats import binomtest, norm

_Z = float(norm.ppf(0.975))


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float


def share(yes: int, votes: int) -> Estimate:
    """The share of `yes` among at least one vote, with Wilson's score interval (JASA 22, 1927)."""
    interval = binomtest(yes, votes).proportion_ci(confidence_level=0.95, method="wilson")
    return Estimate(yes / votes, float(interval.low), float(interval.high))


def difference(yes_a: int, votes_a: int, yes_b: int, votes_b: int) -> Estimate:
    """Share a − share b, its interval made of Wilson's two (Newcombe, Statistics in Medicine 17, 1998, method 10)."""
    a, b = share(yes_a, votes_a), share(yes_b, votes_b)
    apart = a.value - b.value
    low = apart - math.hypot(a.value - a.low, b.high - b.value)
    return Estimate(apart, low, apart + math.hypot(a.high - a.value, b.value - b.low))


def sensitivity(hits: int, signals: int, false_alarms: int, noises: int) -> Estimate:
    """d′ = z(hit rate) − z(false alarm rate): 0 where listeners cannot tell the two apart, 1 and more where they can.

    Rates have the log-linear correction, (n + ½) / (N + 1), without which a rate of 0 or 1 has no z (Hautus, Behavior
    Research Methods 27, 1995). The interval is that of Gourevitch & Galanter (Psychometrika 32, 1967).
    """
    value, variance = 0.0, 0.0
    for sign, yes, votes in ((1, hits, signals), (-1, false_alarms, noises)):
        rate = (yes + 0.5) / (votes + 1)
        z = float(norm.ppf(rate))
        value += sign * z
        variance += rate * (1 - rate) / ((votes + 1) * float(norm.pdf(z)) ** 2)
    reach = _Z * math.sqrt(variance)
    return Estimate(value, value - reach, value + reach)


def power(rate: float, smallest: float, votes_a: int, votes_b: int) -> float:
    """The chance that a two-sided test at 5 % finds a share that is `smallest` away from `rate`, towards ½ and beyond.

    By Cohen's effect size h, the difference of the arcsines (Statistical Power Analysis, 1988, chapter 6).
    """
    h = _effect(rate, smallest)
    shift = h * math.sqrt(votes_a * votes_b / (votes_a + votes_b))
    return float(norm.cdf(shift - _Z) + norm.cdf(-shift - _Z))


def votes_needed(rate: float, smallest: float, wanted_power: float = 0.8) -> int:
    """The least number of votes on each of two sources at which `power` is `wanted_power`."""
    h = _effect(rate, smallest)
    return math.ceil(2 * ((_Z + float(norm.ppf(wanted_power))) / h) ** 2)


def _effect(rate: float, smallest: float) -> float:
    other = rate - smallest if rate >= 0.5 else rate + smallest
    return abs(2 * math.asin(math.sqrt(rate)) - 2 * math.asin(math.sqrt(other)))
