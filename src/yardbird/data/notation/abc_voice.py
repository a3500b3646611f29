"""One voice of an ABC tune while it is read: its measures so far, and what is in force."""

import re
from dataclasses import dataclass, field, replace
from fractions import Fraction

from yardbird.data.notation.abc_pitches import VoicePitches
from yardbird.data.notation.measures import Measure, WrittenNote, WrittenPart
from yardbird.data.notation.unrolling import Marks

MAX_BARS = 5_000


class TooLongError(ValueError):
    """A note, a meter or a tune is too long."""


@dataclass
class Voice:
    """The measures so far, with their repeat marks; the unfinished measure; unit, meter and rhythm in force."""

    pitches: VoicePitches
    part: WrittenPart
    unit: Fraction = Fraction(1, 2)  # the length L:, in quarter notes
    numerator: int = 4
    denominator: int = 4
    marks: list[Marks] = field(default_factory=list)  # of each measure
    sections: list[str] = field(default_factory=list)  # the label P: of each measure
    section: str = ""
    measure: Measure = field(init=False)  # the unfinished one
    mark: Marks = field(default_factory=Marks)
    now: Fraction = Fraction(0)  # the time in it
    layer: int = 0  # of overlays
    signs: Marks = field(default_factory=Marks)  # after the latest note
    endings: frozenset[int] = frozenset()
    broken: Fraction = Fraction(1)  # factor of the next note, after > or <
    tuplet: Fraction = Fraction(1)
    in_tuplet: int = 0  # notes that remain
    texts: list[tuple[str, str]] = field(default_factory=list)  # for the next note or rest
    tempos: list[float] = field(default_factory=list)
    latest: list[int] = field(default_factory=list)  # the places in `measure.notes` of the latest note or chord
    before: Fraction = Fraction(0)  # the time in the measure before it

    def __post_init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self.measure = Measure(Fraction(0), self.numerator, self.denominator)
        self.mark = Marks(endings=self.endings)
        self.now, self.layer, self.latest, self.signs = Fraction(0), 0, [], Marks()

    def add_sign(self, words: str) -> None:
        """Add a jump or its target to the marks of the measure; see `end_measure` for those at its end."""
        (self.signs if self.measure.length else self.mark).add(Marks.of_words(words))

    def take(self, notes: list[tuple[int, Fraction, bool]], length: Fraction) -> None:
        """Add notes (MIDI pitch, length, whether a tie begins) that start together, or a rest, and advance the time."""
        self.mark.add(self.signs)
        self.signs = Marks()
        factor = self.broken * (self.tuplet if self.in_tuplet else 1)
        self.broken, self.in_tuplet = Fraction(1), max(0, self.in_tuplet - 1)
        self.measure.texts += [(self.now, kind, text) for kind, text in self.texts]
        self.measure.tempos += [(self.now, qpm) for qpm in self.tempos]
        self.texts, self.tempos = [], []
        self.latest = list(range(len(self.measure.notes), len(self.measure.notes) + len(notes)))
        for pitch, own, begins_tie in notes:
            written = WrittenNote(self.now, own * factor, pitch, self.layer, begins_tie=begins_tie, ends_tie=True)
            self.measure.notes.append(written)
        self.before = self.now
        self.now += length * factor
        self.measure.length = max(self.measure.length, self.now)

    def break_rhythm(self, signs: str) -> None:
        """`>` lengthens the latest note and shortens the next one; `<` the reverse; `>>` more."""
        short = Fraction(1, 2 ** len(signs[:4]))
        factor = 2 - short if signs[0] == ">" else short
        self.broken = 2 - factor
        for place in self.latest:
            note = self.measure.notes[place]
            self.measure.notes[place] = replace(note, length=note.length * factor)
        self.now = self.before + (self.now - self.before) * factor
        self.measure.length = self.now if not self.layer else max(self.measure.length, self.now)

    def tie_latest(self) -> None:
        for place in self.latest:
            self.measure.notes[place] = replace(self.measure.notes[place], begins_tie=True)

    def overlay(self) -> None:
        """Start another layer of notes at the start of the measure."""
        self.now, self.layer, self.latest = Fraction(0), self.layer + 1, []

    def begin_ending(self, numbers: str) -> None:
        """Begin the ending `1,3` or `1-3`; in the middle of a measure, it begins another one."""
        self.end_measure()
        spans = [re.findall(r"\d{1,2}", span) for span in numbers.split(",")]
        self.endings = frozenset(n for span in spans if span for n in range(int(span[0]), int(span[-1]) + 1))
        self.mark.endings = self.endings

    def end_measure(self) -> None:
        """End the measure. Signs without notes after them mark the end of this one or the start of the next one."""
        measure, mark = self.measure, self.mark
        mark.add(self.signs)
        following = Marks(opens=mark.opens, segno=mark.segno, coda=mark.coda)
        if measure.length:
            seen = any(each.coda or each.to_coda for each in self.marks) or (mark.to_coda and not self.signs.to_coda)
            following = Marks(segno=self.signs.segno, coda=self.signs.coda and seen)  # the first one marks the jump
            mark.segno &= not following.segno
            mark.coda &= not following.coda
            self._cut()
        elif self.marks:
            self.marks[-1].add(replace(mark, opens=False, segno=False, coda=False, endings=frozenset()))
        self._begin()
        self.mark.add(following)

    def _cut(self) -> None:
        """Keep the measure; an unbarred passage is cut where its full bars end."""
        measure = self.measure
        full = measure.length // measure.bar * measure.bar
        if not measure.bar < full < measure.length:
            self._keep(measure, self.mark)
            return
        rest = replace(measure, length=measure.length - full)
        rest.notes = [replace(note, onset=note.onset - full) for note in measure.notes if note.onset >= full]
        rest.texts = [(time - full, kind, text) for time, kind, text in measure.texts if time >= full]
        rest.tempos = [(time - full, qpm) for time, qpm in measure.tempos if time >= full]
        self._keep(replace(measure, length=full, notes=[n for n in measure.notes if n.onset < full]), self.mark)
        self._keep(rest, Marks(endings=self.endings))

    def _keep(self, measure: Measure, mark: Marks) -> None:
        self.part.measures.append(measure)
        self.marks.append(mark)
        self.sections.append(self.section)
        if len(self.marks) > MAX_BARS or measure.length > MAX_BARS * measure.bar:
            raise TooLongError

    def bar_line(self, closes: str, line: str, opens: str) -> None:
        """`:|` repeats from the latest `|:`; more colons repeat more often."""
        self.end_measure()
        self.pitches.pass_bar_line()
        if closes and self.marks:
            self.marks[-1].times = max(self.marks[-1].times, len(closes) + 1)
        if closes or opens or line not in ("|", "[|]"):
            self.endings = self.mark.endings = frozenset()
        self.mark.opens |= bool(opens)
