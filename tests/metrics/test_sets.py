from io import StringIO

import numpy as np
import pandas as pd
import pytest
from lines import random_solos
from scipy.stats import entropy, gaussian_kde

from yardbird.metrics.sets import ALL, compare_feature, set_headlines, set_rows, sets_csv
from yardbird.music.score import Score, make_notes
from yardbird.seeds import streams

ONCE = np.ones((3, 1), dtype=np.int64)


def measured(own, real, floor=None):
    """Each sample is the whole set."""
    own, real = np.array(own, float), np.array(real, float)
    floor = own if floor is None else np.array(floor, float)
    return compare_feature(own, floor, real, ONCE * np.ones(len(own), int), ONCE * np.ones(len(floor), int))


@pytest.mark.parametrize("shift", [0, 0.5, 3])
def test_overlap_and_divergence_equal_those_of_exact_kernels(shift):
    """Compared with scipy's kernel density of all distances, integrated on a grid."""
    random = np.random.default_rng(0)
    real, own = random.normal(size=25), random.normal(shift, 1, size=9)
    within = np.abs(real[:, None] - real)[np.triu_indices(25, 1)]
    between = np.abs(own[:, None] - real).ravel()
    grid = np.linspace(-3, max(within.max(), between.max()) + 3, 4000)
    intra, inter = gaussian_kde(within)(grid), gaussian_kde(between)(grid)
    found = measured(own, real)
    step = grid[1] - grid[0]
    assert found["overlap"].value == pytest.approx(np.minimum(intra, inter).sum() * step, abs=0.01)
    assert found["kl"].value == pytest.approx(entropy(intra, inter), abs=0.02 + 0.05 * found["kl"].value)
    assert np.allclose(found["overlap"].again, found["overlap"].value)


def test_measures_do_not_depend_on_the_unit():
    random = np.random.default_rng(1)
    own, real = random.normal(1, 1, 8), random.normal(size=12)
    for measure in ("overlap", "kl"):
        assert measured(own * 1000, real * 1000)[measure].value == pytest.approx(measured(own, real)[measure].value)


def test_constants_overlap_completely_or_not_at_all():
    same, other = measured([2, 2], [2, 2, 2]), measured([5, 5], [2, 2, 2])
    assert (same["overlap"].value, same["kl"].value) == (1, 0)
    assert other["overlap"].value == 0
    assert other["kl"].value > 10


def test_constants_that_differ_by_rounding_are_constants():
    """Distances of 1e-16 were spread over all bins as if they were large."""
    noisy = 1.4 + np.array([0, 2.2e-16, 4.4e-16])
    found = measured(noisy, noisy[::-1])
    assert (found["overlap"].value, found["kl"].value) == (1, 0)


def test_a_draw_without_a_solo_that_has_the_feature_is_left_out():
    found = compare_feature(np.ones(1), np.ones(2), np.arange(4.0), np.array([[0], [1]]), np.array([[1, 1], [0, 1]]))[
        "overlap"
    ]
    assert np.isnan(found.again[0])
    assert np.isfinite(found.again[1])


@pytest.fixture(scope="module")
def rows():
    near, far = random_solos(6, seed=2), random_solos(6, seed=3, spread=12)
    sets = {"near": near, "far": far, "floor": random_solos(20, seed=1), "real": random_solos(15, seed=0)}
    return set_rows({**sets, "empty": []}, streams(0))


def test_a_set_like_the_real_one_is_at_the_floor_and_another_is_not(rows):
    of = {(row.row, row.measure): row for row in rows if row.feature == ALL}
    assert {name for name, _ in of} == {"near", "far"}
    for name, measure in of:
        row = of[name, measure]
        at_floor = row.value >= row.floor_low if measure == "overlap" else row.value <= row.floor_high
        assert at_floor is (name == "near"), (name, measure)
        assert row.low <= row.value <= row.high
        assert (row.generated, row.floor_solos, row.real) == (6, 6, 15)
    assert of["far", "overlap"].value < 0.7 < 0.9 < of["near", "overlap"].value
    assert of["far", "frechet"].value > 10 * of["near", "frechet"].value


def test_features_without_values_are_left_out_and_the_others_counted(rows):
    features = {row.feature for row in rows}
    assert not {"chord_tone_rate", "changes_found"} & features
    assert {"pitch_entropy", "interval_1", ALL} <= features
    overlap = next(row for row in rows if (row.row, row.feature, row.measure) == ("near", ALL, "overlap"))
    assert overlap.features == len(features) - 1
    values = [row.value for row in rows if row.row == "near" and row.measure == "overlap" and row.feature != ALL]
    assert overlap.value == pytest.approx(np.mean(values))


def test_the_table_and_the_headlines_name_everything(rows):
    table = pd.read_csv(StringIO(sets_csv(rows)))
    assert list(table.columns)[:4] == ["row", "feature", "measure", "value"]
    assert len(table) == len(rows)
    far = set_headlines(rows)["far"]
    assert far["set_overlap"].n == far["set_overlap_floor"].n == 6
    assert far["set_overlap"].value < far["set_overlap_floor"].value
    assert far["set_overlap"].low <= far["set_overlap"].value <= far["set_overlap"].high
    assert set_rows({"model": [], "floor": [], "real": []}, streams(0)) == []
    assert list(pd.read_csv(StringIO(sets_csv([]))).columns) == list(table.columns)


def test_equal_seeds_give_equal_samples(monkeypatch):
    monkeypatch.setattr("yardbird.metrics.sets._DRAWS", 5)
    sets = {"near": random_solos(3, seed=2), "floor": random_solos(5, seed=1), "real": random_solos(4, seed=0)}
    assert set_rows(sets, streams(0)) == set_rows(sets, streams(0)) != set_rows(sets, streams(1))


def test_the_row_states_that_the_floor_has_fewer_solos_than_were_generated(monkeypatch):
    """With more generated than training excerpts, the floor once had fewer solos than its row stated."""
    monkeypatch.setattr("yardbird.metrics.sets._DRAWS", 5)
    sets = {"near": random_solos(9, seed=2), "floor": random_solos(5, seed=1), "real": random_solos(4, seed=0)}
    rows = set_rows(sets, streams(0))
    assert {(row.generated, row.floor_solos, row.real) for row in rows} == {(9, 5, 4)}
    assert set(pd.read_csv(StringIO(sets_csv(rows)))["floor_solos"]) == {5}
    assert {name: estimate.n for name, estimate in set_headlines(rows)["near"].items()} == {
        f"set_{measure}{end}": 5 if end else 9 for measure in ("overlap", "kl", "frechet") for end in ("", "_floor")
    }


def test_a_constant_feature_is_not_part_of_the_frechet_distance(monkeypatch):
    """A feature of 1.4 for every real solo has a standard deviation of 3e-16, which once inflated the distance."""
    monkeypatch.setattr(
        "yardbird.metrics.sets.describe_all",
        lambda scores: [{"constant": 1.4, "end": float(score.end_tick)} for score in scores],
    )
    monkeypatch.setattr("yardbird.metrics.sets._DRAWS", 5)
    real, own = ([Score(2, make_notes([(0, 1, 60, 80)]), end) for end in ends] for ends in ((4, 6, 8), (5, 7, 9)))
    found = next(
        row for row in set_rows({"own": own, "floor": real, "real": real}, streams(0)) if row.measure == "frechet"
    )
    assert found.features == 1
    assert found.value < 1


def test_copies_of_one_solo_overlap_completely(random_score):
    """One generated and two real solos are the minimum."""
    rows = set_rows({"one": [random_score], "floor": [random_score] * 2, "real": [random_score] * 2}, streams(0))
    overlap = next(row for row in rows if row.feature == ALL and row.measure == "overlap")
    assert overlap.value == 1
    assert {row.measure for row in rows} == {"overlap", "kl"}  # nothing varies, so there is no unit for Fréchet's
