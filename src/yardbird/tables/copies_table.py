"""The table of the augmented corpus: data/augmented/manifest.csv."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from yardbird.config import Role
from yardbird.tables.typed_table import iterate_table, write_table

_TABLE = "manifest.csv"


@dataclass(frozen=True)
class CopyRow:
    """An ingested solo, or a copy of it in another key or at another tempo."""

    copy: str  # the id: the id of the parent with the suffix of the variant
    solo: str  # the parent's id
    path: str  # relative to data/augmented
    split: str
    role: Role
    artist: str
    title: str
    tune_group: str
    key: str
    form: str
    notes: int
    bars: int
    semitones: int
    tempo_factor: float

    @property
    def is_original(self) -> bool:
        return self.copy == self.solo


def write_copies(augmented: Path, rows: Iterable[CopyRow]) -> None:
    write_table(augmented / _TABLE, CopyRow, rows)


def read_copies(augmented: Path) -> list[CopyRow]:
    """The rows of the augmented corpus: the originals of every split, each with its copies after it.

    Raises:
        InputError: the table is missing or damaged.
    """
    return list(iterate_copies(augmented))


def iterate_copies(augmented: Path) -> Iterator[CopyRow]:
    """The rows as `read_copies` gives them, one at a time."""
    return iterate_table(augmented / _TABLE, CopyRow)
