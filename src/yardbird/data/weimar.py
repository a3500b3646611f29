"""The Weimar Jazz Database (Pfleiderer et al., Inside the Jazzomat, 2017): one SQLite file, 456 solos → raw events.

Tables, as jazzomat.hfm-weimar.de/dbformat describes them: `solo_info` (performer, title, instrument, key), `melody`
(onset and duration in seconds, pitch, loudness), `beats` (onset in seconds, bar, beat, chord, form, chorus), `sections`
(type, first and last index into the solo's notes). A beat becomes a quarter note with its own tempo event; the ticks of
a note are interpolated between the beats around it. Chords become markers, phrases and form become texts.

The file is opened read-only and its content is not trusted: missing tables, wrong types and decreasing times are
errors.
"""

import math
import os
import sqlite3
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from yardbird.data.manifest import Entry
from yardbird.errors import InputError
from yardbird.music.chord_grammar import signs_first
from yardbird.music.midi import RawMidi, RawPart, RawText
from yardbird.music.score import Meter, Tempo, make_notes

SUFFIXES = (".db", ".sqlite", ".sqlite3", ".db3")
MAX_BYTES = 500_000_000  # the database has 42.5 MB
_MAGIC = b"SQLite format 3\x00"

_TICKS_PER_BEAT = 480
_MAX_ROWS = 100_000  # notes or beats of one solo; the longest of the database has 3,000
_VELOCITY = 90  # if the database has no loudness

#: Instruments of the database → General MIDI program, counted from 0, and name.
_INSTRUMENTS = {
    "as": (65, "Alto Sax"), "ts": (66, "Tenor Sax"), "ts-c": (66, "C Melody Sax"), "ss": (64, "Soprano Sax"),
    "bs": (67, "Baritone Sax"), "cl": (71, "Clarinet"), "bcl": (71, "Bass Clarinet"), "tp": (56, "Trumpet"),
    "cor": (56, "Cornet"), "tb": (57, "Trombone"), "vib": (11, "Vibraphone"), "p": (0, "Piano"), "g": (26, "Guitar"),
    "fl": (73, "Flute"), "b": (32, "Bass"), "vn": (40, "Violin"),
}  # fmt: skip


def is_database(path: Path) -> bool:
    """Whether a file is an SQLite database, by its first bytes."""
    if not path.is_file() or not os.access(path, os.R_OK):
        return False
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


def solo_numbers(path: Path) -> list[str]:
    """The ids (`melid`) of the solos, ascending.

    Raises:
        InputError: the file is not a database of this kind, or it has no solos.
    """
    with _open(path) as database:
        rows = _rows(database, "SELECT DISTINCT melid FROM solo_info ORDER BY melid", (), _MAX_ROWS)
    numbers = [str(row[0]) for row in rows if isinstance(row[0], int)]
    if not numbers:
        raise InputError(path, expected="solos in the table solo_info", found="none", remedy="download it again")
    return numbers


def read_solo_of(path: Path, number: str) -> tuple[RawMidi, Entry]:
    """Read a solo: its events and its metadata.

    Raises:
        InputError: there is no such solo, or its notes or beats are invalid.
    """
    with _open(path) as database:
        columns = _columns(database, "solo_info")
        infos = _rows(database, "SELECT * FROM solo_info WHERE melid = ?", (number,), 2)
        info = dict(zip(columns, infos[0], strict=True)) if infos else None
        if info is None:
            raise InputError(path, expected="a solo of this number", found=number, remedy="correct the number after #")
        loudness = "loud_med" if "loud_med" in _columns(database, "melody") else "NULL"
        chorus = "chorus_id" if "chorus_id" in _columns(database, "beats") else "NULL"
        spans = _spans(path, path.stat().st_mtime_ns)
        notes = _of(database, spans, "melody", number, f"onset, duration, pitch, {loudness}", "eventid")
        beats = _of(database, spans, "beats", number, f"onset, bar, beat, chord, form, {chorus}", "onset, beatid")
        phrases = _of(database, spans, "sections", number, "start, value", "start", "AND type = 'PHRASE'")
        entry = _entry(database, info)
    name = Path(f"{path}#{number}")
    times, ticks = _beat_ticks(name, beats)
    return _raw(name, info, notes, beats, phrases, times, ticks), entry


@contextmanager
def _open(path: Path) -> Iterator[sqlite3.Connection]:
    """Open read-only and immutable: no journal, no lock, no extra files. The schema cannot call functions."""
    expected, remedy = "the Weimar Jazz Database (wjazzd.db)", "download it again: yardbird fetch wjazzd"
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        database.execute("PRAGMA trusted_schema = OFF")
        database.text_factory = lambda data: data.decode("utf-8", "replace")
        listed = "SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0"  # no views, no virtual tables
        tables = {row[0] for row in database.execute(listed)}
        missing = sorted({"solo_info", "melody", "beats", "sections"} - tables)
        if missing:
            found = f"a database without {', '.join(missing)}"
            raise InputError(path, expected=expected, found=found, remedy="remove it, or " + remedy)
        yield database
    except (sqlite3.Error, UnicodeDecodeError, OverflowError) as error:  # sqlite3 decodes its messages strictly
        raise InputError(path, expected=expected, found=f"a damaged database ({error})", remedy=remedy) from None
    finally:
        database.close()


@lru_cache(maxsize=1)
def _spans(path: Path, _modified: int) -> dict[tuple[str, str], tuple[int, int]]:
    """(table, solo) → its first and last row. The tables have no index: without this, each solo scans all rows."""
    with _open(path) as database:
        return {
            (table, str(melid)): (first, last)
            for table in ("melody", "beats", "sections")
            for melid, first, last in database.execute(
                f"SELECT melid, min(rowid), max(rowid) FROM {table} GROUP BY melid LIMIT {_MAX_ROWS}"
            )
        }


def _of(
    database: sqlite3.Connection,
    spans: dict[tuple[str, str], tuple[int, int]],
    table: str,
    number: str,
    columns: str,
    order: str,
    more: str = "",
) -> list[tuple[Any, ...]]:
    """The rows of one solo."""
    query = f"SELECT {columns} FROM {table} WHERE rowid BETWEEN ? AND ? AND melid = ? {more} ORDER BY {order}"
    return _rows(database, query, (*spans.get((table, number), (0, 0)), number), _MAX_ROWS)


def _rows(
    database: sqlite3.Connection, query: str, arguments: Sequence[str | int], limit: int
) -> list[tuple[Any, ...]]:
    return database.execute(query, arguments).fetchmany(limit)


def _columns(database: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in database.execute(f"PRAGMA table_info({table})")]


def _entry(database: sqlite3.Connection, info: dict[str, Any]) -> Entry:
    """Performer, title, key and form as in the database; the title also names a second solo or another take."""

    def text(value: object) -> str:
        return " ".join(str(value).split()) if value is not None else ""

    title = text(info.get("title"))
    if addon := text(info.get("titleaddon")):
        title += f" ({addon})"
    solo = info.get("solopart")
    if isinstance(solo, int) and solo > 1:
        title += f" (solo {solo})"
    form = ""
    composition = _columns(database, "composition_info")
    key = next((column for column in ("compid", "melid") if column in composition and info.get(column)), None)
    if key and "form" in composition:
        rows = _rows(database, f"SELECT form FROM composition_info WHERE {key} = ?", (info[key],), 1)
        form = text(rows[0][0]) if rows else ""
    licence = ""
    if "license" in _columns(database, "db_info"):
        rows = _rows(database, "SELECT license FROM db_info", (), 1)
        licence = text(rows[0][0]) if rows else ""
    return Entry(text(info.get("performer")), title, "", text(info.get("key")), form, licence)


def _beat_ticks(name: Path, beats: Sequence[tuple[Any, ...]]) -> tuple[list[float], list[int]]:
    """The time and the tick of each beat. The first bar starts at tick 0, even if the first beat is inside it."""
    times = [_number(row[0]) for row in beats]
    if len(times) < 2 or any(time is None for time in times):
        found = f"{len(times)} beats" if len(times) < 2 else "a beat without a time"
        raise InputError(name, expected="two beats or more", found=found, remedy="download the database again")
    known = [float(time or 0) for time in times]
    late = next((i for i in range(1, len(known)) if not 0.001 < known[i] - known[i - 1] < 60), None)
    if late is not None:
        found = f"beat {late + 1} {known[late] - known[late - 1]:.3f} s after the one before"
        expected = "beats 0.001 to 60 seconds apart"
        raise InputError(name, expected=expected, found=found, remedy="download the database again")
    first = beats[0][2]
    offset = first - 1 if isinstance(first, int) and 1 <= first <= 16 else 0
    return known, [(offset + index) * _TICKS_PER_BEAT for index in range(len(known))]


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _raw(
    name: Path,
    info: dict[str, Any],
    notes: Sequence[tuple[Any, ...]],
    beats: Sequence[tuple[Any, ...]],
    phrases: Sequence[tuple[Any, ...]],
    times: list[float],
    ticks: list[int],
) -> RawMidi:
    def tick_at(seconds: float) -> int:
        """Interpolated between beats; before the first and after the last, at the tempo of the nearest."""
        index = min(max(bisect_right(times, seconds) - 1, 0), len(times) - 2)
        share = (seconds - times[index]) / (times[index + 1] - times[index])
        return round(ticks[index] + share * _TICKS_PER_BEAT)

    velocities = _velocities([_number(row[3]) for row in notes])
    onset_ticks: list[int | None] = []
    rows: list[tuple[int, int, int, int]] = []
    for (onset, duration, pitch, _), velocity in zip(notes, velocities, strict=True):
        start, length, height = _number(onset), _number(duration), _number(pitch)
        sane = start is not None and length is not None and height is not None and 0 <= round(height) <= 127
        if start is None or length is None or height is None or not sane or not -600 < start - times[0] < 36_000:
            onset_ticks.append(None)
            continue
        tick = tick_at(start)
        onset_ticks.append(tick)
        rows.append((tick, max(0, tick_at(start + max(0.0, min(length, 600.0))) - tick), round(height), velocity))
    unread = onset_ticks.count(None)
    if not rows:
        raise InputError(name, expected="notes", found="none", remedy="download the database again")
    meters = _meters(beats, ticks)
    # whole bars are inserted for notes before the first beat
    bar = meters[0].bar_ticks(_TICKS_PER_BEAT)
    early = -(min(0, *(row[0] for row in rows)) // bar) * bar
    program, instrument = _INSTRUMENTS.get(str(info.get("instrument")), (0, str(info.get("instrument") or "")))
    seconds = np.diff(times).tolist()
    seconds.append(seconds[-1])
    tempos = [Tempo(tick + early, 60 / length) for tick, length in zip(ticks, seconds, strict=True)]
    if tempos[0].tick > 0:
        tempos.insert(0, Tempo(0, tempos[0].qpm))
    texts = [*_marks(beats, ticks), *_phrase_marks(phrases, onset_ticks)]
    return RawMidi(
        ticks_per_beat=_TICKS_PER_BEAT,
        parts=(RawPart(1, 0, instrument, program, make_notes([(row[0] + early, *row[1:]) for row in rows])),),
        tempos=tuple(tempos),
        meters=tuple(meter if meter.tick == 0 else Meter(meter.tick + early, meter.numerator, 4) for meter in meters),
        keys=(),
        texts=tuple(RawText(tick + early, kind, text) for tick, kind, text in sorted(texts, key=lambda text: text[0])),
        unended_notes=0,
        flags=(f"unread_notes:{unread}",) if unread else (),
    )


def _velocities(loudness: Sequence[float | None]) -> list[int]:
    """Loudness in decibels → MIDI velocity in 40 … 120: the 5th percentile becomes 60, the 95th becomes 110."""
    known = [value for value in loudness if value is not None]
    low, high = np.percentile(known, [5, 95]) if known else (0.0, 0.0)
    if not high > low:
        return [_VELOCITY] * len(loudness)
    return [
        _VELOCITY if value is None else int(min(120, max(40, 60 + 50 * (value - low) / (high - low))))
        for value in loudness
    ]


def _meters(beats: Sequence[tuple[Any, ...]], ticks: list[int]) -> list[Meter]:
    """A bar has as many quarters as beats; the first is filled up, the last may be incomplete."""
    starts = [0] + [
        ticks[i]
        for i in range(1, len(beats))
        if (beats[i][1] != beats[i - 1][1] if beats[i][1] is not None else beats[i][2] == 1)
    ]
    lengths = [(after - start) // _TICKS_PER_BEAT for start, after in pairwise(starts)]
    last = (ticks[-1] - starts[-1]) // _TICKS_PER_BEAT + 1
    lengths.append(max(last, lengths[-1]) if lengths else last)
    meters: list[Meter] = []
    for start, length in zip(starts, lengths, strict=True):
        if not meters or meters[-1].numerator != length:
            meters.append(Meter(start, min(length, 64), 4))
    return meters


def _marks(beats: Sequence[tuple[Any, ...]], ticks: list[int]) -> Iterator[tuple[int, str, str]]:
    """Chords and form where they change; in the database, they are empty on the beats between."""
    chord = form = ""
    chorus: object = None
    for (_, _, _, new_chord, new_form, new_chorus), tick in zip(beats, ticks, strict=True):
        if new_chord and str(new_chord) != chord:
            chord = str(new_chord)
            yield tick, "marker", signs_first(chord)
        label, number = str(new_form or form), chorus if new_chorus is None else new_chorus
        if label and (label, number) != (form, chorus):
            yield tick, "text", f"FORM {label}" + (f" CHORUS {number}" if number is not None else "")
        form, chorus = label, number


def _phrase_marks(
    phrases: Sequence[tuple[Any, ...]], onset_ticks: Sequence[int | None]
) -> Iterator[tuple[int, str, str]]:
    """The starts of phrases, at notes counted from 0; rows of value -1 are the gaps between phrases."""
    for start, value in phrases:
        if isinstance(start, int) and 0 <= start < len(onset_ticks) and str(value) != "-1":
            tick = onset_ticks[start]
            if tick is not None:
                yield tick, "text", f"PHRASE {value}"
