"""How far generated solos are from real ones by the settings of sampling. Requires a pipeline run.

    python benchmarks/sampling.py top_p=0.95 top_p=0.99 top_p=1,temperature=1.1 --seeds 0 1 2

For each set of changes to section `generate`, draws `generate.measured` solos of the Music Transformer a seed.
Prints the means over seeds in Markdown, next to the values of validation solos; the test split is not read. The second
judge never chooses among the solos.
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird.codecs.events import EventCodec
from yardbird.config import read_section
from yardbird.devices import prepare_torch
from yardbird.evaluation.evaluate import real_excerpts
from yardbird.generation.best_of import draw_best
from yardbird.generation.orders import GenerateConfig, plan, repeated
from yardbird.generation.source import open_source
from yardbird.judges.fitting import JudgeConfig
from yardbird.judges.style_judges import FEWEST_NOTES, read_judges
from yardbird.metrics.set_rows import REAL, compare_sets, mean_distance
from yardbird.music.excerpts import excerpts, in_full_bars, length_beats
from yardbird.progress import progress
from yardbird.seeds import streams

DATA = Path("data")
METRICS = {
    "rhythm diversity": "rhythm_diversity",
    "phrase, median notes": "phrase_length_median",
    "harmony margin": "harmony_margin",
    "chord tones on beats": "on_beat_chord_tone_rate",
    "chord tones at phrase ends": "phrase_final_chord_tone_rate",
}


def measure(config: GenerateConfig, seed: int) -> dict[str, list[float]]:
    """The columns of rows `drawn` and `real`."""
    judges = read_judges(DATA / "judges")
    assert not isinstance(judges, str), judges
    orders = repeated(plan(config), config.measured)
    draw = open_source(Path("models/music_transformer")).draw
    scores = [solo.score for solo in draw_best(draw, orders, config, seed, DATA / "judges")]
    codec = EventCodec.load(DATA / "encoded/events/codec.json")
    real = real_excerpts(DATA / "encoded/events", codec, "validation", length_beats(scores), None)
    rows = compare_sets({"drawn": scores, REAL: real}, len(scores), streams(0))
    found = {}
    for name, own in (("drawn", scores), (REAL, real)):
        beats = read_section("judge", JudgeConfig).excerpt_beats
        pieces = [piece for score in own for piece in excerpts(in_full_bars(score), beats)]
        style = np.mean([judges.traits.probability(piece) for piece in pieces if len(piece.notes) >= FEWEST_NOTES])
        distance = (mean_distance(rows[name]) or float("nan")) if name == "drawn" else float("nan")
        found[name] = [distance, float(style), *(rows[name][metric].value for metric in METRICS.values())]
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("changes", nargs="+", help="such as top_p=0.99 or top_p=0.99,temperature=0.9")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    prepare_torch()
    section = read_section("generate", GenerateConfig)
    configs = {
        change: replace(
            section, **{key: json.loads(value) for key, value in (one.split("=") for one in change.split(","))}
        )
        for change in options.changes
    }
    print("| settings | distance | second judge |", " | ".join(METRICS), "|")
    print("|" + "---|" * (len(METRICS) + 3))
    tries = [(change, config, seed) for change, config in configs.items() for seed in options.seeds]
    rows: dict[str, list[list[float]]] = {}
    for change, config, seed in progress(tries, doing="drawing solos", unit="set"):
        found = measure(config, seed)
        rows.setdefault(change, []).append(found["drawn"])
        rows["real"] = [found[REAL]]
    for row in (*configs, "real"):
        print(f"| {row} |", " | ".join(f"{value:.3f}" for value in np.mean(rows[row], axis=0)), "|", flush=True)


if __name__ == "__main__":
    main()
