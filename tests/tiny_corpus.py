"""A tiny corpus, through both codecs: two players, a training, a validation and two test tunes, one transposed copy."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from table_rows import encoded_row, filled

from yardbird.codecs.events import EventCodec
from yardbird.codecs.melody import MelodyCodec, MelodyConfig
from yardbird.codecs.vocabulary import EncodeConfig
from yardbird.music.chords import Chord
from yardbird.music.midi import write_score
from yardbird.music.score import ChordChange, Score, make_notes
from yardbird.tables.copies_table import CopyRow, write_copies
from yardbird.tables.encoded_tables import write_index


@pytest.fixture(scope="session")
def codec() -> EventCodec:
    config = EncodeConfig(
        steps_per_beat=12, velocities=4, tempos=4, tempo_range=(60, 240), longest_bar_beats=4, longest_duration_beats=2
    )
    return EventCodec.create(config, ["Ann", "Bob"])


def walk(seed: int, bars: int) -> Score:
    """Eighths that wander by step over a cycle of ii–V–I, with occasional rests."""
    random = np.random.default_rng(seed)
    pitches = 60 + np.abs(np.cumsum(random.integers(-2, 3, bars * 8))) % 20
    rows = [(place * 6, 6, int(pitch), 80) for place, pitch in enumerate(pitches) if random.random() < 0.9]
    cycle = [Chord.parse(symbol) for symbol in ("Gm7", "C7", "Fmaj7", "D7")]
    chords = tuple(ChordChange(bar * 48, cycle[bar % 4]) for bar in range(bars))
    return Score(12, make_notes(rows), bars * 48, chords=chords)


@pytest.fixture(scope="session")
def make_walk() -> Callable[[int, int], Score]:
    return walk


SOLOS = [
    ("one", "train", "Ann", 0, walk(1, 16)),
    ("one", "train", "Ann", 2, walk(1, 16).transposed(2)),
    ("two", "train", "Bob", 0, walk(2, 8)),
    ("three", "validation", "Ann", 0, walk(3, 8)),
    ("four", "test", "Ann", 0, walk(4, 16)),
    ("five", "test", "Bob", 0, walk(5, 9)),
]


@pytest.fixture(scope="session")
def data(codec: EventCodec, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders `augmented` and `encoded` as their stages write them."""
    folder = tmp_path_factory.mktemp("data")
    rows = []
    for name, split, artist, semitones, score in SOLOS:
        path = f"scores/{name}__{semitones}.mid"
        write_score(score, folder / "augmented" / path)
        rows.append(
            filled(
                CopyRow,
                copy=f"mine/{name}" + (f"__{semitones}" if semitones else ""),
                solo=f"mine/{name}",
                path=path,
                split=split,
                artist=artist,
                title=f"Tune {name}",
                tune_group=name,
                semitones=semitones,
                notes=len(score.notes),
            )
        )
    write_copies(folder / "augmented", rows)
    melody = MelodyCodec(MelodyConfig(steps_per_beat=12, segment_beats=4, velocities=4))
    scores = [score for *_, score in SOLOS]
    packed = {
        "events": ("tokens", [codec.encode(score, row.artist) for score, row in zip(scores, rows, strict=True)]),
        "melody": ("steps", [melody.encode(score).steps for score in scores]),
    }
    for name, (kind, sequences) in packed.items():
        encoded = folder / "encoded" / name
        ends = np.cumsum([len(sequence) for sequence in sequences]).tolist()
        places = zip(rows, sequences, ends, strict=True)
        write_index(encoded, [encoded_row(row, end - len(sequence), len(sequence)) for row, sequence, end in places])
        np.save(encoded / f"{kind}.npy", np.concatenate(sequences))
    codec.save(folder / "encoded/events/codec.json")
    melody.save(folder / "encoded/melody/codec.json")
    return folder


@pytest.fixture(scope="session")
def corpus(data: Path) -> Path:
    """The corpus as event tokens."""
    return data / "encoded/events"
