"""The music of one ABC tune → measures of its voices.

An own reader: music21's knows one tempo, two endings and the voices of one line, forgets accidentals within a bar, and
takes some ornaments, spacers and remarks for notes. The grammar is that of the ABC standard 2.1, and where files do not
follow it, what the common players (abc2midi, abcjs) accept.
"""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from yardbird.data.notation.abc_pitches import VoicePitches
from yardbird.data.notation.abc_voice import MAX_BARS, TooLongError, Voice
from yardbird.data.notation.measures import WrittenPart
from yardbird.data.notation.unrolling import Marks

_MAX_METER = 64  # beats, and beats in a whole note
_FIELD = re.compile(r"([A-Za-z]):(?![|:])[ \t]*(.*)|([wWsNr+]):()")  # `+:` continues lyrics
_JUMPS = re.compile(r"segno|coda|dacoda|fine|D\.[CS]\.(?:[ ]?al[ ]?(?:fine|coda))?")
_TOKEN = re.compile(
    r"""
      "(?P<text>[^"\n]*)"
    | !(?P<decoration>[^!\s][^!\n]{0,28}!) | \+(?P<old_decoration>[a-z]{1,28}\+)
    | \{(?P<grace>[^}\n]*)\}
    | \[(?P<field>[A-Za-z]):[ \t]*(?P<value>[^\]\n]*)\]
    | (?P<bar>(?P<closes>:*)\[?\|+\]?(?P<opens>(?::+(?!\|))?)|(?P<both>::+)) (?P<ending>\d[\d,-]*)?
    | \[(?P<bracket>\d[\d,-]*)
    | \[(?P<chord>[^\]\n]*)\](?P<chord_length>[\d/]*)(?P<chord_tie>-?)
    | (?P<sign>\^{1,2}|_{1,2}|=|)(?P<note>[A-Ga-g][,']*)(?P<length>[\d/]*)(?P<tie>-?)
    | (?P<rest>[zx])(?P<rest_length>[\d/]*)
    | [ZX](?P<bars>\d*)
    | \((?P<tuplet>\d)(?::(?P<time>\d?))?(?::(?P<notes>\d{0,2}))?
    | (?P<broken>>+|<+)
    | (?P<overlay>&)
    | y[\d/]*
    | (?P<late_tie>-)
    | (?P<sign_letter>[SO])
    """,
    re.VERBOSE,
)
_IGNORED = re.compile(r"[\s)\\`$~.*@;?#H-NP-RT-Wh-w]+|[(!+]")  # slurs, line breaks, decorations of one letter
_NOTE = re.compile(r"(\^{1,2}|_{1,2}|=|)([A-Ga-g][,']*)([\d/]*)(-?)")


@dataclass
class Tune:
    """What `read_tune` found; `order` is that of the sections P: as played, "" for none."""

    voices: list[Voice]
    order: str
    counts: Counter[str]


def read_tune(text: str) -> Tune:
    """Read a tune: its header, from X: to K:, and its music.

    Raises:
        TooLongError: it has more than 5,000 bars, or a meter above 64/64.
    """
    text = re.sub(r"(?ms)^%%begin(\w+).*?^%%end\1", "", text)
    head, _, body = text.partition("\nK:")
    return _Reader(head).read(f"K:{body}")


class _Reader:
    def __init__(self, head: str) -> None:
        self.counts: Counter[str] = Counter()
        self.head: dict[str, str] = {}
        self.properties: dict[str, str] = {}  # of the voices, by their name
        self.directives: list[str] = []
        self.voices: dict[str, Voice] = {}
        for line in head.split("\n"):
            if line.startswith("%%"):
                self.directives.append(line[2:])
            elif found := _FIELD.match(_without_comment(line)):
                letter, value = found[1] or found[3], (found[2] or "").strip()
                if letter == "V":
                    name, _, properties = value.partition(" ")
                    self.properties[name] = properties
                elif letter == "I":
                    self.directives.append(value)
                else:
                    self.head[letter] = value

    def read(self, body: str) -> Tune:
        first, *lines = body.split("\n")
        self.head["K"] = _without_comment(first)[2:].strip()
        voice = self._voice("")
        for line in lines:
            if line.startswith("%%"):
                _direct(voice, line[2:])
                continue
            music = _without_comment(line)
            if found := _FIELD.match(music):
                voice = self._field(voice, found[1] or found[3], (found[2] or "").strip())
            else:
                voice = self._music(voice, music)
        for each in self.voices.values():
            each.end_measure()
        voices = [each for each in self.voices.values() if each.marks]
        return Tune(voices, self.head.get("P", ""), self.counts)

    def _voice(self, name: str) -> Voice:
        """The voice of a name, which starts as the header says. Music before any V: has the properties of the first."""
        if name in self.voices:
            return self.voices[name]
        first = next(iter(self.properties.values()), "")
        properties = self.properties.get(name, "") if name else first
        shown = re.search(r"""\b(?:name|nm)=(?:"([^"]*)"|(\S+))""", properties)
        part = WrittenPart([], (shown[1] or shown[2] or "").strip() if shown else "")
        part.is_drums = bool(re.search(r"\bperc\b", properties))
        voice = Voice(VoicePitches(), part)
        for directive in self.directives:
            _direct(voice, directive)
        voice.pitches.read_properties(properties)
        voice.pitches.read_key(self.head["K"])
        voice.pitches.read_properties(properties)  # these precede the clef of the key
        self._meter(voice, self.head.get("M", ""))
        if "L" in self.head:
            self._unit(voice, self.head["L"])
        elif "M" in self.head and voice.measure.bar < 3:
            voice.unit = Fraction(1, 4)
        if not self.voices and "Q" in self.head:
            self._tempo(voice, self.head["Q"])
        self.voices[name] = voice
        return voice

    def _field(self, voice: Voice, letter: str, value: str) -> Voice:
        changes: dict[str, Callable[[Voice, str], None]] = {
            "K": lambda voice, value: voice.pitches.read_key(value),
            "L": self._unit,
            "M": self._meter,
            "Q": self._tempo,
        }
        if letter in changes:
            changes[letter](voice, value)
        elif letter == "P":
            voice.end_measure()
            voice.section = value[:1]
        elif letter == "V":
            name, _, properties = value.partition(" ")
            known = self.voices.get(name)
            if known is None and list(self.voices) == [""] and not voice.marks and not voice.measure.length:
                self.voices, tempos = {}, voice.tempos  # nothing came before the first V:
                known = self._voice(name)
                known.tempos = known.tempos or tempos
            known = known or self._voice(name)
            known.pitches.read_properties(properties)
            return known
        return voice

    def _meter(self, voice: Voice, value: str) -> None:
        value = {"C": "4/4", "C|": "2/2"}.get(value, value)
        found = re.match(r"\(?([\d+ ]+)\)?/(\d+)", value)
        beats = [int(number[:9]) for number in re.findall(r"\d+", found[1])] if found else []
        if not found or not sum(beats) or not int(found[2][:9]):
            if value not in ("", "none"):
                self.counts["unread_events"] += 1
            return
        voice.numerator, voice.denominator = sum(beats), int(found[2][:9])
        if max(voice.numerator, voice.denominator) > _MAX_METER:
            raise TooLongError
        if not voice.measure.length:
            voice.measure.numerator, voice.measure.denominator = voice.numerator, voice.denominator

    def _unit(self, voice: Voice, value: str) -> None:
        if found := re.match(r"(\d{1,9})(?:/(\d{1,9}))?", value):
            voice.unit = Fraction(4 * int(found[1]), int(found[2] or 1) or 1) or voice.unit
        else:
            self.counts["unread_events"] += 1

    def _tempo(self, voice: Voice, value: str) -> None:
        """`1/4=180`, `3/8 3/8=40`, `"Fast" 1/4=180`, `180`, and the old `C=180` and `C3=60` in units of L:."""
        plain = re.sub(r'"[^"]*"', "", value)
        if not (found := re.search(r"(?:([\d/ ]+|C\d?)[ \t]*=[ \t]*)?(\d{1,4}(?:\.\d+)?)", plain)):
            return
        beat = Fraction(1)
        if found[1] and found[1][0] == "C":
            beat = voice.unit * int(found[1][1:] or 1)
        elif found[1]:
            lengths = re.findall(r"(\d{1,4})/(\d{1,4})", found[1])
            beat = sum((Fraction(4 * int(over), int(under) or 1) for over, under in lengths), Fraction(0)) or beat
        if qpm := float(beat * Fraction(found[2])):
            voice.tempos = [qpm]

    def _music(self, voice: Voice, line: str) -> Voice:
        place = 0
        while place < len(line):
            if token := _TOKEN.match(line, place):
                if token["field"]:
                    voice = self._field(voice, token["field"], token["value"].strip())
                else:
                    self._token(voice, token)
                place = token.end()
            elif ignored := _IGNORED.match(line, place):
                place = ignored.end()
            else:
                self.counts["unread_events"] += 1
                place += 1
        return voice

    def _token(self, voice: Voice, token: re.Match[str]) -> None:
        if token["text"] is not None:
            self._text(voice, token["text"])
        elif decoration := token["decoration"] or token["old_decoration"]:
            if _JUMPS.fullmatch(decoration[:-1]):
                voice.add_sign(decoration[:-1])
        elif token["grace"] is not None:
            for sign, name, _, _ in _NOTE.findall(token["grace"]):
                voice.pitches.pitch(sign, name, begins_tie=False)  # its accidental holds, too
                self.counts["grace_notes_left_out"] += 1
            voice.latest = []  # the tie in `B {c}-B` is that of the grace note
        elif token["bar"]:
            both = (token["both"] or "")[1:]  # `::` is `:|:`
            voice.bar_line(both or token["closes"], token["bar"].strip(":"), both or token["opens"])
            if token["ending"]:
                voice.begin_ending(token["ending"])
        elif token["bracket"]:
            voice.begin_ending(token["bracket"])
        elif token["chord"] is not None:
            self._chord(voice, token)
        elif token["note"]:
            length = _length(token["length"]) * voice.unit
            tie = bool(token["tie"])
            pitch = voice.pitches.pitch(token["sign"], token["note"], begins_tie=tie)
            self._take(voice, [(pitch, length, tie)], length)
        elif token["rest"]:
            self._take(voice, [], _length(token["rest_length"]) * voice.unit)
        elif token["bars"] is not None:
            for _ in range(int(token["bars"][:4] or 1)):
                voice.take([], voice.measure.bar)
                voice.end_measure()
        elif token["tuplet"]:
            self._tuplet(voice, token)
        elif token["broken"]:
            voice.break_rhythm(token["broken"])
        elif token["overlay"]:
            voice.overlay()
        elif token["late_tie"]:
            voice.tie_latest()
        elif token["sign_letter"]:
            voice.add_sign({"S": "segno", "O": "coda"}[token["sign_letter"]])

    def _take(self, voice: Voice, notes: list[tuple[int, Fraction, bool]], length: Fraction) -> None:
        if length > MAX_BARS * voice.measure.bar:
            raise TooLongError
        inside = [note for note in notes if 0 <= note[0] <= 127 and note[1]]
        self.counts["unread_notes"] += len(notes) - len(inside)
        voice.take(inside, length)

    def _chord(self, voice: Voice, token: re.Match[str]) -> None:
        """Notes that start together; the first one's length is that of the chord."""
        factor = _length(token["chord_length"]) * voice.unit
        notes = []
        for sign, name, length, tie in _NOTE.findall(re.sub(r'"[^"]*"|![^!]*!', "", token["chord"])):
            begins_tie = bool(tie or token["chord_tie"])
            pitch = voice.pitches.pitch(sign, name, begins_tie=begins_tie)
            notes.append((pitch, _length(length) * factor, begins_tie))
        if notes:
            self._take(voice, notes, notes[0][1])
        else:
            self.counts["unread_events"] += 1

    def _tuplet(self, voice: Voice, token: re.Match[str]) -> None:
        """`(3` plays three notes in the time of two; `(p:q:r` plays p in the time of q, for the next r notes."""
        many = int(token["tuplet"]) or 1
        compound = voice.denominator == 8 and voice.numerator % 3 == 0
        usual = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}.get(many, 3 if compound else 2)
        voice.tuplet = Fraction(int(token["time"] or 0) or usual, many)
        voice.in_tuplet = int(token["notes"] or 0) or many

    def _text(self, voice: Voice, text: str) -> None:
        """A chord symbol; or a word, after one of `^_<>@` or if it is one of a jump, such as "Fine"."""
        words = text.strip().lstrip("^_<>@")
        annotation = words != text.strip()
        if annotation:
            words = re.sub(r"^[-\d., ]+", "", words)
        if annotation or Marks.of_words(words) != Marks():
            voice.add_sign(words)
            voice.texts += [("text", words)] if words else []
        elif words:
            symbol = re.sub(r"(?<=.)\([A-G][^()]*\)$", "", words)  # G(Em): the alternative is not played
            voice.texts.append(("marker", voice.pitches.chord_symbol(symbol)))


def _direct(voice: Voice, directive: str) -> None:
    """Apply `MIDI program`, `MIDI channel`, `MIDI transpose` or `propagate-accidentals`."""
    if found := re.match(r"MIDI[ \t]+program[ \t]+(?:\d+[ \t]+)?(\d{1,3})\b", directive):
        voice.part.program = min(int(found[1]), 127)
    elif found := re.match(r"MIDI[ \t]+channel[ \t]+(\d+)", directive):
        voice.part.is_drums = found[1] == "10"
    elif found := re.match(r"MIDI[ \t]+transpose[ \t]+(-?\d{1,2})\b", directive):
        voice.pitches.semitones = int(found[1])
    elif found := re.match(r"propagate-accidentals[ \t]+(pitch|octave|not)\b", directive):
        voice.pitches.propagate = found[1]  # type: ignore[assignment]  # one of the three


def _without_comment(line: str) -> str:
    return re.split(r"(?<!\\)%", line, maxsplit=1)[0].rstrip()


def _length(text: str) -> Fraction:
    """`3/2` → 3/2, `/` → 1/2, `//` → 1/4, "" → 1."""
    over, *unders = text.split("/")
    length = Fraction(int(over[:9] or 1))
    for under in unders:
        length /= int(under[:9] or 2) or 1
    return length
