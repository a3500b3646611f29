"""Pitch classes, keys, and the spelling of a pitch class in a key."""

import re
from dataclasses import dataclass
from typing import Literal

SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLAT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}

_KEY = re.compile(r"([A-Ga-g][#b♯♭]*)(?:(-|m|[\s-]*(?i:min|minor))|[\s-]*(?i:maj|major)|)")

Mode = Literal["major", "minor"]


def parse_pitch_class(name: str) -> int:
    """`"Bb"` → 10; any number of sharps and flats.

    Raises:
        ValueError: `name` is not a note name.
    """
    letter, accidentals = name[:1].upper(), name[1:].replace("♭", "b").replace("♯", "#")
    if letter not in _NATURALS or accidentals.strip("#b"):
        raise ValueError(f"{name!r} is not a note name")
    return (_NATURALS[letter] + accidentals.count("#") - accidentals.count("b")) % 12


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic (pitch class) and a mode."""

    tonic: int
    mode: Mode

    @classmethod
    def parse(cls, text: str) -> "Key":
        """Parse `"Bb-maj"`, `"Ebmaj"`, `"E minor"`, `"F"`, `"Cm"` or `"C-"` (minor in jazz).

        Raises:
            ValueError: `text` is not a key.
        """
        match = _KEY.fullmatch(text.strip())
        if not match:
            raise ValueError(f"{text!r} is not a key")
        return cls(parse_pitch_class(match[1]), "minor" if match[2] else "major")

    @property
    def fifths(self) -> int:
        """The number of sharps (positive) or flats (negative) in the signature, -6 … 5; six are flats, as in jazz."""
        major_tonic = (self.tonic + 3) % 12 if self.mode == "minor" else self.tonic
        return (major_tonic * 7 + 6) % 12 - 6

    @classmethod
    def from_fifths(cls, fifths: int, mode: Mode) -> "Key":
        return cls((fifths * 7 + (9 if mode == "minor" else 0)) % 12, mode)

    def transposed(self, semitones: int) -> "Key":
        return Key((self.tonic + semitones) % 12, self.mode)

    def spell(self, pitch_class: int) -> str:
        """The name of a pitch class in this key: flats in flat keys, C and F major; sharps in sharp keys."""
        return (SHARP_NAMES if self.fifths > 0 else FLAT_NAMES)[pitch_class % 12]

    def __str__(self) -> str:
        return f"{self.spell(self.tonic)} {self.mode}"


def spell(pitch_class: int, key: Key | None = None) -> str:
    """The name of a pitch class in a key, with flats if the key is unknown."""
    return key.spell(pitch_class) if key else FLAT_NAMES[pitch_class % 12]
