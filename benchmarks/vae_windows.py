"""Reconstruction of held-out solos by a MusicVAE, for several window lengths and ablations.

    python benchmarks/vae_windows.py --data data --seeds 0 1 2

Trains each variant on data/encoded/melody of a pipeline run, measures it on a split, and prints a row of a Markdown
table. The name of a variant is its change of the settings in params.yaml. All variants have the same number of bars in
an epoch and in a batch. The learnt prior is not trained. Takes minutes for every variant and seed.
"""

import argparse
import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from variant_training import trained_variant

from yardbird.codecs.melody import MelodyCodec
from yardbird.config import read_section
from yardbird.evaluation.reconstruction import HeldOutSolo, derangement, read_scores
from yardbird.metrics.note_agreement import note_matches, onset_matches
from yardbird.models.family_kinds import Vectors
from yardbird.models.music_vae.vae_config import ModelConfig
from yardbird.models.music_vae.vae_family import MusicVAEFamily
from yardbird.seeds import generator
from yardbird.training.training_config import TrainingConfig

PARAMS = Path("params.yaml")
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "2 bars": {},
    "4 bars": {"bars": 4},
    "16 bars": {"bars": 16},
    "ordered: false": {"ordered": False},
    "degrees: false": {"degrees": False},
    "intervals: false": {"intervals": False},
    "blur_share: 0": {"blur_share": 0.0},
    "posterior: patches": {"posterior": "patches"},
    "posterior: ends": {"posterior": "ends"},
}
COLUMNS = ("variant", "seed", "note F1", "onset F1", "note F1, shuffled z", "nats a note", "KL a bar")


def trained(changes: Mapping[str, Any], encoded: Path, seed: int) -> MusicVAEFamily:
    """The family of params.yaml with changes, trained in one process. z has the same number of dimensions per bar."""
    config = read_section("music_vae.model", ModelConfig, PARAMS)
    training = read_section("music_vae.training", TrainingConfig, PARAMS)
    longer = changes.get("bars", config.bars) / config.bars
    windows, latent_dim = config.windows_per_epoch, round(config.latent_dim * longer)
    config = dataclasses.replace(
        config,
        prior=dataclasses.replace(config.prior, kind="normal"),
        latent_dim=latent_dim,
        windows_per_epoch=windows and round(windows / longer),
        **changes,
    )
    training = dataclasses.replace(training, batch_size=max(1, round(training.batch_size / longer)))
    codec = MelodyCodec.load(encoded / "codec.json")
    return trained_variant("music_vae", lambda: MusicVAEFamily(codec, config), encoded, training, seed)


def matches(family: MusicVAEFamily, solo: HeldOutSolo, z: Vectors) -> tuple[int, int, int]:
    """Numbers of notes and onsets that the z of each window reconstructs, and of the notes of both."""
    melody = family.codec.encode(solo.score)
    truth, back = (
        family.codec.decode(steps, None, melody.frame) for steps in (melody.steps, family.sample_steps(solo.score, z))
    )
    return note_matches(truth, back), onset_matches(truth, back), len(truth.notes) + len(back.notes)


def measure(family: MusicVAEFamily, solos: list[HeldOutSolo], seed: int) -> list[float]:
    """The values of a row, over all notes of all solos."""
    posteriors = [family.posterior(solo.score) for solo in solos]
    means = np.concatenate([mean for mean, _ in posteriors])
    counts = [len(mean) for mean, _ in posteriors]
    others = means[derangement(np.repeat([solo.tune_group for solo in solos], counts), seed)]
    shuffled = np.split(others, np.cumsum(counts)[:-1])
    own = np.sum([matches(family, solo, mean) for solo, (mean, _) in zip(solos, posteriors, strict=True)], axis=0)
    other = np.sum([matches(family, solo, z) for solo, z in zip(solos, shuffled, strict=True)], axis=0)
    kl = sum(float((0.5 * (mean**2 + spread**2 - 1) - np.log(spread)).sum()) for mean, spread in posteriors)
    nats, notes = kl, 0
    for solo, (mean, spread) in zip(solos, posteriors, strict=True):
        noise = generator(seed, "posterior", solo.solo).standard_normal(mean.shape)
        nats += float(family.score_steps(solo.score, (mean + spread * noise).astype(np.float32)).nats.sum())
        notes += len(family.codec.grid(solo.score).score.notes)
    bars = len(means) * family.config.bars
    return [2 * own[0] / own[2], 2 * own[1] / own[2], 2 * other[0] / other[2], nats / notes, kl / bars]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"), help="the data folder of a pipeline run")
    parser.add_argument("--split", choices=("validation", "test"), default="test")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="VARIANT")
    options = parser.parse_args()
    solos = read_scores(options.data / "augmented", options.split)
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
    for name in options.variants:
        for seed in options.seeds:
            family = trained(VARIANTS[name], options.data / "encoded/melody", seed)
            figures = [f"{value:.3f}" for value in measure(family, solos, seed)]
            print(f"| {name} | {seed} | {' | '.join(figures)} |", flush=True)


if __name__ == "__main__":
    main()
