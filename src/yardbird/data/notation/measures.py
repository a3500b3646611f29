"""The measures of a notated piece: their lengths, their elements, and the resulting meters."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from yardbird.music.score import Meter

TICKS_PER_BEAT = 480


@dataclass(frozen=True)
class WrittenMeasure:
    """One measure of the written score: its start and length in quarter notes, and the meter in force."""

    start: Fraction
    length: Fraction
    bar: Fraction
    numerator: int
    denominator: int


def tick_of(quarters: Fraction) -> int:
    return round(quarters * TICKS_PER_BEAT)


def written_measures(measures: list[Any]) -> list[WrittenMeasure]:
    """The length and the meter of each measure. music21 has filled up short measures that are not pickups."""
    from music21 import meter

    now = meter.TimeSignature("4/4")
    found = []
    for index, measure in enumerate(measures):
        now = measure.timeSignature or now
        start, bar = Fraction(measure.offset), Fraction(now.barDuration.quarterLength)
        if index + 1 < len(measures):
            length = Fraction(measures[index + 1].offset) - start
        else:
            length = Fraction(measure.highestTime) or bar
        found.append(WrittenMeasure(start, length, bar, int(now.numerator), int(now.denominator)))
    return found


def meters_of(played: list[WrittenMeasure], starts: list[Fraction]) -> tuple[Meter, ...]:
    """The meters as played. An incomplete measure gets its own meter, like a pickup, unless the next one completes it,
    as when a repeat starts inside a bar.
    """
    meters: list[Meter] = []
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
        if length != measure.bar and not (length < measure.bar and index == len(played) and meters):
            for unit in (measure.denominator, 4, 8, 16, 32):
                beats = length * unit / 4
                if beats.denominator == 1 and 0 < beats <= 64:
                    numerator, denominator = int(beats), unit
                    break
        if length > 0 and (not meters or (meters[-1].numerator, meters[-1].denominator) != (numerator, denominator)):
            meters.append(Meter(tick_of(start), numerator, denominator))
    return tuple(meters)


def events_of(measure: Any) -> Iterator[tuple[Fraction, int, Any]]:
    """Offset in quarter notes from the measure's start, index of the voice, element."""
    from music21 import stream

    voices = 0
    for element in measure:
        offset = Fraction(measure.elementOffset(element))
        if isinstance(element, stream.Voice):
            for inner in element:
                yield offset + Fraction(element.elementOffset(inner)), voices, inner
            voices += 1
        else:
            yield offset, 0, element
