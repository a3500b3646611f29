from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from yardbird.metrics.style import FEATURES, LARGEST_INTERVAL, MOVES, style_features


def by_name(score):
    return dict(zip(FEATURES, style_features(score).tolist(), strict=True))


def test_the_features_equal_those_of_a_slow_count(random_score):
    pitches = random_score.pitches.tolist()
    intervals = [after - before for before, after in pairwise(pitches)]
    found = by_name(random_score)
    for size in range(-LARGEST_INTERVAL + 1, LARGEST_INTERVAL):
        assert found[f"interval {size:+d}"] == pytest.approx(intervals.count(size) / len(intervals))

    def move(interval):
        return next(name for name, largest in MOVES.items() if interval <= largest)

    pairs = [(move(one), move(two)) for one, two in pairwise(intervals)]
    for first in MOVES:
        for second in MOVES:
            assert found[f"{first}, {second}"] == pytest.approx(pairs.count((first, second)) / len(pairs))
    turns = sum(one * two < 0 for one, two in pairwise(intervals))
    assert found["turns"] == pytest.approx(turns / (len(intervals) - 1))


def test_register_key_tempo_and_rhythm_change_nothing(random_score, line):
    """A judge must not separate tenor from alto, nor the rhythms of two editions."""
    expected = style_features(random_score)
    assert np.array_equal(style_features(random_score.transposed(-9)), expected)
    assert np.array_equal(style_features(random_score.tempo_scaled(0.5)), expected)
    assert np.array_equal(style_features(line(random_score.pitches.tolist(), length=0.1)), expected)
    assert np.array_equal(style_features(replace(random_score, chords=())), expected)


def test_traits_are_found_where_they_are(line):
    assert by_name(line([60, 64, 67, 71, 74]))["arpeggio"] == 1
    assert by_name(line([60, 61, 62, 63]))["chromatic run"] == 1
    assert by_name(line([60, 62, 64, 65, 67, 65]))["in runs"] == pytest.approx(4 / 5)
    assert by_name(line([60, 62, 64, 65, 64, 65]))["in runs"] == 0
    assert by_name(line([60, 60, 60, 60, 60, 60]))["in runs"] == 0
    assert by_name(line([60, 62, 64, 65, 67] * 3))["figures again"] == pytest.approx(1 - 5 / 11)
    assert by_name(line([60, 72, 59]))["median interval"] == 12.5


@pytest.mark.parametrize("pitches", [[], [60], [60, 62]])
def test_short_lines_have_finite_features(line, pitches):
    features = style_features(line(pitches))
    assert features.shape == (len(FEATURES),)
    assert np.isfinite(features).all()
    assert not features[: 2 * LARGEST_INTERVAL].any() or len(pitches) == 2
