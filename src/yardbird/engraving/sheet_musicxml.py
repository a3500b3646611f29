"""Writes a part as MusicXML 4.0, with music21; two elements that it does not write are added: transposition, swing."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from xml.etree import ElementTree

from music21 import clef, duration, harmony, key, layout, metadata, meter, note, stream, tempo, tie
from music21.musicxml.m21ToXml import GeneralObjectExporter

from yardbird.engraving.note_values import Value, note_values
from yardbird.engraving.sheet import Sheet, Symbol
from yardbird.engraving.spelling import fifths_of
from yardbird.engraving.written_rhythm import Cell
from yardbird.music.chords import NO_CHORD, QUALITIES

BARS_A_LINE = 4
_HALF = Fraction(1, 2)
_VALUES_A_LINE = 46  # notes and rests that a line of A4 holds; a longer line is divided
_BASS_CLEF_BELOW = 55  # the median pitch of a line at concert pitch
#: Quality → kind of music21, and the degrees that change it: (what, degree, semitones).
_KINDS: Mapping[str, tuple[str, Sequence[tuple[str, int, int]]]] = {
    "": ("major", ()), "6": ("major-sixth", ()), "69": ("major-sixth", (("add", 9, 0),)),
    "maj7": ("major-seventh", ()), "7": ("dominant-seventh", ()), "9": ("dominant-ninth", ()),
    "13": ("dominant-13th", ()), "7b9": ("dominant-seventh", (("add", 9, -1),)),
    "7#9": ("dominant-seventh", (("add", 9, 1),)), "7#11": ("dominant-seventh", (("add", 11, 1),)),
    "7b5": ("dominant-seventh", (("alter", 5, -1),)), "7b13": ("dominant-seventh", (("add", 13, -1),)),
    "7alt": ("dominant-seventh", (("alter", 5, 1), ("add", 9, 1))), "aug7": ("augmented-seventh", ()),
    "aug": ("augmented", ()), "sus": ("suspended-fourth", ()), "7sus": ("suspended-fourth", (("add", 7, 0),)),
    "m": ("minor", ()), "m6": ("minor-sixth", ()), "m7": ("minor-seventh", ()), "m9": ("minor-ninth", ()),
    "mmaj7": ("minor-major-seventh", ()), "m7b5": ("half-diminished", ()), "dim": ("diminished", ()),
    "dim7": ("diminished-seventh", ()),
}  # fmt: skip
assert set(_KINDS) == set(QUALITIES)


def as_musicxml(sheet: Sheet, colours: Mapping[int, str] | None = None) -> str:
    """The part as MusicXML; `colours` are those of notes by their row in the score."""
    part, rhythm = stream.Part(), sheet.rhythm
    part.partName = sheet.instrument.title
    pickup = len(rhythm.edges) > 2 and rhythm.edges[1] - rhythm.edges[0] < rhythm.edges[2] - rhythm.edges[1]
    bars = [list(note_values(rhythm, start, stop)) for start, stop in pairwise(rhythm.edges)]
    breaks = line_breaks([len(bar) for bar in bars], pickup)
    for number, ((start, stop), signature) in enumerate(zip(pairwise(rhythm.edges), sheet.meters, strict=True)):
        bar = stream.Measure(number=number + (0 if pickup else 1))
        if number in breaks:
            bar.insert(0, layout.SystemLayout(isNew=True))
        if number == 0:
            bar.append([_clef(sheet), key.KeySignature(fifths_of(sheet.score.key))])
            mark = tempo.MetronomeMark("Swing" if sheet.swing else "Even eighths", sheet.qpm, note.Note(type="quarter"))
            bar.insert(0, mark)
        if number == 0 or signature != sheet.meters[number - 1]:
            bar.append(meter.TimeSignature("/".join(map(str, signature))))
        for value in bars[number]:
            bar.insert(value.own.start - start, _element(value, sheet, stop - start, colours or {}))
        part.append(bar)
    part.makeAccidentals(inPlace=True)
    part.makeBeams(inPlace=True)
    for bar, (start, stop) in zip(part.getElementsByClass(stream.Measure), pairwise(rhythm.edges), strict=True):
        _hide_repeated_accidentals(bar)
        for symbol in sheet.symbols:  # after the accidentals: music21 would count the tones of a symbol as notes
            if start <= symbol.place < stop:
                bar.insert(symbol.place - start, _harmony(symbol))
        for cell in rhythm.cells:
            if start <= cell.start < stop and cell.is_tuplet:
                _bracket([own for own in bar.notesAndRests if cell.start <= start + own.offset < cell.stop], cell)
    score = stream.Score([part])
    score.metadata = metadata.Metadata(title=sheet.title, composer=sheet.credit)
    exporter = GeneralObjectExporter(score)
    exporter.makeNotation = False  # music21 would split notes to complete triplets
    return _completed(exporter.parse(), sheet)


def _hide_repeated_accidentals(bar: stream.Measure) -> None:
    """An accidental holds to the end of the bar; music21 repeats some as reminders."""
    shown: dict[tuple[str, int | None], float] = {}
    for own in bar.getElementsByClass(note.Note):
        mark, place = own.pitch.accidental, (own.pitch.step, own.pitch.octave)
        if mark is not None and mark.displayStatus:
            mark.displayStatus = shown.get(place) != mark.alter
            shown[place] = mark.alter


def _bracket(elements: Sequence[note.GeneralNote], cell: Cell) -> None:
    """Put one bracket over a triplet, and one or two over a sextuplet."""
    inner = [own for own in elements if own.duration.tuplets]
    parts = [inner]
    if len(cell.places) == 6 and inner:
        half = Fraction(inner[0].offset) + _HALF
        if any(own.offset == half for own in inner):
            parts = [[own for own in inner if own.offset < half], [own for own in inner if own.offset >= half]]
        else:
            for own in inner:
                six = duration.Duration(own.duration.type)  # the length is the same as three in the time of two
                six.appendTuplet(duration.Tuplet(6, 4))
                own.duration = six
    for group in [group for group in parts if group]:
        for own in group:
            own.duration.tuplets[0].type = None
        group[-1].duration.tuplets[0].type = "stop"
        group[0].duration.tuplets[0].type = "start" if len(group) > 1 else "startStop"


def line_breaks(values: Sequence[int], pickup: bool) -> set[int]:
    """The bars that start a line, without the first: every fourth, and more where lines would hold too many values.

    Args:
        values: the numbers of notes and rests of the bars.
        pickup: the first bar is a pickup, which is in addition to the four bars of its line.
    """
    breaks = set()
    for start in range(int(pickup), len(values), BARS_A_LINE):
        for first, bars in ((start, 4), (start, 2), (start + 2, 2)):
            if bars < BARS_A_LINE and sum(values[start : start + BARS_A_LINE]) <= _VALUES_A_LINE:
                continue
            breaks.add(first)
            if bars == 2 and sum(values[first : first + 2]) > _VALUES_A_LINE:
                breaks.add(first + 1)
    return {bar for bar in breaks if pickup < bar < len(values)}


def _clef(sheet: Sheet) -> clef.Clef:
    pitches = sorted(sheet.score.pitches.tolist())
    low = sheet.instrument.name == "concert" and pitches and pitches[len(pitches) // 2] < _BASS_CLEF_BELOW
    return clef.BassClef() if low else clef.TrebleClef()


def _element(value: Value, sheet: Sheet, bar: Fraction, colours: Mapping[int, str]) -> note.GeneralNote:
    own = value.own
    if own.pitch is None:
        rest = note.Rest(quarterLength=value.length)
        if value.length == bar:
            rest.fullMeasure = True
        return rest
    name = sheet.names[own.index]
    alter = name.count("#") - name.count("b")
    element = note.Note(f"{name.replace('b', '-')}{(own.pitch - alter) // 12 - 1}", quarterLength=value.length)
    if own.index in colours:
        element.style.color = colours[own.index]
    kinds = {(False, True): "start", (True, True): "continue", (True, False): "stop"}
    if kind := kinds.get((value.tied_back, value.tied_on)):
        element.tie = tie.Tie(kind)
    return element


def _harmony(symbol: Symbol) -> harmony.ChordSymbol:
    if symbol.chord is None:
        return harmony.NoChord(NO_CHORD)
    kind, degrees = _KINDS[symbol.chord.quality]
    names = {"root": symbol.root.replace("b", "-")} | ({"bass": symbol.bass.replace("b", "-")} if symbol.bass else {})
    shown = symbol.chord.quality.replace("b", "♭").replace("#", "♯")
    element = harmony.ChordSymbol(kind=kind, kindStr=shown, **names)
    for what, degree, semitones in degrees:
        element.addChordStepModification(harmony.ChordStepModification(what, degree, semitones), updatePitches=False)
    return element


def _completed(document: bytes, sheet: Sheet) -> str:
    root = ElementTree.fromstring(document)
    for path in ("part-list/score-part", "part"):
        if (part := root.find(path)) is not None:
            part.set("id", "P1")  # music21 draws one at random
    if (encoding := root.find("identification/encoding")) is not None:
        for date in encoding.findall("encoding-date"):
            encoding.remove(date)  # the same part gives the same bytes
    interval = sheet.instrument.interval
    if interval and (attributes := root.find("part/measure/attributes")) is not None:
        octaves, semitones = divmod(interval, 12)
        transpose = ElementTree.Element("transpose")
        steps = {2: 1, 9: 5}[semitones]  # of a second and a sixth
        for tag, number in (("diatonic", -steps), ("chromatic", -semitones), ("octave-change", -octaves)):
            if number:
                ElementTree.SubElement(transpose, tag).text = str(number)
        attributes.append(transpose)
    if (name := root.find("part-list/score-part/part-name")) is not None:
        name.set("print-object", "no")  # pages have it above the music
    _join_tempo_mark(root)
    for chord in root.iter("harmony"):
        for place in ("root", "bass"):
            own = chord.find(place)
            if own is not None and (alter := own.find(f"{place}-alter")) is not None and alter.text == "0":
                own.remove(alter)  # else verovio writes a natural sign
    for degree in root.iter("degree"):
        degree.set("print-object", "no")  # the text of the kind says it
    if sheet.swing and (sound := root.find("part/measure/direction/sound")) is not None:
        swing = ElementTree.SubElement(sound, "swing")
        for tag, text in (("first", "2"), ("second", "1"), ("swing-type", "eighth")):
            ElementTree.SubElement(swing, tag).text = text
    declaration = '<?xml version="1.0" encoding="utf-8"?>\n'
    doctype = (
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
        '"http://www.musicxml.org/dtds/partwise.dtd">\n'
    )
    return declaration + doctype + ElementTree.tostring(root, encoding="unicode")


def _join_tempo_mark(root: ElementTree.Element) -> None:
    """Write the word and the metronome mark as one direction; music21 writes two, which are drawn apart."""
    bar = root.find("part/measure")
    assert bar is not None
    mark, word = bar.findall("direction")
    words = word.find("direction-type/words")
    assert words is not None
    words.attrib.pop("default-y", None)
    words.text = f"{words.text} "
    mark.insert(0, word[0])
    mark.set("placement", "above")
    bar.remove(word)
