"""Similarity of two solos, for example of an original and its reconstruction, transfer or interpolation.

All functions compare two scores on the same grid, `reference` and `estimate`, aligned at tick 0. As in mir_eval (Raffel
et al. 2014), every note matches at most one other note, and F1 is 2·matches / (notes of both), the harmonic mean of
precision and recall. Unlike mir_eval, there is no tolerance: onsets match at equal steps only. If both scores have no
notes, the result is None (mir_eval: 0); if one has none, it is 0.
"""

from collections import Counter

import numpy as np

from yardbird.music.score import Score


def note_f1(reference: Score, estimate: Score) -> float | None:
    """F1 of notes. Two notes match if pitch and onset are equal, regardless of duration.

    Ratio, 0 … 1, symmetric. Source: mir_eval's note metric without offsets. Both empty or drums only: None; one: 0.
    """
    return _f1(note_matches(reference, estimate), reference, estimate)


def onset_f1(reference: Score, estimate: Score) -> float | None:
    """F1 of onsets, regardless of pitch; never below `note_f1`.

    Ratio, 0 … 1, symmetric. Source: mir_eval's onset metric. Both empty or drums only: None; one: 0.
    """
    return _f1(onset_matches(reference, estimate), reference, estimate)


def note_matches(reference: Score, estimate: Score) -> int:
    """The number of notes with equal pitch and onset. A pooled F1 sums it over solos."""
    _on_one_grid(reference, estimate)
    first, second = (
        Counter(zip(score.onsets.tolist(), score.pitches.tolist(), strict=True)) for score in (reference, estimate)
    )
    return (first & second).total()


def onset_matches(reference: Score, estimate: Score) -> int:
    """The number of equal onsets, see `note_matches`."""
    _on_one_grid(reference, estimate)
    first, second = (Counter(score.onsets.tolist()) for score in (reference, estimate))
    return (first & second).total()


def rhythm_kept(reference: Score, estimate: Score) -> float | None:
    """Steps where both start a note / steps where either does: the overlap of the onset patterns.

    Stricter than F1 (equal to F1 / (2 − F1) if no two notes start together): 0.5 means that half of all onsets in
    either score are common.
    Ratio, 0 … 1, symmetric. Source: Jaccard 1912. Both empty or drums only: None; one: 0.
    """
    _on_one_grid(reference, estimate)
    either = np.union1d(reference.onsets, estimate.onsets)
    common = np.intersect1d(reference.onsets, estimate.onsets)
    return len(common) / len(either) if len(either) else None


def contour_kept(reference: Score, estimate: Score) -> float | None:
    """The share of moves from one common onset to the next with the same direction (up, down or same pitch).

    Moves that agree / moves between neighbouring common onsets. It considers only onsets that `rhythm_kept` counts as
    common, so read both together. Unrelated lines agree in nearly half of their moves by chance. Transposition has no
    effect.
    Ratio, 0 … 1, symmetric. Source: Friedmann's contour adjacency series (1985), the directions of Parsons (1975).
    Fewer than two common onsets, empty, one note or drums only: None.
    """
    _on_one_grid(reference, estimate)
    _, here, there = np.intersect1d(reference.onsets, estimate.onsets, return_indices=True)
    if len(here) < 2:
        return None
    ways = [np.sign(np.diff(score.pitches[at])) for score, at in ((reference, here), (estimate, there))]
    return float((ways[0] == ways[1]).mean())


def _f1(matches: int, reference: Score, estimate: Score) -> float | None:
    notes = len(reference.notes) + len(estimate.notes)
    return 2 * matches / notes if notes else None


def _on_one_grid(reference: Score, estimate: Score) -> None:
    assert reference.ticks_per_beat == estimate.ticks_per_beat, "the scores must be on the same grid"
