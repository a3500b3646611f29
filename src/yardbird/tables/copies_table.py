"""The table of the augmented corpus: data/augmented/manifest.csv."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from yardbird.config import Role, Split
from yardbird.tables.typed_table import iterate_table, join_tables, write_table

_TABLE = "manifest.csv"


@dataclass(frozen=True)
class CopyRow:
    """An ingested solo, or a copy of it in another key or at another tempo."""

    copy: str  # the id: the id of the parent with the suffix of the variant
    solo: str  # the parent's id
    path: str  # relative to data/augmented
    split: Split
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


def join_copies(augmented: Path, parts: Iterable[tuple[Path, Callable[[list[str]], list[str]]]]) -> None:
    """Write the table of all parts from the tables in their folders, with the column `path` as a function gives it."""
    join_tables(augmented / _TABLE, CopyRow, ((folder / _TABLE, paths) for folder, paths in parts), "path")


def read_copies(augmented: Path) -> list[CopyRow]:
    """The rows of the augmented corpus: the originals of every split, each with its copies after it.

    Raises:
        InputError: the table is missing or damaged.
    """
    return list(iterate_copies(augmented))


def iterate_copies(augmented: Path) -> Iterator[CopyRow]:
    """The rows as `read_copies` gives them, one at a time."""
    return iterate_table(augmented / _TABLE, CopyRow)
