"""Rows of tables: a test gives only the columns that it checks."""

from dataclasses import fields
from typing import Any, TypeVar

from yardbird.config import TARGET, Role, Split
from yardbird.tables.copies_table import CopyRow
from yardbird.tables.encoded_tables import EncodedRow
from yardbird.tables.typed_table import Columns

Row = TypeVar("Row", bound=Columns)
_NEUTRAL: dict[Any, Any] = {str: "", int: 0, float: 1.0, Role: TARGET, Split: "train", tuple[str, ...]: ("",)}


def filled(kind: type[Row], /, **given: Any) -> Row:
    """A row with the given columns. Other texts are empty, other numbers are 0 or 1.0, and the role is the target."""
    row: dict[str, Any] = {field.name: _NEUTRAL.get(field.type) for field in fields(kind)}
    assert given.keys() <= row.keys(), given.keys() - row.keys()
    return kind(**row | given)


def encoded_row(copy: CopyRow, start: int, length: int) -> EncodedRow:
    """The index row of a copy at this position."""
    of_both = {field.name: getattr(copy, field.name) for field in fields(EncodedRow) if hasattr(copy, field.name)}
    return EncodedRow(**of_both, start=start, length=length)
