"""Intervals, sensitivity and power compared with explicit formulas, published examples and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.stats import norm

from yardbird.blindtest import statistics
from yardbird.blindtest.statistics import (
    difference,
    opinion,
    power,
    redrawn_means,
    sensitivity,
    strengths,
    votes_needed,
    z_of,
)
from yardbird.metrics.estimates import Estimate, share

counts = st.integers(1, 300).flatmap(lambda votes: st.tuples(st.integers(0, votes), st.just(votes)))


@given(counts)
def test_a_share_has_wilsons_interval(count: tuple[int, int]) -> None:
    yes, votes = count
    z, rate = 1.959963984540054, yes / votes
    middle = (rate + z**2 / (2 * votes)) / (1 + z**2 / votes)
    reach = z / (1 + z**2 / votes) * math.sqrt(rate * (1 - rate) / votes + z**2 / (4 * votes**2))
    found = share(yes, votes)
    assert (found.value, found.low, found.high) == pytest.approx((rate, middle - reach, middle + reach), abs=1e-9)


def test_a_difference_has_the_interval_of_newcombes_example() -> None:
    """56 of 70 compared with 48 of 80: table II of the paper."""
    found = difference(share(56, 70), share(48, 80))
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@given(counts, counts)
def test_a_reversed_difference_changes_only_its_sign(a: tuple[int, int], b: tuple[int, int]) -> None:
    there, back = difference(share(*a), share(*b)), difference(share(*b), share(*a))
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low))


def test_sensitivity_is_zero_for_equal_rates_and_grows_with_their_distance() -> None:
    assert sensitivity(30, 60, 30, 60).value == 0
    close, far = sensitivity(40, 60, 30, 60), sensitivity(55, 60, 5, 60)
    assert 0 < close.value < far.value
    assert far.low > 0


def test_sensitivity_of_many_votes_is_the_difference_of_the_normal_quantiles() -> None:
    votes = 1_000_000
    found = sensitivity(round(0.69146 * votes), votes, round(0.30854 * votes), votes)
    assert found.value == pytest.approx(1.0, abs=1e-3)


def test_sensitivity_of_perfect_listeners_is_finite() -> None:
    """(10 + ½) / 11 and ½ / 11: Hautus' correction."""
    assert sensitivity(10, 10, 0, 10).value == pytest.approx(2 * norm.ppf(10.5 / 11))


def test_the_interval_of_sensitivity_has_95_percent_coverage() -> None:
    rng = np.random.default_rng(0)
    held = [
        sensitivity(hits, 120, alarms, 120)
        for hits, alarms in zip(rng.binomial(120, 0.7, 1000), rng.binomial(120, 0.4, 1000), strict=True)
    ]
    truth = norm.ppf(0.7) - norm.ppf(0.4)
    assert 0.93 < np.mean([one.low <= truth <= one.high for one in held]) < 0.975


def votes_on(clips: int, listeners: int, rng: np.random.Generator) -> np.ndarray:
    """Answers, shape (listeners, clips), with a random effect for each listener and for each clip.

    On a probit scale: 0.2 plus the effect of the listener (σ = 0.4) plus that of the clip (σ = 0.8).
    """
    pull = 0.2 + 0.4 * rng.normal(size=(listeners, 1)) + 0.8 * rng.normal(size=clips)
    return rng.random((listeners, clips)) < norm.cdf(pull)


@pytest.mark.parametrize(
    ("clips", "listeners"),
    [pytest.param(6, 200, marks=pytest.mark.slow), (6, 10), pytest.param(12, 30, marks=pytest.mark.slow)],
)
def test_the_bootstrap_over_clips_and_listeners_has_coverage_and_independent_intervals_do_not(
    clips: int, listeners: int
) -> None:
    """For two equal sources with few clips and many listeners, Newcombe's interval finds a difference."""
    rng, held = np.random.default_rng(0), []
    truth = norm.cdf(0.2 / math.sqrt(1 + 0.4**2 + 0.8**2))
    for _ in range(200):
        answers = {"a": votes_on(clips, listeners, rng), "b": votes_on(clips, listeners, rng)}
        size, (a, b) = clips * listeners, (int(answers[source].sum()) for source in "ab")
        drawn = redrawn_means(answers, int(rng.integers(1_000_000)))
        wilson, newcombe, d_prime = (
            share(a, size),
            difference(share(a, size), share(b, size)),
            sensitivity(a, size, b, size),
        )
        told = [
            (wilson, truth),
            (newcombe, 0),
            (d_prime, 0),
            (wilson.widened(drawn["a"]), truth),
            (newcombe.widened(drawn["a"] - drawn["b"]), 0),
            (d_prime.widened(z_of(drawn["a"], size) - z_of(drawn["b"], size)), 0),
        ]
        held.append([estimate.span[0] <= value <= estimate.span[1] for estimate, value in told])
    rates = np.mean(held, axis=0)
    assert (rates[:3] < 0.8).all()
    assert (rates[3:] > 0.88).all(), "six clips do not allow a higher coverage"


def test_redrawn_means_are_those_of_a_loop_over_listeners_and_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    answers = {"a": votes_on(3, 5, rng), "b": votes_on(4, 5, rng)}
    monkeypatch.setattr(statistics, "DRAWS", 7)
    drawn = redrawn_means(answers, 0)
    listeners = statistics._all_but_one(5, 0, "listeners")
    assert (listeners.sum(axis=1) == 4).all()
    for source, votes in answers.items():
        clips = statistics._all_but_one(votes.shape[1], 0, "clips", source)
        for draw in range(7):
            heard = [
                votes[listener, clip]
                for listener in np.repeat(np.arange(5), listeners[draw])
                for clip in np.repeat(np.arange(votes.shape[1]), clips[draw])
            ]
            assert drawn[source][draw] == pytest.approx(np.mean(heard))


def test_redrawn_means_depend_on_the_seed_and_a_new_source_changes_no_other() -> None:
    rng = np.random.default_rng(0)
    answers = {source: votes_on(6, 20, rng) for source in "abc"}
    both = {source: answers[source] for source in "ab"}
    assert np.array_equal(redrawn_means(answers, 0)["b"], redrawn_means(both, 0)["b"])
    assert not np.array_equal(redrawn_means(both, 0)["b"], redrawn_means(both, 1)["b"])


def test_an_interval_is_never_narrowed() -> None:
    """Four votes that all agree have no variance to resample, but prove nothing."""
    assert share(4, 4).widened(np.ones(1000)) == share(4, 4)
    assert Estimate(0.5, 0.4, 0.6).widened(np.linspace(0, 1, 1001)) == Estimate(0.5, 0.025, 0.975)


def test_power_agrees_with_a_simulated_test() -> None:
    rng = np.random.default_rng(0)
    votes = 1500  # many, because shares of few votes have few values
    a, b = rng.binomial(votes, 0.6, 20_000) / votes, rng.binomial(votes, 0.55, 20_000) / votes
    z = (np.arcsin(np.sqrt(a)) - np.arcsin(np.sqrt(b))) * 2 * math.sqrt(votes / 2)
    assert power(0.6, 0.05, votes, votes) == pytest.approx(np.mean(np.abs(z) > 1.96), abs=0.015)


@given(st.floats(0, 1), st.floats(0.02, 0.5))
def test_the_votes_needed_are_the_fewest_with_that_power(rate: float, smallest: float) -> None:
    votes = votes_needed(rate, smallest)
    assert power(rate, smallest, votes, votes) >= 0.8 - 1e-6
    assert votes == 1 or power(rate, smallest, votes - 1, votes - 1) < 0.8 + 1e-6


def opinions(clips: int, listeners: int, rng: np.random.Generator, spread: float) -> np.ndarray:
    """Opinions from 1 to 5, shape (listeners, clips); `spread` is the standard deviation of listeners and of clips."""
    pull = 3.2 + spread * rng.normal(size=(listeners, 1)) + spread * rng.normal(size=clips)
    return np.clip(np.round(pull + rng.normal(size=(listeners, clips))), 1, 5)


def test_the_interval_of_an_opinion_covers_the_mean_of_independent_votes() -> None:
    rng = np.random.default_rng(0)
    truth = opinions(1, 1_000_000, rng, 0.0).mean()
    for listeners, clips in ((3, 2), (10, 4)):
        found = [opinion(opinions(clips, listeners, rng, 0.0), (1, 5)).span for _ in range(1000)]
        assert np.mean([low <= truth <= high for low, high in found]) > 0.94
    assert np.mean([low <= truth <= high for low, high in found]) < 0.99, "no wider than necessary for forty votes"


def test_an_opinion_without_variance_has_an_interval_within_the_scale() -> None:
    found = opinion(np.full((2, 2), 5.0), (1, 5))
    assert (found.value, found.high) == (5, 5)
    assert 2 < found.low < 4


@pytest.mark.parametrize(("clips", "listeners"), [pytest.param(6, 100, marks=pytest.mark.slow), (12, 20)])
def test_the_bootstrap_of_opinions_has_coverage_and_independent_intervals_do_not(clips: int, listeners: int) -> None:
    rng, held = np.random.default_rng(0), []
    truth = np.mean([opinions(100, 100, rng, 0.6).mean() for _ in range(50)])
    for _ in range(200):
        votes = opinions(clips, listeners, rng, 0.6)
        alone = opinion(votes, (1, 5))
        wide = alone.widened(redrawn_means({"a": votes}, int(rng.integers(1_000_000)))["a"])
        held.append([low <= truth <= high for low, high in (alone.span, wide.span)])
    independent, clustered = np.mean(held, axis=0)
    assert independent < 0.7
    assert clustered > 0.84, "six clips do not allow a higher coverage"


BASEBALL = np.array(  # wins in the American League of 1987, in the order of BASEBALL_STRENGTHS
    [
        [0, 7, 9, 7, 7, 9, 11],
        [6, 0, 7, 5, 11, 9, 9],
        [4, 6, 0, 7, 7, 8, 12],
        [6, 8, 6, 0, 6, 7, 10],
        [6, 2, 6, 7, 0, 7, 12],
        [4, 4, 5, 6, 6, 0, 6],
        [2, 4, 1, 3, 1, 7, 0],
    ]
)
BASEBALL_STRENGTHS = {
    "Milwaukee": 1.58, "Detroit": 1.44, "Toronto": 1.29, "New York": 1.25, "Boston": 1.11, "Cleveland": 0.68,
    "Baltimore": 0.0,
}  # fmt: skip


def test_strengths_are_those_of_the_published_example() -> None:
    """Agresti, Categorical Data Analysis, section 10.6: strengths relative to Baltimore."""
    found = strengths(BASEBALL.astype(float))
    assert found - found[-1] == pytest.approx(list(BASEBALL_STRENGTHS.values()), abs=0.006)


@given(st.integers(0, 1_000_000))
def test_strengths_have_the_likelihood_of_a_general_optimiser(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wins = rng.integers(0, 12, size=(3, 4, 4)) + 0.5
    wins[:, np.arange(4), np.arange(4)] = 0
    wins[0, 1, 2] = wins[0, 2, 1] = 0  # two that are never compared

    def loss(free: np.ndarray, one: np.ndarray) -> float:
        power = np.concatenate([[0], free])
        return sum(one[i, j] * math.log1p(math.exp(power[j] - power[i])) for i in range(4) for j in range(4) if i != j)

    for one, found in zip(wins, strengths(wins), strict=True):
        assert found[0] == 0
        slow = minimize(loss, np.zeros(3), args=(one,), method="BFGS", tol=1e-10)
        assert found[1:] == pytest.approx(slow.x, abs=1e-4)
