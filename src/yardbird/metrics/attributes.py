"""Attributes of a solo: one number for each score, used to find directions in a latent space.

They were chosen to be as independent as music allows (more notes means fewer rests). Their correlations in the corpus
are in data/explored/arithmetic/arithmetic.png. Chromaticism is not the share of notes outside the scale, because blue
notes are outside it too.
"""

from collections.abc import Callable, Mapping

import numpy as np

from yardbird.music.keyfinding import estimate_key
from yardbird.music.score import Score

#: Semitones above the tonic: flat third, fifth and seventh (Titon, Early Downhome Blues, 1977, ch. 4; Levine, The Jazz
#: Theory Book, 1995, ch. 10). In a minor key, the third and the seventh belong to the scale and are not blue notes.
BLUE_NOTES = {"major": (3, 6, 10), "minor": (6,)}


def blues(score: Score) -> float | None:
    """Blue notes of the key that are not tones of the sounding chord / notes.

    Some chords contain a flat third or seventh of the key, as the IV7 of a blues does. Such notes follow from the
    changes, not from the player, and are not counted. The key is that of the score, or else the most probable.
    Ratio, 0 … 1. Empty, drums only or without a key (a single pitch class): None.
    """
    blue = blue_pitch_classes(score)
    if blue is None or not len(score.notes):
        return None
    sounding = [change.chord.pitch_classes if change.chord else frozenset() for change in score.chords] + [frozenset()]
    chords = score.chord_index_of(score.onsets).tolist()  # -1, before the first change, indexes the last set: no chord
    pitch_classes = (score.pitches % 12).tolist()
    against = [tone in blue - sounding[chord] for tone, chord in zip(pitch_classes, chords, strict=True)]
    return float(np.mean(against))


def blue_pitch_classes(score: Score) -> frozenset[int] | None:
    """The blue notes of the score's key, or else of the most probable key; None without a key."""
    key = score.key or estimate_key(score.notes)
    return None if key is None else frozenset((key.tonic + degree) % 12 for degree in BLUE_NOTES[key.mode])


def chromaticism(score: Score) -> float | None:
    """Steps of a semitone / melodic intervals. Requires neither key nor chords.

    Ratio, 0 … 1. The project's own. Empty, one note or drums only: None.
    """
    sizes = np.abs(np.diff(score.pitches))
    return float((sizes == 1).mean()) if len(sizes) else None


def density(score: Score) -> float | None:
    """Notes / beats, including rests.

    Notes a quarter note, 0 and more. Empty or drums only: 0; no length: None.
    """
    return len(score.notes) * score.ticks_per_beat / score.end_tick if score.end_tick else None


def register(score: Score) -> float | None:
    """The mean pitch of the notes, not weighted by duration.

    MIDI pitch, 0 … 127. Empty or drums only: None.
    """
    return float(score.pitches.mean()) if len(score.notes) else None


def rests(score: Score) -> float | None:
    """The share of the time in which no note sounds.

    Ratio, 0 … 1. Empty or drums only: 1; no length: None.
    """
    return 1 - float(score.durations.sum()) / score.end_tick if score.end_tick else None


#: In the order of every table.
ATTRIBUTES: Mapping[str, Callable[[Score], float | None]] = {
    "blues": blues, "chromaticism": chromaticism, "density": density, "register": register, "rests": rests,
}  # fmt: skip
