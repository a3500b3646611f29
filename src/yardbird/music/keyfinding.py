"""Key estimation by Krumhansl and Schmuckler's correlation with the probe-tone profiles, and by chords.

Krumhansl, Cognitive Foundations of Musical Pitch (1990), ch. 4; Temperley, What's Key for Key? (Music Perception,
1999), discusses its errors: it favours the dominant of major keys. Pitch classes are weighted by duration, as in the
original. We add chords, with the same weight as the notes, because an improvised line leaves the key more often than a
composed one: how long the tonic chord lasts, how many cadences end on it, and whether it is the first or last chord.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import get_args

import numpy as np

from yardbird.music.chords import Chord
from yardbird.music.key_chords import KINDS
from yardbird.music.pitch import Key, Mode
from yardbird.music.score import ChordChange, Notes

#: Mean goodness-of-fit ratings of the twelve pitch classes above the tonic (Krumhansl and Kessler 1982).
PROFILES: dict[Mode, tuple[float, ...]] = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}
_KIND_OF = {quality: kind for kind, qualities in KINDS.items() for quality in qualities}
#: Mode → the kinds of chord that its tonic may be; I7 is the tonic of a blues.
_HOME: dict[Mode, tuple[str, ...]] = {"major": ("major", "dominant"), "minor": ("minor",)}
_FIRST_OR_LAST = 0.25  # weight, where the shares of time and of cadences each have weight 1
_FOURTH_UP = 5


def estimate_key(notes: Notes, chords: Sequence[ChordChange] = (), end_tick: int = 0) -> Key | None:
    """The key that best fits the duration of each pitch class, and the chords, if any.

    Args:
        chords: their evidence has the same weight as that of the notes.
        end_tick: end of the last chord.

    Returns:
        None for fewer than two pitch classes without chords.
    """
    weights = np.bincount(notes["pitch"] % 12, notes["duration_tick"], minlength=12)
    has_line = np.count_nonzero(weights) >= 2 and np.ptp(weights) > 0
    struck = pairwise([*chords, ChordChange(end_tick, None)])
    sounding = [(one.chord, after.tick - one.tick) for one, after in struck if one.chord and after.tick > one.tick]
    if not has_line and not sounding:
        return None
    keys = [Key(tonic, mode) for mode in get_args(Mode) for tonic in range(12)]
    fits = dict.fromkeys(keys, 0.0)
    for key in keys:
        if has_line:
            fits[key] += float(np.corrcoef(np.roll(PROFILES[key.mode], key.tonic), weights)[0, 1])
        if sounding:
            fits[key] += _chord_fit(key, sounding)
    return max(fits, key=lambda key: fits[key])


def _chord_fit(key: Key, sounding: Sequence[tuple[Chord, int]]) -> float:
    """How well the chords (with their lengths in ticks) fit the key."""
    chords = [chord for chord, _ in sounding]
    following = [*chords[1:], chords[0]]  # the chorus repeats
    home = [_is_home(key, chord, after) for chord, after in zip(chords, following, strict=True)]
    share = sum(ticks for (_, ticks), rests in zip(sounding, home, strict=True) if rests) / sum(t for _, t in sounding)
    cadences = [after for chord, after in pairwise(chords) if _resolves(chord, after)]
    # a dominant seventh may continue a chain of dominants, so it counts as half a cadence
    ends = sum(
        0.5 if _KIND_OF[after.quality] == "dominant" else 1.0
        for after in cadences
        if after.root == key.tonic and _KIND_OF[after.quality] in _HOME[key.mode]
    )
    return share + ends / max(1, len(cadences)) + _FIRST_OR_LAST * (home[0] + home[-1])


def _is_home(key: Key, chord: Chord, after: Chord) -> bool:
    """Whether a chord is the tonic. A minor chord before its dominant is the ii of another key."""
    kind = _KIND_OF[chord.quality]
    two_five = kind == "minor" and _KIND_OF[after.quality] == "dominant" and _is_fourth(chord, after)
    return chord.root == key.tonic and kind in _HOME[key.mode] and not two_five


def _resolves(chord: Chord, after: Chord) -> bool:
    targets = ("major", "minor", "dominant", "diminished")
    return _KIND_OF[chord.quality] == "dominant" and _is_fourth(chord, after) and _KIND_OF[after.quality] in targets


def _is_fourth(chord: Chord, after: Chord) -> bool:
    return (after.root - chord.root) % 12 == _FOURTH_UP
