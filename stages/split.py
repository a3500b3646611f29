"""Stage split: ingested solos → train, validation and test, by tune group."""

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files
from yardbird.config import read_section
from yardbird.data.manifest import read_solos
from yardbird.data.splits import SPLITS, SplitConfig, split_solos
from yardbird.errors import exit_on_error

INGESTED = Path("data/ingested")


@exit_on_error
def main() -> None:
    rows = read_solos(INGESTED)
    dealt = split_solos(rows, INGESTED, read_section("split", SplitConfig))
    table = [{"solo": solo, "split": split} for solo, split in sorted(dealt.splits.items())]
    files.write_csv(Path("data/split.csv"), ("solo", "split"), table)
    for name in SPLITS:
        counts = Counter(row.artist for row in rows if dealt.splits[row.solo] == name)
        print(f"{name}: " + ", ".join(f"{count} by {artist}" for artist, count in sorted(counts.items())))
    for warning in dealt.warnings:
        print(f"warning: {warning}", file=sys.stderr)


if __name__ == "__main__":
    main()
