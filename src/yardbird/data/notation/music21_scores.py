"""A piece parsed by music21 → raw events.

The import of music21 takes two seconds, so it happens when the first such file is read.
"""

import contextlib
import io
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yardbird.data.notation.measures import VELOCITY, Measure, WrittenNote, WrittenPart, starts_of
from yardbird.data.notation.performance import perform
from yardbird.data.notation.symbols import chart_symbol
from yardbird.data.notation.unrolling import Marks, playing_order
from yardbird.errors import InputError
from yardbird.music.midi import RawMidi
from yardbird.music.pitch import Key, Mode

if TYPE_CHECKING:
    from music21 import stream

MAX_MEASURES = 800  # of a part as written: the time of music21 grows with their square
_MAX_CHARACTERS = 20_000  # of a piece as text, for the same reason; a solo of 600 notes has six thousand
_SNARE = 38  # the pitch of notes without pitch
_MINOR_MODES = ("minor", "dorian", "phrygian", "aeolian", "locrian")


def refuse_length(path: Path, measures: int, characters: int) -> None:
    """Refuse a text with more bars or characters than music21 can read in seconds."""
    most, found, unit = (MAX_MEASURES, measures, "bars")
    if measures <= MAX_MEASURES:
        most, found, unit = (_MAX_CHARACTERS, characters, "characters")
    if found > most:
        raise InputError(path, expected=f"at most {most} {unit}", found=f"{found}", remedy="cut it into solos")


@contextlib.contextmanager
def _without_accents() -> Iterator[None]:
    """Disable the accents of music21, whose time grows with the square of the beats of a bar; they are not used."""
    from music21 import meter

    accent = meter.TimeSignature._setDefaultAccentWeights
    meter.TimeSignature._setDefaultAccentWeights = lambda *_, **__: None
    try:
        yield
    finally:
        meter.TimeSignature._setDefaultAccentWeights = accent


def parsed(
    text: str, kind: str, path: Path, extra: Mapping[str, int], chords: Sequence[tuple[Fraction, str]] = ()
) -> RawMidi:
    """Parse with music21 and collect the events.

    Args:
        kind: "musicxml" or "humdrum".
        extra: flags of the reader, with their counts.
        chords: chord symbols that music21 cannot read, by their onset in quarter notes of the written score.

    Raises:
        InputError: music21 cannot read the text.
    """
    names = {"musicxml": "MusicXML", "humdrum": "Humdrum **kern"}
    counts = Counter(extra)
    try:
        from music21 import converter, stream

        messages = io.StringIO()
        with warnings.catch_warnings(), contextlib.redirect_stderr(messages), _without_accents():
            warnings.simplefilter("ignore")
            score: Any = converter.parseData(text, format=kind)
            if isinstance(score, stream.Opus):
                score = score.scores[0]
            if kind == "musicxml":
                score.toSoundingPitch(inPlace=True)
            raw = _collect(score, chords, counts)
    except Exception as error:  # music21 raises many types of errors for unexpected files
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)[:150]
        found = f"a file that music21 cannot read ({reason})"
        raise InputError(path, expected=names[kind], found=found, remedy="export it again, or as MIDI") from None
    # music21 reports unreadable elements on stderr and skips them
    counts["unread_events"] += messages.getvalue().count("WARNING")
    return replace(raw, flags=tuple(f"{name}:{count}" for name, count in counts.items() if count))


def _collect(score: "stream.Score", chords: Sequence[tuple[Fraction, str]], counts: Counter[str]) -> RawMidi:
    from music21 import stream

    staves: list[Any] = list(score.parts) or [score]
    staves = [staff if staff.hasMeasures() else staff.makeMeasures() for staff in staves]
    bars = [list(staff.getElementsByClass(stream.Measure)) for staff in staves]
    parts = [_part(staff, of_staff, counts) for staff, of_staff in zip(staves, bars, strict=True)]
    marks = [Marks() for _ in max(bars, key=len)]
    for staff, of_staff, part in zip(staves, bars, parts, strict=True):
        _mark(staff, of_staff, part.measures, marks)
    order, complete = playing_order(marks)
    if not complete:
        counts["repeats_not_unrolled"] = sum(mark != Marks() for mark in marks)
    longest = max((part.measures for part in parts), key=len)
    starts = starts_of(longest)
    for onset, symbol in chords:
        for start, measure in zip(starts, longest, strict=False):
            if 0 <= onset - start < measure.length:
                measure.texts.append((onset - start, "marker", symbol))
    return perform(parts, order, _keys(staves))


def _part(staff: Any, bars: list[Any], counts: Counter[str]) -> WrittenPart:
    from music21 import meter, note

    now = meter.TimeSignature("4/4")
    measures = []
    for index, bar in enumerate(bars):
        now = bar.timeSignature or now
        full = Fraction(now.barDuration.quarterLength)
        if index + 1 < len(bars):  # music21 has filled up short measures that are not pickups
            length = Fraction(bars[index + 1].offset) - Fraction(bar.offset)
        else:
            length = Fraction(bar.highestTime) or full
        measure = Measure(length, int(now.numerator), int(now.denominator))
        for onset, voice, element in _elements(bar):
            if bar.offset + onset < 0:
                raise ValueError(f"an event at {bar.offset + onset} quarter notes")
            measure.notes += _notes(onset, voice, element, counts)
            measure.texts += [(onset, kind, text) for kind, text in _texts(element)]
            measure.tempos += [(onset, qpm) for qpm in _tempos(element)]
        measures.append(measure)
    name, program = _instrument(staff)
    return WrittenPart(measures, name, program, is_drums=bool(staff.recurse().getElementsByClass(note.Unpitched)))


def _elements(bar: Any) -> Iterator[tuple[Fraction, int, Any]]:
    """Time in the measure in quarter notes, index of the voice, element."""
    from music21 import stream

    voices = 0
    for element in bar:
        offset = Fraction(bar.elementOffset(element))
        if isinstance(element, stream.Voice):
            for inner in element:
                yield offset + Fraction(element.elementOffset(inner)), voices, inner
            voices += 1
        else:
            yield offset, 0, element


def _notes(onset: Fraction, voice: int, element: Any, counts: Counter[str]) -> Iterator[WrittenNote]:
    """The notes of an element; grace notes and notes outside the range of MIDI are counted and left out."""
    from music21 import chord, harmony, note

    if not isinstance(element, note.NotRest) or isinstance(element, harmony.Harmony):
        return
    length = Fraction(element.duration.quarterLength)
    if length < 0:
        raise ValueError(f"a note of {length} quarter notes")
    single = list(element.notes) if isinstance(element, chord.ChordBase) else [element]
    if element.duration.isGrace or length == 0:
        counts["grace_notes_left_out"] += len(single)
        return
    for one in single:
        pitch = _SNARE if isinstance(one, note.Unpitched) else int(one.pitch.midi)
        if not 0 <= pitch <= 127:
            counts["unread_notes"] += 1
            continue
        velocity = one.volume.velocity or element.volume.velocity or VELOCITY
        tie = one.tie.type if one.tie else ""
        yield WrittenNote(
            onset,
            length,
            pitch,
            voice,
            max(1, min(127, int(velocity))),
            begins_tie=tie in ("start", "continue"),
            ends_tie=tie in ("stop", "continue"),
        )


def _mark(staff: Any, bars: list[Any], measures: list[Measure], marks: list[Marks]) -> None:
    """Add the repeat marks of a part to those of the piece."""
    from music21 import bar, repeat, spanner

    numbers = {id(measure): number for number, measure in enumerate(bars)}
    for bracket in staff.recurse().getElementsByClass(spanner.RepeatBracket):
        for measure in bracket.getSpannedElements():
            if id(measure) in numbers:
                marks[numbers[id(measure)]].endings |= frozenset(bracket.numberRange)
    for measure, written, mark in zip(bars, measures, marks, strict=False):
        mark.opens |= isinstance(measure.leftBarline, bar.Repeat)
        if isinstance(measure.rightBarline, bar.Repeat):
            mark.times = max(mark.times, measure.rightBarline.times or 2)
        for element in measure.recurse():
            mark.segno |= isinstance(element, repeat.Segno)
            if isinstance(element, repeat.RepeatExpression):
                mark.add(Marks.of_words(element.getText() or ""))
            mark.coda |= isinstance(element, repeat.Coda)
        for _, kind, text in written.texts:
            if kind == "text":
                mark.add(Marks.of_words(text))


def _texts(element: Any) -> Iterator[tuple[str, str]]:
    """Chords as markers, words as texts, and rehearsal marks as sections."""
    from music21 import expressions, harmony

    if isinstance(element, harmony.NoChord):
        yield "marker", "N.C."
    elif isinstance(element, harmony.ChordSymbol):
        yield "marker", chart_symbol(element)
    elif isinstance(element, expressions.RehearsalMark):
        yield "text", f"SECTION {str(element.content).strip()}"
    elif isinstance(element, expressions.TextExpression) and str(element.content).strip():
        yield "text", " ".join(str(element.content).split())


def _tempos(element: Any) -> Iterator[float]:
    """Quarter notes a minute of a metronome mark with a number; none for words only."""
    from music21 import tempo

    if not isinstance(element, tempo.MetronomeMark) or (element.numberImplicit and element.numberSounding is None):
        return
    quarters = element.getQuarterBPM() or element.numberSounding
    if quarters and quarters > 0:
        yield float(quarters)


def _keys(staves: list[Any]) -> Iterator[Key]:
    """The key signatures with a known mode, of the first part that has any."""
    from music21 import key

    for staff in staves:
        signatures = [each for each in staff.recurse().getElementsByClass(key.Key) if each.mode]
        for each in signatures:
            mode: Mode = "minor" if each.mode in _MINOR_MODES else "major"
            yield Key(each.tonic.pitchClass, mode)
        if signatures:
            return


def _instrument(staff: Any) -> tuple[str, int]:
    """The name and the General MIDI program of a part; without a program in the file, that of the name."""
    from music21 import instrument

    found = staff.getInstrument(returnDefault=False)
    name = str(staff.partName or (found and (found.partName or found.instrumentName)) or "").strip()
    program = found.midiProgram if found else None
    if program is None and name:
        try:
            program = instrument.fromString(name).midiProgram
        except instrument.InstrumentException:
            program = None
    return name, int(program or 0)
