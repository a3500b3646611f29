"""Stage augment: ingested solos and their splits → the corpus, with training solos also in other keys and tempos."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird.config import BACKGROUND, read_section, read_seed
from yardbird.data.augmentation import AugmentConfig, augment
from yardbird.data.manifest import read_solos
from yardbird.data.sources import read_sources
from yardbird.errors import counted, exit_on_error
from yardbird.execution import prepare_workers
from yardbird.shards import stage_shards
from yardbird.tables.split_table import read_splits

INGESTED = Path("data/ingested")


@exit_on_error
def main() -> None:
    table = read_splits(Path("data/split.csv"))
    splits = {row.solo: row.split for row in table}
    background = {row.solo for row in table if row.role == BACKGROUND}
    rows = [row for row in read_solos(INGESTED, read_sources()) if row.solo in splits]  # the others are set aside
    config = read_section("augment", AugmentConfig)
    prepare_workers()
    shards = stage_shards("augment")
    total = augment(rows, INGESTED, splits, Path("data/augmented"), config, read_seed(), background, shards)
    print(f"{counted(len(rows), 'solo')}, {total} including copies")


if __name__ == "__main__":
    main()
