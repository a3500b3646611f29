"""Rows and cells of the tables of the comparison."""

from collections.abc import Collection, Mapping

from yardbird.metrics.estimates import read

Columns = Mapping[str, tuple[str, int]]  # heading → (key of the figure, digits)


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


def check(values: Mapping[str, Mapping[str, float]], columns: Columns, optional: Collection[str] = ()) -> None:
    """See that every column has a value in some row, so that a misspelt key does not leave it empty.

    Args:
        optional: keys that no row needs to have.

    Raises:
        KeyError: some column has none, although others have.
    """
    known = {key for own in values.values() for key in own}
    keys = {key for key, _ in columns.values()}
    if keys & known and (missing := sorted(keys - known - {*optional})):
        raise KeyError(f"no row has {', '.join(missing)}")


def rows(
    values: Mapping[str, Mapping[str, float]], columns: Columns, optional: Collection[str] = ()
) -> list[list[str]]:
    """Name and cells of the rows that have any of the figures, which are checked as by `check`."""
    check(values, columns, optional)
    cells = {name: figures(own, columns) for name, own in values.items()}
    return [[name, *own] for name, own in cells.items() if any(own)]
