import numpy as np
import pytest
from lines import random_solos

from yardbird.metrics.set_rows import compare_sets, mean_distance
from yardbird.metrics.solo_metrics import describe
from yardbird.music.score import Score, make_notes
from yardbird.seeds import streams


def test_mean_and_deviation_are_over_solos():
    real = random_solos(8, seed=0)
    row = compare_sets({"real": real}, 8, streams(0))["real"]["pitch_entropy"]
    values = [describe(score)["pitch_entropy"] for score in real]
    assert (row.value, row.sd, row.n) == (pytest.approx(np.mean(values)), pytest.approx(np.std(values, ddof=1)), 8)
    assert row.distance == 0


def test_the_floor_is_near_and_a_different_set_is_far():
    rows = compare_sets(
        {
            "real": random_solos(20, seed=0),
            "floor": random_solos(20, seed=1),
            "model": random_solos(20, seed=2, spread=12),
        },
        20,
        streams(0),
    )
    assert mean_distance(rows["real"]) == 0
    assert mean_distance(rows["floor"]) < 0.5 < 1.5 < mean_distance(rows["model"])


def test_the_floor_uses_samples_of_the_size_of_the_generated_set():
    """By chance, eight solos have a greater distance than a hundred. The floor once used all training solos."""
    sets = {"real": random_solos(40, seed=0), "floor": random_solos(100, seed=1)}
    few, many = (mean_distance(compare_sets(sets, size, streams(0))["floor"]) for size in (4, 100))
    assert few > 1.5 * many


def test_a_metric_without_a_value_or_without_variation_has_no_distance():
    rows = compare_sets({"real": random_solos(4, seed=0), "x": random_solos(4, seed=1)}, 4, streams(0))
    no_chords = rows["x"]["chord_tone_rate"]
    assert np.isnan(no_chords.value)
    assert (no_chords.sd, no_chords.n, no_chords.distance) == (None, 0, None)
    even_eighths = rows["x"]["rhythm_diversity"]
    assert (even_eighths.value, even_eighths.sd, even_eighths.distance) == (0, 0, None)


@pytest.mark.parametrize("size", [3, 7])
def test_a_metric_that_varies_by_rounding_alone_has_no_distance(size, monkeypatch):
    """The standard deviation of 1.4 three times is 3e-16, by which a distance was once divided."""
    assert np.std(np.full(3, 1.4), ddof=1) > 0
    monkeypatch.setattr(
        "yardbird.metrics.set_rows.describe_all", lambda scores: [{"constant": score.end_tick / 10} for score in scores]
    )
    real, model = ([Score(2, make_notes([(0, 1, 60, 80)]), end)] * size for end in (14, 15))
    row = compare_sets({"real": real, "model": model}, size, streams(0))["model"]["constant"]
    assert (row.value, row.distance) == (pytest.approx(1.5), None)


def test_one_real_solo_makes_no_distances():
    rows = compare_sets({"real": random_solos(1, seed=0), "x": random_solos(3, seed=1)}, 3, streams(0))
    assert mean_distance(rows["x"]) is None


def test_rows_are_in_the_order_of_sets_and_metrics():
    rows = compare_sets(
        {"real": random_solos(2, seed=0), "b": random_solos(2, seed=1), "a": random_solos(2, seed=2)},
        2,
        streams(0),
    )
    names = list(describe(random_solos(1, seed=0)[0]))
    assert [(row, list(own)) for row, own in rows.items()] == [(name, names) for name in ("real", "b", "a")]
