"""Lines and cells of Markdown tables."""

from collections.abc import Mapping, Sequence

from yardbird.metrics.estimates import read

Columns = Mapping[str, tuple[str, int]]  # heading → (key of the figure, digits)


def head(columns: Sequence[str]) -> list[str]:
    return [line(columns), "|" + "---|" * len(columns)]


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def number(value: float) -> str:
    """Counts in full, in groups of three digits; all else to six digits."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def figures(values: Mapping[str, float], columns: Columns) -> list[str]:
    """A cell a column, with the figure's interval where it has one; empty where the row has no such figure."""
    cells = []
    for key, digits in columns.values():
        if (found := read(values, key)) is None:
            cells.append("")
            continue
        bounds = "" if found.low is None else f" [{', '.join(f'{end:.{digits}f}' for end in found.span)}]"
        cells.append(f"{found.value:.{digits}f}{bounds}")
    return cells


def table(rows: Mapping[str, Mapping[str, float]], columns: Columns) -> list[str]:
    """The rows that have any of the figures; no line at all where none has."""
    cells = {row: figures(values, columns) for row, values in rows.items()}
    lines = [line([row, *own]) for row, own in cells.items() if any(own)]
    return [*head(["row", *columns]), *lines] if lines else []
