"""Intervals, sensitivity and power against formulas written out, published examples and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from yardbird.blindtest import statistics
from yardbird.blindtest.statistics import (
    difference,
    power,
    redrawn_shares,
    sensitivity,
    votes_needed,
    z_of,
)
from yardbird.metrics.estimates import Estimate, share

counts = st.integers(1, 300).flatmap(lambda votes: st.tuples(st.integers(0, votes), st.just(votes)))


@given(counts)
def test_a_share_has_the_interval_that_wilson_writes_down(count: tuple[int, int]) -> None:
    yes, votes = count
    z, rate = 1.959963984540054, yes / votes
    middle = (rate + z**2 / (2 * votes)) / (1 + z**2 / votes)
    reach = z / (1 + z**2 / votes) * math.sqrt(rate * (1 - rate) / votes + z**2 / (4 * votes**2))
    found = share(yes, votes)
    assert (found.value, found.low, found.high) == pytest.approx((rate, middle - reach, middle + reach), abs=1e-9)


def test_a_difference_has_the_interval_of_newcombes_own_example() -> None:
    """56 of 70 against 48 of 80: table II of the paper."""
    found = difference(56, 70, 48, 80)
    assert (found.value, found.low, found.high) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@given(counts, counts)
def test_a_difference_turned_round_changes_its_sign_only(a: tuple[int, int], b: tuple[int, int]) -> None:
    there, back = difference(*a, *b), difference(*b, *a)
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


def test_the_interval_of_sensitivity_holds_the_truth_about_nineteen_times_of_twenty() -> None:
    rng = np.random.default_rng(0)
    held = [
        sensitivity(hits, 120, alarms, 120)
        for hits, alarms in zip(rng.binomial(120, 0.7, 1000), rng.binomial(120, 0.4, 1000), strict=True)
    ]
    truth = norm.ppf(0.7) - norm.ppf(0.4)
    assert 0.93 < np.mean([one.low <= truth <= one.high for one in held]) < 0.975


def votes_on(clips: int, listeners: int, rng: np.random.Generator) -> np.ndarray:
    """Answers, shape (listeners, clips), of whom some say Yes more often than others, and to some clips more often.

    On a normal scale: 0.2 and the listener's own (σ = 0.4) and the clip's own (σ = 0.8).
    """
    pull = 0.2 + 0.4 * rng.normal(size=(listeners, 1)) + 0.8 * rng.normal(size=clips)
    return rng.random((listeners, clips)) < norm.cdf(pull)


@pytest.mark.parametrize(("clips", "listeners"), [(6, 200), (6, 10), (12, 30)])
def test_the_interval_of_other_clips_and_listeners_holds_the_truth_where_that_of_independent_votes_does_not(
    clips: int, listeners: int
) -> None:
    """Two sources of the same kind: with few clips and many listeners Newcombe's interval tells them apart."""
    rng, held = np.random.default_rng(0), []
    truth = norm.cdf(0.2 / math.sqrt(1 + 0.4**2 + 0.8**2))
    for _ in range(200):
        answers = {"a": votes_on(clips, listeners, rng), "b": votes_on(clips, listeners, rng)}
        size, (a, b) = clips * listeners, (int(answers[source].sum()) for source in "ab")
        drawn = redrawn_shares(answers, int(rng.integers(1_000_000)))
        wilson, newcombe, d_prime = share(a, size), difference(a, size, b, size), sensitivity(a, size, b, size)
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
    assert (rates[3:] > 0.88).all(), "of six clips one cannot ask for more"


def test_redrawn_shares_are_those_of_a_loop_over_listeners_and_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    answers = {"a": votes_on(3, 5, rng), "b": votes_on(4, 5, rng)}
    monkeypatch.setattr(statistics, "DRAWS", 7)
    drawn = redrawn_shares(answers, 0)
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


def test_redrawn_shares_depend_on_the_seed_and_a_source_more_changes_no_other() -> None:
    rng = np.random.default_rng(0)
    answers = {source: votes_on(6, 20, rng) for source in "abc"}
    both = {source: answers[source] for source in "ab"}
    assert np.array_equal(redrawn_shares(answers, 0)["b"], redrawn_shares(both, 0)["b"])
    assert not np.array_equal(redrawn_shares(both, 0)["b"], redrawn_shares(both, 1)["b"])


def test_an_interval_is_widened_and_never_made_narrower() -> None:
    """Four votes that all agree have no spread to draw from, and prove nothing."""
    assert share(4, 4).widened(np.ones(1000)) == share(4, 4)
    assert Estimate(0.5, 0.4, 0.6).widened(np.linspace(0, 1, 1001)) == Estimate(0.5, 0.025, 0.975)


def test_power_is_how_often_a_simulated_test_finds_the_difference() -> None:
    rng = np.random.default_rng(0)
    votes = 1500  # many: shares of few take few values
    a, b = rng.binomial(votes, 0.6, 20_000) / votes, rng.binomial(votes, 0.55, 20_000) / votes
    z = (np.arcsin(np.sqrt(a)) - np.arcsin(np.sqrt(b))) * 2 * math.sqrt(votes / 2)
    assert power(0.6, 0.05, votes, votes) == pytest.approx(np.mean(np.abs(z) > 1.96), abs=0.015)


@given(st.floats(0, 1), st.floats(0.02, 0.5))
def test_the_votes_needed_are_the_fewest_with_that_power(rate: float, smallest: float) -> None:
    votes = votes_needed(rate, smallest)
    assert power(rate, smallest, votes, votes) >= 0.8 - 1e-6
    assert votes == 1 or power(rate, smallest, votes - 1, votes - 1) < 0.8 + 1e-6
