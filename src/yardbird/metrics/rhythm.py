"""Metrics of rhythmic variety between notes and between bars."""

import numpy as np

from yardbird.metrics.entropy import entropy_bits
from yardbird.music.grid import STEPS_PER_BEAT
from yardbird.music.score import Ints, Score

LONGEST_IOI_STEPS = 4 * STEPS_PER_BEAT
GROOVE_SLOTS = 64


def to_steps(ticks: Ints, ticks_per_beat: int) -> Ints:
    """Ticks rounded to the nearest 1/12 beat, halves up."""
    return (2 * STEPS_PER_BEAT * ticks + ticks_per_beat) // (2 * ticks_per_beat)


def rhythm_diversity(score: Score) -> float | None:
    """Entropy of the inter-onset intervals rounded to 1/12 beat; those over 4 beats count as 4 beats.

    Bits, 0 … log₂ 49 = 5.6. The project's own. Empty, one note or drums only: None.
    """
    iois = np.diff(score.onsets)
    if not len(iois):
        return None
    steps = np.minimum(to_steps(iois, score.ticks_per_beat), LONGEST_IOI_STEPS)
    return float(entropy_bits(np.bincount(steps)))


def bar_pattern_diversity(score: Score) -> float | None:
    """Distinct onset patterns of bars on the 1/12-beat grid / bars with notes.

    Ratio, above 0 … 1 (all bars differ). The project's own. Empty or drums only: None; one note: 1.
    """
    if not len(score.notes):
        return None
    steps = to_steps(score.onsets, score.ticks_per_beat)
    starts = to_steps(score.bar_ticks, score.ticks_per_beat)
    bars = np.searchsorted(starts, steps, side="right") - 1
    positions = steps - starts[bars]
    patterns = np.zeros((len(starts), positions.max() + 1), dtype=np.bool_)
    patterns[bars, positions] = True
    sounding = np.packbits(patterns[patterns.any(axis=1)], axis=1)
    return len({row.tobytes() for row in sounding}) / len(sounding)


def grooving_similarity(score: Score) -> float | None:
    """GS: mean over all pairs of bars of 1 − |XOR of their 64-slot onset vectors| / 64.

    In a slot where k of n bars have an onset, k·(n − k) pairs differ, so there is no loop over pairs. Each bar is cut
    into 64 slots, regardless of its meter.
    Ratio, 0 … 1 (all bars alike). Source: Wu & Yang 2020, without their sampling of pairs. Empty, drums only or
    a single bar: None; one note in n bars: 1 − 1 / (32·n).
    """
    bars = score.bar_count
    if bars < 2 or not len(score.notes):
        return None
    starts = score.bar_ticks
    lengths = np.diff(starts)
    lengths = np.append(lengths, score.meters[-1].bar_ticks(score.ticks_per_beat))
    bar = score.bar_of(score.onsets)
    slot = (score.onsets - starts[bar]) * GROOVE_SLOTS // lengths[bar]
    occupied = np.zeros((bars, GROOVE_SLOTS), dtype=np.bool_)
    occupied[bar, slot] = True
    with_onset = occupied.sum(axis=0)
    differing = (with_onset * (bars - with_onset)).sum()
    return float(1 - differing / (bars * (bars - 1) / 2) / GROOVE_SLOTS)
