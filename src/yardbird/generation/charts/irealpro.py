"""Reads iReal Pro links: `irealbook://` with plain music, and `irealb://` with scrambled music.

A song is title=composer=style=key=n=music in the first, and title=composer==style=key=transposition=music=groove=
tempo=repeats in the second, where music starts with `1r34LbKcu7`. Formats: irealpro.com, Custom Chord Chart Protocol;
the scrambling follows the description of ireal-reader (github.com/pianosnake). Music is a row of cells; four cells are
a bar of four beats, so the cell of a chord gives its onset.
"""

import re
from dataclasses import dataclass, replace
from html import unescape
from urllib.parse import unquote

from yardbird.errors import InputError, counted
from yardbird.generation.charts.chart_bars import Bar, Measure, shared, shortest, unrolled
from yardbird.generation.charts.chart_rows import chord
from yardbird.music.chords import Chord

LINK = re.compile(r"ireal(b|book)://([^\"\r\n]+)")  # bare on a line, or quoted in HTML
_PREFIX = "1r34LbKcu7"
_BLOCK = 50
_SHORTHAND = (("Kcl", "| x"), ("LZ", " |"), ("XyQ", "   "))
_TOKEN = re.compile(
    r"""(?P<section>\*[A-Za-z]) | T(?P<meter>\d\d) | N(?P<ending>\d) | <(?P<text>[^>]*)> | (?P<line>[\[\]{}|Z])
    | (?P<alternate>\([^)]*\)) | (?P<chord>[A-GW][b#]?(?:\*[^*]*\*|sus|alt|add|[-+^\dhob#])*(?:/[A-G][b#]?)?)
    | (?P<same>[xr]) | (?P<none>n) | (?P<slash>p) | (?P<sign>[SQ]) | (?P<space>\s) | (?P<layout>[YUfsl,])""",
    re.X,
)
_JUMP = re.compile(r"\bD\.?\s*([CS])\b\.?\s*(?:al\s+(Coda|Fine|.*))?", re.I)


@dataclass(frozen=True)
class Song:
    """A song as written in a link; `qpm` is empty if the link has no tempo."""

    title: str
    key: str
    meter: str
    qpm: str
    bars: tuple[Bar, ...]


def song_of(text: str, name: str) -> Song:
    """The only song of the first link in a text.

    Raises:
        InputError: no song or several, a meter that changes, or music that cannot be read.
    """
    link = LINK.search(text)
    assert link, "the text contains a link"
    fields = unquote(unescape(link[2].strip())).split("=")
    if link[1] == "b":
        starts = [place for place, field in enumerate(fields) if field.startswith(_PREFIX) and place >= 6]
        songs = [(fields[at - 6], fields[at - 2], unscrambled(fields[at]), fields[at + 2 : at + 3]) for at in starts]
    else:
        whole = [field for field in fields if field] if len(fields) % 6 else fields
        songs = [(whole[at], whole[at + 3], whole[at + 5], []) for at in range(0, len(whole) - 5, 6)]
    if len(songs) != 1:
        titles = ", ".join(repr(song[0]) for song in songs[:5])
        found = f"{len(songs)} ({titles})" if songs else "none"
        raise InputError(name, expected="a link with one song", found=found, remedy="share the song alone")
    title, key, music, tempo = songs[0]
    meter, bars = _bars(music, name)
    qpm = tempo[0] if tempo and tempo[0].strip("0").isdecimal() else ""
    return Song(title.strip(), key.strip(), meter, qpm, tuple(bars))


def unscrambled(music: str) -> str:
    """The music of an `irealb` link in plain text; the ends and middles of 50-character blocks are mirrored."""
    rest = music.removeprefix(_PREFIX)
    blocks = max(0, len(rest) - 2) // _BLOCK  # a block stays as it is if one letter or none follows it
    mirrored = [_mirrored(rest[place * _BLOCK : (place + 1) * _BLOCK]) for place in range(blocks)]
    return "".join([*mirrored, rest[blocks * _BLOCK :]])


def _mirrored(block: str) -> str:
    letters = list(block)
    for place in (*range(5), *range(10, 24)):
        letters[place], letters[_BLOCK - 1 - place] = letters[_BLOCK - 1 - place], letters[place]
    return "".join(letters)


def _bars(music: str, name: str) -> tuple[str, list[Bar]]:
    """The meter, and the bars in the order of playing."""
    meters: list[str] = []
    measures: list[Measure] = []
    cells: list[str] = []  # since the last bar line: a chord, "" for an empty cell, or "x", "r", "n", "p"
    marks = Measure(())
    codas = 0
    place = 0
    for short, long in _SHORTHAND:
        music = music.replace(short, long)
    music = music.rstrip() + "|"
    while place < len(music):
        token = _TOKEN.match(music, place)
        if not token:
            found = repr(music[place : place + 8])
            raise InputError(name, expected="iReal Pro music", found=found, remedy="share the song again")
        place = token.end()
        kind = token.lastgroup or ""
        if kind == "meter":
            meters.append("12/8" if token["meter"] == "12" else f"{token['meter'][0]}/{token['meter'][1]}")
        elif kind == "ending" and token["ending"] != "0":
            marks = replace(marks, endings=(int(token["ending"]),))
        elif kind == "sign":
            if token["sign"] == "S":
                marks = replace(marks, segno=True)
            else:
                codas += 1
                marks = replace(marks, coda=True) if codas > 1 else replace(marks, to_coda=True)
        elif kind == "text":
            marks = _marked(marks, token["text"], name)
        elif kind == "line":
            beats = int((meters or ["4/4"])[0].split("/")[0])
            line = token["line"]
            if line == "}" and marks.closes == 0:
                marks = replace(marks, closes=2)
            added = _measures(cells, marks, measures, beats, f"{name}, bar {len(measures) + 1}")
            if added:
                measures += added
                marks = Measure(())
            elif line == "}" and measures:  # an empty cell: the bar line was written twice
                measures[-1] = replace(measures[-1], closes=max(2, marks.closes))
                marks = Measure(())
            cells = []
            if line == "{":
                marks = replace(marks, opens=True)
        elif kind in ("chord", "same", "none", "slash", "space"):
            cells.append("" if kind == "space" else token[0])
    if len(set(meters)) > 1:
        found = ", ".join(dict.fromkeys(meters))
        raise InputError(name, expected="one meter", found=found, remedy="write the changes as a text chart")
    if codas == 1 and any(measure.jump.endswith("Coda") for measure in measures):
        # A single sign marks the coda itself: the jump to it is at the end of the second pass.
        measures = [replace(m, coda=m.to_coda, to_coda=m.jump.endswith("Coda")) for m in measures]
    return (meters or ["4/4"])[0], unrolled(measures, name)


def _marked(marks: Measure, text: str, name: str) -> Measure:
    if times := re.fullmatch(r"\s*(\d{1,2})\s*x\s*", text, re.I):
        return replace(marks, closes=int(times[1]))
    if jump := _JUMP.search(text):
        target = (jump[2] or "Fine").strip().capitalize()
        if target not in ("Coda", "Fine"):
            expected, remedy = "D.C. or D.S., al Coda or al Fine", "write the form as a text chart"
            raise InputError(name, expected=expected, found=repr(text), remedy=remedy)
        return replace(marks, jump=f"D.{jump[1].upper()}. al {target}")
    return replace(marks, fine=True) if re.fullmatch(r"\s*fine\.?\s*", text, re.I) else marks


def _measures(cells: list[str], marks: Measure, before: list[Measure], beats: int, where: str) -> list[Measure]:
    """The measure that a bar line ends; two for `r`, none for the space between two bar lines."""
    written = [cell for cell in cells if cell]
    if not written:
        held = len(cells) >= beats and before
        return [replace(marks, bar=before[-1].bar[-1:])] if held else []
    if written[0] in ("x", "r"):
        count = 1 if written[0] == "x" else 2
        if len(before) < count:
            remedy = "share the song again"
            raise InputError(
                where, expected=f"{counted(count, 'bar')} to repeat", found=f"{len(before)}", remedy=remedy
            )
        again = [Measure(measure.bar) for measure in before[-count:]]
        again[0] = replace(marks, bar=again[0].bar, closes=0 if count == 2 else marks.closes)
        again[-1] = replace(again[-1], closes=marks.closes)
        return again
    chords: dict[int, Chord | None] = {}
    last = before[-1].bar[-1] if before else None
    for place, cell in enumerate(cells):
        if cell == "n":
            last = chords[place] = None
        elif cell[:1] == "W" and last:
            bass = chord(f"C{cell[1:]}", where)
            last = chords[place] = Chord(last.root, last.quality, bass.bass if bass else None)
        elif cell and cell not in ("p", "W"):
            symbol = re.sub(r"\*([^*]*)\*", r"\1", cell)
            last = chords[place] = chord(re.sub(r"h(?=$|/)", "h7", symbol), where)
        elif cell:
            chords[place] = last
    if len(cells) == beats and len(chords) > 1:
        sounding: list[Chord | None] = []
        for beat in range(beats):
            sounding.append(chords.get(beat, sounding[-1] if sounding else (before[-1].bar[-1] if before else None)))
        bar: Bar | None = shortest(tuple(sounding))
    else:
        bar = shared(list(chords.values()), beats)
    if bar is None:  # the first chords get the extra beats
        whole, rest = divmod(beats, len(chords))
        counts = [whole + (place < rest) for place in range(len(chords))]
        bar = tuple(one for one, count in zip(chords.values(), counts, strict=True) for _ in range(count))
    return [replace(marks, bar=bar)]
