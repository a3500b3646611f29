from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from yardbird.metrics.rhythm import (
    bar_pattern_diversity,
    grooving_similarity,
    rhythm_diversity,
    to_steps,
)
from yardbird.music.score import Meter, Score, make_notes
from yardbird.music.swing import FEWEST_PAIRS, swing_ratio


def test_ticks_round_to_the_nearest_twelfth_of_a_beat_halves_up():
    assert to_steps(np.array([0, 19, 20, 40, 59, 60, 480]), 480).tolist() == [0, 0, 1, 1, 1, 2, 12]


def test_even_eighths_have_no_rhythm_diversity(line):
    assert rhythm_diversity(line([60] * 20)) == 0


def test_two_intervals_used_evenly_make_one_bit(line):
    assert rhythm_diversity(line([60] * 5, [0, 1, 1.5, 2.5, 3])) == pytest.approx(1)


def test_intervals_beyond_four_beats_count_as_four(line):
    assert rhythm_diversity(line([60] * 4, [0, 4, 12, 36])) == 0


def test_a_triplet_differs_from_an_eighth(line):
    assert rhythm_diversity(line([60] * 4, [0, 1 / 2, 5 / 6, 11 / 6])) == pytest.approx(np.log2(3))


def test_straightening_the_rhythm_lowers_its_diversity(line, random_score):
    straight = line(random_score.pitches.tolist())
    assert rhythm_diversity(straight) == 0 < rhythm_diversity(random_score)
    assert bar_pattern_diversity(straight) < bar_pattern_diversity(random_score)
    assert grooving_similarity(straight) > grooving_similarity(random_score)


def test_rhythm_metrics_do_not_depend_on_pitches(random_score):
    shuffled = random_score.notes.copy()
    shuffled["pitch"] = np.random.default_rng(0).permutation(shuffled["pitch"])
    for metric in (rhythm_diversity, bar_pattern_diversity, grooving_similarity, swing_ratio):
        assert metric(replace(random_score, notes=shuffled)) == metric(random_score)


def test_rhythm_metrics_do_not_depend_on_the_resolution(line):
    onsets = [0, 0.5, 1, 1.75, 4, 4.5, 6, 8, 8.5, 9, 9.75, 13 + 1 / 3]
    onsets += [16 + beat + place for beat in range(FEWEST_PAIRS + 1) for place in (1 / 6, 7 / 12 + beat % 3 / 12)]
    fine, coarse = (
        line([60] * len(onsets), onsets, length=1 / 12, beats=32, ticks_per_beat=ticks) for ticks in (960, 12)
    )
    for metric in (rhythm_diversity, bar_pattern_diversity, grooving_similarity, swing_ratio):
        assert metric(fine) == pytest.approx(metric(coarse))


def test_repeated_bars_are_one_pattern_and_empty_bars_are_none(line):
    score = line([60] * 6, [0, 1, 4, 5, 12, 14], beats=40)
    assert bar_pattern_diversity(score) == pytest.approx(2 / 3)


def test_an_onset_just_before_the_bar_line_belongs_to_the_bar_after_it(line):
    """A player anticipates slightly: the pattern of the bar does not change."""
    assert bar_pattern_diversity(line([60] * 4, [0, 1, 4 - 1 / 40, 5])) == pytest.approx(1 / 2)


def test_grooving_similarity_equals_the_mean_over_all_pairs(random_score):
    slots = np.zeros((64, 64), dtype=bool)
    for onset in random_score.onsets.tolist():
        bar, tick = divmod(onset, 4 * 480)
        slots[bar, tick * 64 // (4 * 480)] = True
    pairs = [1 - (one ^ other).sum() / 64 for one, other in combinations(slots, 2)]
    assert grooving_similarity(random_score) == pytest.approx(np.mean(pairs), abs=1e-12)


def test_equal_bars_groove_perfectly(line):
    assert grooving_similarity(line([60] * 4, [0, 1.5, 4, 5.5], beats=8)) == 1


def test_one_note_in_n_bars_follows_the_formula(line):
    assert grooving_similarity(line([60], [0], beats=40)) == pytest.approx(1 - 1 / (32 * 10))


def test_a_change_of_meter_keeps_the_bars_apart():
    notes = make_notes([(0, 60, 60, 80), (240, 60, 60, 80), (1920, 60, 60, 80), (2100, 60, 60, 80)])
    score = Score(480, notes, 3360, meters=(Meter(0, 4, 4), Meter(1920, 3, 4)))
    # 240 of 1920 and 180 of 1440 ticks: both an eighth of their bar
    assert grooving_similarity(score) == 1
    assert bar_pattern_diversity(score) == 1


def pairs(line, count, first, second, *, extra=()):
    """Pairs of eighths at these places of their beats, a note that ends the last pair, and other notes among them."""
    onsets = [beat + place for beat in range(count) for place in (first, second)] + [count + first]
    onsets = sorted([*onsets, *extra])
    return line([60] * len(onsets), onsets, length=0.05)


@pytest.mark.parametrize(("second", "ratio"), [(1 / 2, 1), (2 / 3, 2), (3 / 5, 1.5)])
def test_the_swing_ratio_is_measured_from_pairs_of_eighths(line, second, ratio):
    assert swing_ratio(pairs(line, 16, 0, second)) == pytest.approx(ratio, rel=0.01)


def test_too_few_pairs_have_no_swing_ratio(line):
    """Three accidental pairs once gave Weimar's Don't Blame Me, a ballad in sixteenths, a ratio of 0.15."""
    assert swing_ratio(pairs(line, FEWEST_PAIRS - 1, 0, 2 / 3)) is None
    assert swing_ratio(pairs(line, FEWEST_PAIRS, 0, 2 / 3)) == pytest.approx(2, rel=0.01)


@pytest.mark.parametrize("second", [0.13, 0.35, 0.9])
def test_a_second_onset_that_is_not_an_eighth_makes_no_pair(line, second):
    """A grace note, a sixteenth or an anticipation of the next beat was once counted as an eighth."""
    assert swing_ratio(pairs(line, 40, 0, second)) is None


@pytest.mark.parametrize(("first", "counts"), [(-0.1, True), (0.19, True), (-0.15, False), (0.22, False)])
def test_downbeats_may_be_later_than_they_may_be_early(line, first, counts):
    """Soloists play late: pairs with downbeats later than 1/8 beat were once ignored, which biased the ratio."""
    ratio = swing_ratio(replace(pairs(line, 20, 1 + first, 1 + 0.6), meters=(Meter(0, 4, 4),)))
    assert (ratio == pytest.approx((0.6 - first) / (0.4 + first), rel=0.02)) if counts else ratio is None


@pytest.mark.parametrize("second", [1 / 2, 2 / 3])
def test_a_pickup_of_an_eighth_does_not_change_how_a_solo_swings(line, second):
    """Beats were once counted from the first tick, half a beat off the bars, so that wrong pairs were found."""
    onsets = [0, 1 / 4] + [1 / 2 + beat + place for beat in range(12) for place in (0, second)]
    score = line([60] * 26, onsets, length=0.1, beats=12.5)
    picked_up = replace(score, meters=(Meter(0, 1, 8), Meter(240, 4, 4)))
    assert swing_ratio(picked_up) == pytest.approx(second / (1 - second), rel=0.01)
    assert swing_ratio(replace(picked_up, notes=picked_up.notes[:3])) is None  # two sixteenths of half a beat


def test_beats_with_more_or_fewer_than_two_notes_do_not_swing(line):
    """Triplets, a lone quarter, and an eighth that follows a rest: none of them is a pair of eighths."""
    for places in ([0, 1 / 3, 2 / 3], [0], [0.5]):
        onsets = [beat + place for beat in range(20) for place in places]
        assert swing_ratio(line([60] * len(onsets), onsets, length=0.1)) is None
