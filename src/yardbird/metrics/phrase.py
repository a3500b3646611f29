"""How long the phrases are, how densely a solo is played, and how it ends."""

import numpy as np

from yardbird.music.ending import ENDING_BARS, last_start
from yardbird.music.score import Ints, Score


def phrase_starts(score: Score) -> Ints:
    """Indices of the notes that open a phrase: (phrases,).

    Where the file marks its phrases, those marks; else a phrase ends at a rest of at least one beat.
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
    """Notes of each phrase: (phrases,); without notes, none."""
    return np.diff(np.append(phrase_starts(score), len(score.notes)))


def phrase_length_quantile(score: Score, quantile: float) -> float | None:
    """A quantile (0.5 is the median) of the lengths of the phrases, linear between neighbours.

    Notes, 1 and more. The project's own. Empty or drums only: None; one note: 1.
    """
    lengths = phrase_lengths(score)
    return float(np.quantile(lengths, quantile)) if len(lengths) else None


def notes_per_bar(score: Score) -> float | None:
    """Notes / bars, bars without notes included.

    Notes a bar, above 0. Empty or drums only: 0.
    """
    return len(score.notes) / score.bar_count


def ends_at_rest(score: Score) -> float | None:
    """Does the line come to rest at the end of its last bar?

    1: the last note starts in the last two bars, at least one and a half beats before the end of the last one. 0: the
    solo breaks off in the middle of a run, or the line ends long before the solo does. How long the last note sounds is
    a matter of notation, and not considered. The project's own. Empty or drums only: None.
    """
    if not len(score.notes):
        return None
    bars, last = score.bar_ticks, score.onsets[-1]
    end = bars[-1] + score.meters[-1].bar_ticks(score.ticks_per_beat)
    return float(bars[-ENDING_BARS:][0] <= last <= last_start(end, score.ticks_per_beat))
