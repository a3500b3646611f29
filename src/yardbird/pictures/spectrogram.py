"""Draws the spectrogram of a sound: the level at every frequency over time."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from yardbird.audio.wave import Waveform
from yardbird.pictures.png import draw_png

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from matplotlib.figure import Figure

_WINDOW_SECONDS, _HOP_SECONDS = 0.064, 0.016
_LOWEST_HZ = 80.0  # the axis is logarithmic, as pitch is
_MARKS_HZ = (100, 200, 500, 1000, 2000, 5000, 10_000)
_RANGE_DB = 70.0  # below the loudest level
_SILENCE = 1e-10  # power: lower values are drawn as this one
_INCHES = (16.0, 4.5)
_DPI = 100
_PAPER, _INK, _FAINT, _JOINT = "#fdfbf7", "#2b2a33", "#8d8896", "#7fd1e0"


def draw(
    waveform: Waveform, path: Path | None = None, *, title: str = "", primed_seconds: float = 0.0
) -> NDArray[np.uint8]:
    """Draw the spectrogram and, if a path is given, write it as PNG; the same sound gives the same bytes.

    Args:
        primed_seconds: duration of the given opening, before the part that a model drew; a line marks its end.

    Returns:
        the picture, shape (height, width, 3).
    """
    return draw_png(lambda: _figure(waveform, title, primed_seconds), path)


def _figure(waveform: Waveform, title: str, primed_seconds: float) -> "Figure":
    from matplotlib.figure import Figure

    pitches, times, level = _levels(waveform)
    top = level.max()
    figure = Figure(figsize=_INCHES, dpi=_DPI, layout="constrained", facecolor=_PAPER)
    axes = figure.subplots()
    axes.pcolormesh(times, pitches, level, vmin=top - _RANGE_DB, vmax=top, cmap="magma", shading="nearest")
    if primed_seconds:
        axes.axvline(primed_seconds, color=_JOINT, linewidth=1.5)
        words = axes.annotate(
            "given  |  drawn", (primed_seconds, 1), (0, 3), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="center", fontsize=9, color=_FAINT,
        )  # fmt: skip
        words.set_in_layout(False)
    axes.set_yscale("log")
    marks = [mark for mark in _MARKS_HZ if mark <= pitches[-1]]
    axes.set_yticks(marks, [f"{mark:,} Hz".replace(",", "\N{NARROW NO-BREAK SPACE}") for mark in marks])
    axes.set_yticks([], minor=True)
    axes.set_xlim(0, max(waveform.seconds, _WINDOW_SECONDS))
    axes.set_xlabel("seconds", color=_FAINT)
    axes.tick_params(colors=_FAINT)
    axes.set_title(title, loc="left", pad=16, fontsize=17, fontweight="bold", color=_INK, wrap=True)
    for side in axes.spines.values():
        side.set_visible(False)
    return figure


def _levels(waveform: Waveform) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies in Hz from `_LOWEST_HZ` on, the window centres in seconds, and the levels in decibels."""

    from scipy import signal

    rate = waveform.sample_rate
    window, hop = round(_WINDOW_SECONDS * rate), round(_HOP_SECONDS * rate)
    whole = np.pad(waveform.mono, window // 2)  # centres the first window on the first sample
    pitches, times, power = signal.spectrogram(whole, rate, "hann", window, window - hop, scaling="spectrum")
    shown = pitches >= _LOWEST_HZ
    return pitches[shown], times - _WINDOW_SECONDS / 2, 10 * np.log10(np.maximum(power[shown], _SILENCE))
