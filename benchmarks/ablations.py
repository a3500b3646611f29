"""How well a Music Transformer predicts held-out solos without single parts of it, and with a part in one place only.

    python benchmarks/ablations.py --data data --seeds 0 1 2

Trains each variant on data/encoded/events of a pipeline run, measures it on a split, and prints a row of a Markdown
table. The name of a variant is its change of the settings in params.yaml. `filled` and `continued` are nats a note of
the same bars, with and without the view of the bars after them. Takes minutes for every variant and seed.
"""

import argparse
import dataclasses
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from variant_training import trained_variant

from yardbird.bootstrap_settings import Resampling
from yardbird.codecs.encoded_solos import EncodedSolo, read_solos
from yardbird.codecs.events import EventCodec
from yardbird.config import read_section
from yardbird.evaluation.filling import CONTINUED, FILLED, filling_figures
from yardbird.models.music_transformer.pitch_relations import RELATIONS
from yardbird.models.music_transformer.transformer_family import ModelConfig, MusicTransformerFamily
from yardbird.models.token_scoring import pool, score_solos
from yardbird.training.training_config import TrainingConfig

PARAMS = Path("params.yaml")
VARIANTS: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    **{f"{name}: none": {name: "none"} for name in RELATIONS},
    **{f"{name}: {use}": {name: use} for name in ("interval", "degree") for use in ("input", "output")},
    "no relations": dict.fromkeys(RELATIONS, "none"),
    "hold_chords: false": {"hold_chords": False},
    "attention: rotary": {"attention": "rotary"},
    "attention: absolute": {"attention": "absolute"},
    "fill_share: 0": {"fill_share": 0.0},
    "fill_share: 0.5": {"fill_share": 0.5},
}
MEASURES = (
    "nats_per_note", "pitch_nats_per_note", "pitch_accuracy", "rhythm_nats_per_note", "chord_nats_per_note",
)  # fmt: skip
COLUMNS = (
    "variant", "seed", "nats a note", "pitch nats", "pitch top-1", "rhythm nats", "chord nats", "filled", "continued",
)  # fmt: skip


def trained(changes: Mapping[str, Any], encoded: Path, seed: int, epochs: int | None) -> MusicTransformerFamily:
    """The family of params.yaml with changes, trained in one process."""
    config = dataclasses.replace(read_section("music_transformer.model", ModelConfig, PARAMS), **changes)
    training = read_section("music_transformer.training", TrainingConfig, PARAMS)
    training = dataclasses.replace(training, max_epochs=epochs or training.max_epochs)
    codec = EventCodec.load(encoded / "codec.json")
    return trained_variant("music_transformer", lambda: MusicTransformerFamily(codec, config), encoded, training, seed)


def measure(family: MusicTransformerFamily, solos: list[EncodedSolo], seed: int) -> list[float]:
    """The values of a row, over all solos; NaN for filling if the variant cannot fill."""
    pooled = pool(score_solos(family, solos, family.codec, "held-out solos"))
    filling = filling_figures(family, solos, family.codec, Resampling(1, seed)) if family.fill_context else {}
    filled = [filling[name].value if filling else float("nan") for name in (FILLED, CONTINUED)]
    return [*(pooled[name] for name in MEASURES), *filled]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("data"), help="the data folder of a pipeline run")
    parser.add_argument("--split", choices=("validation", "test"), default="validation")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--epochs", type=int, help="of every training; default: that of params.yaml")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS), metavar="VARIANT")
    options = parser.parse_args()
    encoded = options.data / "encoded/events"
    solos = read_solos(encoded, options.split)
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}", flush=True)
    for name in options.variants:
        for seed in options.seeds:
            family = trained(VARIANTS[name], encoded, seed, options.epochs)
            figures = [f"{value:.3f}" for value in measure(family, solos, seed)]
            print(f"| {name} | {seed} | {' | '.join(figures)} |", flush=True)


if __name__ == "__main__":
    main()
