"""Stage validate: set aside the solos with errors, count the warnings, write the Data Docs (HTML)."""

import gc
import sys
from pathlib import Path

gc.disable()  # until main(): imports leave no garbage
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files
from yardbird.config import read_section
from yardbird.data.health import examine, read_limits
from yardbird.data.manifest import SetAside, read_solos
from yardbird.data.sources import read_sources, remove_other_sources
from yardbird.data.validate_config import ValidateConfig
from yardbird.data.validation import read_scores, refuse, validate
from yardbird.errors import counted, exit_on_error
from yardbird.tables.typed_table import write_table

INGESTED, DOCS = Path("data/ingested"), Path("reports/data_docs")


@exit_on_error
def main() -> None:
    sources = read_sources()
    for name in remove_other_sources(INGESTED, sources):
        print(f"removed {INGESTED / name}, which belongs to no source in params.yaml")
    config = read_section("validate", ValidateConfig)
    rows = read_solos(INGESTED, sources)
    scores = read_scores(rows, INGESTED)
    verdict = validate(rows, scores, config, DOCS)
    files.write_json(Path("reports/validate.json"), {"validate": verdict.metrics()})
    for line in verdict.lines("warning"):
        print(line)
    for line in verdict.lines("error"):
        print(line, file=sys.stderr)
    refuse(verdict, config, INGESTED, DOCS)
    set_aside = verdict.set_aside()
    write_table(Path("data/set_aside.csv"), SetAside, set_aside)
    health = examine(rows, scores, verdict, read_limits())
    files.write_json(Path("reports/data_health.json"), health.to_dict())
    counts = f"{counted(verdict.solos, 'solo')}, set aside: {len(set_aside)}, warnings: {verdict.count('warning')}"
    print(f"{counts}; see {DOCS}/index.html")


if __name__ == "__main__":
    main()
