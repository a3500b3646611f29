"""The chords that belong to a key in bebop.

The table holds diatonic chords, I7 and IV7 of the blues, secondary dominants with the ii before each, tritone
substitutes, chords borrowed from the parallel mode, and passing diminished chords (Levine, The Jazz Theory Book, 1995,
chapters on the major and the minor scale and on reharmonisation). Stable chords define a key, so the table has few of
them; dominants are on nearly every root. Real tunes modulate and so use other chords, too; the tests count them.
"""

from collections.abc import Mapping
from functools import cache

from yardbird.music.chords import Chord
from yardbird.music.pitch import Key, Mode

#: Kind of chord → its qualities.
KINDS: Mapping[str, tuple[str, ...]] = {
    "major": ("", "6", "69", "maj7"),
    "dominant": ("7", "9", "13", "7b9", "7#9", "7#11", "7b5", "7b13", "7alt", "aug7", "aug", "sus", "7sus"),
    "minor": ("m", "m6", "m7", "m9", "mmaj7"),
    "half-diminished": ("m7b5",),
    "diminished": ("dim", "dim7"),
}

#: Mode → kind of chord → its roots in semitones above the tonic.
ROOTS: Mapping[Mode, Mapping[str, tuple[int, ...]]] = {
    "major": {
        "major": (0, 5, 8),  # I, IV, and bVI borrowed from minor
        # V7 of each degree, its tritone substitute, IV7 of the blues, bVII7 of the back door; bV7 is rare
        "dominant": (0, 1, 2, 3, 4, 5, 7, 8, 9, 10, 11),
        "minor": (2, 3, 4, 5, 6, 7, 9, 11),  # ii iii vi, iv borrowed, v #iv vii before I7 VII7 III7, biii passing to ii
        "half-diminished": (2, 4, 6, 7, 9, 11),  # vii, ii borrowed, the ii before V7 of a minor degree
        "diminished": (0, 1, 3, 6, 8, 11),  # #i #ii #iv #v passing, i and vii in place of I and V7
    },
    "minor": {
        "major": (3, 8, 10),  # bIII, bVI, bVII
        # V7; I7 II7 IV7 bIII7 bVII7 to iv V bVII bVI bIII; the substitutes bII7 bVI7; VI7 to ii
        "dominant": (0, 1, 2, 3, 5, 7, 8, 9, 10),
        "minor": (0, 2, 5, 7, 10),  # i iv v, ii of the Dorian mode, bvii before bIII7
        "half-diminished": (0, 2, 7, 9),  # ii, v before I7, vi before II7, i before IV7
        "diminished": (0, 2, 3, 6, 9, 11),  # vii and its inversions, i, #iv passing
    },
}

#: Mode → the qualities of the tonic chord at the start of a tune; a major blues starts with I7.
TONIC: Mapping[Mode, tuple[str, ...]] = {"major": (*KINDS["major"], "7"), "minor": KINDS["minor"]}


def opening_qualities(key: Key) -> tuple[frozenset[str], ...]:
    """The qualities of each root that may be the first chord: only the tonic has any."""
    return tuple(frozenset(TONIC[key.mode] if root == key.tonic else ()) for root in range(12))


@cache
def qualities_in(key: Key) -> tuple[frozenset[str], ...]:
    """The qualities of each root (pitch class 0 … 11) in a key; empty for a root without a chord."""
    roots = ROOTS[key.mode]
    return tuple(
        frozenset(quality for kind, own in KINDS.items() if (root - key.tonic) % 12 in roots[kind] for quality in own)
        for root in range(12)
    )


def belongs(chord: Chord, key: Key) -> bool:
    """Whether a chord belongs to the key and its bass is one of its tones."""
    return chord.quality in qualities_in(key)[chord.root] and (chord.bass is None or chord.bass in chord.pitch_classes)
