"""Stage ingest@<source>: a folder of music files → canonical scores, a manifest, and a table of rejected files."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird.config import read_section
from yardbird.data.ingest import ingest
from yardbird.data.reading import IngestConfig
from yardbird.errors import counted, exit_on_error, stage_arguments
from yardbird.execution import prepare_workers
from yardbird.shards import stage_shards


@exit_on_error
def main() -> None:
    source, folder = stage_arguments("the name of a source", "its folder")
    out = Path("data/ingested") / source
    prepare_workers()
    found = ingest(Path(folder), source, read_section("ingest", IngestConfig), out, stage_shards(f"ingest@{source}"))
    print(f"{source}: {counted(found.used, 'file')} used, {found.rejected} rejected (see {out / 'rejected.csv'})")


if __name__ == "__main__":
    main()
