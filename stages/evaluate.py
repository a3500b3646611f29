"""Stage evaluate@<family>: held-out tunes and generated solos, beside real solos, their floor and the n-gram."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files
from yardbird.codecs.events import EventCodec
from yardbird.config import read_section, read_seed
from yardbird.errors import exit_on_error
from yardbird.evaluation.evaluate import (
    NGRAM,
    EvaluateConfig,
    as_table,
    fit_ngram,
    headlines,
    read_generated,
    real_excerpts,
    score_models,
    with_held_out,
)
from yardbird.evaluation.held_out import read_solos
from yardbird.evaluation.rows import FLOOR, REAL, compare_sets
from yardbird.generation.orders import GenerateConfig, plan
from yardbird.generation.tokens import draw
from yardbird.models.base import best_device, load_family, prepare_torch
from yardbird.music.excerpts import length_beats

ENCODED, REPORTS = Path("data/encoded/events"), Path("reports/evaluate")


@exit_on_error
def main() -> None:
    name = sys.argv[1]
    config, asked = read_section("evaluate", EvaluateConfig), read_section("generate", GenerateConfig)
    seed = read_seed()
    prepare_torch()
    codec = EventCodec.load(ENCODED / "codec.json")
    family = load_family(name).load(Path("models") / name)
    family.model.to(best_device())
    ngram = fit_ngram(ENCODED, codec, config)
    tests = read_solos(ENCODED, "test")
    held_out = score_models({name: family, NGRAM: ngram}, tests, codec, config, seed)
    generated = read_generated(Path("data/generated") / name)
    beats = length_beats(generated)
    rows = compare_sets(
        {
            name: generated,
            NGRAM: [solo.score for solo in draw(ngram.generate, codec, plan(asked), asked, seed)],
            FLOOR: real_excerpts(ENCODED, codec, "train", beats, asked.artist),
            REAL: real_excerpts(ENCODED, codec, "test", beats, asked.artist),
        },
        len(generated),
        seed,
    )
    files.write_json(REPORTS / f"{name}.json", headlines(held_out, rows))
    files.write_text(REPORTS / f"{name}_rows.csv", as_table(with_held_out(held_out, rows, len(tests))))


if __name__ == "__main__":
    main()
