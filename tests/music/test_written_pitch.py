from dataclasses import replace

import numpy as np
import pytest

from yardbird.music.chords import Chord
from yardbird.music.score import ChordChange, Score, make_notes
from yardbird.music.written_pitch import written_interval

CHANGES = ["Fmaj7", "Em7b5", "A7", "Dm7", "Cm7", "F7", "Bb7", "Am7", "D7", "Gm7", "C7", "Fmaj7"]


def moved(score: Score, semitones: int) -> Score:
    notes = score.notes.copy()
    notes["pitch"] += semitones
    return replace(score, notes=notes)


def over_changes(program: int, lowest: int = 56) -> Score:
    """Arpeggios with passing notes over two choruses."""
    rng = np.random.default_rng(0)
    rows, chords = [], []
    for bar in range(24):
        chord = Chord.parse(CHANGES[bar % 12])
        assert chord is not None
        chords.append(ChordChange(1920 * bar, chord))
        tones = [pitch for pitch in range(lowest, lowest + 20) if pitch % 12 in chord.pitch_classes]
        for eighth in range(8):
            pitch = int(rng.choice(tones)) + (int(rng.integers(-1, 2)) if eighth % 2 else 0)
            rows.append((1920 * bar + 240 * eighth, 200, pitch, 90))
    return Score(480, make_notes(rows), 24 * 1920, chords=tuple(chords), program=program)


@pytest.mark.parametrize(
    ("program", "above", "found"),
    [(65, 9, 9), (56, 2, 2), (66, 14, 14), (66, 2, 2), (67, 21, 21), (0, 2, 2), (0, 9, 9), (60, 7, 7), (65, 2, 2)],
)
def test_a_part_at_written_pitch_is_detected_by_its_chords(program: int, above: int, found: int) -> None:
    score = over_changes(program, lowest=46 if program == 66 else 56)
    assert written_interval(moved(score, above)) == found


@pytest.mark.parametrize("program", [0, 65, 66])
def test_a_part_at_concert_pitch_is_not_flagged(program: int) -> None:
    assert written_interval(over_changes(program)) is None
    assert written_interval(moved(over_changes(program), 12)) is None


def test_without_chords_or_with_few_notes_nothing_is_flagged() -> None:
    score = moved(over_changes(65), 9)
    assert written_interval(replace(score, chords=())) is None
    assert written_interval(replace(score, notes=score.notes[:31])) is None


def test_no_real_solo_is_flagged_and_nearly_all_moved_ones_are(real_solos: dict[str, Score]) -> None:
    assert [name for name, score in real_solos.items() if written_interval(score)] == []
    for above in (2, 9):
        found = [written_interval(moved(score, above)) for score in real_solos.values()]
        assert np.mean([interval is not None and interval % 12 == above for interval in found]) > 0.9
