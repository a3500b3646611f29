"""Recall of the notes of a recording in a transcription.

As in mir_eval's note metric without offsets (Raffel et al. 2014, after Bay, Ehmann & Downie 2009), a note is found if a
note of the same pitch starts within 50 ms of it. Every note is matched with at most one other note.
"""

import numpy as np

from yardbird.music.score import Floats, Ints

TOLERANCE_SECONDS = 0.05
_DECIMALS = 4  # of the distance of two onsets, as in mir_eval: 50 ms apart is within 50 ms


def found_notes(
    onsets: Floats, pitches: Ints, heard_onsets: Floats, heard_pitches: Ints, tolerance: float = TOLERANCE_SECONDS
) -> int:
    """The number of matched notes of two lists. Pooled precision, recall and F1 sum it over recordings.

    For each pitch, in order of time, a note is matched with the earliest note that can still match. With a constant
    tolerance, no other matching has more pairs.

    Args:
        onsets: (notes,) in seconds, in any order; `pitches` are MIDI numbers.
    """
    found = 0
    for pitch in np.intersect1d(pitches, heard_pitches):
        wanted = np.sort(onsets[pitches == pitch])
        heard = np.sort(heard_onsets[heard_pitches == pitch])
        first = 0
        for onset in wanted:
            while first < len(heard) and round(onset - heard[first], _DECIMALS) > tolerance:
                first += 1
            if first < len(heard) and round(heard[first] - onset, _DECIMALS) <= tolerance:
                found, first = found + 1, first + 1
    return found
