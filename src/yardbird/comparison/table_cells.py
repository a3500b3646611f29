"""Formats rows and cells of the comparison tables."""

from collections.abc import Collection, Mapping

from yardbird.metrics.estimates import read

Columns = Mapping[str, tuple[str, int]]  # heading → (key of the figure, digits)


def number(value: float) -> str:
    """Integers in full, in groups of three digits; other values to six significant digits."""
    return f"{value:,}" if isinstance(value, int) else f"{value:.6g}"


def figures(values: Mapping[str, float], columns: Columns) -> list[str]:
    """One cell per column, with the interval if there is one; empty if the row lacks the value."""
    cells = []
    for key, digits in columns.values():
        if (found := read(values, key)) is None:
            cells.append("")
            continue
        bounds = "" if found.low is None else f" [{', '.join(f'{end:.{digits}f}' for end in found.span)}]"
        cells.append(f"{found.value:.{digits}f}{bounds}")
    return cells


def check(values: Mapping[str, Mapping[str, float]], columns: Columns, optional: Collection[str] = ()) -> None:
    """Check that every column has a value in some row, so that a misspelt key is an error, not an empty column.

    Args:
        optional: keys that may be missing in all rows.

    Raises:
        KeyError: a column has no value, although others do.
    """
    known = {key for own in values.values() for key in own}
    keys = {key for key, _ in columns.values()}
    if keys & known and (missing := sorted(keys - known - {*optional})):
        raise KeyError(f"no row has {', '.join(missing)}")


def rows(
    values: Mapping[str, Mapping[str, float]], columns: Columns, optional: Collection[str] = ()
) -> list[list[str]]:
    """Name and cells of the rows that have any of the values; checks the columns with `check`."""
    check(values, columns, optional)
    cells = {name: figures(own, columns) for name, own in values.items()}
    return [[name, *own] for name, own in cells.items() if any(own)]
