from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.metrics.note_agreement import contour_kept, note_f1, note_matches, onset_f1, rhythm_kept
from yardbird.music.score import Score, make_notes

ALL = (note_f1, onset_f1, rhythm_kept, contour_kept)

lines = st.dictionaries(st.integers(0, 24), st.integers(60, 66), max_size=12).map(
    lambda notes: Score(12, make_notes([(step, 1, pitch, 80) for step, pitch in notes.items()]), 96)
)


@given(lines, lines)
def test_f1_is_the_harmonic_mean_of_precision_and_recall(reference, estimate):
    """Compared with mir_eval's definition, implemented as a search for matches."""
    for metric, same in ((note_f1, ("onset_tick", "pitch")), (onset_f1, ("onset_tick",))):
        free = [tuple(note[key] for key in same) for note in estimate.notes]
        matches = 0
        for note in reference.notes:
            if (key := tuple(note[name] for name in same)) in free:
                free.remove(key)
                matches += 1
        if not len(reference.notes) or not len(estimate.notes):
            assert not metric(reference, estimate)
            continue
        precision, recall = matches / len(estimate.notes), matches / len(reference.notes)
        f1 = 2 * precision * recall / (precision + recall) if matches else 0.0
        assert metric(reference, estimate) == pytest.approx(f1)


@given(lines, lines)
def test_all_are_symmetric_ratios_and_agree_with_each_other(reference, estimate):
    for metric in ALL:
        value = metric(reference, estimate)
        assert value == metric(estimate, reference)
        assert value is None or 0 <= value <= 1
    f1, onsets, rhythm = (metric(reference, estimate) for metric in ALL[:3])
    if f1 is not None:
        assert f1 <= onsets
        assert f1 * (len(reference.notes) + len(estimate.notes)) == pytest.approx(2 * note_matches(reference, estimate))
        assert rhythm == pytest.approx(onsets / (2 - onsets))


@given(lines)
def test_a_solo_keeps_all_of_itself_and_its_contour_in_every_key(score):
    moved = score.transposed(5)
    for metric in ALL:
        assert metric(score, score) in (1, None)
    assert contour_kept(score, moved) in (1, None)
    assert rhythm_kept(score, moved) == rhythm_kept(score, score)
    assert not note_f1(score, moved)


def test_the_values_equal_a_calculation_by_hand(line):
    reference = line([60, 62, 64, 62], [0, 1, 2, 3])
    estimate = line([60, 61, 67, 67, 50], [0, 1, 2, 3, 3.5])
    assert note_f1(reference, estimate) == pytest.approx(2 / 9)  # the first note of four and five
    assert onset_f1(reference, estimate) == pytest.approx(8 / 9)
    assert rhythm_kept(reference, estimate) == pytest.approx(4 / 5)
    assert contour_kept(reference, estimate) == pytest.approx(2 / 3)  # up, up, then down against level


def test_a_doubled_note_matches_once(line):
    assert note_f1(line([60, 60], [0, 0]), line([60], [0])) == pytest.approx(2 / 3)


def test_contour_ignores_onsets_of_only_one_line(line):
    assert contour_kept(line([60, 40, 62], [0, 1, 2]), line([70, 71], [0, 2])) == 1


def test_empty_and_one_note_scores(line):
    empty, one = line([]), line([60])
    assert [metric(empty, empty) for metric in ALL] == [None] * 4
    assert [metric(empty, one) for metric in ALL] == [0, 0, 0, None]
    assert [metric(one, empty) for metric in ALL] == [0, 0, 0, None]
    assert [metric(one, one) for metric in ALL] == [1, 1, 1, None]


@pytest.mark.parametrize("metric", [*ALL, note_matches])
def test_two_grids_are_not_compared(metric, line):
    with pytest.raises(AssertionError, match="on the same grid"):
        metric(line([60]), replace(line([60]), ticks_per_beat=12))
