"""A tiny encoded corpus, as the encode stage writes it, and a tiny model over it."""

from pathlib import Path

import numpy as np
import pytest

from yardbird.codecs.events import EventCodec
from yardbird.codecs.vocabulary import EncodeConfig
from yardbird.models.music_transformer.family import ModelConfig, MusicTransformerFamily
from yardbird.music.chords import Chord
from yardbird.music.score import ChordChange, Score, make_notes
from yardbird.seeds import generator

CONFIG = ModelConfig(
    d_model=32,
    num_heads=2,
    num_layers=2,
    d_ff=64,
    dropout=0.1,
    attention="relative",
    max_distance=None,
    context_length=48,
    tie_embeddings=True,
    windows_per_epoch=None,
)
BARS = {"train": [12, 3, 40, 1], "validation": [20, 2], "test": [4]}


@pytest.fixture
def config() -> ModelConfig:
    return CONFIG


@pytest.fixture(scope="session")
def codec() -> EventCodec:
    sizes = EncodeConfig(
        12, velocities=8, tempos=8, tempo_range=(60, 320), longest_bar_beats=4, longest_duration_beats=2
    )
    return EventCodec.create(sizes, ["bird"])


def walk(bars: int, name: str) -> Score:
    """Quarter notes that climb and fall about middle C, a chord a bar."""
    steps = generator(0, "walk", name).integers(-2, 3, size=4 * bars)
    rows = [(12 * beat, 6, 60 + int(pitch), 80) for beat, pitch in enumerate(np.cumsum(steps) % 12)]
    chords = tuple(ChordChange(48 * bar, Chord.parse(("F7", "Bb7")[bar % 2])) for bar in range(bars))
    return Score(12, make_notes(rows), 48 * bars, chords=chords)


@pytest.fixture(scope="session")
def encoded(tmp_path_factory: pytest.TempPathFactory, codec: EventCodec) -> Path:
    folder = tmp_path_factory.mktemp("encoded")
    codec.save(folder / "codec.json")
    packed, lines, start = [], ["copy,solo,split,artist,tune_group,semitones,tempo_factor,start,length,notes"], 0
    for split, lengths in BARS.items():
        for bars in lengths:
            name = f"{split}{bars}"
            tokens = codec.encode(walk(bars, name), "bird")
            lines.append(f"{name},{name},{split},bird,{name},0,1.0,{start},{len(tokens)},{4 * bars}")
            packed.append(tokens)
            start += len(tokens)
    np.save(folder / "tokens.npy", np.concatenate(packed).astype(np.uint16))
    (folder / "index.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def family(codec: EventCodec) -> MusicTransformerFamily:
    import torch

    torch.manual_seed(0)
    return MusicTransformerFamily(codec, CONFIG)
