"""Engraves a solo as sheet music with chords: simplified rhythm, written by music21, drawn by verovio.

beat   the coarsest grid that keeps its onsets distinct and is nearly as close to them as the closest grid:
       halves of a quarter note, thirds, quarters, sixths, eighths
end    a note lasts until the next one unless half a beat or more is silent: articulation is not written as a rest
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import verovio
from music21 import clef, expressions, key, meter, note, stream, tie
from music21.musicxml.m21ToXml import GeneralObjectExporter

from yardbird.music.chords import chord_symbol
from yardbird.music.pitch import spell
from yardbird.music.score import Score

CHORD_TONE, OTHER_TONE, INK = "#1f6f8b", "#c4601d", "#1b1b1f"
_GRIDS = (2, 3, 4, 6, 8)  # cells of a quarter note
_CLOSE = Fraction(1, 48)  # a coarser grid is preferred if its mean error is larger by at most this
_SMALLEST_REST = Fraction(1, 2)
#: Durations of a single note head, in quarter notes.
_VALUES = tuple(
    Fraction(*value)
    for value in ((4, 1), (3, 1), (2, 1), (1, 1), (3, 4), (2, 3), (1, 2), (1, 3), (1, 4), (1, 6), (1, 8))
)
_OPTIONS = {
    "adjustPageHeight": True,
    "breaks": "auto",
    "footer": "none",
    "header": "none",
    "pageHeight": 60000,
    "pageWidth": 2000,
    "scale": 40,
    "smuflTextFont": "none",  # an embedded font would be as large as the music
    "svgFormatRaw": True,
    "svgRemoveXlink": True,
    "svgViewBox": True,
    "xmlIdSeed": 1,
}


@dataclass(frozen=True)
class Written:
    """A note, or a rest if `pitch` is None, from `start` to `stop` in quarter notes."""

    start: Fraction
    stop: Fraction
    pitch: int | None
    chord_tone: bool | None = None  # None: no chord sounds


def engrave(score: Score) -> str:
    """The score as SVG, with chord tones and other tones in two colours; the same score gives the same bytes."""
    verovio.enableLog(verovio.LOG_OFF)  # it warns about beams that are hard to draw
    toolkit = verovio.toolkit()
    toolkit.setResourcePath(str(Path(verovio.__file__).parent / "data"))  # the default is set for the main thread only
    toolkit.setOptions(_OPTIONS)
    assert toolkit.loadData(as_musicxml(score)), "verovio reads the MusicXML of music21"
    return str(toolkit.renderToSVG(1))


def as_musicxml(score: Score) -> str:
    part, edges = stream.Part(), bar_edges(score)
    written = simplify(score)
    for number, (start, stop) in enumerate(pairwise(edges), start=1):
        bar = stream.Measure(number=number)
        if number == 1:
            bar.append([clef.TrebleClef(), key.KeySignature(score.key.fifths if score.key else 0)])
        if number == 1 or stop - start != start - edges[number - 2]:
            eighths = (stop - start) * 2
            signature = f"{int(eighths) // 2}/4" if eighths % 2 == 0 else f"{int(eighths)}/8"
            bar.append(meter.TimeSignature(signature))
        for piece, tied in cut(written, start, stop):
            bar.insert(piece.start - start, _element(piece, tied, score))
        for change in score.chords:
            at = Fraction(change.tick, score.ticks_per_beat)
            if start <= at < stop:
                symbol = chord_symbol(change.chord, score.key).replace("b", "♭").replace("#", "♯")
                text = expressions.TextExpression(symbol)
                text.placement, text.style.fontWeight, text.style.fontStyle = "above", "bold", "normal"
                bar.insert(at - start, text)
        part.append(bar)
    return str(GeneralObjectExporter(stream.Score([part])).parse(), "utf-8")


def bar_edges(score: Score) -> list[Fraction]:
    """The starts of the bars and the end of the last whole bar, in quarter notes, rounded to eighths."""
    last = int(score.bar_ticks[-1])
    ticks = [*score.bar_ticks.tolist(), max(last + score.meters[-1].bar_ticks(score.ticks_per_beat), score.end_tick)]
    return [Fraction(round(2 * tick / score.ticks_per_beat), 2) for tick in ticks]


def simplify(score: Score) -> list[Written]:
    """Notes and rests on a readable grid, without gaps or overlaps, from the first bar line to the last."""
    end = bar_edges(score)[-1]
    exact = [Fraction(int(tick), score.ticks_per_beat) for tick in score.onsets]
    grids = _grids(exact)
    starts = [_snapped(onset, grids.get(int(onset), 2)) for onset in exact]
    chords = [score.chords[index].chord if index >= 0 else None for index in score.chord_index_of(score.onsets)]
    written, now = [], Fraction(0)
    for place, (start, chord) in enumerate(zip(starts, chords, strict=True)):
        following = next((other for other in starts[place + 1 :] if other > start), end)
        if start < now or start >= end or following == start:
            continue  # of two notes closer than an eighth of a beat, the first is written
        if start > now:
            written.append(Written(now, start, None))
        offset = Fraction(int(score.offsets[place]), score.ticks_per_beat)
        stop = max(_snapped(offset, grids.get(int(offset), 2)), start + Fraction(1, grids.get(int(start), 2)))
        if following - max(offset, stop) < _SMALLEST_REST:
            stop = following
        pitch = int(score.pitches[place])
        now = min(stop, following)
        written.append(Written(start, now, pitch, None if chord is None else pitch % 12 in chord.pitch_classes))
    return [*written, Written(now, end, None)] if now < end else written


def _grids(onsets: Sequence[Fraction]) -> dict[int, int]:
    """Beat → cells of its grid."""
    beats: dict[int, list[Fraction]] = {}
    for onset in onsets:
        beats.setdefault(int(onset), []).append(onset)
    chosen = {}
    for beat, own in beats.items():
        errors = {grid: sum(abs(_snapped(onset, grid) - onset) for onset in own) / len(own) for grid in _GRIDS}
        apart = [grid for grid in _GRIDS if len({_snapped(onset, grid) for onset in own}) == len(own)] or [_GRIDS[-1]]
        least = min(errors[grid] for grid in apart)
        chosen[beat] = next(grid for grid in apart if errors[grid] <= least + _CLOSE)
    return chosen


def _snapped(place: Fraction, grid: int) -> Fraction:
    return Fraction(round(place * grid), grid)


def cut(written: Sequence[Written], start: Fraction, stop: Fraction) -> Iterator[tuple[Written, tuple[bool, bool]]]:
    """The notes and rests of a bar, split at beats that must be visible; each with (tied back, tied on)."""
    beat = Fraction(
        1, start.denominator
    )  # an eighth if the bar starts between two quarters, because grids are those of quarters
    for own in written:
        at, end = max(own.start, start), min(own.stop, stop)
        while at < end:
            beat_end = start + ((at - start) // beat + 1) * beat
            if at == beat_end - beat and end >= beat_end:
                longest = min(Fraction((end - at) // 1), _VALUES[0]) or beat
            else:
                longest = min(end, beat_end) - at
            length = next(v for v in _VALUES if v == longest or (v < longest and longest - v in _VALUES))
            yield Written(at, at + length, own.pitch, own.chord_tone), (at > own.start, at + length < own.stop)
            at += length


def _element(piece: Written, tied: tuple[bool, bool], score: Score) -> note.GeneralNote:
    length = piece.stop - piece.start
    if piece.pitch is None:
        return note.Rest(quarterLength=length)
    name = spell(piece.pitch % 12, score.key).replace("b", "-")
    element = note.Note(f"{name}{piece.pitch // 12 - 1}", quarterLength=length)
    element.style.color = INK if piece.chord_tone is None else CHORD_TONE if piece.chord_tone else OTHER_TONE
    if kind := {(False, True): "start", (True, True): "continue", (True, False): "stop"}.get(tied):
        element.tie = tie.Tie(kind)
    return element
