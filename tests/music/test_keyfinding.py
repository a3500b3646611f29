import csv
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.data.reading import read_solo
from yardbird.music.chords import Chord
from yardbird.music.keyfinding import estimate_key
from yardbird.music.midi import read_raw
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Notes, make_notes


def line(pitches: list[int]) -> Notes:
    return make_notes([(i * 100, 100, pitch, 90) for i, pitch in enumerate(pitches)])


@pytest.mark.parametrize(
    ("pitches", "key"),
    [
        ([60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60], Key(0, "major")),
        ([69, 71, 72, 74, 76, 77, 80, 81, 76, 72, 69], Key(9, "minor")),
        ([65, 69, 72, 75, 74, 70, 65, 72, 69, 65], Key(5, "major")),
    ],
)
def test_scales_and_cadences_give_their_key(pitches: list[int], key: Key) -> None:
    assert estimate_key(line(pitches)) == key


@given(st.lists(st.integers(50, 80), min_size=8, max_size=40), st.integers(1, 11))
def test_the_key_moves_with_the_notes(pitches: list[int], semitones: int) -> None:
    key = estimate_key(line(pitches))
    weights = np.bincount(np.array(pitches) % 12, minlength=12)
    if key and len({np.roll(weights, s).tobytes() for s in range(12)}) == 12:  # a symmetric set fits several keys
        assert estimate_key(line([pitch + semitones for pitch in pitches])) == key.transposed(semitones)


def test_one_pitch_class_has_no_key() -> None:
    assert estimate_key(line([60, 72, 60])) is None
    assert estimate_key(line([])) is None
    assert estimate_key(line(list(range(60, 72)))) is None


def test_most_real_solos_get_the_key_of_their_manifest(shared) -> None:
    """Parker's blues and heads drift, so the profile finds two in three; chance would be one in 24."""
    hits = []
    for row in csv.DictReader((shared / "parker/manifest.csv").open(encoding="utf-8")):
        if row["key"]:
            notes = read_raw(shared / "parker" / row["file"]).parts[0].notes
            hits.append(estimate_key(notes) == Key.parse(row["key"]))
    assert np.mean(hits) > 0.6


def changes(symbols: str) -> list[ChordChange]:
    return [ChordChange(tick * 100, Chord.parse(symbol)) for tick, symbol in enumerate(symbols.split())]


@pytest.mark.parametrize(
    ("symbols", "key"),
    [
        ("F7 Bb7 F7 F7 Bb7 Bb7 F7 D7 Gm7 C7 F7 C7", "F major"),
        ("Dm7 G7 Cmaj7 Am7 Dm7 G7 Cmaj7 Cmaj7", "C major"),  # begins with its ii
        ("Am7 D7 Gmaj7 Cmaj7 F#m7b5 B7b9 Em6 Em6", "E minor"),
        ("Cm7 Fm7 Cm7 Ab7 G7 Cm7", "C minor"),
    ],
)
def test_chords_alone_have_a_key(symbols: str, key: str) -> None:
    chords = changes(symbols)
    assert estimate_key(line([]), chords, len(chords) * 100) == Key.parse(key)


def test_chords_decide_if_the_line_is_ambiguous() -> None:
    drifting = line([67, 71, 74, 77, 67, 69, 71, 72, 74, 79, 67])  # G, by its notes
    chords = changes("Cmaj7 Am7 Dm7 G7 Cmaj7 Am7 Dm7 G7 Cmaj7")
    assert estimate_key(drifting) != Key.parse("C")
    assert estimate_key(drifting, chords, 1000) == Key.parse("C")


def test_nc_is_no_evidence_for_a_key() -> None:
    assert estimate_key(line([60, 72, 60]), [ChordChange(0, None)], 100) is None


def test_notes_and_chords_together_find_the_key_of_real_solos(shared, ingest_config) -> None:
    config = replace(ingest_config, min_notes=1, min_bars=1)
    hits = []
    for source in ("parker", "coltrane"):
        for row in csv.DictReader((shared / source / "manifest.csv").open(encoding="utf-8")):
            if row["key"]:
                path = shared / source / row["file"]
                score = read_solo(read_raw(path), path, None, config).score
                hits.append(score.key == Key.parse(row["key"]))
    assert np.mean(hits) >= 0.85
