"""Stage evaluate_audio: evaluates a sound family on held-out clips and by its transcribed solos."""

import gc
import sys
from pathlib import Path

gc.disable()  # until main(): imports leave no garbage
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files
from yardbird.checksums import check_sums
from yardbird.config import read_section, read_seed
from yardbird.devices import best_device, prepare_torch
from yardbird.errors import exit_on_error
from yardbird.evaluation.evaluate_audio import EvaluateAudioConfig, evaluate_audio, headlines, unknown_words
from yardbird.evaluation.originality import originality_csv
from yardbird.execution import prepare_workers
from yardbird.metrics.estimates import as_csv, merged
from yardbird.models.musicgen import MusicGenFamily

NAME, DATA, REPORTS = "musicgen", Path("data"), Path("reports/evaluate")


@exit_on_error
def main() -> None:
    config, seed = read_section("evaluate_audio", EvaluateAudioConfig), read_seed()
    prepare_torch()
    for name in ("audio", "events"):
        check_sums(DATA / "encoded" / name)
    prepare_workers()
    family = MusicGenFamily.load(Path("models") / NAME)
    family.model.to(best_device())  # type: ignore[arg-type]  # transformers wraps it so that its types are lost
    figures, solos, compared = evaluate_audio(NAME, family, DATA, config, seed)
    files.write_json(REPORTS / f"{NAME}.json", headlines(figures, solos))
    files.write_text(REPORTS / f"{NAME}_originality.csv", originality_csv(compared))
    files.write_text(REPORTS / f"{NAME}_rows.csv", as_csv(merged(figures, solos)))
    if words := unknown_words(family, config):
        print(f"warning: the training captions lack {', '.join(words)} (evaluate_audio.caption)", file=sys.stderr)


if __name__ == "__main__":
    main()
