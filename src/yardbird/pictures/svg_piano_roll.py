"""Draws a solo as a piano roll in SVG; its width is proportional to time, so that a playhead can follow the sound."""

from itertools import pairwise
from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np

from yardbird.music.chords import chord_symbol
from yardbird.music.pitch import spell
from yardbird.music.score import Ints, Score

PIXELS_A_SECOND = 56
_ROW, _HEAD, _FOOT = 5, 30, 4  # pixels: per semitone, above for bar numbers and chords, below
_CHARACTER = 10  # pixels per bold character of a chord symbol
_BLACK_KEYS = frozenset({1, 3, 6, 8, 10})
_LEAST_ROWS = 24


def draw(score: Score, title: str) -> str:
    """The roll as an `svg` element: chord tones have class `tone`, others `other`, notes without a chord `plain`.

    Notes have tooltips. `title` is the label for screen readers.
    """
    low, high = (int(score.pitches.min()), int(score.pitches.max())) if len(score.notes) else (60, 72)
    high = max(high + 1, low + _LEAST_ROWS - 1)
    width, height = _x(score.seconds), _HEAD + (high - low + 2) * _ROW + _FOOT
    size = {"width": f"{width:g}", "height": str(height), "viewBox": f"0 0 {width:g} {height}"}
    svg = Element("svg", {**size, "class": "roll", "role": "img", "aria-label": title})
    _keys(svg, low, high, width, score)
    _bars(svg, score, height)
    for change, x, room in _chords(score, width):
        text = SubElement(svg, "text", {"x": f"{x + 2:g}", "y": "25", "class": "chord"})
        text.text = change
        if room < _CHARACTER * len(change):
            text.set("textLength", f"{max(room - 3, 4):g}")
            text.set("lengthAdjust", "spacingAndGlyphs")
    _notes(svg, score, high)
    SubElement(svg, "line", {"class": "head", "x1": "0", "x2": "0", "y1": "0", "y2": str(height)})
    return tostring(svg, encoding="unicode")


def _x(seconds: float) -> float:
    return round(seconds * PIXELS_A_SECOND, 1)


def _y(pitch: int, high: int) -> int:
    return _HEAD + (high - pitch) * _ROW


def _places(score: Score, ticks: Ints) -> list[float]:
    return [_x(second) for second in score.seconds_at(ticks).tolist()]


def _keys(svg: Element, low: int, high: int, width: float, score: Score) -> None:
    for pitch in range(low - 1, high + 1):
        box = {"y": str(_y(pitch, high)), "height": str(_ROW)}
        if pitch % 12 in _BLACK_KEYS:
            SubElement(svg, "rect", {"class": "key", "x": "0", "width": f"{width:g}", **box})
        if pitch % 12 == 0:
            name = SubElement(svg, "text", {"class": "name", "x": "1", "y": str(_y(pitch, high) + _ROW)})
            name.text = f"{spell(0, score.key)}{pitch // 12 - 1}"


def _bars(svg: Element, score: Score, height: int) -> None:
    for number, x in enumerate(_places(score, score.bar_ticks), start=1):
        SubElement(svg, "line", {"class": "bar", "x1": f"{x:g}", "x2": f"{x:g}", "y1": "12", "y2": str(height)})
        label = SubElement(svg, "text", {"class": "number", "x": f"{x + 2:g}", "y": "10"})
        label.text = str(number)


def _chords(score: Score, width: float) -> list[tuple[str, float, float]]:
    """Symbol, position and available width of every change."""
    places = [*_places(score, np.array([change.tick for change in score.chords], dtype=np.int64)), width]
    symbols = [chord_symbol(change.chord, score.key).replace("b", "♭").replace("#", "♯") for change in score.chords]
    return [(symbol, x, after - x) for symbol, (x, after) in zip(symbols, pairwise(places), strict=True)]


def _notes(svg: Element, score: Score, high: int) -> None:
    starts, stops = (_places(score, ticks) for ticks in (score.onsets, score.offsets))
    chords = [score.chords[index].chord if index >= 0 else None for index in score.chord_index_of(score.onsets)]
    bars = score.bar_of(score.onsets)
    beats = (score.onsets - score.bar_ticks[bars]) / score.ticks_per_beat + 1
    rows = zip(starts, stops, score.pitches.tolist(), chords, bars.tolist(), beats.tolist(), strict=True)
    for start, stop, pitch, chord, bar, beat in rows:
        kind = "plain" if chord is None else "tone" if pitch % 12 in chord.pitch_classes else "other"
        box = {"x": f"{start:g}", "width": f"{max(stop - start - 0.6, 1.5):.4g}", "rx": "2"}
        note = SubElement(svg, "rect", {"class": kind, **box, "y": str(_y(pitch, high)), "height": str(_ROW)})
        over = f" over {chord.symbol(score.key)}" if chord else ""
        name = f"{spell(pitch % 12, score.key)}{pitch // 12 - 1}"
        SubElement(note, "title").text = f"{name}{over}, bar {bar + 1}, beat {beat:.3g}"
