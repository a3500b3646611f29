"""How varied the rhythm is, from note to note and from bar to bar, and how it swings."""

import numpy as np

from yardbird.metrics.entropy import entropy_bits
from yardbird.music.score import Ints, Score

STEPS_PER_BEAT = 12
LONGEST_IOI_STEPS = 4 * STEPS_PER_BEAT
GROOVE_SLOTS = 64
#: How far, in beats, a played onset may lie from its beat and still count as on it (timed performances).
BEAT_TOLERANCE = 1 / 8
#: How far, in beats, the first of two eighths may lie behind its beat: soloists play downbeats late and upbeats with
#: the drummer (Friberg & Sundström 2002). In Weimar's solos of Parker and Coltrane they lie 0.12 behind in the median.
#: Later than this they could as well be the second sixteenth of the beat.
LAID_BACK = 1 / 5
#: Where in its beat the second of two eighths may lie; earlier or later it is a sixteenth or the like.
SECOND_EIGHTH = (0.4, 0.85)
#: Ten pairs by lot give half the time a median within 8 % of their whole solo's (measured on Weimar's).
FEWEST_PAIRS = 10


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

    Ratio, above 0 … 1 (every bar new). The project's own. Empty or drums only: None; one note: 1.
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

    In a slot where k of n bars have an onset, k·(n − k) pairs differ: no pair is visited. Each bar is cut into 64
    slots whatever its meter.
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


def swing_ratio(score: Score) -> float | None:
    """Median over beats that hold two eighths of (first inter-onset interval / second).

    A beat holds two eighths when exactly two onsets fall into it, the first on the beat, the second at 0.4 … 0.85 of
    it, and the next beat has an onset on it; on a beat is from 1/8 beat before it to 1/5 behind. Beats are counted from
    the bar line, in quarter notes.
    Ratio, 1 (straight), 2 (triplets), above 0. After Friberg & Sundström 2002. Empty, drums only or fewer than ten such
    beats, as in many a ballad: None.
    Real solos: 1.42 for Parker and 1.41 for Coltrane (timed performances, means), 1 in score transcriptions, where
    swing is understood.
    """
    beats = score.onsets / score.ticks_per_beat
    if len(beats) < 3:
        return None
    starts = score.bar_ticks / score.ticks_per_beat
    bar = np.searchsorted(starts, beats + BEAT_TOLERANCE, side="right") - 1
    lengths = np.diff(starts)
    # the rest of a beat that ends a bar (a pickup of an eighth) is none: the number after it is left out
    numbers = np.concatenate([[0.0], np.cumsum(np.where(lengths % 1, np.floor(lengths) + 2, lengths))])
    places = beats - starts[bar] + numbers[bar]
    beat = np.floor(places + BEAT_TOLERANCE).astype(np.int64)
    within = places - beat
    on_beat = within <= LAID_BACK
    eighth = (within >= SECOND_EIGHTH[0]) & (within <= SECOND_EIGHTH[1])
    first, second, third = beats[:-2], beats[1:-1], beats[2:]
    alone = np.concatenate([[True], beat[:-3] < beat[1:-2]]) if len(beats) > 3 else np.array([True])
    pair = (beat[1:-1] == beat[:-2]) & (beat[2:] == beat[:-2] + 1) & on_beat[:-2] & eighth[1:-1] & on_beat[2:] & alone
    if pair.sum() < FEWEST_PAIRS:
        return None
    return float(np.median((second - first)[pair] / (third - second)[pair]))
