"""What a player may ask more or less of: one number a score, by which directions in a latent space are found.

Chosen to be told apart, as far as music lets them: who plays more notes rests less. How they go together in the solos
at hand stands in data/explored/arithmetic/arithmetic.png. A share of notes outside the scale would not do for
chromaticism, for blue notes lie outside of it too.
"""

from collections.abc import Callable, Mapping

import numpy as np

from yardbird.music.keyfinding import estimate_key
from yardbird.music.score import Score

#: Semitones above the tonic: flat third, fifth and seventh (Titon, Early Downhome Blues, 1977, ch. 4; Levine, The Jazz
#: Theory Book, 1995, ch. 10). The first and the last are no blue notes in a minor key, whose own they are.
BLUE_NOTES = {"major": (3, 6, 10), "minor": (6,)}


def blues(score: Score) -> float | None:
    """Blue notes of the key that are no tones of the sounding chord / notes.

    Chords bring flat thirds and sevenths of the key with them, as the IV7 of a blues does: those tell of the changes,
    not of the player, and are not counted. The key is the score's own, else the likeliest.
    Ratio, 0 … 1. Empty, drums only or without a key (a single pitch class): None.
    """
    blue = blue_pitch_classes(score)
    if blue is None or not len(score.notes):
        return None
    sounding = [change.chord.pitch_classes if change.chord else frozenset() for change in score.chords] + [frozenset()]
    chords = score.chord_index_of(score.onsets).tolist()  # -1, before the first change, finds the last: no chord
    pitch_classes = (score.pitches % 12).tolist()
    against = [tone in blue - sounding[chord] for tone, chord in zip(pitch_classes, chords, strict=True)]
    return float(np.mean(against))


def blue_pitch_classes(score: Score) -> frozenset[int] | None:
    """The blue notes of the score's key, else of the likeliest one; None without either."""
    key = score.key or estimate_key(score.notes)
    return None if key is None else frozenset((key.tonic + degree) % 12 for degree in BLUE_NOTES[key.mode])


def chromaticism(score: Score) -> float | None:
    """Steps of a semitone / melodic intervals: needs neither key nor chords.

    Ratio, 0 … 1. The project's own. Empty, one note or drums only: None.
    """
    sizes = np.abs(np.diff(score.pitches))
    return float((sizes == 1).mean()) if len(sizes) else None


def density(score: Score) -> float | None:
    """Notes / beats, rests included.

    Notes a quarter note, 0 and more. Empty or drums only: 0; no length: None.
    """
    return len(score.notes) * score.ticks_per_beat / score.end_tick if score.end_tick else None


def register(score: Score) -> float | None:
    """The mean pitch of the notes, whatever their lengths.

    MIDI pitch, 0 … 127. Empty or drums only: None.
    """
    return float(score.pitches.mean()) if len(score.notes) else None


def rests(score: Score) -> float | None:
    """The share of the time in which no note sounds; the score is monophonic.

    Ratio, 0 … 1. Empty or drums only: 1; no length: None.
    """
    return 1 - float(score.durations.sum()) / score.end_tick if score.end_tick else None


#: In the order of every table.
ATTRIBUTES: Mapping[str, Callable[[Score], float | None]] = {
    "blues": blues, "chromaticism": chromaticism, "density": density, "register": register, "rests": rests,
}  # fmt: skip
