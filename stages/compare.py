"""Stage compare: one report and its plots over all families that have been evaluated."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files
from yardbird.errors import exit_on_error
from yardbird.evaluation.comparison import (
    as_csv,
    as_markdown,
    distances,
    nats_by_kind,
    read_comparison,
    reconstruction,
)

REPORTS = Path("reports")


@exit_on_error
def main() -> None:
    comparison = read_comparison(REPORTS, Path("data/encoded/events"))
    files.write_text(REPORTS / "comparison.md", as_markdown(comparison))
    files.write_text(REPORTS / "comparison.csv", as_csv(comparison.rows))
    files.write_text(REPORTS / "plots/distances.csv", as_csv(distances(comparison)))
    files.write_text(REPORTS / "plots/nats_by_kind.csv", as_csv(nats_by_kind(comparison)))
    files.write_text(REPORTS / "plots/reconstruction.csv", as_csv(reconstruction(comparison)))


if __name__ == "__main__":
    main()
