from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.metrics.attributes import ATTRIBUTES, blues, chromaticism, density, register, rests
from yardbird.music.pitch import Key
from yardbird.music.score import Score, make_notes

F_MAJOR, F_MINOR = Key(5, "major"), Key(5, "minor")


def test_blue_notes_are_the_flat_third_fifth_and_seventh_of_the_key(line):
    score = line([65, 68, 71, 75, 67, 72], chords={0: "Fmaj7"})  # F Ab B Eb G C
    assert blues(replace(score, key=F_MAJOR)) == pytest.approx(3 / 6)
    assert blues(replace(score, key=F_MINOR)) == pytest.approx(1 / 6)


def test_a_blue_note_that_is_a_chord_tone_is_not_counted(line):
    score = replace(line([68, 68], [0, 2], chords={0: "F7", 2: "Bb7"}), key=F_MAJOR)
    assert blues(score) == 0.5


def test_without_a_key_the_likeliest_key_is_used(line):
    scale = [60, 62, 64, 65, 67, 69, 71, 72, 67, 60]
    assert blues(line([*scale, 63])) == pytest.approx(1 / 11)


def test_a_chromatic_scale_is_all_semitones_and_an_arpeggio_none(line):
    assert chromaticism(line(list(range(60, 72)))) == 1
    assert chromaticism(line([60, 64, 67, 71])) == 0
    assert chromaticism(line([60, 61, 64, 63])) == pytest.approx(2 / 3)


def test_density_register_and_rests(line):
    score = line([60, 62, 70, 72], [0, 1, 2, 3], length=0.5, beats=8)
    assert density(score) == 0.5
    assert register(score) == 66
    assert rests(score) == pytest.approx(1 - 2 / 8)


def test_an_empty_score_has_only_rests_and_density(line):
    values = {name: attribute(line([], beats=4)) for name, attribute in ATTRIBUTES.items()}
    assert values == {"blues": None, "chromaticism": None, "density": 0, "register": None, "rests": 1}
    assert all(attribute(line([])) is None for attribute in ATTRIBUTES.values())


@given(st.integers(-12, 12), st.lists(st.integers(50, 80), min_size=2, max_size=20))
def test_transposition_changes_only_the_register(semitones, pitches):
    notes = make_notes([(6 * step, 4, pitch, 90) for step, pitch in enumerate(pitches)])
    score = Score(12, notes, 6 * len(pitches), key=F_MAJOR)
    moved = score.transposed(semitones)
    for name, attribute in ATTRIBUTES.items():
        expected = attribute(score) + (semitones if name == "register" else 0)
        assert np.isclose(attribute(moved), expected), name
