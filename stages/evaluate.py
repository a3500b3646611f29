"""Stage evaluate@<family>: held-out tunes and generated solos, beside real solos, their floor and the n-gram."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files
from yardbird.codecs.events import EventCodec
from yardbird.config import read_section, read_seed
from yardbird.errors import exit_on_error, stage_arguments
from yardbird.evaluation.baseline import NGRAM, EvaluateConfig, read_baseline
from yardbird.evaluation.evaluate import (
    as_table,
    ending_rows,
    headlines,
    read_generated,
    real_excerpts,
    score_held_out,
    with_held_out,
)
from yardbird.evaluation.judging import JudgeConfig, style_rows
from yardbird.evaluation.originality import measure_originality, originality_csv, originality_rows, training_index
from yardbird.generation.orders import GenerateConfig
from yardbird.metrics.coherence import coherence_rows
from yardbird.metrics.judges import read_judges
from yardbird.metrics.rows import FLOOR, REAL, compare_sets
from yardbird.metrics.sets import headline_rows, set_rows, sets_csv
from yardbird.models.base import best_device, family_names, load_family, prepare_torch
from yardbird.music.excerpts import length_beats

DATA, REPORTS = Path("data"), Path("reports/evaluate")


@exit_on_error
def main() -> None:
    (name,) = stage_arguments("the name of a family", known=family_names())
    config, asked = read_section("evaluate", EvaluateConfig), read_section("generate", GenerateConfig)
    seed = read_seed()
    prepare_torch()
    family = load_family(name).load(Path("models") / name)
    family.model.to(best_device())
    baseline = read_baseline(DATA / "baseline")
    held_out = score_held_out(name, family, baseline, DATA, config, seed)
    events = DATA / "encoded/events"
    codec = EventCodec.load(events / "codec.json")
    generated = read_generated(DATA / "generated" / name)
    beats = length_beats(generated)
    sets = {
        name: generated,
        NGRAM: read_generated(DATA / "baseline/solos"),
        FLOOR: real_excerpts(events, codec, "train", beats, asked.artist),
        REAL: real_excerpts(events, codec, "test", beats, asked.artist),
    }
    index = training_index(DATA)
    compared = measure_originality(name, DATA, index)
    rows = [*compare_sets(sets, len(generated), seed), *ending_rows(sets, events, codec, asked.artist)]
    apart = set_rows(sets, seed)
    rows += style_rows(read_judges(DATA / "judges"), sets, events, read_section("judge", JudgeConfig), seed)
    rows += [*coherence_rows(sets), *headline_rows(apart), *originality_rows(name, compared, index, seed)]
    files.write_text(REPORTS / f"{name}_originality.csv", originality_csv(compared))
    files.write_text(REPORTS / f"{name}_sets.csv", sets_csv(apart))
    files.write_json(REPORTS / f"{name}.json", headlines(held_out, rows))
    files.write_text(REPORTS / f"{name}_rows.csv", as_table(with_held_out(held_out, rows, len(baseline.events))))


if __name__ == "__main__":
    main()
