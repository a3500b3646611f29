"""Names of chords and notes as a player expects them."""

import pytest
from engraved import line
from hypothesis import given
from hypothesis import strategies as st

from yardbird.engraving.spelling import fifths_of, name_of, pitch_class, spell_chords, spell_notes
from yardbird.music.chords import QUALITIES, Chord
from yardbird.music.pitch import Key, parse_pitch_class


def names(key: str, chords: str) -> str:
    spelled = spell_chords([Chord.parse(symbol) for symbol in chords.split()], Key.parse(key))
    return " ".join(name_of(places[0]) for places in spelled if places)


@pytest.mark.parametrize(
    ("key", "chords", "expected"),
    [
        ("Bb", "F#7 F7 Bb", "Gb F Bb"),
        ("F", "F#7 F", "Gb F"),
        ("Eb", "D#m7 G#7 C#", "Eb Ab Db"),
        ("E", "Gbm7 B7 E", "F# B E"),
        ("G", "Gbm7b5 B7 Em", "F# B E"),
        ("C", "Dbdim7 Dm7 Ebdim7 Em7", "C# D D# E"),
        ("Bb", "Bb6 Bdim7 Cm7 Dbdim7", "Bb B C C#"),
        ("Eb", "Gbm7 B7 Bbm7 Eb7", "F# B Bb Eb"),
        ("Eb", "B D7 G Bb7 Eb", "B D G Bb Eb"),
        ("C", "Abm7 Db7 C", "Ab Db C"),
        ("F#", "F# Bm", "Gb B"),
    ],
)
def test_chords_are_named_by_key_and_resolution(key: str, chords: str, expected: str) -> None:
    assert names(key, chords) == expected


@pytest.mark.parametrize(
    ("key", "chord", "pitches", "expected"),
    [
        ("C", "C", [67, 68, 69], "G G# A"),
        ("C", "C", [69, 68, 67], "A Ab G"),
        ("F", "F", [65, 66, 67, 66, 65], "F F# G Gb F"),
        ("Bb", "Bb7", [70, 74, 77, 80], "Bb D F Ab"),
        ("Bb", "D7", [62, 66, 69, 72, 75], "D F# A C Eb"),
        ("Gb", "Abm7", [68, 71, 75, 78], "Ab Cb Eb Gb"),
        ("F", "Abm7", [68, 71, 75, 78], "Ab Cb Eb Gb"),
        ("A", "C#7", [61, 65, 68, 71], "C# E# G# B"),
        ("F", "Bdim7", [71, 74, 77, 80], "B D F Ab"),
        ("C", "Aaug", [69, 73, 77], "A C# F"),
        ("D minor", "A7", [69, 73, 76, 79], "A C# E G"),
        ("Eb", "F#7", [66, 70, 73, 76], "F# A# C# E"),
        ("C", "F7", [65, 68, 69, 72], "F G# A C"),
    ],
)
def test_notes_are_named_by_chord_key_and_direction(key: str, chord: str, pitches: list[int], expected: str) -> None:
    score = line(list(range(len(pitches))), beats=8, pitches=pitches, chords=[(0, chord)], key=key)
    if chord in ("Eb", "F#7") and key == "Eb":
        score = line(list(range(len(pitches))), beats=8, pitches=pitches, chords=[(0, "F#7"), (4, "B")], key=key)
    assert " ".join(spell_notes(score)) == expected


@given(
    st.lists(st.integers(40, 90), min_size=1, max_size=30),
    st.integers(0, 11),
    st.sampled_from(sorted(QUALITIES)),
    st.integers(0, 11),
    st.sampled_from(["major", "minor"]),
)
def test_names_sound_as_the_notes_and_odd_ones_have_a_reason(
    pitches: list[int], root: int, quality: str, tonic: int, mode: str
) -> None:
    key, chord = Key(tonic, mode), Chord(root, quality)  # type: ignore[arg-type]
    score = line(list(range(len(pitches))), beats=40, pitches=pitches, chords=[(0, chord.symbol())], key=str(key))
    signature = {name_of(place) for place in range(fifths_of(key) - 1, fifths_of(key) + 6)}
    for name, pitch in zip(spell_notes(score), pitches, strict=True):
        assert parse_pitch_class(name) == pitch % 12
        assert len(name) <= 2, "no double accidentals"
        if name in ("B#", "E#", "Cb", "Fb"):
            assert name in signature or pitch % 12 in chord.pitch_classes


def test_places_on_the_line_of_fifths_have_their_names() -> None:
    assert [name_of(place) for place in (-8, -7, -2, -1, 0, 5, 6, 12)] == ["Fb", "Cb", "Bb", "F", "C", "B", "F#", "B#"]
    assert all(parse_pitch_class(name_of(place)) == pitch_class(place) for place in range(-8, 13))
