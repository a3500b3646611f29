"""A piece parsed by music21 → raw events: notes with ties joined, chords, words, tempos, meters, keys.

The import of music21 takes two seconds, so it happens when the first such file is read.
"""

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yardbird.data.notation.measures import TICKS_PER_BEAT, events_of, meters_of, tick_of, written_measures
from yardbird.data.notation.symbols import chart_symbol
from yardbird.data.notation.unrolling import Marks, unroll
from yardbird.errors import InputError
from yardbird.music.midi import RawMidi, RawPart, RawText
from yardbird.music.pitch import Key, Mode
from yardbird.music.score import Tempo, make_notes

if TYPE_CHECKING:
    from music21 import stream

MAX_MEASURES = 800  # of a part as written: the time of music21 grows with their square
_MAX_CHARACTERS = 20_000  # of a piece as text, for the same reason; a solo of 600 notes has six thousand
_VELOCITY = 90  # of a note without dynamics
_MINOR_MODES = ("minor", "dorian", "phrygian", "aeolian", "locrian")


@dataclass(frozen=True)
class Notated:
    """A notated piece: its events, and its title ("" for none)."""

    raw: RawMidi
    title: str


def refuse_length(path: Path, measures: int, characters: int) -> None:
    """Refuse a text with more bars or characters than music21 can read in seconds."""
    if measures > MAX_MEASURES or characters > _MAX_CHARACTERS:
        found = f"{measures}" if measures > MAX_MEASURES else f"{characters} characters"
        remedy = "cut it into solos"
        raise InputError(path, expected=f"at most {MAX_MEASURES} bars, or chord symbols", found=found, remedy=remedy)


@contextlib.contextmanager
def _without_beams() -> Iterator[None]:
    """Disable the beams and the accents of music21, which are not used, and count every bar line of ABC.

    They take 90 % of the time of ABC, which grows with the square of the notes and of the beats of a bar. music21 loses
    the repeats of a tune with fewer than two plain bar lines.
    """
    from music21 import abcFormat, meter, stream

    def has_bars(handler: Any) -> bool:
        return sum(isinstance(token, abcFormat.ABCBar) for token in handler.tokens) > 1

    beam, accent = stream.Stream.makeBeams, meter.TimeSignature._setDefaultAccentWeights
    bars = abcFormat.ABCHandler.definesMeasures
    abcFormat.ABCHandler.definesMeasures = has_bars
    stream.Stream.makeBeams = lambda self, *_, **__: self
    meter.TimeSignature._setDefaultAccentWeights = lambda *_, **__: None
    try:
        yield
    finally:
        stream.Stream.makeBeams, meter.TimeSignature._setDefaultAccentWeights = beam, accent
        abcFormat.ABCHandler.definesMeasures = bars


def parsed(
    text: str,
    kind: str,
    path: Path,
    extra: dict[str, int],
    symbols: dict[str, list[str]] | None = None,
    chords: list[tuple[Fraction, str]] | None = None,
) -> Notated:
    """Parse with music21 and collect the events.

    `symbols` decodes the chord symbols of `_code_chords`; `chords` are those that music21 cannot read.
    """
    names = {"musicxml": "MusicXML", "abc": "ABC", "humdrum": "Humdrum **kern"}
    try:
        from music21 import converter, stream

        messages = io.StringIO()
        with warnings.catch_warnings(), contextlib.redirect_stderr(messages), _without_beams():
            warnings.simplefilter("ignore")
            score: Any = converter.parseData(text, format=kind)
            if isinstance(score, stream.Opus):
                score = score.scores[0]
            if kind == "musicxml":
                score.toSoundingPitch(inPlace=True)
            collected = _Collector(symbols, chords).collect(score)
    except Exception as error:  # music21 raises many types of errors for unexpected files
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)[:150]
        found = f"a file that music21 cannot read ({reason})"
        raise InputError(path, expected=names[kind], found=found, remedy="export it again, or as MIDI") from None
    # music21 reports unreadable elements on stderr and skips them
    counts = extra | collected.counts | {"unread_events": messages.getvalue().count("WARNING")}
    flags = tuple(f"{name}:{count}" for name, count in counts.items() if count)
    return Notated(replace(collected.raw, flags=flags), str((score.metadata and score.metadata.title) or ""))


@dataclass
class _Sounding:
    """A note with the notes tied to it; times in quarter notes."""

    onset: Fraction
    end: Fraction
    pitch: int
    velocity: int

    @property
    def ticks(self) -> int:
        return max(1, tick_of(self.end) - tick_of(self.onset))


@dataclass
class _Collector:
    """Converts a music21 score to raw events."""

    symbols: dict[str, list[str]] | None
    chords: list[tuple[Fraction, str]] | None
    counts: dict[str, int] = field(default_factory=dict)
    raw: RawMidi = field(init=False)

    def collect(self, score: "stream.Score") -> "_Collector":
        from music21 import stream

        parts = list(score.parts) or [score]
        parts = [part if part.hasMeasures() else part.makeMeasures() for part in parts]
        measures = [list(part.getElementsByClass(stream.Measure)) for part in parts]
        longest = max(measures, key=len)
        if not longest:
            self.raw = RawMidi(TICKS_PER_BEAT, (), (), (), (), (), 0)
            return self
        written = written_measures(longest)
        order = self._order(parts, measures, len(longest))
        starts = [Fraction(0)]
        for index in order:
            starts.append(starts[-1] + written[index].length)
        raw_parts: list[RawPart] = []
        tempos: dict[int, Tempo] = {}
        texts: dict[tuple[int, str, str], RawText] = {}
        for track, (part, of_part) in enumerate(zip(parts, measures, strict=True)):
            events = [list(events_of(measure)) for measure in of_part]
            played = [
                (start + offset, voice, element)
                for start, index in zip(starts, order, strict=False)
                if index < len(events)
                for offset, voice, element in events[index]
            ]
            raw_parts.extend(self._notes(part, track, played))
            for onset, _, element in played:
                tick = tick_of(onset)
                if (tempo := _tempo(element)) is not None:
                    tempos[tick] = Tempo(tick, tempo)
                for kind, text in self._texts(element):
                    if kind == "bracket":
                        continue
                    texts.setdefault((tick, kind, text), RawText(tick, kind, text))
        for onset, symbol in self.chords or ():
            for start, index in zip(starts, order, strict=False):
                offset = onset - written[index].start
                if 0 <= offset < written[index].length:
                    tick = tick_of(start + offset)
                    texts.setdefault((tick, "marker", symbol), RawText(tick, "marker", symbol))
        self.raw = RawMidi(
            ticks_per_beat=TICKS_PER_BEAT,
            parts=tuple(raw_parts),
            tempos=tuple(sorted(tempos.values(), key=lambda tempo: tempo.tick)),
            meters=meters_of([written[index] for index in order], starts),
            keys=tuple(_keys(parts)),
            texts=tuple(sorted(texts.values(), key=lambda text: text.tick)),
            unended_notes=0,
        )
        return self

    def _order(self, parts: list[Any], measures: list[list[Any]], count: int) -> list[int]:
        """The indices of the measures in playing order, from the repeat marks of all parts."""
        marks = [Marks() for _ in range(count)]
        for part, of_part in zip(parts, measures, strict=True):
            self._mark(part, of_part, marks)
        repeats = sum(mark != Marks() for mark in marks)
        order = unroll(marks)
        if order is None:
            self.counts["repeats_not_unrolled"] = repeats
        return order or list(range(count))

    def _mark(self, part: Any, measures: list[Any], marks: list[Marks]) -> None:
        from music21 import bar, repeat, spanner, stream

        numbers = {id(measure): number for number, measure in enumerate(measures)}
        for bracket in part.recurse().getElementsByClass(spanner.RepeatBracket):
            for measure in bracket.getSpannedElements():
                if id(measure) in numbers:
                    mark = marks[numbers[id(measure)]]
                    mark.endings |= frozenset(bracket.numberRange)
        numbers_here: frozenset[int] = frozenset()  # of a bracket in ABC
        for measure, mark in zip(measures, marks, strict=False):
            elements = measure.recurse() if self.symbols is not None else ()
            brackets = [text for each in elements for kind, text in self._texts(each) if kind == "bracket"]
            if isinstance(measure.leftBarline, bar.Repeat):
                mark.opens = True
                numbers_here = frozenset()
            numbers_here = _ending_numbers(brackets[0]) if brackets else numbers_here
            mark.endings |= numbers_here
            if measure.rightBarline is not None and measure.rightBarline.type != "regular":
                numbers_here = frozenset()
            if isinstance(measure.rightBarline, bar.Repeat):
                mark.times = max(mark.times, measure.rightBarline.times or 2)
            for element in measure.recurse():
                if isinstance(element, stream.Stream):
                    continue
                mark.segno |= isinstance(element, repeat.Segno)
                words = element.getText() if isinstance(element, repeat.RepeatExpression) else ""
                for text in [words or "", *(text for kind, text in self._texts(element) if kind == "text")]:
                    letters = re.sub(r"[^a-z]", "", text.lower().replace("𝄌", "coda").replace("𝄋", "segno"))
                    mark.jump = "segno" if re.match(r"ds|dalsegno", letters) else mark.jump
                    mark.jump = "capo" if re.match(r"dc|dacapo", letters) else mark.jump
                    mark.fine |= letters == "fine"
                    mark.segno |= letters == "segno"
                    mark.to_coda |= letters in ("tocoda", "dacoda")
                    mark.coda |= letters == "coda"
                mark.coda |= isinstance(element, repeat.Coda)
        signs = [mark for mark in marks if mark.coda]
        if len(signs) > 1 and not any(
            mark.to_coda for mark in marks
        ):  # the same sign marks the start and the target of the jump
            signs[0].to_coda, signs[0].coda = True, False

    def _notes(self, part: Any, track: int, played: list[tuple[Fraction, int, Any]]) -> Iterator[RawPart]:
        """The notes of a part with ties joined; one raw part per voice."""
        from music21 import chord, harmony, note

        rows: dict[int, list[_Sounding]] = {}
        open_ties: dict[int, _Sounding] = {}
        drums = False
        for onset, voice, element in sorted(played, key=lambda event: event[0]):
            if not isinstance(element, note.NotRest) or isinstance(element, harmony.Harmony):
                continue
            length = Fraction(element.duration.quarterLength)
            if onset < 0 or length < 0:
                raise ValueError(f"a note at {onset} of {length} quarter notes")
            single = list(element.notes) if isinstance(element, chord.ChordBase) else [element]
            if element.duration.isGrace or length == 0:
                self.counts["grace_notes_left_out"] = self.counts.get("grace_notes_left_out", 0) + len(single)
                continue
            for one in single:
                if isinstance(one, note.Unpitched):
                    drums = True
                    pitch = 38
                else:
                    pitch = int(one.pitch.midi)
                if not 0 <= pitch <= 127:
                    self.counts["unread_notes"] = self.counts.get("unread_notes", 0) + 1
                    continue
                tie = one.tie.type if one.tie else ""
                before = open_ties.pop(pitch, None)
                if before is not None and tie in ("stop", "continue") and before.end == onset:
                    before.end = onset + length
                    row = before
                else:
                    velocity = one.volume.velocity or element.volume.velocity or _VELOCITY
                    row = _Sounding(onset, onset + length, pitch, max(1, min(127, int(velocity))))
                    rows.setdefault(voice, []).append(row)
                if tie in ("start", "continue"):
                    open_ties[pitch] = row
        name, program = _instrument(part)
        for voice in sorted(rows):
            events = [(tick_of(row.onset), row.ticks, row.pitch, row.velocity) for row in rows[voice]]
            channel = 9 if drums else voice + (voice >= 9)
            yield RawPart(track, channel, name, program, make_notes(events))

    def _texts(self, element: Any) -> Iterator[tuple[str, str]]:
        """Chords as markers, words as texts, and rehearsal marks as sections."""
        from music21 import expressions, harmony

        if isinstance(element, harmony.NoChord) and self.symbols is None:
            yield "marker", "N.C."
        elif isinstance(element, harmony.ChordSymbol):
            if self.symbols is None:
                yield "marker", chart_symbol(element)
            else:
                for symbol in self.symbols.get(element.figure, [element.figure]):
                    words = symbol.lstrip("^_<>@")
                    if re.fullmatch(r"\[\d[\d,-]*", symbol):
                        yield "bracket", symbol
                    else:
                        yield ("marker", symbol) if words == symbol else ("text", re.sub(r"^[-\d., ]+", "", words))
        elif isinstance(element, expressions.RehearsalMark):
            label = str(element.content).strip()
            yield "text", f"SECTION {label}"
        elif isinstance(element, expressions.TextExpression):
            yield "text", " ".join(str(element.content).split())


def _ending_numbers(text: str) -> frozenset[int]:
    """`[1,3` → 1 and 3; `[1-3` → 1, 2 and 3."""
    spans = [re.findall(r"\d{1,2}", span) for span in text.split(",")]
    return frozenset(number for span in spans if span for number in range(int(span[0]), int(span[-1]) + 1))


def _tempo(element: Any) -> float | None:
    """Quarter notes a minute of a metronome mark with a number; None for words only."""
    from music21 import tempo

    if not isinstance(element, tempo.MetronomeMark) or (element.numberImplicit and element.numberSounding is None):
        return None
    quarters = element.getQuarterBPM() or element.numberSounding
    return float(quarters) if quarters and quarters > 0 else None


def _keys(parts: list[Any]) -> Iterator[Key]:
    """The key signatures with a known mode, of the first part that has any."""
    from music21 import key

    for part in parts:
        signatures = [each for each in part.recurse().getElementsByClass(key.Key) if each.mode]
        for each in signatures:
            mode: Mode = "minor" if each.mode in _MINOR_MODES else "major"
            yield Key(each.tonic.pitchClass, mode)
        if signatures:
            return


def _instrument(part: Any) -> tuple[str, int]:
    """The name and the General MIDI program of a part; without a program in the file, that of the name."""
    from music21 import instrument

    found = part.getInstrument(returnDefault=False)
    name = str(part.partName or (found and (found.partName or found.instrumentName)) or "").strip()
    program = found.midiProgram if found else None
    if program is None and name:
        try:
            program = instrument.fromString(name).midiProgram
        except instrument.InstrumentException:
            program = None
    return name, int(program or 0)
