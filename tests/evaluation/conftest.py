"""A tiny encoded corpus: two players, a training, a validation and two test tunes, one transposed copy."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from yardbird.codecs.events import EventCodec
from yardbird.codecs.vocabulary import EncodeConfig
from yardbird.music.chords import Chord
from yardbird.music.score import ChordChange, Score, make_notes


@pytest.fixture(scope="session")
def codec() -> EventCodec:
    config = EncodeConfig(
        steps_per_beat=12, velocities=4, tempos=4, tempo_range=(60, 240), longest_bar_beats=4, longest_duration_beats=2
    )
    return EventCodec.create(config, ["Ann", "Bob"])


def walk(seed: int, bars: int) -> Score:
    """Eighths that wander by step over a cycle of ii–V–I, with a rest here and there."""
    random = np.random.default_rng(seed)
    pitches = 60 + np.abs(np.cumsum(random.integers(-2, 3, bars * 8))) % 20
    rows = [(place * 6, 6, int(pitch), 80) for place, pitch in enumerate(pitches) if random.random() < 0.9]
    cycle = [Chord.parse(symbol) for symbol in ("Gm7", "C7", "Fmaj7", "D7")]
    chords = tuple(ChordChange(bar * 48, cycle[bar % 4]) for bar in range(bars))
    return Score(12, make_notes(rows), bars * 48, chords=chords)


@pytest.fixture(scope="session")
def make_walk() -> Callable[[int, int], Score]:
    return walk


@pytest.fixture(scope="session")
def corpus(codec: EventCodec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As the encode stage writes it."""
    folder = tmp_path_factory.mktemp("encoded")
    rows, packed, start = [], [], 0
    for name, split, artist, semitones, score in [
        ("one", "train", "Ann", 0, walk(1, 16)),
        ("one", "train", "Ann", 2, walk(1, 16).transposed(2)),
        ("two", "train", "Bob", 0, walk(2, 8)),
        ("three", "validation", "Ann", 0, walk(3, 8)),
        ("four", "test", "Ann", 0, walk(4, 16)),
        ("five", "test", "Bob", 0, walk(5, 9)),
    ]:
        tokens = codec.encode(score, artist)
        rows.append(
            {
                "copy": f"mine/{name}__{semitones}",
                "solo": f"mine/{name}",
                "split": split,
                "artist": artist,
                "tune_group": name,
                "semitones": semitones,
                "tempo_factor": 1.0,
                "start": start,
                "length": len(tokens),
                "notes": len(score.notes),
            }
        )
        packed.append(tokens)
        start += len(tokens)
    np.save(folder / "tokens.npy", np.concatenate(packed))
    codec.save(folder / "codec.json")
    with (folder / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return folder
