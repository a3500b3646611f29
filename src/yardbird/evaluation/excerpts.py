"""Real solos cut to the length of generated ones: entropies and diversities grow with length, so like meets like."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import pairwise
from typing import TypeVar

import numpy as np

from yardbird.music.score import ChordChange, Meter, Score, Tempo

Change = TypeVar("Change", ChordChange, Meter, Tempo)


def excerpts(score: Score, bars: int) -> list[Score]:
    """Consecutive stretches of `bars` bars with at least one note; a shorter rest is left out.

    A score that is shorter than `bars` is its own excerpt.
    """
    starts = score.bar_ticks
    if len(starts) <= bars:
        return [score]
    end = int(starts[-1]) + score.meters[-1].bar_ticks(score.ticks_per_beat)
    lines = np.append(starts, max(end, score.end_tick))[::bars].tolist()
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
