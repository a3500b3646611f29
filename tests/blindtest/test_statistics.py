"""Intervals, sensitivity and power against formulas written out, published examples and simulation."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from yardbird.blindtest.statistics import difference, power, sensitivity, share, votes_needed

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
