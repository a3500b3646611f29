"""Stage evaluate@<family>: held-out tunes and generated solos, compared with real solos, their floor and the n-gram."""

import gc
import sys
from pathlib import Path

gc.disable()  # until main(): imports leave no garbage
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files
from yardbird.baselines.ngram_solos import EvaluateConfig
from yardbird.checksums import check_sums
from yardbird.config import read_section, read_seed
from yardbird.devices import best_device, prepare_torch
from yardbird.errors import exit_on_error, stage_arguments
from yardbird.evaluation.evaluate import headlines
from yardbird.evaluation.evaluate_notes import evaluate_notes
from yardbird.evaluation.originality import originality_csv
from yardbird.execution import prepare_workers
from yardbird.generation.orders import GenerateConfig
from yardbird.judges.fitting import JudgeConfig
from yardbird.metrics.estimates import as_csv
from yardbird.metrics.sets import sets_csv
from yardbird.models.family import load_family
from yardbird.models.family_names import family_names

DATA, REPORTS = Path("data"), Path("reports/evaluate")


@exit_on_error
def main() -> None:
    (name,) = stage_arguments("the name of a family", known=family_names())
    config, judge = read_section("evaluate", EvaluateConfig), read_section("judge", JudgeConfig)
    artist, seed = read_section("generate", GenerateConfig).artist, read_seed()
    prepare_torch()
    check_sums(DATA / "encoded" / load_family(name).codec_name)
    prepare_workers()
    family = load_family(name).load(Path("models") / name)
    family.model.to(best_device())
    results, sets, compared = evaluate_notes(name, family, DATA, config, judge, artist, seed)
    files.write_text(REPORTS / f"{name}_originality.csv", originality_csv(compared))
    files.write_text(REPORTS / f"{name}_sets.csv", sets_csv(sets))
    files.write_json(REPORTS / f"{name}.json", headlines(results))
    files.write_text(REPORTS / f"{name}_rows.csv", as_csv(results))


if __name__ == "__main__":
    main()
