"""Real solos cut to the length of generated ones: entropies and diversities grow with length, so like meets like."""

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
    """A solo transcribed without a meter stands in bars of one beat: in 4/4 instead, for metrics of bars need bars."""
    without_meter = all(meter.numerator == 1 for meter in score.meters)
    return replace(score, meters=(Meter(0, 4, 4),)) if without_meter else score


def excerpts(score: Score, beats: float) -> list[Score]:
    """Consecutive stretches of whole bars, as near to `beats` beats as bars allow, with at least one note.

    A shorter rest is left out; a score that is shorter than `beats` is its own excerpt. Beats are asked for, not bars:
    a file may be written in 3/4, or in bars of one beat.
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
    """The notes that start in [start, stop), ended by `stop`, under the chords, meters and tempos in force there."""
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
    """Those that start in [start, stop), and before them the one in force at its start, moved there."""
    earlier = [change for change in changes if change.tick <= start_tick]
    inside = [change for change in changes if start_tick < change.tick < stop_tick]
    return tuple(replace(change, tick=max(change.tick - start_tick, 0)) for change in earlier[-1:] + inside)
