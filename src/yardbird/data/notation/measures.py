"""A notated piece as written: parts of measures with their notes, texts and tempos; and the meters as played.

Times are in quarter notes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from yardbird.music.score import Meter

TICKS_PER_BEAT = 480
VELOCITY = 90  # of a note without dynamics


@dataclass(frozen=True)
class WrittenNote:
    """A note of a measure. `begins_tie` and `ends_tie`: it is tied to the next or the previous note of its pitch."""

    onset: Fraction  # from the start of the measure
    length: Fraction
    pitch: int
    voice: int = 0
    velocity: int = VELOCITY
    begins_tie: bool = False
    ends_tie: bool = False


@dataclass
class Measure:
    """One written measure, and the meter in force."""

    length: Fraction
    numerator: int
    denominator: int
    notes: list[WrittenNote] = field(default_factory=list)
    texts: list[tuple[Fraction, str, str]] = field(default_factory=list)  # time in the measure, `RawText.kind`, text
    tempos: list[tuple[Fraction, float]] = field(default_factory=list)  # time in the measure, quarter notes a minute

    @property
    def bar(self) -> Fraction:
        """The length of a full measure."""
        return Fraction(4 * self.numerator, self.denominator)


@dataclass
class WrittenPart:
    """The measures of one staff or voice; `program` is its General MIDI program, counted from 0."""

    measures: list[Measure]
    name: str = ""
    program: int = 0
    is_drums: bool = False


def tick_of(quarters: Fraction) -> int:
    return round(quarters * TICKS_PER_BEAT)


def starts_of(measures: Iterable[Measure]) -> list[Fraction]:
    """The start of each measure and, last, the end."""
    starts = [Fraction(0)]
    for measure in measures:
        starts.append(starts[-1] + measure.length)
    return starts


def meters_of(played: Sequence[Measure]) -> tuple[Meter, ...]:
    """The meters as played. An incomplete measure gets its own meter, like a pickup, unless the next one completes it,
    as when a repeat starts inside a bar.
    """
    meters: list[Meter] = []
    starts = starts_of(played)
    index = 0
    while index < len(played):
        measure, start = played[index], starts[index]
        length = measure.length
        if length < measure.bar and index and index + 1 < len(played):
            following = played[index + 1].length
            if following < measure.bar and length + following == measure.bar:
                length = measure.bar
                index += 1
        index += 1
        numerator, denominator = measure.numerator, measure.denominator
        if length % measure.bar and not (length < measure.bar and index == len(played) and meters):
            for unit in (measure.denominator, 4, 8, 16, 32):
                beats = length * unit / 4
                if beats.denominator == 1 and 0 < beats <= 64:
                    numerator, denominator = int(beats), unit
                    break
        if length > 0 and (not meters or (meters[-1].numerator, meters[-1].denominator) != (numerator, denominator)):
            meters.append(Meter(tick_of(start), numerator, denominator))
    return tuple(meters)
