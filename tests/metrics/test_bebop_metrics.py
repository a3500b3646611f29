from dataclasses import replace

import pytest

from yardbird.metrics.bebop import (
    BEBOP_SCALES,
    arpeggio_rate,
    bebop_scale_run_rate,
    chromatic_approach_rate,
    enclosure_rate,
)
from yardbird.music.chords import QUALITIES, Chord

ALL = (enclosure_rate, chromatic_approach_rate, bebop_scale_run_rate, arpeggio_rate)


@pytest.mark.parametrize(
    ("pitches", "rate"),
    [
        ([61, 59, 60], 1),  # from above and below
        ([58, 62, 60], 1),  # whole tones, from below and above
        ([57, 61, 60], 0),  # three semitones are too far
        ([62, 61, 60], 0),  # both from above
        ([60, 61, 60], 0),  # a neighbour note comes back to its own pitch
        ([62, 60, 61], 0),  # encloses no chord tone
    ],
)
def test_an_enclosure_comes_from_both_sides_within_two_semitones(line, pitches, rate):
    assert (enclosure_rate(line(pitches, chords={0: "N.C.", 1: "C"})) or 0) == rate


def test_enclosures_are_counted_among_chord_tones(line):
    assert enclosure_rate(line([60, 65, 63, 64, 67], chords={0: "C"})) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("pitches", "symbol", "rate"),
    [
        ([61, 60], "C7", 1),  # from above
        ([63, 64], "C7", 1),  # from below
        ([62, 60], "C7", 0),  # a whole tone
        ([60, 61], "C7", 0),  # to no chord tone, from one
        ([71, 72], "Cmaj7", 0.0),  # from a chord tone, the major seventh
        ([71, 72], "C7", 1),
    ],
)
def test_a_chromatic_approach_is_a_semitone_from_outside_the_chord_into_it(line, pitches, symbol, rate):
    tones = [pitch for pitch in pitches if pitch % 12 in Chord.parse(symbol).pitch_classes]
    assert chromatic_approach_rate(line(pitches, chords={0: symbol})) == rate / len(tones)


def test_the_chord_that_is_reached_decides_what_is_an_approach(line):
    """Eb is the third of Cm and approaches the third of C."""
    assert chromatic_approach_rate(line([63, 64], [0, 1], chords={0: "Cm", 1: "C"})) == 1 / 2
    assert chromatic_approach_rate(line([63, 64], [0, 1], chords={0: "Cm"})) == 0


BEBOP_RUNS = {
    "C7": [72, 71, 70, 69, 67],
    "Cmaj7": [72, 71, 69, 68, 67],
    "Cm7": [67, 65, 64, 63, 62],
    "Cm6": [72, 71, 69, 68, 67],
}


@pytest.mark.parametrize("symbol", BEBOP_RUNS)
def test_a_run_through_the_added_note_counts_both_ways_and_in_every_key(line, symbol):
    run = BEBOP_RUNS[symbol]
    for pitches in (run, run[::-1]):
        score = line([*pitches, 80, 50], chords={0: symbol})
        assert bebop_scale_run_rate(score) == pytest.approx(5 / 7)
        assert bebop_scale_run_rate(score.transposed(-5)) == pytest.approx(5 / 7)


@pytest.mark.parametrize(
    ("pitches", "symbol"),
    [
        ([72, 71, 70, 69], "C7"),  # four notes are no run
        ([72, 70, 69, 67, 65], "C7"),  # without the added note
        ([72, 71, 69, 67, 65], "C7"),  # past the note below the added one
        ([71, 70, 69, 67, 65], "C7"),  # starts on the added note: it passes between nothing
        ([72, 71, 70, 69, 68], "C7"),  # leaves the scale
        ([72, 71, 70, 71, 72], "C7"),  # turns
        ([72, 71, 70, 69, 67], "Cmaj7"),  # another chord's scale
        ([72, 71, 70, 69, 67], "Cdim7"),  # a chord without one
    ],
)
def test_other_lines_are_not_runs_on_a_bebop_scale(line, pitches, symbol):
    assert bebop_scale_run_rate(line(pitches, chords={0: symbol})) == 0


def test_a_run_continues_over_a_change_of_chord(line):
    score = line([74, 72, 71, 70, 69], [0, 0.5, 1, 1.5, 2], chords={0: "Gm7", 1: "C7"})
    assert bebop_scale_run_rate(score) == 1


def test_every_bebop_scale_contains_its_chord_and_passes_by_semitones():
    for quality, (scale, (added,)) in BEBOP_SCALES.items():
        assert set(QUALITIES[quality]) <= set(scale), quality
        assert {added - 1, (added + 1) % 12} <= set(scale), quality
        assert len(scale) == 8, quality


@pytest.mark.parametrize(
    ("pitches", "notes"),
    [
        ([60, 64, 67], 3),  # up
        ([76, 72, 67, 64, 60], 5),  # down, through a fourth
        ([60, 64, 67, 64, 60], 5),  # up and down again: the highest is in both
        ([60, 64], 0),  # two tones are an interval
        ([60, 67, 72], 0),  # a fifth skips a tone
        ([60, 64, 65, 67], 0),  # a passing note
        ([60, 60, 64], 0),  # a repeated note
    ],
)
def test_an_arpeggio_is_three_tones_of_one_chord_in_one_direction(line, pitches, notes):
    assert arpeggio_rate(line(pitches, chords={0: "C"})) == pytest.approx(notes / len(pitches))


def test_an_arpeggio_ends_with_its_chord(line):
    assert arpeggio_rate(line([60, 64, 67], [0, 1, 2], chords={0: "C", 2: "Am7"})) == 0


def test_figures_need_notes_under_chords(line):
    for metric in ALL:
        assert metric(line([])) is metric(line([60, 61, 60])) is metric(line([60, 64], chords={0: "N.C."})) is None
        assert metric(line([], chords={0: "C"})) is None
        assert metric(line([60], chords={0: "C"})) == 0


def test_figures_do_not_depend_on_key_and_resolution(random_score):
    for metric in ALL:
        assert metric(random_score.transposed(3)) == pytest.approx(metric(random_score))
        assert metric(replace(random_score, ticks_per_beat=960)) == metric(random_score)
