"""The swing ratio of a line, used by the metrics and by the rhythm section."""

import numpy as np

from yardbird.music.score import Score

#: The largest distance, in beats, of an onset before its beat that still counts as on it (timed performances).
BEAT_TOLERANCE = 1 / 8
#: The largest delay, in beats, of the first of two eighths after its beat: soloists play downbeats late and upbeats
#: with the drummer (Friberg & Sundström 2002). In Weimar's solos of Parker and Coltrane the median delay is 0.12.
#: A later onset could as well be the second sixteenth of the beat.
LAID_BACK = 1 / 5
#: The range, within the beat, of the second of two eighths; outside it, the note is a sixteenth or similar.
SECOND_EIGHTH = (0.4, 0.85)
#: The median of ten random pairs is within 8 % of that of the whole solo half of the time (measured on Weimar's solos).
FEWEST_PAIRS = 10


def swing_ratio(score: Score) -> float | None:
    """The median of (first inter-onset interval / second) over the beats with two eighths.

    A beat has two eighths if it has exactly two onsets, the first on the beat and the second at 0.4 … 0.85 of it, and
    the next beat has an onset on it. "On the beat" is from 1/8 beat before it to 1/5 after it. Beats are quarter notes
    counted from the bar line.
    A ratio above 0: 1 is straight, 2 is triplets. After Friberg & Sundström 2002. None for fewer than ten such beats,
    as in many ballads.
    Real solos: 1.42 for Parker and 1.41 for Coltrane (timed performances, means); 1 in written transcriptions, which
    do not notate swing.
    """
    beats = score.onsets / score.ticks_per_beat
    if len(beats) < 3:
        return None
    starts = score.bar_ticks / score.ticks_per_beat
    bar = np.searchsorted(starts, beats + BEAT_TOLERANCE, side="right") - 1
    lengths = np.diff(starts)
    # a partial beat at the end of a bar (a pickup of an eighth) is no beat: the number after it is skipped
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
