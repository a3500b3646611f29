"""The tables of the encoded scores: index.csv in data/encoded/events and data/encoded/melody."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from yardbird.config import Role
from yardbird.tables.typed_table import iterate_table, write_table

_TABLE = "index.csv"


@dataclass(frozen=True)
class EncodedRow:
    """The position of a solo, or of a copy, in the packed arrays."""

    copy: str
    solo: str
    split: str
    role: Role
    artist: str
    tune_group: str
    semitones: int
    tempo_factor: float
    start: int  # along the first axis of the arrays: tokens, or segments of the melody
    length: int
    notes: int  # encoded notes

    @property
    def is_original(self) -> bool:
        return self.copy == self.solo

    @property
    def place(self) -> slice:
        """The slice of the row along the first axis of the packed arrays."""
        return slice(self.start, self.start + self.length)


def write_index(encoded: Path, rows: Iterable[EncodedRow]) -> None:
    write_table(encoded / _TABLE, EncodedRow, rows)


def read_index(encoded: Path, split: str | None = None) -> list[EncodedRow]:
    """The rows of the index in file order, of one split or of all; the list may be empty.

    Raises:
        InputError: the table is missing or damaged.
    """
    return [row for row in iterate_index(encoded) if split in (None, row.split)]


def iterate_index(encoded: Path) -> Iterator[EncodedRow]:
    """All rows of the index in file order, one at a time."""
    return iterate_table(encoded / _TABLE, EncodedRow)
