"""The tables of generated music: manifest.csv in data/generated/<family>, data/measured/<family> and data/baseline."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from yardbird.tables.typed_table import read_header, read_table, write_table

TABLE = "manifest.csv"


@dataclass(frozen=True)
class GeneratedSolo:
    """A solo that a family or a baseline generated as notes."""

    solo: str
    path: str  # relative to the table
    chart: str
    prime: str
    bars: int
    primed_bars: int
    notes: int
    key: str
    qpm: float
    seed: int
    index: int  # in the sampled batch


@dataclass(frozen=True)
class GeneratedSound:
    """A sound that a family generated from a prompt."""

    sound: str
    path: str  # relative to the table
    prompt: str
    unknown_words: str  # words of the prompt that are not in the training captions, separated by spaces
    seconds: float
    primed_seconds: float
    seed: int
    index: int  # among the prompts


def write_generated_solos(folder: Path, rows: Iterable[GeneratedSolo]) -> None:
    write_table(folder / TABLE, GeneratedSolo, rows)


def write_generated_sounds(folder: Path, rows: Iterable[GeneratedSound]) -> None:
    write_table(folder / TABLE, GeneratedSound, rows)


def read_generated_solos(folder: Path) -> list[GeneratedSolo]:
    """The solos of a folder.

    Raises:
        InputError: the table is missing or damaged.
    """
    return read_table(folder / TABLE, GeneratedSolo)


def read_generated(folder: Path) -> list[GeneratedSolo] | list[GeneratedSound]:
    """The solos or the sounds of a folder, depending on the columns of its table.

    Raises:
        InputError: the table is missing or damaged.
    """
    if "prompt" in read_header(folder / TABLE):
        return read_table(folder / TABLE, GeneratedSound)
    return read_generated_solos(folder)
