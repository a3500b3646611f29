"""How much of one solo is in another: of an original in its reconstruction, its transfer, a point of an interpolation.

Functions of two grid scores on one grid, `reference` and `estimate`, that stand side by side from tick 0. As in
mir_eval (Raffel et al. 2014) every note matches at most one other, and F1 is 2·matches / (notes of both), which is
the harmonic mean of precision and recall; unlike there, the grid leaves no tolerance: a step matches or it does not.
Both without notes is None, for there is nothing to keep (mir_eval: 0); only one of them is 0.
"""

from collections import Counter

import numpy as np

from yardbird.music.score import Score


def note_f1(reference: Score, estimate: Score) -> float | None:
    """F1 of notes; two match when pitch and onset agree, whatever their lengths.

    Ratio, 0 … 1, symmetric. Source: mir_eval's note metric without offsets. Both empty or drums only: None; one: 0.
    """
    return _f1(note_matches(reference, estimate), reference, estimate)


def onset_f1(reference: Score, estimate: Score) -> float | None:
    """F1 of onsets, whatever the pitches; never below `note_f1`.

    Ratio, 0 … 1, symmetric. Source: mir_eval's onset metric. Both empty or drums only: None; one: 0.
    """
    return _f1(onset_matches(reference, estimate), reference, estimate)


def note_matches(reference: Score, estimate: Score) -> int:
    """How many notes of one are in the other, by pitch and onset: what a pooled F1 adds up."""
    _on_one_grid(reference, estimate)
    first, second = (
        Counter(zip(score.onsets.tolist(), score.pitches.tolist(), strict=True)) for score in (reference, estimate)
    )
    return (first & second).total()


def onset_matches(reference: Score, estimate: Score) -> int:
    """How many onsets of one are in the other, as `note_matches`."""
    _on_one_grid(reference, estimate)
    first, second = (Counter(score.onsets.tolist()) for score in (reference, estimate))
    return (first & second).total()


def rhythm_kept(reference: Score, estimate: Score) -> float | None:
    """Steps where both start a note / steps where either does: the overlap of the onset patterns.

    Stricter than F1 (it is F1 / (2 − F1) where no two notes start together): a half means that of all onsets in either
    one half is common.
    Ratio, 0 … 1, symmetric. Source: Jaccard 1912. Both empty or drums only: None; one: 0.
    """
    _on_one_grid(reference, estimate)
    either = np.union1d(reference.onsets, estimate.onsets)
    common = np.intersect1d(reference.onsets, estimate.onsets)
    return len(common) / len(either) if len(either) else None


def contour_kept(reference: Score, estimate: Score) -> float | None:
    """From each common onset to the next: does the line go the same way in both, up, down or to the same pitch?

    Moves that agree / moves between neighbouring common onsets. It speaks only of what `rhythm_kept` has left, so the
    two are read together; unrelated lines agree on nearly half of their moves by chance. Transposition changes nothing.
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
    assert reference.ticks_per_beat == estimate.ticks_per_beat, "the steps of two grids do not agree"
