"""Names of notes and chords as a player expects them: by the chord, the key and the direction of the line.

Names are places on the line of fifths (Temperley, The Cognition of Basic Musical Structures, 2001, ch. 5): … B♭ -2,
F -1, C 0, G 1, D 2 …; names twelve places apart are enharmonic.

chord        the nearest name to the key; a fourth below the next root if it resolves to it (F♯m7 B7, not G♭m7 B7)
chord tone   by its degree in the chord: the third of A♭m7 is C♭
key          a tone of the key is named by the signature
other        chromatic neighbours by direction (G♯ to A, G♭ to F); else the nearest name to the chord

There are no double accidentals. B♯, E♯, C♭ and F♭ occur only as tones of the key and as thirds, perfect fifths and
sevenths of chords.
"""

from collections.abc import Sequence

from yardbird.music.chords import QUALITIES, Chord
from yardbird.music.pitch import Key
from yardbird.music.score import Score

_LETTERS = "FCGDAEB"
_ODD = {-8, -7, 11, 12}  # F flat, C flat, E sharp, B sharp
_LEAST, _MOST = -8, 12
_STEPS = "CDEFGAB"
#: Semitones above the root → places on the line of fifths above it.
_FIFTHS = {0: 0, 3: -3, 4: 4, 5: -1, 6: -6, 7: 1, 8: 8, 9: 3, 10: -2, 11: 5}
_STRONG = (3, 4, 7, 10, 11)  # thirds, fifths and sevenths, which keep their letters; altered fifths need not
#: Diminished chords lead upwards, so they are named on the sharp side: C♯dim7 to Dm7.
_SHARPER = {"dim": 3, "dim7": 3, "m7b5": 2}


def name_of(place: int) -> str:
    """The name of a place on the line of fifths, such as `"Bb"` for -2."""
    accidentals = (place + 1) // 7
    return _LETTERS[(place + 1) % 7] + ("#" * accidentals if accidentals > 0 else "b" * -accidentals)


def pitch_class(place: int) -> int:
    return place * 7 % 12


def _names(pitch: int) -> list[int]:
    return [place for place in range(_LEAST, _MOST + 1) if pitch_class(place) == pitch % 12]


def _nearest(pitch: int, centre: float, odd: bool = False) -> int:
    usual = [place for place in _names(pitch) if odd or place not in _ODD]
    return min(usual, key=lambda place: abs(place - centre))


def fifths_of(key: Key | None) -> int:
    """`Key.fifths`, or 0 if the key is unknown."""
    return key.fifths if key else 0


def _centre(key: Key | None) -> float:
    """The middle of the twelve usual names in a key; C major if it is unknown."""
    return fifths_of(key) + (2.5 if key and key.mode == "minor" else 0.5)


def spell_chords(chords: Sequence[Chord | None], key: Key | None) -> list[tuple[int, int | None] | None]:
    """The places of root and bass of each chord; None for no chord."""
    roots: list[int | None] = []
    for chord in reversed(chords):
        if chord is None:
            roots.append(None)
            continue
        root = _nearest(chord.root, _centre(key) + _SHARPER.get(chord.quality, 0))
        after = roots[-1] if roots else None
        moving = chord.quality.startswith(("m", "7", "9", "13", "aug7")) and not chord.quality.startswith("maj")
        if moving and after is not None and (pitch_class(after) - chord.root) % 12 == 5:
            root = after + 1 if after + 1 <= 10 else root
        roots.append(root)
    spelled: list[tuple[int, int | None] | None] = []
    for chord, place in zip(chords, reversed(roots), strict=True):
        if chord is None or place is None:
            spelled.append(None)
        else:
            spelled.append((place, None if chord.bass is None else _tone(chord.bass, place, chord, key)))
    return spelled


def _tone(pitch: int, root: int, chord: Chord, key: Key | None) -> int:
    """The place of a pitch class over a chord, without regard to the line."""
    above = (pitch - pitch_class(root)) % 12
    if above in QUALITIES[chord.quality]:
        place = root + _FIFTHS[above]
        asked = place not in _ODD or above in _STRONG
        sixth = chord.quality == "dim7" and above == 9  # a diminished seventh, usually read as a sixth
        return place if asked and not sixth and _LEAST <= place <= _MOST else _nearest(pitch, _centre(key))
    centre = root + (-0.5 if chord.quality.startswith("m") and not chord.quality.startswith("maj") else 0.5)
    own = _scale(key)

    def distance(place: int) -> float:
        return abs(place - centre) - (1.5 if place in own else 0.0)

    usual = [place for place in _names(pitch) if place not in _ODD or place in own]
    return min(usual, key=distance)


def _scale(key: Key | None) -> range:
    return range(0) if key is None else range(fifths_of(key) - 1, fifths_of(key) + 6)


def spell_notes(score: Score) -> list[str]:
    """The names of the notes of a score, such as `"Bb"`, in order."""
    spelled = spell_chords([change.chord for change in score.chords], score.key)
    over = score.chord_index_of(score.onsets)
    own = _scale(score.key)
    pitches = score.pitches.tolist()
    places: list[int] = []
    for index in range(len(pitches) - 1, -1, -1):
        pitch, change = pitches[index], int(over[index])
        root = spelled[change] if change >= 0 else None
        chord = score.chords[change].chord if change >= 0 else None
        diatonic = next((place for place in own if pitch_class(place) == pitch % 12), None)
        if chord is not None and root is not None:
            place = _tone(pitch, root[0], chord, score.key)
            fixed = pitch % 12 in chord.pitch_classes or place in own
        else:
            place = _nearest(pitch, _centre(score.key)) if diatonic is None else diatonic
            fixed = diatonic is not None
        if not fixed and places and abs(step := pitches[index + 1] - pitch) == 1:
            letter = _STEPS[(_STEPS.index(name_of(places[-1])[0]) - step) % 7]
            leading = [other for other in _names(pitch) if name_of(other)[0] == letter and other not in _ODD]
            place = leading[0] if leading else place
        places.append(place)
    return [name_of(place) for place in reversed(places)]
