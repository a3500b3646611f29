"""The beats of recordings, data/clips/beats.csv."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from yardbird.tables.typed_table import read_table, write_table

_BEATS = "beats.csv"


@dataclass(frozen=True)
class BeatRow:
    """A beat of a recording."""

    sound: str
    seconds: float  # from the start of the uncut sound
    bar_beat: int  # the beat of the bar, from 1; 0 if the bars are unknown


def write_beats(clips: Path, rows: Iterable[BeatRow]) -> None:
    write_table(clips / _BEATS, BeatRow, rows)


def read_beats(clips: Path) -> dict[str, list[BeatRow]]:
    """The beats of each recording that has any, in ascending order.

    Raises:
        InputError: the table is missing or damaged.
    """
    beats: dict[str, list[BeatRow]] = {}
    for row in read_table(clips / _BEATS, BeatRow):
        beats.setdefault(row.sound, []).append(row)
    return beats
