"""Rows and cells of the tables of the comparison."""

from collections.abc import Mapping

Columns = Mapping[str, tuple[str, int]]  # heading → (key of the figure, digits)


def number(value: float) -> str:
    """Counts in full, in groups of three digits; all else to six digits."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def figures(values: Mapping[str, float], columns: Columns) -> list[str]:
    """A cell a column, with the figure's interval where it has one; empty where the row has no such figure."""
    cells = []
    for key, digits in columns.values():
        ends = [values[end] for end in (f"{key}_low", f"{key}_high") if end in values]
        bounds = f" [{', '.join(f'{end:.{digits}f}' for end in ends)}]" if ends else ""
        cells.append(f"{values[key]:.{digits}f}{bounds}" if key in values else "")
    return cells


def rows(values: Mapping[str, Mapping[str, float]], columns: Columns) -> list[list[str]]:
    """Name and cells of the rows that have any of the figures."""
    cells = {name: figures(own, columns) for name, own in values.items()}
    return [[name, *own] for name, own in cells.items() if any(own)]
