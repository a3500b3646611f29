"""A project with untrained models of a few thousand weights and a tiny corpus, for the studio."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from event_scores import CODEC
from tiny_corpus import walk
from tiny_musicgen import tiny_musicgen
from tiny_vae import tiny_vae

from yardbird import files
from yardbird.latent.directions import Directions, fingerprint
from yardbird.latent.interval_style import interval_table
from yardbird.metrics.attributes import ATTRIBUTES
from yardbird.models.music_transformer.transformer_family import ModelConfig, MusicTransformerFamily
from yardbird.music.midi import write_score

ROOT = Path(__file__).resolve().parents[1]
PLAYERS = ("Ann <b>", "Bob")  # a name that tries to be markup
_TINY = ModelConfig(
    d_model=16, num_heads=2, num_layers=1, d_ff=32, dropout=0.0, attention="relative", max_distance=None,
    context_length=64, tie_embeddings=True, windows_per_epoch=None, hold_chords=True,
    interval="both", degree="both", motion="both", pulse="both", gap="both", release="both",
    background_epochs=0, background_share=0.0, fill_share=0.25,
)  # fmt: skip


def make_tiny_studio(folder: Path, data: Path) -> Path:
    """Write the project. `data` has the folders `augmented` and `encoded` of the tiny corpus."""
    shutil.copy(ROOT / "params.yaml", folder)
    shutil.copytree(data, folder / "data")
    shutil.copytree(ROOT / "data/charts", folder / "data/charts")
    for number in (1, 2):
        write_score(walk(number, 8), folder / f"data/etudes/etude_{number:03d}.mid")
    vae = tiny_vae()
    for family in (MusicTransformerFamily(CODEC, _TINY), vae, tiny_musicgen()):
        family.save(folder / "models" / family.name)
        files.write_json(folder / "models" / family.name / "trained.json", {"family": family.name})
    random = np.random.default_rng(0)
    ways = {name: random.standard_normal(vae.config.latent_dim).astype(np.float32) for name in (*PLAYERS, *ATTRIBUTES)}
    attributes = {name: ways[name] for name in ("register", "rests")}
    tables = {name: interval_table([walk(seed, 8)]).astype(np.float32) for seed, name in enumerate(PLAYERS)}
    directions = Directions(fingerprint(vae), {name: ways[name] for name in PLAYERS}, attributes, tables)
    directions.save(folder / "data/explored/directions.safetensors")
    _explored(folder)
    return folder


def _explored(folder: Path) -> None:
    """What the stage explore measured: density works, register does not; Bob is reached, Ann is not."""
    effects = {"blues": 0.5, "chromaticism": 0.4, "density": 0.8, "register": 0.01, "rests": 0.6}
    rows = [
        {"way": name, "strength": sign, **dict.fromkeys(ATTRIBUTES, 0.0), name: sign * effect, "rhythm_kept": 0.75}
        for name, effect in effects.items()
        for sign in (1.0, -1.0)
    ]
    _write(folder / "data/explored/arithmetic/arithmetic.csv", rows)
    verdicts = {
        (PLAYERS[0], "intervals"): 0.4,
        (PLAYERS[0], "random 1"): 0.6,
        ("Bob", "intervals"): 0.9,
        ("Bob", "random 1"): 0.3,
    }
    rows = [
        {"from": "x", "to": to, "way": way, "strength": strength, "verdict": verdict if strength else 0.35,
         "rhythm_kept": 1 - strength / 10}
        for (to, way), verdict in verdicts.items()
        for strength in (0.0, 4.0)
    ]  # fmt: skip
    _write(folder / "data/explored/transfer/transfer.csv", rows)
    means = {"arithmetic": {"random_effect": 0.05}, "transfer": {"judge_auc": 0.76}}
    files.write_json(folder / "reports/explore.json", {"music_vae": means})


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(path, index=False)


@contextmanager
def studio_of(folder: Path) -> Iterator[str]:
    """The address of `yardbird studio`, run in a folder; it is stopped as by Ctrl-C, and must end cleanly."""
    command = [sys.executable, "-c", "from yardbird.cli import app; app()", "studio", "--port", "0"]
    running = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, text=True, bufsize=1,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert running.stdout is not None
    try:
        address = next(found[1] for line in running.stdout if (found := re.search(r"(http://\S+)", line)))
        yield address
        running.send_signal(signal.SIGINT)
        assert running.wait(timeout=30) == 0
    finally:
        running.kill()
        running.wait()
