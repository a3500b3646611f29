"""Cut real solos to the length of generated ones: entropy and diversity grow with length, so lengths must match."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TypeVar

import numpy as np

from yardbird.music.score import ChordChange, Meter, Score, Tempo

Change = TypeVar("Change", ChordChange, Meter, Tempo)


def length_beats(scores: Sequence[Score]) -> float:
    """The median length of scores in beats."""
    return float(np.median([score.end_tick / score.ticks_per_beat for score in scores]))


def in_full_bars(score: Score) -> Score:
    """Put a solo transcribed without a meter, whose bars have one beat, in 4/4, as metrics of bars require."""
    without_meter = all(meter.numerator == 1 for meter in score.meters)
    return replace(score, meters=(Meter(0, 4, 4),)) if without_meter else score


def excerpts(score: Score, beats: float) -> list[Score]:
    """Consecutive excerpts of whole bars, as close to `beats` beats as bars allow, each with at least one note.

    A shorter remainder at the end is dropped. A score shorter than `beats` is its only excerpt. The length is in beats
    because a file may have bars of 3/4 or of one beat.
    """
    starts = score.bar_ticks
    end_tick = max(int(starts[-1]) + score.meters[-1].bar_ticks(score.ticks_per_beat), score.end_tick)
    bars = max(1, round(beats * score.ticks_per_beat * len(starts) / end_tick))
    if len(starts) <= bars:
        return [score]
    lines = np.append(starts, end_tick)[::bars].tolist()
    pieces = [cut(score, start, stop) for start, stop in pairwise(lines)]
    return [piece for piece in pieces if len(piece.notes)]


def cut(score: Score, start_tick: int, stop_tick: int) -> Score:
    """The notes that start in [start, stop), cut at `stop`, with the chords, meters and tempos in force there."""
    onsets = score.onsets
    notes = score.notes[(onsets >= start_tick) & (onsets < stop_tick)].copy()
    notes["onset_tick"] -= start_tick
    notes["duration_tick"] = np.minimum(notes["duration_tick"], stop_tick - start_tick - notes["onset_tick"])
    return replace(
        score,
        notes=notes,
        end_tick=stop_tick - start_tick,
        tempos=_in_force(score.tempos, start_tick, stop_tick),
        meters=_in_force(score.meters, start_tick, stop_tick),
        chords=_in_force(score.chords, start_tick, stop_tick),
        phrases=tuple(tick - start_tick for tick in score.phrases if start_tick <= tick < stop_tick),
        sections=(),
    )


def _in_force(changes: Iterable[Change], start_tick: int, stop_tick: int) -> tuple[Change, ...]:
    """The changes in [start, stop), preceded by the one in force at `start`, moved to tick 0."""
    earlier = [change for change in changes if change.tick <= start_tick]
    inside = [change for change in changes if start_tick < change.tick < stop_tick]
    return tuple(change._replace(tick=max(change.tick - start_tick, 0)) for change in earlier[-1:] + inside)
