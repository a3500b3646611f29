"""Metrics of how well a line fits the scale of a key."""

import numpy as np

from yardbird.music.pitch import Key, Mode
from yardbird.music.score import Score

#: Semitones above the tonic. Minor is the natural minor scale, as in its key signature.
SCALES: dict[Mode, tuple[int, ...]] = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}


def scale_share(score: Score, key: Key) -> float | None:
    """Share of the sounding time in the scale of a key.

    Share, 0 … 1. The project's own. Empty or drums only: None; one note: 0 or 1.
    """
    time = np.bincount(score.pitches % 12, score.durations, minlength=12)
    return float(time[_classes(key)].sum() / time.sum()) if time.any() else None


def scale_margin(score: Score, key: Key) -> float | None:
    """The share in the scale of a key − the mean of the shares in the scales of the eleven other keys of its mode.

    A line that is independent of the key has 0 on average.
    -7/11 … 5/11. The project's own, analogous to `harmony_margin` for chords. Empty or drums only: None.
    """
    share = scale_share(score, key)
    if share is None:
        return None
    # each pitch class is in `len(scale)` of the twelve scales, so the twelve shares add up to `len(scale)`
    others = (len(SCALES[key.mode]) - share) / 11
    return share - others


def _classes(key: Key) -> list[int]:
    return [(key.tonic + step) % 12 for step in SCALES[key.mode]]
