"""Draws a solo as piano rolls in systems of bars, with chord symbols above and chord tones in a separate colour."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from yardbird.music.chords import chord_symbol
from yardbird.music.pitch import spell
from yardbird.music.score import Score
from yardbird.pictures.png import draw_png

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PAPER, _INK, _FAINT, _STRIPE = "#fdfbf7", "#2b2a33", "#8d8896", "#f6f3ec"
_BAR_LINE, _BEAT_LINE, _TINT = "#a9a3b0", "#e4dfd6", "#efe6cf"
_CHORD_TONE, _OTHER_TONE, _NO_CHORD, _JOINT = "#1f6f8b", "#e0803a", "#77727f", "#c9c4cf"
_BLACK_KEYS = frozenset({1, 3, 6, 8, 10})
_WIDTH, _SYSTEM_HEIGHT, _HEADER_HEIGHT, _MARGIN = 16.0, 1.95, 0.85, 0.55  # inches
_DPI = 100


@dataclass(frozen=True)
class _Layout:
    """The scales that all systems share."""

    low: int
    high: int
    points_per_semitone: float
    points_per_tick: float


def draw(
    score: Score,
    path: Path | None = None,
    *,
    title: str = "",
    tinted: tuple[str, Sequence[range]] = ("", ()),
    bars_per_system: int = 8,
) -> NDArray[np.uint8]:
    """Draw a score and, if a path is given, write it as PNG; the same score gives the same bytes.

    Notes of the sounding tetrad are blue, others orange, notes without a chord grey; louder notes are darker.

    Args:
        tinted: a name for the legend, and the bars to tint, counted from 0, such as those of a prime.
        bars_per_system: a long solo is wrapped into systems of this many bars.

    Returns:
        the picture, shape (height, width, 3).
    """
    return draw_png(lambda: _figure(score, title, *tinted, bars_per_system), path)


def _figure(score: Score, title: str, tint: str, tinted: Sequence[range], bars_per_system: int) -> "Figure":
    from matplotlib.figure import Figure

    edges = [*score.bar_ticks.tolist(), score.end_tick]
    edges[-1] = max(
        edges[-2] + score.meters[-1].bar_ticks(score.ticks_per_beat), edges[-1]
    )  # the last bar is drawn at full length
    bars = len(edges) - 1
    systems = [range(first, min(first + bars_per_system, bars)) for first in range(0, bars, bars_per_system)]
    widest = max(edges[system[-1] + 1] - edges[system[0]] for system in systems)
    height = _HEADER_HEIGHT + _SYSTEM_HEIGHT * len(systems) + 0.2
    figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, facecolor=_PAPER)
    _header(figure, score, title, bars, height, tint if any(map(len, tinted)) else "")
    low, high = _pitch_window(score)
    roll_height = _SYSTEM_HEIGHT - 0.55
    layout = _Layout(low, high, roll_height * 72 / (high - low + 1), (_WIDTH - 2 * _MARGIN) * 72 / widest)
    spans = [(edges[min(part.start, bars)], edges[min(part.stop, bars)]) for part in tinted if len(part)]
    for row, system in enumerate(systems):
        start, stop = edges[system[0]], edges[system[-1] + 1]
        bottom = height - _HEADER_HEIGHT - _SYSTEM_HEIGHT * (row + 1) + 0.12
        width = (stop - start) / widest * (_WIDTH - 2 * _MARGIN)
        axes = figure.add_axes((_MARGIN / _WIDTH, bottom / height, width / _WIDTH, roll_height / height))
        axes.set_xlim(start, stop)
        axes.set_ylim(low - 0.5, high + 0.5)
        _keyboard(axes, layout, [(max(a, start), min(b, stop)) for a, b in spans], score)
        _bar_lines(axes, score, edges, system, high)
        _chords(axes, score, start, stop, layout)
        _notes(axes, score, start, stop, layout)
    return figure


def _pitch_window(score: Score) -> tuple[int, int]:
    """From the lowest to the highest pitch with a margin, at least two octaves."""
    low, high = (int(score.pitches.min()), int(score.pitches.max())) if len(score.notes) else (60, 72)
    spare = max(0, 24 - (high - low + 2))
    return low - 1 - spare // 2, high + 1 + (spare + 1) // 2


def _header(figure: "Figure", score: Score, title: str, bars: int, height: float, tint: str) -> None:
    from matplotlib.lines import Line2D

    def y(inches: float) -> float:
        return 1 - inches / height

    facts = [str(score.key)] if score.key else []
    facts += [f"{score.mean_qpm:.0f} qpm", f"{bars} bars", f"{len(score.notes)} notes"]
    left = _MARGIN / _WIDTH
    figure.text(left, y(0.38), title or "Solo", fontsize=17, fontweight="bold", color=_INK, va="center")
    figure.text(left, y(0.66), "   ·   ".join(facts), fontsize=10, color=_FAINT, va="center")
    kinds = [("chord tone", _CHORD_TONE), ("other tone", _OTHER_TONE)] if score.chords else [("no chord", _NO_CHORD)]
    x = 1 - left
    for name, colour in reversed([(tint, _TINT), *kinds] if tint else kinds):
        figure.text(x, y(0.66), name, fontsize=10, color=_FAINT, va="center", ha="right")
        x -= 0.0052 * len(name) + 0.008
        swatch = Line2D([x - 0.009, x], [y(0.655)] * 2, color=colour, linewidth=7, solid_capstyle="round")
        figure.add_artist(swatch)
        x -= 0.024


def _keyboard(axes: "Axes", layout: _Layout, spans: Sequence[tuple[int, int]], score: Score) -> None:
    """Draw stripes for the black keys, octave names at the left, and tinted spans of ticks."""
    axes.set_facecolor(_PAPER)
    left, right = axes.get_xlim()
    black = [pitch for pitch in range(layout.low, layout.high + 1) if pitch % 12 in _BLACK_KEYS]
    stripes = [((left, pitch), (right, pitch)) for pitch in black]
    _add_lines(axes, stripes, _STRIPE, layout.points_per_semitone, zorder=0)
    for start, stop in spans:
        if stop > start:
            axes.axvspan(start, stop, color=_TINT, alpha=0.6, linewidth=0, zorder=0.5)
    octaves = [pitch for pitch in range(layout.low, layout.high + 1) if pitch % 12 == 0]
    axes.set_yticks(octaves, [f"{spell(pitch % 12, score.key)}{pitch // 12 - 1}" for pitch in octaves])
    axes.tick_params(axis="y", length=0, labelsize=7.5, labelcolor=_FAINT, pad=4)
    axes.set_xticks([])
    for side in axes.spines.values():
        side.set_visible(False)


def _bar_lines(axes: "Axes", score: Score, edges: list[int], system: range, high: int) -> None:
    bars = edges[system[0] : system[-1] + 2]
    beats = [
        beat for bar, stop in pairwise(bars) for beat in range(bar + score.ticks_per_beat, stop, score.ticks_per_beat)
    ]
    bottom, top = axes.get_ylim()
    for ticks, colour, width, zorder in ((beats, _BEAT_LINE, 0.7, 1), (bars, _BAR_LINE, 1.1, 1.5)):
        _add_lines(axes, [((tick, bottom), (tick, top)) for tick in ticks], colour, width, zorder=zorder)
    for bar in system:
        place = edges[bar], high + 0.5
        axes.annotate(str(bar + 1), place, (2, 2), textcoords="offset points", fontsize=6.5, color=_FAINT)


def _add_lines(axes: "Axes", lines: Sequence[Any], colour: str, width: float, *, zorder: float) -> None:
    """Add lines, each a pair of points, as one object: matplotlib takes much longer for one object a line."""
    from matplotlib.collections import LineCollection

    axes.add_collection(LineCollection(lines, colors=colour, linewidths=width, zorder=zorder), autolim=False)


def _chords(axes: "Axes", score: Score, start: int, stop: int, layout: _Layout) -> None:
    """Write chord symbols where the chord changes, and the current one at the start of each system."""
    shown = {change.tick: change.chord for change in score.chords if start <= change.tick < stop}
    before = [change.chord for change in score.chords if change.tick < start]
    if before:
        shown.setdefault(start, before[-1])
    ticks = sorted(shown)
    for tick, following in pairwise([*ticks, stop]):
        symbol = chord_symbol(shown[tick], score.key).replace("b", "♭").replace("#", "♯")
        room = (following - tick) * layout.points_per_tick / (0.75 * len(symbol))  # a bold letter is about 0.75 em wide
        axes.annotate(
            symbol, (tick, layout.high + 0.5), (2, 11), textcoords="offset points",
            fontsize=min(11.5, max(6.0, room)), fontweight="bold", color=_INK, annotation_clip=False,
        )  # fmt: skip


def _notes(axes: "Axes", score: Score, start: int, stop: int, layout: _Layout) -> None:
    """Draw notes as thick lines with round caps; lines are shortened by the caps so that they end with the notes."""

    from matplotlib.collections import LineCollection
    from matplotlib.colors import to_rgba

    inside = (score.onsets < stop) & (score.offsets > start)
    if not inside.any():
        return
    onsets, offsets = np.maximum(score.onsets, start)[inside], np.minimum(score.offsets, stop)[inside]
    pitches, velocities = score.pitches[inside], score.velocities[inside]
    # A thin line joins the notes of a phrase to guide the eye; it breaks at rests of a beat.
    joined = onsets[1:] - offsets[:-1] < score.ticks_per_beat
    joints = np.stack([np.column_stack([offsets, pitches])[:-1], np.column_stack([onsets, pitches])[1:]], axis=1)
    _add_lines(axes, list(joints[joined]), _JOINT, 1.1, zorder=2)
    thickness = min(8.0, layout.points_per_semitone * 1.4)
    cap = thickness / 2 / layout.points_per_tick
    left = onsets + cap
    dot = 0.5 / layout.points_per_tick  # matplotlib does not draw a line of zero length
    right = np.maximum(left + dot, offsets - cap - 1 / layout.points_per_tick)
    segments = np.stack([np.column_stack([left, pitches]), np.column_stack([right, pitches])], axis=1)
    chords = [score.chords[index].chord if index >= 0 else None for index in score.chord_index_of(score.onsets[inside])]
    colours = []
    for pitch, velocity, chord in zip(pitches.tolist(), velocities.tolist(), chords, strict=True):
        tone = _NO_CHORD if chord is None else _CHORD_TONE if pitch % 12 in chord.pitch_classes else _OTHER_TONE
        colours.append(to_rgba(tone, 0.55 + 0.45 * min(1.0, velocity / 110)))
    axes.add_collection(
        LineCollection(list(segments), colors=colours, linewidths=thickness, capstyle="round", snap=False, zorder=3),
        autolim=False,
    )
