"""Stage split: ingested solos without those set aside → train, validation and test, by tune group."""

import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird.config import BACKGROUND, SPLITS, TARGET, read_section
from yardbird.data.manifest import SetAside, read_solos
from yardbird.data.roles import read_background
from yardbird.data.sources import read_sources
from yardbird.data.splitting import SplitConfig, split_solos
from yardbird.errors import counted, exit_on_error
from yardbird.tables.split_table import SplitRow, write_splits
from yardbird.tables.typed_table import read_table

INGESTED = Path("data/ingested")


@exit_on_error
def main() -> None:
    set_aside = {row.solo for row in read_table(Path("data/set_aside.csv"), SetAside)}
    rows = [row for row in read_solos(INGESTED, read_sources()) if row.solo not in set_aside]
    background = read_background()
    dealt = split_solos(rows, INGESTED, read_section("split", SplitConfig), background)
    roles = {row.solo: BACKGROUND if row.source in background else TARGET for row in rows}
    table = [SplitRow(solo, split, roles[solo]) for solo, split in sorted(dealt.splits.items())]
    write_splits(Path("data/split.csv"), table)
    for name in SPLITS:
        own = [row for row in rows if dealt.splits[row.solo] == name]
        counts = Counter(row.artist for row in own if roles[row.solo] == TARGET)
        print(f"{name}: " + ", ".join(f"{count} by {artist}" for artist, count in sorted(counts.items())))
        if background:
            use = "trained on" if name == "train" else "left out because their tunes are held out"
            print(f"  background: {counted(len(own) - counts.total(), 'solo')}, {use}")
    for warning in dealt.warnings:
        print(f"warning: {warning}", file=sys.stderr)


if __name__ == "__main__":
    main()
