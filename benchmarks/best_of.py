"""Selecting the best of N solos by several criteria, and the effect on other metrics. Requires a pipeline run.

    python benchmarks/best_of.py music_transformer --seeds 0 1 2

Generates `generate.measured` solos with the settings of section `generate` for each seed, up to eight for every order,
and prints the means over seeds in Markdown. Only `first judge` selects; `second judge` never does. `third` is the
second judge without harmony traits, which the harmony margin changes directly. The last two columns are what each seed
gains in the verdicts of these two compared with its solos at N = 1: they agree with the choice if every seed gains.
Distances are to validation solos; the test split is not read.
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird.codecs.events import EventCodec
from yardbird.config import read_section
from yardbird.devices import prepare_torch
from yardbird.evaluation.evaluate import real_excerpts
from yardbird.generation.best_of import MARGIN, RUN, STYLE, WEIGHTS, Chooser, Measured, scores
from yardbird.generation.orders import GenerateConfig, plan, repeated
from yardbird.generation.solos import Solo
from yardbird.generation.source import open_source
from yardbird.judges.fitting import JudgeConfig, read_excerpts
from yardbird.judges.style_judges import FEWEST_NOTES, JUDGED_METRICS, Judges, TraitJudge, read_judges
from yardbird.metrics.set_rows import REAL, compare_sets, mean_distance
from yardbird.music.excerpts import excerpts, in_full_bars, length_beats
from yardbird.seeds import streams

DATA, MOST = Path("data"), 8
HARMONY = ("chord_tone_rate", "harmony_margin", "changes_found")
BY: Mapping[str, Mapping[str, float]] = {
    "first judge": {STYLE: 1},
    "harmony margin": {MARGIN: 1},
    "originality": {RUN: -1},
    "the three alike": {STYLE: 1, MARGIN: 1, RUN: -1},
    "as in best_of.py": WEIGHTS,
}
COLUMNS = (
    "first judge", "second judge", "third", "margin", "changes found", "distance", "longest run, mean", "of all",
)  # fmt: skip
#: Columns of which each seed's gain over N = 1 is also printed.
GAINS = ("second judge", "third")


def without_harmony(judges: Judges, beats: float) -> TraitJudge:
    """The second judge, fitted again without the traits that require chords."""
    pieces = read_excerpts(DATA / "encoded/events", "train", beats, judges.artist)
    names = tuple(name for name in JUDGED_METRICS if name not in HARMONY)
    return TraitJudge.fit([piece.score for piece in pieces], [piece.own for piece in pieces], names)


def measure(
    solos: Sequence[Solo], chosen_by: Sequence[Measured], judges: Sequence[TraitJudge], beats: float
) -> list[float]:
    scores = [solo.score for solo in solos]
    codec = EventCodec.load(DATA / "encoded/events/codec.json")
    real = real_excerpts(DATA / "encoded/events", codec, "validation", length_beats(scores), None)
    measured = compare_sets({"chosen": scores, REAL: real}, len(scores), streams(0))["chosen"]
    style, runs = ([value for own in chosen_by if (value := own[name]) is not None] for name in (STYLE, RUN))
    pieces = [piece for score in scores for piece in excerpts(in_full_bars(score), beats)]
    pieces = [piece for piece in pieces if len(piece.notes) >= FEWEST_NOTES]
    verdicts = [float(np.mean([judge.probability(piece) for piece in pieces])) for judge in judges]
    distance = mean_distance(measured)
    known = [
        *(measured[metric].value for metric in ("harmony_margin", "changes_found")),
        float("nan") if distance is None else distance,
    ]
    return [float(np.mean(style)), *verdicts, *known, float(np.mean(runs)), max(runs)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("family", choices=("music_transformer", "music_vae"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options = parser.parse_args()
    prepare_torch()
    config = read_section("generate", GenerateConfig)
    judges = read_judges(DATA / "judges")
    assert not isinstance(judges, str), judges
    choice = Chooser.of(judges.ratio)
    beats = read_section("judge", JudgeConfig).excerpt_beats
    evaluating = (judges.traits, without_harmony(judges, beats))
    draw = open_source(Path("models") / options.family).draw
    orders = repeated(plan(config), config.measured)
    found: dict[tuple[int, str], list[list[float]]] = {}
    start = time.process_time()
    pools = [draw(orders * MOST, config, seed) for seed in options.seeds]
    measured = [[choice.measure(solo) for solo in pool] for pool in pools]
    seconds = (time.process_time() - start) / len(options.seeds) / len(orders) / MOST
    for pool, judged in zip(pools, measured, strict=True):
        for count in (1, 2, 4, MOST):
            for by, weights in BY.items() if count > 1 else [("nothing", WEIGHTS)]:
                rivals = [range(place, count * len(orders), len(orders)) for place in range(len(orders))]
                best = [own[int(scores([judged[at] for at in own], weights).argmax())] for own in rivals]
                row = measure([pool[at] for at in best], [judged[at] for at in best], evaluating, beats)
                found.setdefault((count, by), []).append(row)
    names = (*COLUMNS, *(f"{name}: gain of each seed" for name in GAINS))
    print("| N | chosen by |", " | ".join(names), "|")
    print("|" + "---|" * (len(names) + 2))
    unchosen, places = np.array(found[1, "nothing"]), [COLUMNS.index(name) for name in GAINS]
    for (count, by), rows in found.items():
        values = [f"{value:.3f}" for value in np.mean(rows, axis=0)]
        gains = [" ".join(f"{gain:+.3f}" for gain in column) for column in (rows - unchosen)[:, places].T]
        print(f"| {count} | {by} | {' | '.join([*values, *gains])} |")
    print(f"\nGenerating and measuring a solo takes {seconds:.2f} s on one core, {len(orders) * MOST} at once.")


if __name__ == "__main__":
    main()
