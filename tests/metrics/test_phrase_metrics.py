from dataclasses import replace

import pytest

from yardbird.metrics.phrase import ends_at_rest, notes_per_bar, phrase_length_quantile, phrase_lengths, phrase_starts
from yardbird.music.excerpts import cut
from yardbird.music.score import Meter


def test_a_rest_of_a_beat_ends_a_phrase_and_a_shorter_one_does_not(line):
    score = line([60] * 5, [0, 0.5, 1.9, 3.4, 3.9])
    assert phrase_starts(score).tolist() == [0, 3]
    assert phrase_lengths(score).tolist() == [3, 2]


def test_phrase_marks_take_precedence_over_rests(line):
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


def test_empty_bars_lower_the_notes_per_bar(line):
    assert notes_per_bar(line([60] * 8, beats=8)) == 4
    assert notes_per_bar(line([60] * 8, beats=16)) == pytest.approx(2)


@pytest.mark.parametrize(
    ("last", "beats", "expected"),
    [(12, 16, 1), (14.5, 16, 1), (14.75, 16, 0), (15.5, 16, 0), (8, 16, 1), (7.5, 16, 0), (12, 13, 1), (0, 1, 1)],
    ids=["on one", "latest", "too late", "in a run", "earliest", "too early", "in a bar cut short", "alone"],
)
def test_a_solo_ends_at_rest_when_its_last_note_starts_well_before_the_end(line, last, beats, expected):
    onsets = sorted({0, last})
    assert ends_at_rest(line([60] * len(onsets), onsets, beats=beats)) == expected


def test_the_end_is_that_of_the_last_bar_in_any_meter(line):
    score = line([60], [4.5], beats=6)
    assert ends_at_rest(replace(score, meters=(Meter(0, 3, 4),))) == 1
    assert ends_at_rest(replace(score, meters=(Meter(0, 5, 4),))) == 1, "the last bar goes on to beat 10"
    assert ends_at_rest(line([60], [5], beats=6)) == 1
    assert ends_at_rest(replace(line([60], [5], beats=6), meters=(Meter(0, 3, 4),))) == 0


def test_without_notes_nothing_ends(line):
    assert ends_at_rest(line([], beats=8)) is None


def test_real_solos_end_at_rest_and_their_pieces_do_not(real_solos):
    whole = [score for name, scores in real_solos.items() for score in scores if name.startswith("parker")]
    pieces = [cut(score, 0, int(line)) for score in whole for line in score.bar_ticks[8::8]]
    ends = [sum(verdicts) / len(verdicts) for verdicts in (list(map(ends_at_rest, s)) for s in (whole, pieces))]
    assert ends[0] > 0.9
    assert ends[1] < 0.4
