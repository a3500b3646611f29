"""Recall of the notes of a recording in a transcription, by mir_eval (Raffel et al. 2014)."""

import librosa
import numpy as np

from yardbird.audio.compile_lock import compiled_alone
from yardbird.music.score import Floats, Ints

_TOLERANCE_SECONDS, _TOLERANCE_CENTS = 0.05, 50.0


@compiled_alone
def found_notes(onsets: Floats, pitches: Ints, heard_onsets: Floats, heard_pitches: Ints) -> int:
    """The number of matched notes of two lists. Pooled precision, recall and F1 sum it over recordings.

    mir_eval's note metric without offsets (Bay, Ehmann & Downie 2009): a note is found if a note of the same pitch
    starts within 50 ms of it. Every note is matched with at most one other note, so that most notes are matched.

    Args:
        onsets: (notes,) in seconds, in any order; `pitches` are MIDI numbers.
    """

    from mir_eval.transcription import match_notes

    def notes(starts: Floats, numbers: Ints) -> tuple[Floats, Floats]:
        return np.stack([starts, starts + 1], axis=1), librosa.midi_to_hz(numbers)  # the ends are ignored

    matched = match_notes(
        *notes(onsets, pitches),
        *notes(heard_onsets, heard_pitches),
        onset_tolerance=_TOLERANCE_SECONDS,
        pitch_tolerance=_TOLERANCE_CENTS,
        offset_ratio=None,
    )
    return len(matched)
