"""The representation of a solo that all layers share: a single melodic line with chords, in ticks.

A beat is a quarter note in every meter. A *grid score* has as many ticks per beat as the grid has steps, so its ticks
are grid steps; `yardbird.music.grid` makes one.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from yardbird.music.chords import Chord
from yardbird.music.pitch import Key

ALTO_SAX = 65  # General MIDI program, counted from 0
DRUM_KIT = 128  # not a program: the drum channel, whose pitches are the instruments of General MIDI's percussion map

#: One row per note; a score sorts them by onset, then pitch.
NOTE_DTYPE = np.dtype(
    [("onset_tick", np.int64), ("duration_tick", np.int64), ("pitch", np.int16), ("velocity", np.int16)]
)
Notes = NDArray[np.void]
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


class Tempo(NamedTuple):
    """Quarter notes a minute from `tick` on."""

    tick: int
    qpm: float


class Meter(NamedTuple):
    """A time signature from `tick` on, which is a bar line. A short first meter is a pickup bar."""

    tick: int
    numerator: int
    denominator: int

    def bar_ticks(self, ticks_per_beat: int) -> int:
        return ticks_per_beat * 4 * self.numerator // self.denominator


class ChordChange(NamedTuple):
    """`chord` lasts from `tick` until the next change; None means no chord (N.C.)."""

    tick: int
    chord: Chord | None


def chord_changes(pairs: Iterable[tuple[int, Chord | None]]) -> tuple[ChordChange, ...]:
    """Changes from pairs of a tick and a chord, built three times as fast as by calling the class."""
    return tuple(map(tuple.__new__, repeat(ChordChange), pairs))


class Section(NamedTuple):
    """A label of the form from `tick` on, such as `HEAD`, `SOLO` or `FORM A1`."""

    tick: int
    label: str


def make_notes(rows: list[tuple[int, int, int, int]] | NDArray[np.int64]) -> Notes:
    """Notes from rows of (onset tick, duration ticks, pitch, velocity), sorted."""
    notes = np.array([tuple(row) for row in rows], dtype=NOTE_DTYPE)
    return notes[np.lexsort((notes["pitch"], notes["onset_tick"]))]


@dataclass(frozen=True, eq=False)
class Score:
    """A solo: notes, tempo map, meters, chords, and the phrase marks and sections of the file, all in ticks.

    `tempos` and `meters` start at tick 0 and ascend. `end_tick` is at or after the end of the last note; the final bar
    may be incomplete. `phrases` are the ticks where phrases start, if the file marks them.
    """

    ticks_per_beat: int
    notes: Notes
    end_tick: int
    tempos: tuple[Tempo, ...] = (Tempo(0, 120.0),)
    meters: tuple[Meter, ...] = (Meter(0, 4, 4),)
    chords: tuple[ChordChange, ...] = ()
    phrases: tuple[int, ...] = ()
    sections: tuple[Section, ...] = ()
    key: Key | None = None
    program: int = field(default=ALTO_SAX)

    def __post_init__(self) -> None:
        assert self.notes.dtype == NOTE_DTYPE
        assert self.tempos[0].tick == 0, "a tempo map starts at tick 0"
        assert self.meters[0].tick == 0, "meters start at tick 0"
        self.notes.setflags(write=False)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Score):
            return NotImplemented
        plain = ("ticks_per_beat", "end_tick", "tempos", "meters", "chords", "phrases", "sections", "key", "program")
        return np.array_equal(self.notes, other.notes) and all(
            getattr(self, name) == getattr(other, name) for name in plain
        )

    __hash__ = None  # type: ignore[assignment]  # arrays are not hashable

    @property
    def onsets(self) -> Ints:
        return self.notes["onset_tick"]

    @property
    def durations(self) -> Ints:
        return self.notes["duration_tick"]

    @property
    def offsets(self) -> Ints:
        """The ticks at which the notes end."""
        return self.onsets + self.durations

    @cached_property
    def pitches(self) -> Ints:
        return _frozen(self.notes["pitch"].astype(np.int64))

    @cached_property
    def velocities(self) -> Ints:
        return _frozen(self.notes["velocity"].astype(np.int64))

    @property
    def is_monophonic(self) -> bool:
        """Whether no note starts before the previous one has ended."""
        return bool(np.all(self.offsets[:-1] <= self.onsets[1:]))

    @cached_property
    def bar_ticks(self) -> Ints:
        """The start of each bar; the score ends in the last one. There is at least one bar."""
        if len(self.meters) == 1:
            return np.arange(0, max(self.end_tick, 1), self.meters[0].bar_ticks(self.ticks_per_beat), dtype=np.int64)
        stops = [*(meter.tick for meter in self.meters[1:]), max(self.end_tick, self.meters[-1].tick + 1)]
        starts = [
            np.arange(meter.tick, stop, meter.bar_ticks(self.ticks_per_beat), dtype=np.int64)
            for meter, stop in zip(self.meters, stops, strict=True)
        ]
        return np.concatenate(starts)

    @property
    def bar_count(self) -> int:
        return len(self.bar_ticks)

    def bar_of(self, ticks: Ints) -> Ints:
        """The index of the bar that each tick falls in."""
        return self.bar_ticks.searchsorted(ticks, side="right") - 1

    @cached_property
    def chord_ticks(self) -> Ints:
        """The tick of each chord change."""
        return np.array([change.tick for change in self.chords], dtype=np.int64)

    def chord_index_of(self, ticks: Ints) -> Ints:
        """The index into `chords` of the change in force at each tick, -1 before the first."""
        return self.chord_ticks.searchsorted(ticks, side="right") - 1

    @cached_property
    def _tempo_map(self) -> tuple[Ints, Floats, Floats]:
        """The tick, the time and the seconds a tick of each tempo."""
        starts = np.array([tempo.tick for tempo in self.tempos], dtype=np.int64)
        seconds_per_tick = np.array([60 / tempo.qpm / self.ticks_per_beat for tempo in self.tempos])
        start_seconds = np.zeros(len(starts))
        ((starts[1:] - starts[:-1]) * seconds_per_tick[:-1]).cumsum(out=start_seconds[1:])
        return starts, start_seconds, seconds_per_tick

    def seconds_at(self, ticks: Ints) -> Floats:
        """The time of each tick under the tempo map."""
        seconds: Floats
        if len(self.tempos) == 1:
            seconds = ticks * np.float64(60 / self.tempos[0].qpm / self.ticks_per_beat)
            return seconds
        starts, start_seconds, seconds_per_tick = self._tempo_map
        index = (starts.searchsorted(ticks, side="right") - 1).clip(0)
        seconds = start_seconds[index] + (ticks - starts[index]) * seconds_per_tick[index]
        return seconds

    @cached_property
    def seconds(self) -> float:
        return float(self.seconds_at(np.array([self.end_tick]))[0])

    @property
    def mean_qpm(self) -> float:
        """The beats of the score divided by its duration; the first tempo if the score is empty."""
        return self.end_tick / self.ticks_per_beat / self.seconds * 60 if self.seconds > 0 else self.tempos[0].qpm

    def transposed(self, semitones: int) -> "Score":
        """Transpose notes, chords and key; the caller keeps the pitches inside 0 … 127."""
        if semitones == 0:
            return self  # keeps the written names of the chords
        notes = self.notes.copy()
        notes["pitch"] += semitones
        chords = tuple(ChordChange(c.tick, c.chord and c.chord.transposed(semitones)) for c in self.chords)
        return replace(self, notes=notes, chords=chords, key=self.key and self.key.transposed(semitones))

    def tempo_scaled(self, factor: float) -> "Score":
        """Multiply every tempo by `factor`; the ticks of the notes do not change."""
        return replace(self, tempos=tuple(Tempo(tempo.tick, tempo.qpm * factor) for tempo in self.tempos))


def _frozen(values: Ints) -> Ints:
    """The same array, read-only, because every reader of a cached property shares it."""
    values.setflags(write=False)
    return values
