"""The tables of audio clips: data/clips/clips.csv, and data/encoded/audio/index.csv, which adds their codes."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from yardbird.config import Split
from yardbird.errors import InputError
from yardbird.tables.typed_table import read_table, write_table

RENDERED = "rendered"
_CLIPS, _INDEX = "clips.csv", "index.csv"


@dataclass(frozen=True)
class ClipRow:
    """A clip of a recording or of a rendered solo. An unknown value is None or empty text."""

    clip: str  # the id: "<sound>__<number>"; a rendered sound has the name of its copy in data/augmented
    path: str  # relative to data/clips
    kind: str  # rendered or recording
    solo: str
    split: Split
    artist: str
    title: str
    tune_group: str
    key: str  # of the sound
    form: str
    qpm: float | None  # of the sound, mean over the whole solo
    start_seconds: float  # from the start of the uncut sound
    seconds: float
    first_bar: int | None  # index of the bar in which it starts, from 0; a pickup counts
    bars: int | None  # number of bar lines in it, including one at its start
    semitones: int  # transposition relative to the original
    tempo_factor: float
    captions: tuple[str, ...]  # the full one first

    @property
    def sound(self) -> str:
        """The name of the uncut sound."""
        return self.clip.rpartition("__")[0]

    @property
    def is_original(self) -> bool:
        """Whether the solo has the key and the tempo with which it was ingested."""
        return self.semitones == 0 and self.tempo_factor == 1


@dataclass(frozen=True)
class EncodedClipRow(ClipRow):
    """A clip and the position of its codes."""

    start: int  # in frames, along the first axis of codes.npy
    length: int

    @property
    def place(self) -> slice:
        """The slice of the clip along the first axis of codes.npy."""
        return slice(self.start, self.start + self.length)


def encoded_clip(clip: ClipRow, start: int, length: int) -> EncodedClipRow:
    return EncodedClipRow(**vars(clip), start=start, length=length)


def write_clips(clips: Path, rows: Iterable[ClipRow]) -> None:
    write_table(clips / _CLIPS, ClipRow, rows)


def read_clips(clips: Path) -> list[ClipRow]:
    """The rows of clips.csv.

    Raises:
        InputError: the table is missing or damaged.
    """
    return read_table(clips / _CLIPS, ClipRow)


def write_clip_index(encoded: Path, rows: Iterable[EncodedClipRow]) -> None:
    write_table(encoded / _INDEX, EncodedClipRow, rows)


def read_clip_index(encoded: Path, split: str | None = None) -> list[EncodedClipRow]:
    """The rows of index.csv in file order, of one split or of all.

    Raises:
        InputError: the table is missing or damaged, or it has no row of `split`.
    """
    path = encoded / _INDEX
    rows = [row for row in read_table(path, EncodedClipRow) if split in (None, row.split)]
    if split and not rows:
        raise InputError(path, expected=f"clips of the {split} split", found="none", remedy="give more recordings")
    return rows
