from dataclasses import replace

import numpy as np
import pytest

from yardbird.metrics.harmony import (
    changes_found,
    chord_progression_irregularity,
    chord_tone_rate,
    harmony_margin,
    off_beat_chord_tone_rate,
    on_beat_chord_tone_rate,
    phrase_final_chord_tone_rate,
    transposed_chord_tone_rates,
)
from yardbird.music.score import ChordChange


def slow_chord_tone_rate(score, semitones=0):
    hits = []
    for onset, pitch in zip(score.onsets.tolist(), score.pitches.tolist(), strict=True):
        chord = None
        for change in score.chords:
            if change.tick <= onset:
                chord = change.chord
        if chord:
            hits.append(pitch % 12 in chord.transposed(semitones).pitch_classes)
    return sum(hits) / len(hits)


def test_only_notes_under_a_chord_count(line):
    score = line([60, 61, 60, 61, 60, 64], [0, 1, 4, 5, 8, 9], chords={4: "C7", 8: "N.C."})
    assert chord_tone_rate(score) == 1 / 2


def test_a_chord_counts_from_its_change_on(line):
    score = line([65, 65, 65], [0, 3.5, 4], chords={0: "C7", 4: "F7"})
    assert chord_tone_rate(score) == pytest.approx(1 / 3)


def test_neither_tension_nor_bass_is_a_chord_tone(line):
    assert chord_tone_rate(line([69, 62, 65], chords={0: "C13"})) == 0
    assert chord_tone_rate(line([62], chords={0: "C/D"})) == 0


def test_chord_tone_rates_equal_the_slow_ones_at_every_transposition(random_score):
    slow = [slow_chord_tone_rate(random_score, semitones) for semitones in range(12)]
    assert transposed_chord_tone_rates(random_score) == pytest.approx(slow, abs=1e-12)
    assert chord_tone_rate(random_score) == pytest.approx(slow[0], abs=1e-12)
    assert harmony_margin(random_score) == pytest.approx(slow[0] - np.mean(slow[1:]), abs=1e-12)


def test_the_true_changes_are_found_and_wrong_ones_are_not(line):
    score = line([67, 70, 74, 77, 60, 64, 67, 70, 65, 69, 72, 76], chords={0: "Gm7", 2: "C7", 4: "Fmaj7"})
    assert chord_tone_rate(score) == 1
    assert harmony_margin(score) > 0.5
    assert changes_found(score) == 1
    for semitones in range(1, 12):
        wrong = tuple(ChordChange(change.tick, change.chord.transposed(semitones)) for change in score.chords)
        assert changes_found(replace(score, chords=wrong)) == 0
        assert harmony_margin(replace(score, chords=wrong)) < 0.1


def test_a_tie_is_not_found(line):
    """A diminished seventh chord transposed by a minor third is the same chord."""
    assert changes_found(line([60, 63, 66], chords={0: "Cdim7"})) == 0


def test_the_margin_of_notes_that_ignore_the_chords_is_about_zero(random_score):
    assert abs(harmony_margin(random_score)) < 0.06


def test_on_beat_and_off_beat_notes_are_counted_separately(line):
    score = line([60, 61, 64, 65, 67, 68], chords={0: "C"})
    assert on_beat_chord_tone_rate(score) == 1
    assert off_beat_chord_tone_rate(score) == 0


def test_an_onset_a_tenth_of_a_beat_off_the_beat_is_on_it(line):
    score = line([60, 64, 61], [0.1, 0.92, 1.25], length=0.1, chords={0: "C"})
    assert on_beat_chord_tone_rate(score) == 1
    assert off_beat_chord_tone_rate(score) == 0


def test_the_last_note_of_each_phrase_counts(line):
    score = line([61, 60, 61, 63, 61, 67], [0, 0.5, 3, 3.5, 8, 8.5], chords={0: "C"})
    assert phrase_final_chord_tone_rate(score) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("symbols", "irregularity"),
    [
        (["Gm7", "C7", "Fmaj7"], 1),
        (["Gm7", "C7", "Fmaj7"] * 2, 3 / 4),  # four trigrams, the first is repeated
        (["Gm7", "Gm7", "C7", "C7", "Fmaj7"], 1),  # a repeated chord is not a change
        (["Gm7", "N.C.", "C7", "Fmaj7"], 1),
        (["C", "C/E", "C"], 1),  # a bass makes another chord
        (["C7", "F7"] * 6, 2 / 10),
        (["Gm7", "C7"], None),
        ([], None),
    ],
)
def test_irregularity_is_the_share_of_distinct_trigrams(line, symbols, irregularity):
    score = line([], chords={float(place): symbol for place, symbol in enumerate(symbols)})
    assert chord_progression_irregularity(score) == (None if irregularity is None else pytest.approx(irregularity))


def test_transposing_line_and_chords_together_changes_nothing(random_score):
    for metric in (chord_tone_rate, harmony_margin, changes_found, phrase_final_chord_tone_rate):
        assert metric(random_score.transposed(-5)) == pytest.approx(metric(random_score))
