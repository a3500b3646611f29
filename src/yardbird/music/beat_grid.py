"""A test of whether a performance was played to the beats of its file.

A performance recorded in a sequencer without the click has onsets at arbitrary phases of the beat. Its bars, positions
and chords are then meaningless. Swing, laid-back playing and double time pass the test: there the onsets repeat at
about the same phases of the beat.
"""

import numpy as np

from yardbird.music.score import Score

#: Divisions of a beat at which onsets may cluster.
_DIVISIONS = (1, 2, 3, 4, 6)
_BLOCK_BEATS = 2
_LEAST_BLOCKS, _LEAST_NOTES = 12, 32  # fewer are no evidence
#: Of performances that ignore the beats, 92 % stay below; performances to the beats reach 9 to 200; uniform noise: 5.
NO_GRID = 8.5
_BEATS_PER_TEMPO = 8  # a tempo map that changes this often follows the beats of the performance


def beat_relation(score: Score) -> float | None:
    """How regularly onsets have the same phases of the beat; None for few notes or a tempo map that follows the beats.

    For each division of the beat: the squared length of the sum of the onsets' phasors, divided by the sum of the
    squared lengths of that sum in blocks of two beats. This is the Rayleigh statistic (Mardia and Jupp, Directional
    Statistics, 2000, section 6.3); blocks are the observations because neighbouring notes are not independent. The
    result is summed over the divisions: about 5 for arbitrary phases, at most the number of blocks times the number of
    divisions for constant ones.
    """
    onsets, ticks = score.onsets, score.ticks_per_beat
    if len(score.tempos) > 2 and len(score.tempos) * _BEATS_PER_TEMPO * ticks >= score.end_tick:
        return None
    block = (onsets - onsets[:1]) // (_BLOCK_BEATS * ticks)
    if len(onsets) < _LEAST_NOTES or len(np.unique(block)) < _LEAST_BLOCKS:
        return None
    relation = 0.0
    for division in _DIVISIONS:
        phasors = np.exp(2j * np.pi * division * onsets / ticks)
        blocks = np.bincount(block, phasors.real) + 1j * np.bincount(block, phasors.imag)
        power = float(np.sum(np.abs(blocks) ** 2))
        relation += float(np.abs(blocks.sum()) ** 2) / max(power, 1e-9)
    return relation
