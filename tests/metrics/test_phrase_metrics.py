import pytest

from yardbird.metrics.phrase import notes_per_bar, phrase_length_quantile, phrase_lengths, phrase_starts


def test_a_rest_of_a_beat_ends_a_phrase_and_a_shorter_one_does_not(line):
    score = line([60] * 5, [0, 0.5, 1.9, 3.4, 3.9])
    assert phrase_starts(score).tolist() == [0, 3]
    assert phrase_lengths(score).tolist() == [3, 2]


def test_marked_phrases_win_over_rests(line):
    score = line([60] * 6, [0, 0.5, 4, 4.5, 5, 5.5], phrases=(0, 4.5))
    assert phrase_lengths(score).tolist() == [3, 3]


def test_marks_without_notes_make_no_phrase(line):
    score = line([60] * 3, [0, 0.5, 1], phrases=(0, 0.6, 0.8, 7))
    assert phrase_lengths(score).tolist() == [2, 1]


def test_notes_before_the_first_mark_are_a_phrase(line):
    assert phrase_lengths(line([60] * 3, [0, 0.5, 1], phrases=(1,))).tolist() == [2, 1]


def test_quantiles_of_the_phrase_lengths(line):
    score = line([60] * 6, [0, 4, 4.5, 8, 8.5, 9])
    assert [phrase_length_quantile(score, quantile) for quantile in (0, 0.5, 1)] == [1, 2, 3]


def test_closing_the_rests_makes_one_phrase(line, random_score):
    legato = line(random_score.pitches.tolist())
    assert phrase_length_quantile(legato, 0.5) == len(legato.notes)
    assert phrase_length_quantile(random_score, 0.5) < 20


def test_empty_bars_thin_the_notes_per_bar(line):
    assert notes_per_bar(line([60] * 8, beats=8)) == 4
    assert notes_per_bar(line([60] * 8, beats=16)) == pytest.approx(2)
