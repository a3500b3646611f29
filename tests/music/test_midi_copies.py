from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from event_scores import grid_scores
from hypothesis import assume, given
from hypothesis import strategies as st
from lines import random_solos

from yardbird.data.etudes.compose import etudes
from yardbird.music.chords import Chord
from yardbird.music.midi import read_score, write_score
from yardbird.music.midi_copies import MidiCopies
from yardbird.music.pitch import Key
from yardbird.music.score import DRUM_KIT, ChordChange, Score, Section, Tempo

FACTORS = (0.9, 1.0, 1.07, 1.25)


def assert_copies_equal_written_scores(score: Score, folder, variants) -> None:
    write_score(score, folder / "parent.mid")
    copies = MidiCopies((folder / "parent.mid").read_bytes())
    parent = read_score(folder / "parent.mid")
    for semitones, factor in variants:
        write_score(parent.transposed(semitones).tempo_scaled(factor), folder / "copy.mid")
        assert copies.copy(semitones, factor) == (folder / "copy.mid").read_bytes(), (semitones, factor)


def test_copies_of_solos_are_the_bytes_of_transposed_and_scaled_scores(tmp_path):
    for etude in islice(etudes(0, 24), 0, None, 2):
        variants = [(semitones, FACTORS[semitones % 4]) for semitones in range(-6, 7)]
        assert_copies_equal_written_scores(etude.score, tmp_path, variants)


def test_awkward_scores_are_copied_too(tmp_path):
    """Long deltas, many tempos, every key, labels of many bytes that look like events, and no chords."""
    score = random_solos(1, seed=0)[0]
    notes = score.notes.copy()
    notes["onset_tick"] += np.arange(len(notes)) ** 3 * 1000
    last = int(notes["onset_tick"][-1]) + 5_000_000
    chords = (ChordChange(0, None), ChordChange(70, Chord.parse("F#m7b5/C")), ChordChange(9000, Chord.parse("Bb13")))
    awkward = replace(
        score,
        notes=notes,
        end_tick=last,
        tempos=tuple(Tempo(131 * number, 31.7 + 7.3 * number) for number in range(60)),
        chords=chords,
        phrases=(0, 16384, last - 1),
        sections=(Section(0, "ÿQ\x03 " * 60), Section(128, "N.C.")),
    )
    for number in range(12):
        for mode in ("major", "minor"):
            variants = [(number - 5, 0.9), (0, 1.1), (1, 1.0)]
            assert_copies_equal_written_scores(replace(awkward, key=Key(number, mode)), tmp_path, variants)
    assert_copies_equal_written_scores(replace(awkward, key=None, program=DRUM_KIT), tmp_path, [(2, 1.1)])
    assert_copies_equal_written_scores(replace(awkward, key=None, chords=(), program=3), tmp_path, [(-2, 1.0)])


@given(score=grid_scores(), factor=st.sampled_from(FACTORS), semitones=st.integers(-7, 7))
def test_copies_of_any_score_are_those_of_written_scores(score, factor, semitones, tmp_path_factory):
    assume(len(score.notes))
    semitones = max(semitones, -int(score.pitches.min(initial=127)))
    semitones = min(semitones, 127 - int(score.pitches.max(initial=0)))
    assert_copies_equal_written_scores(score, tmp_path_factory.mktemp("copies"), [(semitones, factor)])


def test_a_tempo_too_slow_for_a_file_is_the_slowest(tmp_path):
    score = replace(random_solos(1, seed=0)[0], tempos=(Tempo(0, 3.6),))
    write_score(score, tmp_path / "slow.mid")
    (tmp_path / "copy.mid").write_bytes(MidiCopies((tmp_path / "slow.mid").read_bytes()).copy(0, 0.5))
    assert read_score(tmp_path / "copy.mid").tempos[0].qpm == pytest.approx(60e6 / 0xFFFFFF)
