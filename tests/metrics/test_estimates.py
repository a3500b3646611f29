import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.metrics.estimates import (
    ENDS,
    Estimate,
    Shown,
    SoloMean,
    as_csv,
    exact,
    flat,
    merged,
    percentile_interval,
    read,
    select,
    share,
    table,
)

NATS = {"nats": Estimate(3.0, 2.5, 3.5, 8), "accuracy": Estimate(0.5, n=8)}
bounded = st.tuples(st.floats(-9, 9), st.floats(0, 9), st.floats(0, 9)).map(
    lambda e: Estimate(e[0], e[0] - e[1], e[0] + e[2])
)
estimates = st.dictionaries(st.sampled_from(["nats", "gain", "f1"]), st.one_of(bounded, st.floats(-9, 9).map(Estimate)))


@given(estimates)
def test_flat_values_are_read_back_as_equal_estimates(found: dict[str, Estimate]) -> None:
    values = flat(found)
    assert {name: read(values, name) for name in found} == found
    assert read(values, "absent") is None


def test_an_interval_comes_right_after_its_value() -> None:
    assert list(flat(NATS).items()) == [("nats", 3.0), ("nats_low", 2.5), ("nats_high", 3.5), ("accuracy", 0.5)]
    assert list(flat(NATS, ["high"])) == ["nats", "nats_high", "accuracy"]
    assert list(flat(NATS, [])) == ["nats", "accuracy"]


def test_selected_metrics_are_in_the_order_of_the_list() -> None:
    assert list(select(NATS, [Shown(("accuracy",)), Shown(("nats",), ENDS)])) == [
        "accuracy", "nats", "nats_low", "nats_high",
    ]  # fmt: skip


def test_a_misspelt_metric_is_an_error_and_an_optional_one_may_be_missing_with_all_of_its_group() -> None:
    with pytest.raises(KeyError, match="no metric named nat; there are nats, accuracy"):
        select(NATS, [Shown(("nat",))])
    assert select(NATS, [Shown(("kl", "active_units"), optional=True)]) == {}
    with pytest.raises(KeyError, match="no metric named acuracy"):
        select(NATS, [Shown(("nats", "acuracy"), optional=True)])
    with pytest.raises(KeyError, match="there are none"):
        select({}, [Shown(("nats",))])


def test_a_metric_without_a_value_is_known_but_not_shown() -> None:
    assert select({"f1": SoloMean.of([])}, [Shown(("f1",))]) == {}


def test_a_metric_twice_in_a_row_is_an_error() -> None:
    assert merged({"a": NATS}, {"b": NATS, "a": exact({"f1": 1}, 3)}) == {
        "a": NATS | {"f1": Estimate(1, n=3)},
        "b": NATS,
    }
    with pytest.raises(KeyError, match="a has nats twice"):
        merged({"a": NATS}, {"a": {"nats": Estimate(1.0)}})


@given(st.lists(st.floats(-9, 9), max_size=8))
def test_a_mean_over_solos_has_their_deviation(values: list[float]) -> None:
    mean = SoloMean.of(values)
    assert mean.n == len(values)
    assert mean.value == pytest.approx(np.mean(values)) if values else math.isnan(mean.value)
    assert mean.sd == (pytest.approx(np.std(values, ddof=1)) if len(values) > 1 else None)


def test_the_table_has_a_line_for_each_end_and_empty_cells_for_what_is_unknown() -> None:
    results = {"model": NATS | {"h1": SoloMean(2.0, n=3, sd=0.25, distance=1.5), "h4": SoloMean.of([])}}
    assert as_csv(results).splitlines() == [
        "row,metric,mean,sd,n,distance",
        "model,nats,3,,8,",
        "model,nats_low,2.5,,8,",
        "model,nats_high,3.5,,8,",
        "model,accuracy,0.5,,8,",
        "model,h1,2,0.25,3,1.5",
        "model,h4,,,0,",
    ]
    assert table(results)[-1]["mean"] is None


def test_intervals_that_touch_are_not_apart() -> None:
    assert Estimate(1.0, 0.5, 1.5).apart(Estimate(1.6))
    assert not Estimate(1.0, 0.5, 1.5).apart(Estimate(1.5))
    assert Estimate(2.0).apart(Estimate(1.0))
    assert not Estimate(1.0).apart(Estimate(1.0))


def test_the_interval_of_samples_contains_95_percent_of_them() -> None:
    assert percentile_interval(np.linspace(0, 1, 1001)) == pytest.approx((0.025, 0.975))
    assert Estimate.drawn(0.5, np.linspace(0, 1, 1001), 9) == Estimate(0.5, 0.025, 0.975, 9)


def test_a_share_counts_its_observations() -> None:
    assert share(3, 4).n == 4
