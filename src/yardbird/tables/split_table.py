"""The table of the splits: data/split.csv."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from yardbird.config import Role, Split
from yardbird.tables.typed_table import read_table, write_table


@dataclass(frozen=True)
class SplitRow:
    """The split that a solo is in."""

    solo: str
    split: Split
    role: Role


def write_splits(path: Path, rows: Iterable[SplitRow]) -> None:
    write_table(path, SplitRow, rows)


def read_splits(path: Path) -> list[SplitRow]:
    """The rows of the table.

    Raises:
        InputError: the table is missing or damaged.
    """
    return read_table(path, SplitRow)
