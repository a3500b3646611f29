import csv

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.music.keyfinding import estimate_key
from yardbird.music.midi import read_raw
from yardbird.music.pitch import Key
from yardbird.music.score import Notes, make_notes


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
