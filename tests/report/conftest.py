"""The page of a tiny run, made once."""

from pathlib import Path

import pytest
from tiny_run import FAMILY, make_tiny_run

from yardbird import files
from yardbird.metrics.set_rows import SELF
from yardbird.metrics.shared_runs import FIGURES
from yardbird.report.page import write_report

#: By `FIGURES`: the values of excerpts as long as the family's solos.
YARDSTICK = (0.4, 0.2, 0.1, 0.05, 5.5)

SELF_FIGURES = {
    "longest_run_most": 5.9, "longest_run_most_high": 6.0, "coverage_8_high": 0.02, "longest_run_high": 5.75,
}  # fmt: skip


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the outputs of a pipeline, including the yardstick of its solos."""
    root = make_tiny_run(tmp_path_factory.mktemp("run"))
    rows, report = (root / f"reports/evaluate/{FAMILY}{end}" for end in ("_rows.csv", ".json"))
    lines = [f"{SELF},{figure},{value},,2,\n" for figure, value in zip(FIGURES, YARDSTICK, strict=True)]
    files.write_text(rows, rows.read_text() + "".join(lines))
    files.write_json(report, {**files.read_json(report), SELF: SELF_FIGURES})
    return root


@pytest.fixture(scope="session")
def page(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "index.html"
    write_report(run, path, ["mine"])
    return path
