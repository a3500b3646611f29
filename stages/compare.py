"""Stage compare: compares all evaluated families in one report with plots, and writes the metrics that DVC shows."""

import gc
import sys
from pathlib import Path

gc.disable()  # until main(): imports leave no garbage
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from yardbird import files
from yardbird.comparison import models_table, plot_tables
from yardbird.comparison.comparison_tables import as_markdown, sections
from yardbird.comparison.deciding_table import deciding, values
from yardbird.comparison.gathering import read_comparison
from yardbird.comparison.model_facts import all_facts
from yardbird.comparison.strengths import characters
from yardbird.deciding_metrics import FOLDER
from yardbird.errors import exit_on_error
from yardbird.report_tables import write_sections

REPORTS = Path("reports")


@exit_on_error
def main() -> None:
    comparison = read_comparison(REPORTS, Path("data"), Path("models"))
    families = all_facts(comparison)
    descriptions = characters(families)
    tables = sections(comparison, families, descriptions)
    files.write_text(REPORTS / "comparison.md", as_markdown(comparison, tables))
    write_sections(REPORTS / "comparison_tables.json", tables)
    for metric, own in values(deciding(comparison, families)).items():
        files.write_json(FOLDER / f"{metric}.json", own)
    for path, table in (
        ("comparison.csv", comparison.rows),
        ("comparison_models.csv", models_table.as_table(families, descriptions)),
        ("plots/distances.csv", plot_tables.distances(comparison)),
        ("plots/nats_by_kind.csv", plot_tables.nats_by_kind(comparison)),
        ("plots/nats_by_codebook.csv", plot_tables.nats_by_codebook(comparison)),
        ("plots/reconstruction.csv", plot_tables.reconstruction(comparison)),
    ):
        files.write_text(REPORTS / path, plot_tables.as_csv(table))


if __name__ == "__main__":
    main()
