"""Reads the rows of a text chart: bars between bar lines, repeats, endings, and sections."""

import re
from collections.abc import Sequence

from yardbird.errors import InputError
from yardbird.generation.charts.chart_bars import Bar, Measure, repeat_closed, shared, unrolled
from yardbird.music.chords import Chord

_CONTINUE = ("/", ".")
_REPEAT_BAR = ("%", "x", "X")
_NAMES = (
    r"[A-Z](?:\d|'{1,2})?|(?:intro|verse|pre-?chorus|chorus|refrain|bridge|solo|interlude|tag|coda|outro|ending)\s*\d*"
)
SECTION = re.compile(rf"\s*(?:\[([^\]|]+)\]|\*([A-Za-z])(?=\s|$)|({_NAMES})\s*:(?!\|))", re.I)
_BAR_LINE = re.compile(r"\[:|:\]|:?[|‖]+[:\]]?")
_ENDING = re.compile(r"\[?(\d\.?(?:[,-]\d\.?)*)[)\]:]?")
_TIMES = re.compile(r"[x×](\d{1,2})|(\d{1,2})[x×]", re.I)

_LONGEST_SYMBOL = 64  # letters of a wrong symbol in an error

ChartRow = tuple[int, str]  # line number, content


def bars_of_rows(rows: Sequence[ChartRow], beats: int, name: str) -> list[Bar]:
    """The bars in the order of playing; a section that is named again without bars is played again.

    Raises:
        InputError: a row is malformed; the error names the line and the symbol.
    """
    sections: dict[str, list[Measure]] = {}
    measures: list[Measure] = []
    open_section: tuple[str, int, str] | None = None  # name, number of measures before it, line that names it
    for number, content in rows:
        where = f"{name}, line {number}"
        label = SECTION.match(content)
        if label:
            _close_section(open_section, measures, sections)
            title = next(filter(None, label.groups())).strip().casefold()
            open_section = (title, len(measures), where)
            content = content[label.end() :]
        _read_row(content, measures, beats, where)
    _close_section(open_section, measures, sections)
    return unrolled(measures, name)


def _close_section(
    section: tuple[str, int, str] | None, measures: list[Measure], sections: dict[str, list[Measure]]
) -> None:
    if section is None:
        return
    title, first, where = section
    if len(measures) > first:
        sections.setdefault(title, measures[first:])
    elif title in sections:
        measures += sections[title]
    else:
        remedy = "write its bars below its name"
        raise InputError(where, expected=f"bars in section {title!r}", found="none", remedy=remedy)


def _read_row(content: str, measures: list[Measure], beats: int, where: str) -> None:
    if content.strip():
        _refuse_polychords(content, where)
    cells = _BAR_LINE.split(content)
    lines = _BAR_LINE.findall(content)
    opens = False
    for place, cell in enumerate(cells):
        before = lines[place - 1] if place else ""
        after = lines[place] if place < len(lines) else ""
        opens = opens or (before[-1:] == ":" and before != ":|" and len(before) > 1)
        symbols = cell.split()
        closed = place > 0 and before.startswith(":")
        if closed and not (measures and measures[-1].closes):
            raise InputError(where, expected="bars before :|", found="none", remedy="write the bars to repeat")
        if closed and symbols and (times := _TIMES.fullmatch(symbols[0])):
            repeat_closed(measures, int(times[1] or times[2]))
            symbols = symbols[1:]
        if not symbols:
            if (
                place in (0, len(cells) - 1)
                or closed
                or (before.endswith(":") and len(before) > 1)
                or after.endswith("|:")
            ):
                continue
            found = "an empty bar"
            raise InputError(where, expected="chords between bar lines", found=found, remedy="write % to repeat")
        endings: tuple[int, ...] = ()
        if ending := _ENDING.fullmatch(symbols[0]):
            endings, symbols = _passes(ending[1]), symbols[1:]
            if not symbols:
                raise InputError(where, expected="chords in an ending", found="none", remedy="write them after 1.")
        before_it = [measures[-1].bar] if measures else []
        measures.append(Measure(_bar(symbols, before_it, beats, where), opens=opens, endings=endings))
        opens = False
        if after.startswith(":") and len(after) > 1:
            repeat_closed(measures, 2)


def _passes(text: str) -> tuple[int, ...]:
    """`1.` → (1,), `1,2.` → (1, 2), `1.-3.` → (1, 2, 3)."""
    passes: list[int] = []
    for part in text.replace(".", "").split(","):
        first, _, last = part.partition("-")
        passes += range(int(first), int(last or first) + 1)
    return tuple(passes)


def _refuse_polychords(content: str, where: str) -> None:
    """Reject `C|D` without spaces: it may mean a polychord, unless the row has outer bar lines or no spaced ones."""
    row = content.strip()
    glued = re.findall(r"(?<![^\s|:])[^\s|:]+\|(?=[^\s|:])[^\s|:]+", row)
    inner = _BAR_LINE.findall(row)
    compact = row[0] == "|" or row[-1] == "|" or (len(inner) > 1 and not re.search(r"\s\||\|\s", row))
    if glued and not compact:
        remedy = "write spaces around a bar line, and C/D for a bass"
        raise InputError(where, expected="one chord at a time", found=f"the polychord {glued[0]!r}", remedy=remedy)


def _bar(symbols: list[str], before: list[Bar], beats: int, where: str) -> Bar:
    """One bar of a chart, as equal shares."""
    if symbols[0] in _REPEAT_BAR and all(symbol in _CONTINUE for symbol in symbols[1:]):
        if not before:
            found, remedy = f"{symbols[0]!r} in the first bar", "write the chords"
            raise InputError(where, expected=f"{symbols[0]!r} alone after another bar", found=found, remedy=remedy)
        return before[-1]
    if "%" in symbols:
        found = "'%' with other symbols"
        raise InputError(where, expected="'%' alone after another bar", found=found, remedy="write the chords")
    chords: list[Chord | None] = []
    for symbol in symbols:
        if symbol not in _CONTINUE:
            chords.append(chord(symbol, where))
        elif chords or before:
            chords.append(chords[-1] if chords else before[-1][-1])
        else:
            raise InputError(where, expected="a chord first", found=repr(symbol), remedy="start with a chord symbol")
    slashed = any(symbol in _CONTINUE for symbol in symbols)
    found = f"{len(chords)} in '{' '.join(symbols)}'"
    if slashed and len(chords) != beats:
        raise InputError(where, expected=f"one mark for each of {beats} beats", found=found, remedy="add or drop a /")
    bar = shared(chords, beats)
    if bar is None:
        remedy = "write one mark per beat, with / where a chord continues"
        raise InputError(where, expected=f"chords that share {beats} beats equally", found=found, remedy=remedy)
    return bar


def chord(symbol: str, where: str) -> Chord | None:
    """A chord of a chart.

    Raises:
        InputError: it is no chord symbol, or a polychord.
    """
    if symbol.startswith("H"):
        remedy = "write B for the German H, and Bb for the German B"
        raise InputError(where, expected="a chord symbol", found=repr(symbol), remedy=remedy)
    try:
        return Chord.parse(symbol)
    except ValueError:
        symbol = symbol if len(symbol) <= _LONGEST_SYMBOL else f"{symbol[:_LONGEST_SYMBOL]}…"
        remedy = "write it like F7, Bbm7, Cmaj7, Am7b5, F7/C or N.C."
        upper, slash, lower = symbol.partition("/")
        if slash and _is_chord(upper) and _is_chord(lower):
            expected, remedy = "one chord, or one over a bass note", "write the main chord, or a bass as in C/D"
            raise InputError(where, expected=expected, found=f"the polychord {symbol!r}", remedy=remedy) from None
        raise InputError(where, expected="a chord symbol", found=repr(symbol), remedy=remedy) from None


def _is_chord(text: str) -> bool:
    try:
        return Chord.parse(text) is not None
    except ValueError:
        return False
