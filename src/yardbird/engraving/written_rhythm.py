"""The rhythm of a solo as a musician writes it: notes and rests on a readable grid.

Each beat is written in eighths, sixteenths, triplets or finer. The whole line is chosen at once, by dynamic programming
over beats, as the sum of two costs: the squared distances of the onsets from the places of their written notes, and a
cost of each division, so that a beat has a triplet only if it has its notes (after Cemgil, Desain & Kappen, Rhythm
Quantization for Transcription, 2000, who also weigh a prior of notations against the likelihood of timings).

swing   the second eighth of a beat is expected where the solo plays it, so swung eighths are written as eighths
end     a note lasts until the next one unless half a beat or more is silent: articulation is not written as a rest
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from yardbird.music.score import Score
from yardbird.music.swing import SECOND_EIGHTH, swing_ratio

_HALF = Fraction(1, 2)
_SMALLEST_REST = _HALF
_DEVIATION = 0.09, 0.032  # of a played onset from its written place, in beats and in seconds; the larger counts
_DEVIATION_WRITTEN = 0.05
_EARLY = 0.3  # the largest anticipation of a beat, in beats
_FIRST_EIGHTH = 0.25  # the largest distance from its beat of the first of two eighths
_LATEST = 0.15  # the largest lateness of a solo that is taken as its style
_LOST = 40.0  # cost of a note that is not written
#: A solo played with this ratio or more swings; `yardbird.music.swing` lists ratios of real solos.
_SWING_RATIO = 1.15
_WRITTEN = 0.9  # share of onsets on a grid; a timed performance has a tenth of its onsets there by chance


@dataclass(frozen=True)
class Written:
    """A note or a rest (`pitch` None) from `start` to `stop` in quarter notes; `index` is its row in the score."""

    start: Fraction
    stop: Fraction
    pitch: int | None
    index: int = -1


@dataclass(frozen=True)
class Cell:
    """A beat, or two beats under one triplet, with the places of its division, relative to its start."""

    start: Fraction
    stop: Fraction
    places: tuple[Fraction, ...]

    @property
    def is_tuplet(self) -> bool:
        return any(place.denominator % 3 == 0 for place in self.places)

    @property
    def edges(self) -> list[Fraction]:
        return [self.start + place for place in self.places if self.start + place < self.stop]


@dataclass(frozen=True)
class Rhythm:
    """Notes and rests that fill all bars, the cells that they are written in, and the bar lines."""

    written: Sequence[Written]
    cells: Sequence[Cell]
    edges: Sequence[Fraction]


@dataclass(frozen=True)
class _Division:
    """A way to divide a beat."""

    span: Fraction
    places: tuple[Fraction, ...]
    cost: float
    whole: bool = False  # all places must have a note
    must: tuple[Fraction, ...] = ()  # places of which one must have a note, else a coarser division says the same
    least: int = 0  # notes


def _division(cells: int, cost: float, must: Sequence[int] = (), least: int = 0, span: int = 1) -> _Division:
    places = tuple(Fraction(span * cell, cells) for cell in range(cells))
    return _Division(Fraction(span), places, cost, span > 1, tuple(Fraction(cell, cells) for cell in must), least)


_EIGHTHS = _division(2, 0.0)
_DIVISIONS = (
    _EIGHTHS,
    _division(3, 1.5, must=(1,)),
    _division(4, 2.0, must=(1, 3)),
    _division(3, 1.5, span=2),  # a triplet of quarter notes
    _division(6, 6.0, must=(1, 5), least=4),
    _division(8, 7.0, must=(1, 3, 5, 7), least=4),
)
_BINARY = (_EIGHTHS, _DIVISIONS[2])  # of an incomplete beat


@dataclass(frozen=True)
class _Step:
    """The way to a state: from which beat and note, by which division, with the notes at which places."""

    beat: int
    index: int
    division: _Division | None
    places: tuple[Fraction, ...]


def swings(score: Score) -> bool:
    """Whether eighths are swung: played so, or written on a grid, where swing is not notated."""
    ratio = swing_ratio(score)
    return ratio is None or ratio >= _SWING_RATIO or _is_written(score)


def _is_written(score: Score) -> bool:
    """Whether nearly all onsets are on a twelfth or a sixteenth of a beat, as in a transcription."""
    beat, ticks = score.ticks_per_beat, score.onsets
    return bool(np.mean((12 * ticks % beat == 0) | (16 * ticks % beat == 0)) >= _WRITTEN) if len(ticks) else True


def bar_edges(score: Score) -> list[Fraction]:
    """The starts of the bars and the end of the last whole bar, in quarter notes, rounded to eighths."""
    last = int(score.bar_ticks[-1])
    ticks = [*score.bar_ticks.tolist(), max(last + score.meters[-1].bar_ticks(score.ticks_per_beat), score.end_tick)]
    return [Fraction(round(2 * tick / score.ticks_per_beat), 2) for tick in ticks]


def beats_of(edges: Sequence[Fraction]) -> list[tuple[Fraction, Fraction]]:
    """The beats of all bars as (start, stop), counted from each bar line; the last of a bar may be an eighth."""
    beats = []
    for start, stop in pairwise(edges):
        while start < stop:
            beats.append((start, min(start + 1, stop)))
            start += 1
    return beats


def write_rhythm(score: Score) -> Rhythm:
    """Notes and rests on a readable grid, without gaps or overlaps, from the first bar line to the last."""
    edges = bar_edges(score)
    onsets = [int(tick) / score.ticks_per_beat for tick in score.onsets]
    starts, cells = _placed(onsets, edges, _timing(score))
    grid = sorted({edge for cell in cells for edge in (*cell.edges, cell.stop)})
    written, now, end = [], Fraction(0), edges[-1]
    order = sorted(starts)
    for index, following in pairwise([*order, None]):
        assert index is not None
        start, after = starts[index], end if following is None else starts[following]
        if start > now:
            written.append(Written(now, start, None))
        played = Fraction(int(score.offsets[index]), score.ticks_per_beat)
        stop = max(_nearest(played, grid), grid[bisect_right(grid, start)])
        now = after if after - max(played, stop) < _SMALLEST_REST else min(stop, after)
        written.append(Written(start, now, int(score.pitches[index]), index))
    if now < end:
        written.append(Written(now, end, None))
    return Rhythm(written, cells, edges)


def _nearest(place: Fraction, grid: Sequence[Fraction]) -> Fraction:
    after = bisect_right(grid, place)
    return min(grid[max(0, after - 1) : after + 1], key=lambda edge: abs(edge - place))


@dataclass(frozen=True)
class _Timing:
    """How a soloist plays: how late, and where the second eighth of a beat is, in beats."""

    late: float
    second_eighth: tuple[float, ...]  # in a transcription it may be swung, too
    deviation: float


def _timing(score: Score) -> _Timing:
    if _is_written(score):
        return _Timing(0.0, (0.5, 2 / 3), _DEVIATION_WRITTEN)
    beats = score.onsets / score.ticks_per_beat  # bars start on beats, or between two in few files
    within = (beats + _EARLY) % 1 - _EARLY
    first = within[np.abs(within) < _FIRST_EIGHTH]
    second = within[(within >= SECOND_EIGHTH[0]) & (within <= SECOND_EIGHTH[1])]
    deviation = max(_DEVIATION[0], _DEVIATION[1] * score.mean_qpm / 60)
    late = min(max(float(np.median(first)) if len(first) else 0.0, 0.0), _LATEST)
    upbeat = min(max(float(np.median(second)) if len(second) else 0.55, 0.5), 0.72)
    return _Timing(late, (upbeat,), deviation)


def _placed(
    onsets: Sequence[float], edges: Sequence[Fraction], timing: _Timing
) -> tuple[dict[int, Fraction], list[Cell]]:
    """The written start of each note by its index, and the cells of the bars.

    Dynamic programming over beats; the state is the number of notes before the beat.
    """
    beats = beats_of(edges)
    bars = set(edges)
    best: list[dict[int, tuple[float, _Step]]] = [{} for _ in range(len(beats) + 1)]
    best[0][0] = (0.0, _Step(-1, 0, None, ()))
    for beat, (start, stop) in enumerate(beats):
        reached = best[beat]
        for index in sorted(reached):
            while index < len(onsets) and onsets[index] < float(stop) + _EARLY:  # notes that are not written
                cost = reached[index][0] + _LOST
                if index + 1 in reached and reached[index + 1][0] <= cost:
                    break
                reached[index + 1] = (cost, _Step(beat, index, None, ()))
                index += 1
        for index, (cost, _) in sorted(reached.items()):
            if index < len(onsets) and onsets[index] < float(start) - _EARLY:
                continue  # too late to write it
            for division in _DIVISIONS:
                last = beat + int(division.span) - 1
                if last >= len(beats) or any(beats[after][0] in bars for after in range(beat + 1, last + 1)):
                    continue
                whole = beats[last][1] - start == division.span
                if not whole and division not in _BINARY:
                    continue
                ending = float(beats[last][1])
                count = 0
                while True:
                    places = _assigned(onsets[index : index + count], division, start, beats[last][1], timing)
                    if places is not None:
                        total = cost + places[0]
                        target = best[last + 1]
                        if index + count not in target or target[index + count][0] > total:
                            target[index + count] = (total, _Step(beat, index, division, places[1]))
                    if index + count >= len(onsets) or onsets[index + count] >= ending:
                        break
                    count += 1
                    if count > len(division.places):
                        break
    return _traced(best, beats, len(onsets))


def _traced(
    best: Sequence[Mapping[int, tuple[float, _Step]]], beats: Sequence[tuple[Fraction, Fraction]], count: int
) -> tuple[dict[int, Fraction], list[Cell]]:
    """Follow the cheapest way back from the end."""
    starts: dict[int, Fraction] = {}
    cells: list[Cell] = []
    beat, index = len(beats), max(best[-1])
    while beat > 0 or index > 0:
        step = best[beat][index][1]
        if step.division is not None:
            start, stop = beats[step.beat][0], beats[beat - 1][1]
            starts |= {step.index + place: start + at for place, at in enumerate(step.places)}
            cells.append(Cell(start, stop, step.division.places))
        beat, index = step.beat, step.index
    assert max(starts, default=0) < max(count, 1)
    return starts, cells[::-1]


def _assigned(
    onsets: Sequence[float], division: _Division, start: Fraction, stop: Fraction, timing: _Timing
) -> tuple[float, tuple[Fraction, ...]] | None:
    """The cheapest places for notes in a division, and their cost; None if it does not suit their number."""
    if not onsets:
        return (0.0, ()) if division is _EIGHTHS else None
    if (
        len(onsets) < division.least
        or onsets[0] < float(start) - _EARLY
        or (division.whole and len(onsets) != len(division.places))
    ):
        return None
    ways: dict[tuple[int, bool], tuple[float, tuple[int, ...]]] = {(-1, not division.must): (division.cost, ())}
    places = [float(place) for place in division.places if start + place < stop]
    for onset in onsets:
        after: dict[tuple[int, bool], tuple[float, tuple[int, ...]]] = {}
        for (last, met), (cost, chosen) in ways.items():
            for place in range(last + 1, len(places)):
                second = division is _EIGHTHS and place == 1
                expected = timing.second_eighth if second else (places[place] + timing.late,)
                error = min(abs(onset - float(start) - own) for own in expected)
                total = cost + (error / timing.deviation) ** 2
                state = (place, met or division.places[place] in division.must)
                if state not in after or after[state][0] > total:
                    after[state] = (total, (*chosen, place))
        ways = after
    whole = [way for (_, met), way in ways.items() if met]
    if not whole:
        return None
    cost, chosen = min(whole)
    return cost, tuple(division.places[place] for place in chosen)
