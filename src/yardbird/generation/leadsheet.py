"""Lead sheets: reads and writes the changes of a tune as a plain-text chart, and repeats them over any number of bars.

    # a comment
    title: Slow Boat Blues
    key: F major
    meter: 4/4
    qpm: 220
    form: 12-bar blues

    F7  | Bb7 | F7 | Cm7 F7
    Bb7 | %   | F7 | Am7b5 / / D7b9

Bar lines are `|` or a new line. The chords of a bar share it equally (`Cm7 F7`: two beats each; 2+1 in three, 3+2 in
five beats). In a bar with `/` or `.` each mark is one beat, and these marks continue the chord before them. `%` or `x`
repeats the previous bar, `N.C.` is no chord. `|: F7 | Bb7 |1. F7 :|2. C7 ||` is a repeat with endings, `:| x3` is
played three times. `[A]` or `A:` names a section; named again without bars, it is played again. Headers are optional.
ChordPro files and iReal Pro links are read, too.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from yardbird.data.chord_notes import chords_from_notes
from yardbird.data.chord_texts import chords_of
from yardbird.data.readers import SUFFIXES, file_and_number, read_file, stem_of
from yardbird.errors import InputError
from yardbird.generation.charts.chart_bars import MOST_BARS, Bar, shortest
from yardbird.generation.charts.chart_rows import SECTION, ChartRow, bars_of_rows
from yardbird.generation.charts.chordpro import bars_of_chordpro, facts_of_chordpro, is_chordpro
from yardbird.generation.charts.irealpro import LINK, song_of
from yardbird.music.chords import chord_symbol
from yardbird.music.midi import RawMidi
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Meter, Score, Tempo, make_notes

MOST_LETTERS = 20_000  # of a chart; a tune with repeats written out has 2,000
_LONGEST_LINE = 2_000  # letters, except of an iReal Pro link: reading takes the square of the length
_LONGEST_TITLE = 300  # letters, of a form, too
_BARS_PER_LINE = 4
_SLOWEST, _FASTEST = 40.0, 400.0
_FOUR_FOUR = Meter(0, 4, 4)
CHORD_SHARE = 0.8  # if at least this share of texts or lyrics are chord symbols, they are the changes


@dataclass(frozen=True)
class LeadSheet:
    """The changes of one chorus. The chords of a bar share it equally; None means N.C.

    If the chart does not give them, `title` and `form` are empty and `key` and `qpm` are None.
    """

    bars: tuple[Bar, ...]
    title: str = ""
    key: Key | None = None
    meter: Meter = _FOUR_FOUR
    qpm: float | None = None
    form: str = ""

    @classmethod
    def parse(cls, text: str, name: str = "chart") -> "LeadSheet":
        """Read a chart; error texts refer to it as `name`.

        Raises:
            InputError: the chart is too long or malformed; the error names the line and the symbol.
        """
        if len(text) > MOST_LETTERS:
            expected, remedy = f"at most {MOST_LETTERS:,} letters", "use the chart of one tune"
            raise InputError(name, expected=expected, found="more", remedy=remedy)
        text = text.removeprefix("\ufeff")
        sheet = cls(bars=())
        if LINK.search(text):
            song = song_of(text, name)
            facts = {"title": song.title, "key": song.key, "meter": song.meter, "qpm": song.qpm}
            for fact, value in facts.items():
                sheet = replace(sheet, **(_header(fact, value, name) if value else {}))
            bars = list(song.bars)
        elif long := next((n for n, line in enumerate(text.splitlines(), 1) if len(line) > _LONGEST_LINE), 0):
            expected, remedy = f"at most {_LONGEST_LINE:,} letters", "write fewer bars a line"
            raise InputError(f"{name}, line {long}", expected=expected, found="more", remedy=remedy)
        elif is_chordpro(text):
            for number, fact, value in facts_of_chordpro(text):
                sheet = replace(sheet, **_header(fact, value, f"{name}, line {number}"))
            bars = bars_of_chordpro(text, sheet.meter.numerator, name)
        else:
            sheet, rows = _headers_and_rows(sheet, text, name)
            bars = bars_of_rows(rows, sheet.meter.numerator, name)
        if not bars:
            raise InputError(name, expected="bars of chords", found="none", remedy="write e.g. F7 | Bb7 | F7 | Cm7 F7")
        return replace(sheet, bars=tuple(bars))

    @classmethod
    def restored(cls, text: str) -> "LeadSheet":
        """The lead sheet of which `text` is the result of the method `text`.

        Its tempo may be outside the limits of `parse`, if it was the tempo of a MIDI file.

        Raises:
            InputError: the text is another one.
        """
        written = re.search(r"^qpm: ([\d.e+]+)\n", text, re.MULTILINE)
        if not written:
            return cls.parse(text)
        others = text[: written.start()] + text[written.end() :]
        return replace(cls.parse(others), qpm=float(written[1]))

    def text(self) -> str:
        """The chart as text, which `restored` reads back to the same lead sheet."""
        meter = f"{self.meter.numerator}/{self.meter.denominator}"
        facts = {"title": self.title, "key": self.key, "meter": meter, "qpm": self.qpm, "form": self.form}
        lines = [f"{name}: {fact:.15g}" if name == "qpm" else f"{name}: {fact}" for name, fact in facts.items() if fact]
        cells = [self._cell(bar) for bar in self.bars]
        rows = [cells[first : first + _BARS_PER_LINE] for first in range(0, len(cells), _BARS_PER_LINE)]
        return "\n".join([*lines, "", *(" | ".join(row) for row in rows)]) + "\n"

    def _cell(self, bar: Bar) -> str:
        symbols = [chord_symbol(chord, self.key) for chord in bar]
        if len(bar) == self.meter.numerator:
            symbols = [s if not i or s != symbols[i - 1] else "/" for i, s in enumerate(symbols)]
        return " ".join(symbols)

    def chord_changes(self, steps_per_beat: int, bars: int) -> tuple[ChordChange, ...]:
        """The form repeated to exactly `bars` bars, in grid steps; consecutive equal chords are one change.

        Raises:
            InputError: the chords of a bar do not fall on the grid.
        """
        bar_steps = self.meter.bar_ticks(steps_per_beat)
        struck: list[ChordChange] = []
        for index in range(bars):
            bar = self.bars[index % len(self.bars)]
            if bar_steps % len(bar):
                raise InputError(
                    self.title or "chart",
                    expected=f"chords that fall on a grid of {steps_per_beat} steps a beat",
                    found=f"{len(bar)} in bar {index % len(self.bars) + 1}",
                    remedy="write fewer chords in that bar",
                )
            length = bar_steps // len(bar)
            struck += [ChordChange(index * bar_steps + place * length, chord) for place, chord in enumerate(bar)]
        return tuple(next(group) for _, group in groupby(struck, key=lambda change: change.chord))

    @classmethod
    def from_score(cls, score: Score, title: str = "") -> "LeadSheet":
        """The changes under a solo, each moved to the nearest beat; a pickup bar is omitted.

        Raises:
            InputError: no chords, or more than one meter.
        """
        name = title or "score"
        remedy = "write the changes as a text chart"
        if not score.chords:
            raise InputError(name, expected="chord symbols", found="none", remedy=remedy)
        pickup = len(score.meters) > 1 and score.meters[1].tick <= score.meters[0].bar_ticks(score.ticks_per_beat)
        meters = score.meters[1:] if pickup else score.meters
        if any((m.numerator, m.denominator) != (meters[0].numerator, meters[0].denominator) for m in meters):
            raise InputError(name, expected="one meter", found="a change of meter", remedy=remedy)
        meter = meters[0]._replace(tick=0)
        beat_ticks = meter.bar_ticks(score.ticks_per_beat) / meter.numerator
        ticks = np.array([change.tick for change in score.chords]) - meters[0].tick
        changes = np.round(ticks / beat_ticks).astype(int)  # in beats from the first whole bar
        bar_count = -(-(score.end_tick - meters[0].tick) // meter.bar_ticks(score.ticks_per_beat))
        if bar_count > MOST_BARS:
            raise InputError(name, expected=f"at most {MOST_BARS} bars", found=f"{bar_count}", remedy=remedy)
        beats = np.arange(bar_count * meter.numerator)
        sounding = np.searchsorted(changes, beats, side="right") - 1
        chords = [score.chords[index].chord if index >= 0 else None for index in sounding]
        bars = [tuple(chords[first : first + meter.numerator]) for first in range(0, len(chords), meter.numerator)]
        return cls(tuple(map(shortest, bars)), _one_line(title), score.key, meter, round(score.mean_qpm, 3))


def read_lead_sheet(path: Path) -> LeadSheet:
    """Read a text chart, or the chord symbols of a MIDI, MusicXML, ABC or kern file; `tunes.abc#3` is its third piece.

    Raises:
        InputError: the file is missing or unreadable, or as for `LeadSheet.parse` and `from_score`.
    """
    if file_and_number(path)[0].suffix.lower() in SUFFIXES:
        return LeadSheet.from_score(_changes(read_file(path)), stem_of(path))
    if re.match(r"ireal(b|book):", str(path)):
        remedy = "paste it into a .txt file"
        raise InputError("the chart", expected="a file", found="an iReal Pro link", remedy=remedy)
    if path.exists() and not path.is_file():  # reading a pipe or a device would never end
        raise InputError(
            path, expected="a chart", found="no regular file", remedy="give a text chart, MIDI or MusicXML"
        )
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(MOST_LETTERS + 2)  # the limit, a byte order mark, and one more
    except (OSError, UnicodeDecodeError) as error:
        found = "no such file" if isinstance(error, FileNotFoundError) else f"unreadable text ({type(error).__name__})"
        raise InputError(path, expected="a chart", found=found, remedy="give a text chart, MIDI or MusicXML") from None
    return LeadSheet.parse(text, str(path))


def _changes(raw: RawMidi) -> Score:
    """The chord symbols and meters of a file as a score; the file may have no notes."""
    meters = tuple(meter for meter in raw.meters if meter.bar_ticks(raw.ticks_per_beat) > 0)
    ends = [int((part.notes["onset_tick"] + part.notes["duration_tick"]).max()) for part in raw.parts]
    score = Score(
        raw.ticks_per_beat,
        make_notes([]),
        max([*ends, *(text.tick for text in raw.texts)], default=1),
        tempos=(raw.tempos[0]._replace(tick=0),) if raw.tempos else (Tempo(0, 120.0),),
        meters=meters if meters and meters[0].tick == 0 else (_FOUR_FOUR, *meters),
        key=raw.keys[0] if raw.keys else None,
    )
    longest = MOST_BARS * score.meters[0].bar_ticks(raw.ticks_per_beat)  # a broken file may declare millions of bars
    bars = replace(score, end_tick=min(score.end_tick, longest)).bar_ticks.tolist()
    written = chords_of(raw.texts, CHORD_SHARE, bars).changes
    changes = written or chords_from_notes(raw.parts, raw.ticks_per_beat)
    end_tick = max([score.end_tick, *(change.tick + 1 for change in changes)])
    return replace(score, chords=changes, end_tick=end_tick)


def _headers_and_rows(sheet: LeadSheet, text: str, name: str) -> tuple[LeadSheet, list[ChartRow]]:
    rows: list[ChartRow] = []
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.fullmatch(r"\s*([A-Za-z_]+)\s*:(.*)", line)
        content = re.sub(r"(^|\s)#.*", "", line).strip()  # in F#7 the # is a sharp: a comment starts after a space
        if header and not rows and not SECTION.match(line):
            sheet = replace(sheet, **_header(header[1].lower(), header[2].strip(), f"{name}, line {number}"))
        elif content:
            rows.append((number, content))
    return sheet, rows


def _header(name: str, value: str, where: str) -> dict[str, Any]:
    readers: dict[str, tuple[Callable[[str], Any], str]] = {
        "title": (_words, f"at most {_LONGEST_TITLE} letters"),
        "form": (_words, f"at most {_LONGEST_TITLE} letters"),
        "key": (Key.parse, "a key such as Bb major or D minor"),
        "meter": (_meter, "a meter such as 4/4"),
        "qpm": (_qpm, f"quarter notes a minute, {_SLOWEST:g} to {_FASTEST:g}"),
    }
    if name not in readers:
        known = ", ".join(readers)
        raise InputError(where, expected=f"one of the headers {known}", found=repr(name), remedy="drop the line")
    read, expected = readers[name]
    try:
        return {name: read(value)}
    except ValueError:
        found = repr(value if len(value) <= _LONGEST_TITLE else f"{value[:20]}…")
        raise InputError(where, expected=expected, found=found, remedy="correct or remove the header") from None


def _words(text: str) -> str:
    if len(text) > _LONGEST_TITLE:
        raise ValueError(text)
    return _one_line(text)


def _one_line(text: str) -> str:
    """Without line breaks, brackets and links, which `LeadSheet.parse` would not read as words of this line."""
    return " ".join(re.sub(r"[\[\]{}]|://", " ", text).split())


def _meter(text: str) -> Meter:
    match = re.fullmatch(r"(\d{1,2})/(2|4|8|16)", text)
    if not match or not int(match[1]):
        raise ValueError(text)
    return Meter(0, int(match[1]), int(match[2]))


def _qpm(text: str) -> float:
    qpm = float(text)
    if not _SLOWEST <= qpm <= _FASTEST:
        raise ValueError(text)
    return qpm
