"""Stage judge: fits two judges of style on training solos, one for choosing solos and one for evaluation."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files
from yardbird.bootstrap_settings import Resampling
from yardbird.checksums import check_sums
from yardbird.config import read_section, read_seed
from yardbird.errors import exit_on_error
from yardbird.judges.fitting import JudgeConfig, examine, fit_judges, read_excerpts
from yardbird.judges.style_judges import chooser, write_judges
from yardbird.metrics.estimates import flat

ARTIST: Any = str | None
ENCODED, JUDGES = Path("data/encoded/events"), Path("data/judges")


@exit_on_error
def main() -> None:
    config, seed = read_section("judge", JudgeConfig), read_seed()
    check_sums(ENCODED)
    judges = fit_judges(ENCODED, config)
    if read_section("generate.best_of", int) > 1:
        chooser(judges, read_section("generate.artist", ARTIST))  # fails before models are trained, not after
    with files.replacing_folder(JUDGES) as draft:
        write_judges(judges, draft)
    if isinstance(judges, str):
        print(f"no judge of style: {judges}")
        files.write_json(Path("reports/judges.json"), {"none": judges})
        return
    held_out = read_excerpts(ENCODED, "validation", config.excerpt_beats, judges.artist)
    figures = examine(judges, held_out, Resampling(config.bootstrap_samples, seed))
    report = {f"validation_{key}": round(value, 4) for key, value in flat(figures).items()}
    files.write_json(Path("reports/judges.json"), {"artist": judges.artist, **report})
    print(f"{judges.artist} or another:", ", ".join(f"{key} {value:g}" for key, value in report.items()))


if __name__ == "__main__":
    main()
