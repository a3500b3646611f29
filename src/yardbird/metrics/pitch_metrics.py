"""Metrics of pitches and melodic intervals."""

import numpy as np

from yardbird.metrics.entropy import entropy_bits
from yardbird.music.score import Score

#: Largest interval (semitones) of each class of the interval profile. The last class has no upper limit.
INTERVAL_CLASSES = {"0": 0, "1": 1, "2": 2, "3_4": 4, "5_7": 7, "8_12": 12, "over_12": 128}


def pitch_entropy(score: Score) -> float | None:
    """Entropy of the 128-bin pitch histogram, −Σ p·log₂ p over notes.

    Bits, 0 … 7. Source: MusPy (Dong et al. 2020). Empty or drums only: None; one note: 0.
    """
    if not len(score.notes):
        return None
    return float(entropy_bits(np.bincount(score.pitches, minlength=128)))


def pitch_class_entropy(score: Score, bars: int) -> float | None:
    """H1 (`bars` = 1) and H4 (`bars` = 4): mean entropy of the 12-bin pitch-class histogram over windows of bars.

    Windows move by one bar. Windows without notes are skipped. A score shorter than a window is one window. Notes are
    not weighted by duration.
    Bits, 0 … log₂ 12 = 3.58. Source: Wu & Yang 2020, The Jazz Transformer. Empty or drums only: None; one note: 0.
    """
    if not len(score.notes):
        return None
    bar_count = score.bar_count
    cells = score.bar_of(score.onsets) * 12 + score.pitches % 12
    per_bar = np.bincount(cells, minlength=bar_count * 12).reshape(bar_count, 12)
    before = np.concatenate([np.zeros((1, 12), dtype=np.int64), per_bar.cumsum(axis=0)])
    width = min(bars, bar_count)
    windows = before[width:] - before[:-width]
    return float(entropy_bits(windows[windows.any(axis=1)]).mean())


def interval_profile(score: Score) -> dict[str, float] | None:
    """Share of melodic intervals in each size class of `INTERVAL_CLASSES`, regardless of direction.

    Shares, 0 … 1, summing to 1. Source: the interval histogram of Yang & Lerch 2018, folded into classes.
    Empty, one note or drums only: None.
    """
    sizes = np.abs(np.diff(score.pitches))
    if not len(sizes):
        return None
    classes = np.searchsorted(list(INTERVAL_CLASSES.values()), sizes)
    shares = np.bincount(classes, minlength=len(INTERVAL_CLASSES)) / len(sizes)
    return dict(zip(INTERVAL_CLASSES, shares.tolist(), strict=True))
