"""Reads ChordPro: lyrics with chords in brackets, directives in braces, and grids of bars.

    {title: Slow Boat} {key: F} {time: 4/4}
    [F7]Slow boat [Bb7]home
    {start_of_grid}
    | F7 . . . | Bb7 . C7 . |
    {end_of_grid}

Lyrics give the position of a chord among the words but not its length, so each chord lasts one bar. If a file has
grids, only the grids are read. Format: chordpro.org, version 6.
"""

import re

from yardbird.errors import InputError
from yardbird.generation.charts.chart_bars import MOST_BARS, Bar
from yardbird.generation.charts.chart_rows import ChartRow, bars_of_rows, chord

#: Possessive quantifiers: on a long line without an end, backtracking would take hours.
_DIRECTIVE = re.compile(r"\{\s*+([a-z_]++)(?:-[\w!]++)?+([^{}]*+)\}", re.I)
_INLINE = re.compile(r"\[([^\[\]*][^\[\]]*)\]")
_FACTS = {"title": "title", "t": "title", "key": "key", "time": "meter", "tempo": "qpm"}
_CHORUS = ("start_of_chorus", "soc")


def is_chordpro(text: str) -> bool:
    """True if the text has a directive, or lyrics with chords in brackets."""
    for line in text.splitlines():
        if _DIRECTIVE.fullmatch(line.strip()):
            return True
        if "|" not in line and _INLINE.search(line) and _INLINE.sub("", line).strip():
            return True
    return False


def facts_of_chordpro(text: str) -> list[tuple[int, str, str]]:
    """Line number, name and value of each directive that is a header of a lead sheet."""
    found = []
    for number, line in enumerate(text.splitlines(), start=1):
        for match in _DIRECTIVE.finditer(line):
            if match[1].lower() in _FACTS:
                found.append((number, _FACTS[match[1].lower()], _value(match)))
    return found


def bars_of_chordpro(text: str, beats: int, name: str) -> list[Bar]:
    """The bars of the grids, else one bar per chord of the lyrics; `{chorus}` plays the chorus again.

    Raises:
        InputError: a symbol is malformed; the error names the line and the symbol.
    """
    grid: list[ChartRow] = []
    bars: list[Bar] = []
    chorus: list[Bar] = []
    in_chorus = in_grid = False
    capo = 0
    for number, line in enumerate(text.splitlines(), start=1):
        where = f"{name}, line {number}"
        for match in _DIRECTIVE.finditer(line):
            directive = match[1].lower()
            if directive in (*_CHORUS, "end_of_chorus", "eoc"):
                in_chorus = directive in _CHORUS
                chorus = [] if in_chorus else chorus
            elif directive in ("start_of_grid", "sog", "end_of_grid", "eog"):
                in_grid = directive.startswith("s")
            elif directive == "chorus":
                bars += chorus
                if len(bars) > MOST_BARS:
                    expected, remedy = f"at most {MOST_BARS} bars", "write fewer choruses"
                    raise InputError(where, expected=expected, found="more", remedy=remedy)
            elif directive in ("capo", "transpose"):
                capo += _semitones(_value(match), where)
        rest = _DIRECTIVE.sub("", line)
        if rest.lstrip().startswith("#"):
            continue
        if in_grid:
            end = rest.rfind("|") + 1 or rest.find("]") + 1 or len(rest)
            row = rest[max(0, rest.find("|")) : end].strip()  # without a leading label and a final remark
            grid += [(number, row)] if row else []
            continue
        for symbol in _INLINE.findall(rest):
            bars.append((chord(symbol.strip(), where),))
            chorus += bars[-1:] if in_chorus else []
    found = bars_of_rows(grid, beats, name) if grid else bars
    return [tuple(one and one.transposed(capo) for one in bar) for bar in found] if capo % 12 else found


def _value(directive: re.Match[str]) -> str:
    return directive[2].strip().removeprefix(":").strip()


def _semitones(text: str, where: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(where, expected="a number of frets", found=repr(text), remedy="write {capo: 2}") from None
