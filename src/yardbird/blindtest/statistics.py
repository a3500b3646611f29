"""Statistics of the votes: intervals of shares, opinions and differences, sensitivity, power, strengths.

Votes on one clip are correlated, and so are those of one listener: a thousand votes on six clips say little about a
seventh. The formulas here assume independent votes, each with a new clip and a new listener. `redrawn_means` does not;
base conclusions on its intervals.
"""

import math
from collections.abc import Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr, ndtri, stdtrit

from yardbird.metrics.bootstrap import times_drawn
from yardbird.metrics.estimates import Estimate
from yardbird.music.score import Floats
from yardbird.seeds import generator

DRAWS = 1000
_MAX_STEPS, _LONGEST_STEP = 200, 1.0  # of Newton's method, in logits
_Z = float(ndtri(0.975))
Rate = TypeVar("Rate", float, Floats)


def opinion(values: Floats, bounds: tuple[int, int]) -> Estimate:
    """The mean of opinions within `bounds`, shape (listeners, clips), at least one, with the interval of Student's t.

    Its variance includes one vote at each bound, so that votes that all agree have an interval too (the idea is that of
    Agresti & Coull for shares, American Statistician 52, 1998). The interval stays within the bounds.
    """
    reach = float(stdtrit(values.size + 1, 0.975)) * float(np.std([*values.flat, *bounds], ddof=1)) / values.size**0.5
    mean = float(np.mean(values))
    return Estimate(mean, max(bounds[0], mean - reach), min(bounds[1], mean + reach), values.size)


def difference(a: Estimate, b: Estimate) -> Estimate:
    """a − b for two independent estimates, from their intervals.

    For shares it is the interval of Newcombe (Statistics in Medicine 17, 1998, method 10), which Zou & Donner
    (Statistics in Medicine 27, 2008) extend to other estimates.
    """
    (a_low, a_high), (b_low, b_high) = a.span, b.span
    apart, votes = a.value - b.value, (a.n or 0) + (b.n or 0)
    low = apart - math.hypot(a.value - a_low, b_high - b.value)
    return Estimate(apart, low, apart + math.hypot(a_high - a.value, b.value - b_low), votes)


def sensitivity(hits: int, signals: int, false_alarms: int, noises: int) -> Estimate:
    """d′ = z(hit rate) − z(false alarm rate): 0 if listeners cannot distinguish the two, 1 or more if they can.

    Rates have the log-linear correction (n + ½) / (N + 1), because a rate of 0 or 1 has no z (Hautus, Behavior Research
    Methods 27, 1995). The interval is that of Gourevitch & Galanter (Psychometrika 32, 1967).
    """
    value = float(z_of(hits / signals, signals) - z_of(false_alarms / noises, noises))
    variance = 0.0
    for yes, votes in ((hits, signals), (false_alarms, noises)):
        rate = _corrected(yes / votes, votes)
        density = math.exp(-(float(ndtri(rate)) ** 2) / 2) / math.sqrt(math.tau)
        variance += rate * (1 - rate) / ((votes + 1) * density**2)
    reach = _Z * math.sqrt(variance)
    return Estimate(value, value - reach, value + reach, signals + noises)


def z_of(rate: Rate, votes: int) -> Rate:
    """The normal quantile of one rate or of many, over `votes` votes, with the log-linear correction."""
    z: Rate = ndtri(_corrected(rate, votes))
    return z


def _corrected(rate: Rate, votes: int) -> Rate:
    return (rate * votes + 0.5) / (votes + 1)


def redrawn_means(values: Mapping[str, Floats], seed: int) -> dict[str, Floats]:
    """The mean vote on every source in `DRAWS` bootstrap samples of listeners and clips: source → (draws,).

    Listeners are resampled jointly for all sources, clips separately for each source: the pigeonhole bootstrap (Owen,
    Annals of Applied Statistics 1, 2007), whose intervals are rather too wide. n − 1 of n are drawn; with n, the
    variance of few clips would be underestimated (Rao & Wu, JASA 83, 1988).

    Args:
        values: source → votes as numbers, shape (listeners, clips), at least two of each.
    """
    listeners = len(next(iter(values.values())))
    times_heard = _all_but_one(listeners, seed, "listeners")  # shape (draws, listeners)
    return {
        source: np.sum(times_heard @ votes * _all_but_one(votes.shape[1], seed, "clips", source), axis=1)
        / ((listeners - 1) * (votes.shape[1] - 1))
        for source, votes in values.items()
    }


def _all_but_one(count: int, seed: int, *names: str) -> NDArray[np.int64]:
    """How often each of `count` items is among `count` − 1 drawn with replacement: shape (draws, count)."""
    return times_drawn(count, DRAWS, generator(seed, "blind_test", "bootstrap", *names), taken=count - 1)


def power(rate: float, smallest: float, votes_a: int, votes_b: int) -> float:
    """The power of a two-sided test at 5 % to detect a share that differs by `smallest` from `rate`, towards ½.

    It uses Cohen's effect size h, the difference of the arcsines (Statistical Power Analysis, 1988, chapter 6). It
    assumes a new clip and listener for each vote; the same number of votes on few clips has less power.
    """
    h = _effect(rate, smallest)
    shift = h * math.sqrt(votes_a * votes_b / (votes_a + votes_b))
    return float(ndtr(shift - _Z) + ndtr(-shift - _Z))


def votes_needed(rate: float, smallest: float, wanted_power: float = 0.8) -> int:
    """The fewest votes on each of two sources, each vote on a new clip, at which `power` is `wanted_power`."""
    h = _effect(rate, smallest)
    return math.ceil(2 * ((_Z + float(ndtri(wanted_power))) / h) ** 2)


def _effect(rate: float, smallest: float) -> float:
    other = rate - smallest if rate >= 0.5 else rate + smallest
    return abs(2 * math.asin(math.sqrt(rate)) - 2 * math.asin(math.sqrt(other)))


def strengths(wins: Floats) -> Floats:
    """The strengths of the model of Bradley & Terry (Biometrika 39, 1952), in logits relative to the first source.

    A source that is stronger by x wins a comparison with probability 1 / (1 + exp(−x)). Newton's method maximises the
    likelihood, without a penalty: a source that wins or loses every comparison has no finite strength, so add ½ to the
    wins of both sources of every comparison first.

    Args:
        wins: how often source i won against source j, shape (..., sources, sources), zero on the diagonal.

    Returns:
        Shape (..., sources).
    """
    played, log = wins + np.swapaxes(wins, -1, -2), np.zeros(wins.shape[:-1])
    for _ in range(_MAX_STEPS):
        rate = expit(log[..., :, None] - log[..., None, :])
        slope = np.sum(wins - played * rate, axis=-1)
        curve = played * rate * (1 - rate)
        hessian = curve.sum(axis=-1)[..., None] * np.eye(wins.shape[-1]) - curve
        step = np.linalg.solve(hessian[..., 1:, 1:], slope[..., 1:, None])[..., 0]
        step = np.clip(step, -_LONGEST_STEP, _LONGEST_STEP)  # far from the maximum, a full step may lead away from it
        log[..., 1:] += step
        if np.max(np.abs(step)) < 1e-9:
            break
    return log
