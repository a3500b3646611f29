"""Cuts written notes and rests into note values, tied across the places that a reader must see."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from yardbird.engraving.written_rhythm import Cell, Rhythm, Written

_HALF = Fraction(1, 2)
_SYNCOPATED = tuple(Fraction(half, 2) for half in (6, 4, 3, 2, 1))  # single notes on the grid of eighths
_BINARY = tuple(Fraction(part, 8) for part in (8, 6, 4, 3, 2, 1))  # within a beat
_TERNARY = tuple(Fraction(*value) for value in ((4, 3), (2, 3), (1, 3), (1, 6)))


@dataclass(frozen=True)
class Value:
    """A single note head or rest."""

    own: Written
    tied_back: bool
    tied_on: bool

    @property
    def length(self) -> Fraction:
        return self.own.stop - self.own.start


def note_values(rhythm: Rhythm, start: Fraction, stop: Fraction) -> Iterator[Value]:
    """The note values of the bar from `start` to `stop`, in quarter notes, without gaps."""
    cells = [cell for cell in rhythm.cells if start <= cell.start < stop]
    for own in rhythm.written:
        at, end = max(own.start, start), min(own.stop, stop)
        while at < end:
            length = _length(at, end, start, stop, cells, own.pitch is None)
            tied = own.pitch is not None
            yield Value(
                replace(own, start=at, stop=at + length), tied and at > own.start, tied and at + length < own.stop
            )
            at += length


def _length(at: Fraction, end: Fraction, start: Fraction, stop: Fraction, cells: list[Cell], rests: bool) -> Fraction:
    """The longest value from `at` to at most `end` that leaves the structure of the bar visible."""
    bar, place = stop - start, at - start
    if place == 0 and end == stop and (rests or bar in (1, 2, 3, 4)):
        return bar
    cell = next(cell for cell in cells if cell.start <= at < cell.stop)
    if cell.is_tuplet and (at > cell.start or end < cell.stop):
        return next(value for value in _TERNARY if value <= min(end, cell.stop) - at)
    free = next((other.start for other in cells if other.start > at and other.is_tuplet), stop)
    if place == 0 and bar == 4 and end - at >= 3 and not rests and free >= at + 3:
        return Fraction(3)
    half = start + (place // 2 + 1) * 2 if bar == 4 else stop if bar == 3 else cell.stop
    until = min(end, half, max(free, cell.stop))
    if rests and not (place % 2 == 0 and until - at == 2):
        until = min(until, cell.stop)
    if until > cell.stop and (place % _HALF or (until - at) % _HALF):
        whole = at + (until - at) // 1 if place % 1 == 0 else cell.stop
        until = max(whole, cell.stop) if place % 1 == 0 else cell.stop
    values = _SYNCOPATED if place % _HALF == 0 and (until - at) % _HALF == 0 else _BINARY
    return next(value for value in values if value <= until - at)
