from collections import Counter
from math import log2

import numpy as np
import pytest

from yardbird.metrics.entropy import entropy_bits
from yardbird.metrics.pitch_metrics import INTERVAL_CLASSES, interval_profile, pitch_class_entropy, pitch_entropy


def slow_entropy(values):
    counts = Counter(values)
    return -sum(count / len(values) * log2(count / len(values)) for count in counts.values())


def test_entropy_counts_bits():
    assert entropy_bits(np.array([[1, 1, 1, 1], [4, 0, 0, 0], [2, 2, 0, 0]])).tolist() == [2, 0, 1]


def test_entropy_of_an_empty_histogram_is_zero():
    assert entropy_bits(np.zeros(12, dtype=np.int64)) == 0


def test_four_pitches_used_evenly_make_two_bits(line):
    assert pitch_entropy(line([60, 62, 64, 65] * 3)) == pytest.approx(2)


def test_octaves_differ_in_pitch_but_not_in_pitch_class(line):
    score = line([60, 72, 84, 48])
    assert pitch_entropy(score) == pytest.approx(2)
    assert pitch_class_entropy(score, 1) == 0


def test_one_bar_windows_see_less_than_four_bar_windows(line):
    """Bars of one pitch class each, four of them: no variety within a bar, two bits over four bars."""
    score = line([60] * 4 + [62] * 4 + [64] * 4 + [65] * 4, [bar * 4 + beat for bar in range(4) for beat in range(4)])
    assert pitch_class_entropy(score, 1) == 0
    assert pitch_class_entropy(score, 4) == pytest.approx(2)


def test_windows_without_notes_are_skipped(line):
    assert pitch_class_entropy(line([60, 61], [0, 1], beats=400), 1) == pytest.approx(1)


def test_a_score_shorter_than_the_window_is_one_window(line):
    assert pitch_class_entropy(line([60, 61], [0, 4]), 4) == pytest.approx(1)


@pytest.mark.parametrize("bars", [1, 4])
def test_window_entropy_equals_the_slow_one(random_score, bars):
    bar_of = random_score.onsets // (4 * 480)
    windows = []
    for first in range(64 - bars + 1):
        inside = (bar_of >= first) & (bar_of < first + bars)
        if inside.any():
            windows.append(slow_entropy((random_score.pitches[inside] % 12).tolist()))
    assert pitch_class_entropy(random_score, bars) == pytest.approx(np.mean(windows), abs=1e-12)


def test_pitch_entropy_equals_the_slow_one(random_score):
    assert pitch_entropy(random_score) == pytest.approx(slow_entropy(random_score.pitches.tolist()), abs=1e-12)


def test_the_interval_profile_folds_up_and_down_into_classes(line):
    profile = interval_profile(line([60, 60, 61, 59, 62, 58, 63, 56, 64, 76, 89]))
    # 0, 1, 2, 3, 4, 5, 7, 8, 12, 13 semitones
    assert profile == pytest.approx({"0": 0.1, "1": 0.1, "2": 0.1, "3_4": 0.2, "5_7": 0.2, "8_12": 0.2, "over_12": 0.1})


def test_the_classes_of_the_profile_are_a_partition(random_score):
    profile = interval_profile(random_score)
    assert list(profile) == list(INTERVAL_CLASSES)
    assert sum(profile.values()) == pytest.approx(1)


def test_shuffled_notes_lose_the_steps_but_keep_the_pitch_entropy(line):
    scale = [60, 62, 64, 65, 67, 69, 71, 72, 71, 69, 67, 65, 64, 62] * 4
    shuffled = np.random.default_rng(0).permutation(scale).tolist()
    in_order, out_of_order = interval_profile(line(scale)), interval_profile(line(shuffled))
    assert in_order["1"] + in_order["2"] == 1
    assert out_of_order["1"] + out_of_order["2"] < 0.5
    assert pitch_entropy(line(shuffled)) == pytest.approx(pitch_entropy(line(scale)))


def test_pitch_metrics_do_not_depend_on_transposition(random_score):
    moved = random_score.transposed(3)
    assert pitch_entropy(moved) == pytest.approx(pitch_entropy(random_score))
    assert pitch_class_entropy(moved, 1) == pytest.approx(pitch_class_entropy(random_score, 1))
    assert interval_profile(moved) == interval_profile(random_score)
