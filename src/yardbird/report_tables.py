"""Sections of captioned tables. The compare stage writes them as Markdown and JSON; the report reads the JSON.

Cells are text, so that values are rounded in one place.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from yardbird import files

#: The page that explains the metrics, relative to the folder `reports`.
METRICS_PAGE = "../docs/metrics.md"


@dataclass(frozen=True)
class Table:
    """A table and its caption, one line of plain text; the caption links to the headings `explained_in`."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str
    explained_in: Sequence[str] = ()  # headings of docs/metrics.md


@dataclass(frozen=True)
class Section:
    heading: str
    tables: Sequence[Table]


def address(heading: str) -> str:
    """The link to a heading of docs/metrics.md. The anchor follows GitHub's rule for letters, digits and spaces."""
    return f"{METRICS_PAGE}#{heading.lower().replace(' ', '-')}"


def as_markdown(sections: Iterable[Section]) -> list[str]:
    """Lines of Markdown: a heading for each section, a caption above each table, and the link targets at the end.

    Tables and sections without rows are left out.
    """
    kept = _with_rows(sections)
    lines = []
    for section in kept:
        lines += [f"## {section.heading}", ""]
        for table in section.tables:
            links = (
                f" More: {', '.join(f'[{heading}]' for heading in table.explained_in)}." if table.explained_in else ""
            )
            lines += [f"{table.caption}{links}", "", *table_lines(table), ""]
    explained_in = {heading for section in kept for table in section.tables for heading in table.explained_in}
    return [*lines, *(f"[{heading}]: {address(heading)}" for heading in sorted(explained_in)), ""]


def table_lines(table: Table) -> list[str]:
    """The table in Markdown, without its caption."""
    return [_line(table.columns), "|" + "---|" * len(table.columns), *map(_line, table.rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def write_sections(path: Path, sections: Iterable[Section]) -> None:
    """Write as JSON, without the tables and sections that have no rows."""
    files.write_json(path, [asdict(section) for section in _with_rows(sections)])


def read_sections(path: Path) -> list[Section]:
    """Read a file that `write_sections` wrote."""
    return [Section(entry["heading"], [Table(**table) for table in entry["tables"]]) for entry in files.read_json(path)]


def _with_rows(sections: Iterable[Section]) -> list[Section]:
    kept = [Section(section.heading, [table for table in section.tables if table.rows]) for section in sections]
    return [section for section in kept if section.tables]
