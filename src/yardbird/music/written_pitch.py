"""Detection of parts for transposing instruments whose chords are at concert pitch.

A horn part exported as the player reads it is a major second (Bb instruments) or a major sixth (Eb instruments) above
its chords, and an octave more for the larger ones. The chord-tone rates under the twelve transpositions reveal it.
"""

import numpy as np

from yardbird.music.score import Score

#: General MIDI program, counted from 0 → semitones from sounding to written pitch.
_INSTRUMENTS = {56: 2, 57: 2, 64: 2, 65: 9, 66: 14, 67: 21, 69: 7, 60: 7, 71: 2}
_LOWEST = {66: 44, 67: 36}  # lowest sounding pitch of those whose interval is more than an octave
_INTERVALS = (2, 9)  # of Bb and Eb instruments; a fifth (F) is accepted only for the two programs in F
_LEAST_NOTES = 32
_BLOCK_NOTES = 8
#: Thresholds: t of the paired difference of chord-tone rates over blocks of notes, and the rate. Of 474 solos at
#: concert pitch none reaches both; of the same solos transposed, 80 % do (98 % of Parker's and Coltrane's).
_T, _RATE = 2.5, 0.4


def written_interval(score: Score) -> int | None:
    """The number of semitones by which the notes are written above their chords; None without evidence for it.

    Chords do not determine the octave. It is that of the instrument (General MIDI program), unless the lowest note
    would then be below the range of the instrument.
    """
    tones = np.zeros((len(score.chords) + 1, 12), dtype=np.bool_)  # the last row, before the first chord, has none
    for row, change in enumerate(score.chords):
        if change.chord:
            tones[row, list(change.chord.pitch_classes)] = True
    chord = score.chord_index_of(score.onsets)
    under = np.any(tones[chord], axis=1)
    blocks = np.count_nonzero(under) // _BLOCK_NOTES
    if blocks * _BLOCK_NOTES < _LEAST_NOTES:
        return None
    lowered = (score.pitches[under] - np.arange(12)[:, None]) % 12
    hits = tones[chord[under], lowered]  # (12, notes)
    rates = hits.mean(axis=1)
    best = int(np.argmax(rates))
    own = _INSTRUMENTS.get(score.program, best)
    if best not in (*_INTERVALS, own % 12) or best == 0 or rates[best] < _RATE:
        return None
    gain = (hits[best].astype(float) - hits[0])[: blocks * _BLOCK_NOTES].reshape(blocks, _BLOCK_NOTES).mean(axis=1)
    if gain.mean() <= _T * gain.std(ddof=1) / np.sqrt(blocks):
        return None
    if own % 12 != best or score.pitches.min() - own < _LOWEST.get(score.program, 0):
        return best
    return own
