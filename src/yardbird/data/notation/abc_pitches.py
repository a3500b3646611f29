"""The sounding pitches of the notes of ABC: keys, accidentals, clefs, octaves and transpositions.

The rules are those of the ABC standard 2.1: keys in section 3.1.14, accidentals in 4.2, clefs in 4.6.
"""

import re
from dataclasses import dataclass, field
from typing import Literal

from yardbird.music.chord_grammar import NoChordSymbolError, read_symbol
from yardbird.music.pitch import Key

_FIFTHS = "FCGDAEB"  # the order of sharps
#: Mode → fifths from the major key of the same tonic.
_MODES = {
    "": 0,
    "maj": 0,
    "ion": 0,
    "lyd": 1,
    "mix": -1,
    "dor": -2,
    "m": -3,
    "min": -3,
    "aeo": -3,
    "phr": -4,
    "loc": -5,
}
_PITCHES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_ALTER = {"": 0, "#": 1, "b": -1, "=": 0, "^": 1, "^^": 2, "_": -1, "__": -2}
_MIDDLE_C = 60


@dataclass
class VoicePitches:
    """The pitches of one voice, read from left to right.

    Attributes:
        propagate: where an accidental holds until the bar line: "pitch", in all octaves; "octave", in its own; "not".
        semitones: from the written to the sounding pitches.
        keys: those of the fields K: so far, at sounding pitch; modes other than minor and major count as the nearer.
    """

    propagate: Literal["pitch", "octave", "not"] = "pitch"
    semitones: int = 0
    keys: list[Key] = field(default_factory=list)
    _signature: dict[str, int] = field(default_factory=dict)  # step → semitones
    _held: dict[str, int] = field(default_factory=dict)  # accidentals of this bar
    _tied: dict[str, int] = field(default_factory=dict)  # accidentals of the notes whose tie has not ended
    _over: dict[str, int] = field(default_factory=dict)  # those of the notes that are tied over the last bar line

    def read_properties(self, text: str) -> None:
        """Apply `transpose=-2`, `octave=-1` and the octave of a clef such as `treble-8`, in a field K: or V:."""
        semitones = re.search(r"\b(?:transpose|t)=(-?\d{1,2})\b", text)
        octave = re.search(r"\boctave=(-?\d)\b", text)
        clef = re.search(r"(?<![=\d])([+-])8(?:va)?\b", text)
        if semitones or octave or clef:
            octaves = int(octave[1] if octave else 0) + (int(f"{clef[1]}1") if clef else 0)
            self.semitones = int(semitones[1] if semitones else 0) + 12 * octaves

    def read_key(self, text: str) -> None:
        """Apply a field K: such as `Dmix`, `D exp _b ^f`, `G clef=bass`, `none` or `HP` (bagpipes, in D)."""
        self.read_properties(text)
        found = re.match(r"([A-G])([#b]?)[ \t]*([A-Za-z]*)", re.sub("^H[Pp]", "D", text))
        mode = found[3] if found else ""
        mode = mode if mode == "m" else mode[:3].lower()
        if mode == "exp" or text.partition(" ")[0] in ("", "none"):
            self._signature = {}
        elif found:
            fifths = _FIFTHS.index(found[1]) - 1 + 7 * _ALTER[found[2]]
            fifths += _MODES.get(mode, 0)
            self._signature = {step: (fifths + 6 - place) // 7 for place, step in enumerate(_FIFTHS)}
            tonic = (_PITCHES[found[1]] + _ALTER[found[2]] + self.semitones) % 12
            self.keys.append(Key(tonic, "minor" if _MODES.get(mode, 0) < -1 else "major"))
        for sign, step in re.findall(r"(?<![a-z])(\^{1,2}|_{1,2}|=)([A-Ga-g])", text):
            self._signature[step.upper()] = _ALTER[sign]

    def pass_bar_line(self) -> None:
        """Forget the accidentals of the bar, except those of tied notes."""
        self._held, self._over = {}, dict(self._tied)

    def pitch(self, sign: str, name: str, *, begins_tie: bool) -> int:
        """The MIDI pitch of a note such as `c'` with the accidental `^`; it may be outside the range of MIDI."""
        step = name[0].upper()
        place = step if self.propagate == "pitch" else name
        if sign:
            alter = _ALTER[sign]
            if self.propagate != "not":
                self._held[place] = alter
        else:
            alter = self._over.get(name, self._held.get(place, self._signature.get(step, 0)))
        self._over.pop(name, None)
        self._tied.pop(name, None)
        if begins_tie:
            self._tied[name] = alter
        octave = name.count("'") - name.count(",") + name[0].islower()
        return _MIDDLE_C + 12 * octave + _PITCHES[step] + alter + self.semitones

    def chord_symbol(self, text: str) -> str:
        """A chord symbol at sounding pitch, with the note names of flat keys if it is transposed; others unchanged."""
        try:
            known = read_symbol(text)
        except NoChordSymbolError:
            known = None
        if not known or not self.semitones % 12:
            return text

        def moved(match: re.Match[str]) -> str:
            return match[1] + _NAMES[(_PITCHES[match[2]] + _ALTER[match[3]] + self.semitones) % 12]

        return re.sub(r"(^\(?|/)([A-G])([#b]?)", moved, text)
