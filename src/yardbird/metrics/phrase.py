"""Metrics of phrase lengths, note density and the ending."""

import numpy as np

from yardbird.music.ending import ENDING_BARS, last_start
from yardbird.music.score import Ints, Score


def phrase_starts(score: Score) -> Ints:
    """Indices of the first notes of phrases: (phrases,).

    Uses the phrase marks of the file if there are any. Otherwise a phrase ends at a rest of at least one beat.
    """
    count = len(score.notes)
    if not count:
        return np.zeros(0, dtype=np.int64)
    if score.phrases:
        marked = np.searchsorted(score.onsets, np.array(score.phrases))
        return np.unique(np.append(0, marked[marked < count]))
    rests = score.onsets[1:] - np.maximum.accumulate(score.offsets)[:-1]
    return np.append(0, np.flatnonzero(rests >= score.ticks_per_beat) + 1)


def phrase_lengths(score: Score) -> Ints:
    """Number of notes of each phrase: (phrases,). Empty without notes."""
    return np.diff(np.append(phrase_starts(score), len(score.notes)))


def phrase_length_quantile(score: Score, quantile: float) -> float | None:
    """A quantile (0.5 is the median) of the phrase lengths, with linear interpolation.

    Notes, 1 and more. The project's own. Empty or drums only: None; one note: 1.
    """
    lengths = phrase_lengths(score)
    return float(np.quantile(lengths, quantile)) if len(lengths) else None


def notes_per_bar(score: Score) -> float | None:
    """Notes / bars, including bars without notes.

    Notes a bar, above 0. Empty or drums only: 0.
    """
    return len(score.notes) / score.bar_count


def ends_at_rest(score: Score) -> float | None:
    """Whether the line comes to rest at the end of the solo.

    1: the last note starts in the last two bars, at least one and a half beats before the end of the last bar. 0: the
    solo stops in the middle of a run, or the line ends long before the solo. The duration of the last note depends on
    the notation and is ignored. The project's own. Empty or drums only: None.
    """
    if not len(score.notes):
        return None
    bars, last = score.bar_ticks, score.onsets[-1]
    end = bars[-1] + score.meters[-1].bar_ticks(score.ticks_per_beat)
    return float(bars[-ENDING_BARS:][0] <= last <= last_start(end, score.ticks_per_beat))
