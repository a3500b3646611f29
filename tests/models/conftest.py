"""Tiny encoded corpora, as the encode stage writes them, and tiny models over them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from yardbird.codecs.events import EventCodec
from yardbird.codecs.melody import MelodyCodec, MelodyConfig
from yardbird.codecs.vocabulary import EncodeConfig
from yardbird.config import read_section
from yardbird.models.music_transformer.transformer_family import ModelConfig, MusicTransformerFamily
from yardbird.models.music_vae.vae_family import ModelConfig as VaeConfig
from yardbird.models.music_vae.vae_family import MusicVAEFamily
from yardbird.music.chords import Chord
from yardbird.music.score import ChordChange, Meter, Score, make_notes
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
    background_epochs=0,
    background_share=0.0,
    hold_chords=True,
    interval="both",
    degree="both",
    motion="both",
    pulse="both",
    gap="both",
    release="both",
    fill_share=0.5,
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
    packed, lines, start = [], ["copy,solo,split,role,artist,tune_group,semitones,tempo_factor,start,length,notes"], 0
    for split, lengths in BARS.items():
        for bars in lengths:
            name = f"{split}{bars}"
            tokens = codec.encode(walk(bars, name), "bird")
            lines.append(f"{name},{name},{split},target,bird,{name},0,1.0,{start},{len(tokens)},{4 * bars}")
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


@pytest.fixture(scope="session")
def melody_codec() -> MelodyCodec:
    return MelodyCodec(MelodyConfig(steps_per_beat=4, segment_beats=4, velocities=4))


@pytest.fixture(scope="session")
def melodies(melody_codec: MelodyCodec) -> dict[str, list[Score]]:
    """Grid scores by split: one in 5/4, whose bars make two segments each, and one that begins with silent bars."""
    walks = {split: [walk(bars, f"{split}{bars}") for bars in bar_counts] for split, bar_counts in BARS.items()}
    in_five = replace(walk(10, "five"), meters=(Meter(0, 5, 4),))
    late = walk(7, "late")
    late = replace(late, notes=late.notes[16:])
    walks = {**walks, "train": [*walks["train"], in_five], "validation": [*walks["validation"], late]}
    return {split: [melody_codec.grid(score).score for score in scores] for split, scores in walks.items()}


@pytest.fixture(scope="session")
def melody_encoded(
    tmp_path_factory: pytest.TempPathFactory, melody_codec: MelodyCodec, melodies: dict[str, list[Score]]
) -> Path:
    folder = tmp_path_factory.mktemp("melody")
    melody_codec.save(folder / "codec.json")
    encoded, lines, start = [], ["copy,solo,split,role,artist,tune_group,semitones,tempo_factor,start,length,notes"], 0
    for split, scores in melodies.items():
        for number, score in enumerate(scores):
            melody, name = melody_codec.encode(score), f"{split}{number}"
            length = len(melody.frame)
            lines.append(f"{name},{name},{split},target,bird,{name},0,1.0,{start},{length},{len(score.notes)}")
            encoded.append((melody.steps, melody.velocities, melody.frame.chords))
            start += length
    for name, arrays in zip(("steps", "velocities", "chords"), zip(*encoded, strict=True), strict=True):
        np.save(folder / f"{name}.npy", np.concatenate(arrays))
    (folder / "index.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="session")
def vae_config(root: Path) -> VaeConfig:
    """A small model without dropout or schedule: only z is random."""
    default = read_section("music_vae.model", VaeConfig, root / "params.yaml")
    prior = replace(
        default.prior, kind="sequence", size=8, components=2, steps=4, batch_size=2, crop_windows=2, guidance=1.0
    )
    return replace(
        default, prior=prior, bars=2, latent_dim=8, posterior="parts",
        embedding_size=8, encoder_size=16, encoder_layers=1, patch_steps=4, conductor_size=16, conductor_layers=1,
        decoder_size=16, decoder_layers=1, dropout=0.0, chord_dropout=0.0, teacher_forcing=1.0,
        teacher_forcing_steps=0, blur_share=0.0, windows_per_epoch=None,
    )  # fmt: skip


@pytest.fixture
def vae(melody_codec: MelodyCodec, vae_config: VaeConfig) -> MusicVAEFamily:
    import torch

    torch.manual_seed(0)
    return MusicVAEFamily(melody_codec, vae_config)
