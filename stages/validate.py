"""Stage validate: errors stop the pipeline with the solos named, warnings are counted, Data Docs are for a browser."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files
from yardbird.config import read_section
from yardbird.data.sources import read_sources, remove_other_sources
from yardbird.data.validation import ValidateConfig, validate
from yardbird.errors import InputError, exit_on_error

INGESTED, DOCS = Path("data/ingested"), Path("reports/data_docs")


@exit_on_error
def main() -> None:
    sources = read_sources()
    for name in remove_other_sources(INGESTED, sources):
        print(f"removed {INGESTED / name}, which no source of params.yaml is read into")
    verdict = validate(INGESTED, sources, read_section("validate", ValidateConfig), DOCS)
    files.write_json(Path("reports/validate.json"), {"validate": verdict.metrics()})
    for line in verdict.lines("warning"):
        print(line)
    if errors := verdict.broken("error"):
        print(*verdict.lines("error"), sep="\n", file=sys.stderr)
        found = ", ".join(f"{outcome.name} ({len(outcome.solos)})" for outcome in errors)
        raise InputError(
            INGESTED, expected="sound solos", found=found, remedy=f"mend the files named above; {DOCS}/index.html"
        )
    print(f"{verdict.solos} solos, warnings: {verdict.count('warning')}; look at {DOCS}/index.html")


if __name__ == "__main__":
    main()
