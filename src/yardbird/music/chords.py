"""Chord symbols: a root, one of a fixed set of qualities, and a bass if it differs from the root.

A symbol of a chart or a MIDI marker is parsed by a grammar (`yardbird.music.chord_grammar`) and mapped to the nearest
quality in `QUALITIES`: `F7913` and `F13` are the same chord, `Bb-7` is `Bbm7`. Chord-tone rates count the tones in
`QUALITIES`, not the tensions.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache

from yardbird.music.chord_grammar import NoChordSymbolError, Tones, read_symbol
from yardbird.music.pitch import Key, parse_pitch_class, spell

#: Quality → its chord tones in semitones above the root (at most four: root, third, fifth, seventh or sixth).
QUALITIES: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7),
    "6": (0, 4, 7, 9),
    "69": (0, 4, 7, 9),
    "maj7": (0, 4, 7, 11),
    "7": (0, 4, 7, 10),
    "9": (0, 4, 7, 10),
    "13": (0, 4, 7, 10),
    "7b9": (0, 4, 7, 10),
    "7#9": (0, 4, 7, 10),
    "7#11": (0, 4, 7, 10),
    "7b5": (0, 4, 6, 10),
    "7b13": (0, 4, 7, 10),
    "7alt": (0, 4, 8, 10),
    "aug7": (0, 4, 8, 10),
    "aug": (0, 4, 8),
    "sus": (0, 5, 7),
    "7sus": (0, 5, 7, 10),
    "m": (0, 3, 7),
    "m6": (0, 3, 7, 9),
    "m7": (0, 3, 7, 10),
    "m9": (0, 3, 7, 10),
    "mmaj7": (0, 3, 7, 11),
    "m7b5": (0, 3, 6, 10),
    "dim": (0, 3, 6),
    "dim7": (0, 3, 6, 9),
}
NO_CHORD = "N.C."
_OURS = re.compile(r"([A-G](?:##|bb|#|b)?)([^/]*)(?:/([A-G](?:##|bb|#|b)?))?")


@dataclass(frozen=True, slots=True)
class Chord:
    """`root` and `bass` are pitch classes, `quality` is a key of `QUALITIES`; `bass` is None if it is the root.

    `names` are the written names of root and bass, for display; comparison ignores them.
    """

    root: int
    quality: str
    bass: int | None = None
    names: tuple[str, str] | None = field(default=None, compare=False, repr=False)

    @classmethod
    def parse(cls, symbol: str, *, german: bool = False) -> "Chord | None":
        """Parse a chord symbol; None for "N.C." (no chord).

        Args:
            german: `B` means B flat, as in files that write B natural as `H`.

        Raises:
            ValueError: the text is not a chord symbol.
        """
        return _parsed(symbol, german)

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The chord tones (root, third, fifth, seventh or sixth) as pitch classes; the bass is not one of them."""
        return frozenset((self.root + interval) % 12 for interval in QUALITIES[self.quality])

    def transposed(self, semitones: int) -> "Chord":
        """The transposed chord, without written names: the spelling in one key does not fit another."""
        return _transposed(self, semitones)

    def symbol(self, key: Key | None = None) -> str:
        """The symbol, e.g. `"Bbm7/Eb"`: spelled as written, or else in the key. `parse` reads it."""
        if self.names is None:
            return _spelled(self, key)
        root, bass = self.names
        return f"{root}{self.quality}/{bass}" if bass else f"{root}{self.quality}"


def chord_symbol(chord: Chord | None, key: Key | None = None) -> str:
    """The symbol of a chord, or "N.C." for None."""
    return NO_CHORD if chord is None else chord.symbol(key)


@lru_cache(maxsize=4096)
def _transposed(chord: Chord, semitones: int) -> Chord:
    bass = None if chord.bass is None else (chord.bass + semitones) % 12
    return Chord((chord.root + semitones) % 12, chord.quality, bass)


@lru_cache(maxsize=4096)
def _spelled(chord: Chord, key: Key | None) -> str:
    bass = "" if chord.bass is None else f"/{spell(chord.bass, key)}"
    return f"{spell(chord.root, key)}{chord.quality}{bass}"


@lru_cache(maxsize=4096)
def _parsed(text: str, german: bool) -> Chord | None:
    ours = None if german else _OURS.fullmatch(text)
    if ours and ours[2] in QUALITIES:  # fast path for the symbols that this project writes
        return _chord(ours[1], ours[2], ours[3])
    try:
        symbol = read_symbol(text, german=german)
    except NoChordSymbolError as error:
        raise ValueError(f"{text!r} is not a chord symbol: {error}") from None
    return None if symbol is None else _chord(symbol.root, nearest_quality(symbol.tones), symbol.bass)


def _chord(root_name: str, quality: str, bass_name: str | None) -> Chord:
    root = parse_pitch_class(root_name)
    bass = root if bass_name is None else parse_pitch_class(bass_name)
    return Chord(root, quality, None if bass == root else bass, (root_name, "" if bass == root else bass_name or ""))


def nearest_quality(tones: Tones) -> str:
    """The quality that differs from `tones` in the fewest tones; tensions decide between equal tones.

    A tie is decided by the third, then the seventh, then the fifth.
    """
    own = {0, tones.third, tones.fifth, tones.seventh, 9 if tones.sixth else None} - {None}
    if tones.third == 2:
        own = own - {2} | {5}  # a suspended second becomes a fourth: the vocabulary has one suspension
    if tones.sixth and tones.seventh in (10, 11):
        own.discard(9)
        tones.tensions.add("13")
    if tones.third is None and tones.fifth == 7:
        own.add(4)  # a power chord counts as major
    if tones.fifth is None:
        own.add(7)

    def distance(quality: str) -> tuple[int, bool, bool, bool]:
        theirs = set(QUALITIES[quality])
        return (
            len(own ^ theirs),
            bool(own & {3, 4, 5} ^ theirs & {3, 4, 5}),
            bool(own & {9, 10, 11} ^ theirs & {9, 10, 11}),
            bool(own & {6, 7, 8} ^ theirs & {6, 7, 8}),
        )

    nearest = min(QUALITIES, key=distance)
    return _with_tensions(nearest, tones)


def _with_tensions(quality: str, tones: Tones) -> str:
    """Of the qualities with the same four tones, the one with the tensions of the symbol."""
    has = tones.tensions
    if quality == "7":
        if tones.altered or {"b9", "#9"} <= has or {"#9", "b13"} <= has:
            return "7alt"
        kept = [name for name in ("b13", "b9", "#9", "#11", "13", "9") if name in has]
        return "7" if not kept else kept[0] if kept[0] in QUALITIES else f"7{kept[0]}"
    if quality in ("7alt", "aug7"):
        return "7alt" if tones.altered or "#9" in has else "aug7"
    if quality == "6":
        return "69" if "9" in has else "6"
    if quality == "m7":
        return "m9" if has & {"9", "11", "13"} else "m7"
    return quality
