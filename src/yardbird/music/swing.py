"""How a line swings: metrics report it, and the rhythm section follows it."""

import numpy as np

from yardbird.music.score import Score

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
