"""The bootstrap compared with a loop over samples, and the coverage of its interval."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.metrics.bootstrap import bootstrap, places_drawn, times_drawn
from yardbird.metrics.estimates import Estimate, percentile_interval
from yardbird.music.score import Floats, Ints


@given(st.integers(1, 12), st.integers(1, 20), st.integers(0, 5))
def test_every_sample_has_as_many_groups_as_there_are(groups: int, samples: int, seed: int) -> None:
    times = times_drawn(groups, samples, np.random.default_rng(seed))
    places = places_drawn(groups, samples, np.random.default_rng(seed))
    assert times.shape == places.shape == (samples, groups)
    assert (times.sum(axis=1) == groups).all()
    assert set(places.ravel()) <= set(range(groups))
    fewer = times_drawn(groups, samples, np.random.default_rng(seed), taken=groups - 1)
    assert (fewer.sum(axis=1) == groups - 1).all()


def test_the_statistics_of_samples_equal_those_of_a_loop() -> None:
    """A loop over the samples, group by group, in two strata."""
    above, below = [np.array(values) for values in ([3.0, 1.0, 4.0], [1.0, 5.0, 9.0, 2.0])]

    def ratio(*times: Ints) -> Floats:
        return (times[0] @ above) / (times[1] @ below)

    drawn = bootstrap(ratio, [3, 4], 50, np.random.default_rng(7))
    random = np.random.default_rng(7)
    strata = [random.multinomial(len(own), [1 / len(own)] * len(own), size=50) for own in (above, below)]
    for sample, value in enumerate(drawn):
        numerator, denominator = (
            sum(value for value, times in zip(own, stratum[sample], strict=True) for _ in range(times))
            for own, stratum in zip((above, below), strata, strict=True)
        )
        assert value == pytest.approx(numerator / denominator)


def test_both_sampling_methods_have_the_same_distribution() -> None:
    values = np.random.default_rng(0).normal(size=15)
    by_times = bootstrap(lambda times: times @ values / 15, [15], 20_000, np.random.default_rng(1))
    by_place = bootstrap(
        lambda places: values[places].mean(axis=1), [15], 20_000, np.random.default_rng(2), places_drawn
    )
    assert percentile_interval(by_times) == pytest.approx(percentile_interval(by_place), abs=0.02)


@pytest.mark.slow
def test_the_interval_over_groups_has_95_percent_coverage_and_that_over_single_solos_less() -> None:
    """Forty tunes of four similar solos each: the solos of a tune are not independent observations."""
    random, held = np.random.default_rng(0), []
    for _ in range(300):
        solos = random.normal(size=(40, 1)) + 0.3 * random.normal(size=(40, 4))
        found = []
        for groups in (solos.mean(axis=1), solos.ravel()):
            draws = bootstrap(lambda times, own=groups: times @ own / len(own), [len(groups)], 400, random)
            found.append(Estimate.drawn(float(groups.mean()), draws))
        held.append([one.span[0] <= 0 <= one.span[1] for one in found])
    by_tune, by_solo = np.mean(held, axis=0)
    assert 0.9 < by_tune < 0.98
    assert by_solo < 0.75


def test_a_paired_difference_has_a_narrower_interval_than_separate_samples() -> None:
    hard = np.random.default_rng(0).normal(5, 3, size=30)
    better = hard - 0.5 + np.random.default_rng(1).normal(0, 0.1, size=30)
    paired = bootstrap(lambda times: times @ (hard - better) / 30, [30], 1000, np.random.default_rng(2))
    apart = bootstrap(lambda one, other: (one @ hard - other @ better) / 30, [30, 30], 1000, np.random.default_rng(2))
    (low, high), (least, most) = percentile_interval(paired), percentile_interval(apart)
    assert 0.4 < low < 0.5 < high < 0.6
    assert least < 0 < 1 < most
