"""A tiny untrained Music Transformer with the files that the stages before publish leave in the current folder."""

from pathlib import Path

import numpy as np
import torch
from event_scores import CODEC

from yardbird import files
from yardbird.models.family_names import TRAINED
from yardbird.models.music_transformer.transformer_family import ModelConfig, MusicTransformerFamily
from yardbird.music.score import Score, make_notes

NAME = "music_transformer"
SIZES = ModelConfig(
    d_model=16, num_heads=2, num_layers=1, d_ff=32, dropout=0.0, attention="relative", max_distance=None,
    context_length=64, tie_embeddings=True, windows_per_epoch=None, hold_chords=True,
    interval="both", degree="both", motion="both", pulse="both", gap="both", release="both",
    background_epochs=0, background_share=0.0, fill_share=0.25,
)  # fmt: skip


def scale(bars: int) -> Score:
    return Score(12, make_notes([(12 * beat, 9, 60 + beat % 12, 90) for beat in range(4 * bars)]), 48 * bars)


def write_model(seed: int) -> None:
    torch.manual_seed(seed)
    MusicTransformerFamily(CODEC, SIZES).save(Path("models") / NAME)
    files.write_json(Path("models") / NAME / TRAINED, {"family": NAME, "seed": seed, "data": "x"})


def write_evaluation(nats: float) -> None:
    rows = {NAME: {"nats_per_note": nats, "perplexity": 9.5}, "ngram": {"nats_per_note": 2.4, "order": 4}}
    files.write_json(Path("reports/evaluate") / f"{NAME}.json", rows)


def write_encoded(test_bars: int, artist: str = "Ada Line") -> None:
    folder = Path("data/encoded/events")
    folder.mkdir(parents=True, exist_ok=True)
    CODEC.save(folder / "codec.json")
    lines, packed, start = ["copy,solo,split,role,artist,tune_group,semitones,tempo_factor,start,length,notes"], [], 0
    for split, bars, semitones in [("train", 6, 0), ("train", 6, 3), ("validation", 3, 0), ("test", test_bars, 0)]:
        tokens = CODEC.encode(scale(bars).transposed(semitones), artist)
        name = f"{split}{semitones or ''}"
        lines.append(f"{name},{split},{split},target,{artist},{split},{semitones},1.0,{start},{len(tokens)},{4 * bars}")
        packed.append(tokens)
        start += len(tokens)
    np.save(folder / "tokens.npy", np.concatenate(packed))
    files.write_text(folder / "index.csv", "\n".join(lines) + "\n")


def write_training() -> None:
    files.write_json(Path("reports/train") / f"{NAME}.json", {NAME: {"best_epoch": 2, "parameters": 1234}})
