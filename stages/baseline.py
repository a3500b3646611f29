"""Stage baseline: n-grams over event tokens and over the melody grid, their held-out scores, and their solos."""

import gc
import sys
from dataclasses import replace
from pathlib import Path

gc.disable()  # until main(): imports leave no garbage
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files
from yardbird.baselines.ngram_solos import (
    NGRAM,
    EvaluateConfig,
    fit_on_events,
    fit_on_grid,
    score_baseline,
    write_baseline,
)
from yardbird.checksums import check_sums
from yardbird.codecs.events import EventCodec
from yardbird.config import read_section, read_seed
from yardbird.devices import prepare_torch
from yardbird.errors import exit_on_error
from yardbird.generation.orders import GenerateConfig, plan, repeated
from yardbird.generation.solos import write_measured, write_solos
from yardbird.generation.token_solos import draw

ENCODED, BASELINE = Path("data/encoded"), Path("data/baseline")


@exit_on_error
def main() -> None:
    config, generation = read_section("evaluate", EvaluateConfig), read_section("generate", GenerateConfig)
    generation = replace(generation, best_of=1)  # families are compared with single draws, whatever they are set to
    seed = read_seed()
    prepare_torch()
    for name in ("events", "melody"):
        check_sums(ENCODED / name)
    codec = EventCodec.load(ENCODED / "events/codec.json")
    ngram = fit_on_events(ENCODED / "events", config)
    shown = plan(generation)
    solos = draw(ngram.generate, codec, repeated(shown, generation.measured), generation, seed)
    baseline = score_baseline(ngram, fit_on_grid(ENCODED / "melody", config), ENCODED)
    with files.replacing_folder(BASELINE) as draft:
        write_baseline(baseline, draft)
        write_solos(solos[: len(shown)], draft / "solos", generation, seed, {"family": NGRAM}, {"by": "stage baseline"})
        write_measured(solos, draft / "measured", seed)


if __name__ == "__main__":
    main()
