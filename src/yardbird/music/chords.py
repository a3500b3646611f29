"""Chord symbols: a root, one of a fixed set of qualities, and a bass where it differs from the root.

A symbol of a chart or a MIDI marker is mapped to the nearest quality of `QUALITIES`: `F7913` and `F13` are the same
chord, `Bb-7` is `Bbm7`. The tetrad holds the chord tones that count for chord-tone rates; tensions do not.
"""

import re
from dataclasses import dataclass

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

#: What charts and transcriptions write → the quality it means here.
_ALIASES: dict[str, str] = {
    "maj": "", "M": "", "major": "", "add9": "", "add2": "",
    "maj9": "maj7", "M7": "maj7", "ma7": "maj7", "j7": "maj7", "Δ": "maj7", "Δ7": "maj7", "^7": "maj7", "^": "maj7",
    "M9": "maj7", "ma9": "maj7", "M13": "maj7", "ma13": "maj7", "M7#11": "maj7",
    "maj7#11": "maj7", "maj13": "maj7", "j7911": "maj7", "j79": "maj7", "j7911#": "maj7", "maj7#5": "aug",
    "6/9": "69", "6add9": "69",
    "dom7": "7", "79": "9", "7913": "13", "713": "13", "11": "7sus", "9sus": "7sus", "9sus4": "7sus", "7sus4": "7sus",
    "sus7": "7sus", "sus4": "sus", "sus2": "sus", "13sus": "7sus", "13sus4": "7sus",
    "7b9b13": "7b13", "7b9#5": "aug7", "79#11": "7#11", "79#": "7#9", "79b": "7b9", "7911#": "7#11", "9#11": "7#11",
    "13#11": "7#11", "13b9": "7b9", "7b9#11": "7b9", "7b9#9": "7alt", "7#9b13": "7alt", "7#9#5": "7alt", "alt": "7alt",
    "7#5": "aug7", "+7": "aug7", "7+": "aug7", "9#5": "aug7", "+": "aug", "9b5": "7b5",
    "7-9": "7b9", "7+9": "7#9", "7+11": "7#11", "7+5": "aug7", "7-5": "7b5", "7b5b9": "7b5", "7b9b5": "7b5",
    "min": "m", "-": "m", "mi": "m", "madd9": "m",
    "min6": "m6", "-6": "m6", "m69": "m6", "-69": "m6", "m6/9": "m6",
    "min7": "m7", "-7": "m7", "mi7": "m7", "m7add11": "m9",
    "m11": "m9", "min9": "m9", "-9": "m9", "m79": "m9", "-79": "m9", "-7911": "m9", "m13": "m9", "-7913": "m9",
    "mM7": "mmaj7", "-maj7": "mmaj7", "-j7": "mmaj7", "mj7": "mmaj7", "-Δ7": "mmaj7", "minmaj7": "mmaj7",
    "ø": "m7b5", "ø7": "m7b5", "-7b5": "m7b5", "min7b5": "m7b5", "m9b5": "m7b5", "h7": "m7b5",
    "m7-5": "m7b5", "-7-5": "m7b5",
    "o": "dim", "°": "dim", "o7": "dim7", "°7": "dim7",
}  # fmt: skip
_SYMBOL = re.compile(r"([A-G](?:##|bb|#|b|♯|♭)?)(.*)")
_MAJOR = re.compile(r"^(m|min|-)?/?(?:maj|Maj|MAJ|MA|Ma)")
_BASS = re.compile(r"/([A-G](?:##|bb|#|b|♯|♭)?)$")


@dataclass(frozen=True, slots=True)
class Chord:
    """`root` and `bass` are pitch classes, `quality` a key of `QUALITIES`; `bass` is None when it is the root."""

    root: int
    quality: str
    bass: int | None = None

    @classmethod
    def parse(cls, symbol: str) -> "Chord | None":
        """A chord, or None for "N.C." (no chord sounds).

        Raises:
            ValueError: the text is no chord symbol.
        """
        text = symbol.strip().replace("♭", "b").replace("♯", "#")
        if text.upper() in ("N.C.", "NC", "N.C"):
            return None
        bass_match = _BASS.search(text)
        match = _SYMBOL.fullmatch(text[: bass_match.start()] if bass_match else text)
        if not match:
            raise ValueError(f"{symbol!r} is not a chord symbol")
        written = match[2].strip().replace("(", "").replace(")", "").replace(",", "")
        written = _MAJOR.sub(r"\1maj", written).replace("△", "Δ")
        quality = _ALIASES.get(written, written)
        if quality not in QUALITIES:
            raise ValueError(f"{symbol!r} is not a chord symbol: unknown quality {match[2]!r}")
        root = parse_pitch_class(match[1])
        bass = parse_pitch_class(bass_match[1]) if bass_match else root
        return cls(root, quality, None if bass == root else bass)

    @property
    def pitch_classes(self) -> frozenset[int]:
        """The chord tones (root, third, fifth, seventh or sixth) as pitch classes; the bass is not one of them."""
        return frozenset((self.root + interval) % 12 for interval in QUALITIES[self.quality])

    def transposed(self, semitones: int) -> "Chord":
        bass = None if self.bass is None else (self.bass + semitones) % 12
        return Chord((self.root + semitones) % 12, self.quality, bass)

    def symbol(self, key: Key | None = None) -> str:
        """As a chart writes it, spelled in the key: `"Bbm7/Eb"`; `Chord.parse` reads it back."""
        bass = "" if self.bass is None else f"/{spell(self.bass, key)}"
        return f"{spell(self.root, key)}{self.quality}{bass}"


def chord_symbol(chord: Chord | None, key: Key | None = None) -> str:
    """The symbol of a chord, or "N.C." for None."""
    return NO_CHORD if chord is None else chord.symbol(key)
