"""Draws how time grows with size: a panel for each kind of work, a line for each implementation."""

from itertools import groupby
from pathlib import Path
from typing import Any

from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from yardbird.pictures.figure import COLOURS, figure, plain


def draw_growth(curves: list[dict[str, Any]], path: Path) -> None:
    """Draw curves with `work`, `axis`, `variant` and `points`, which are pairs of a size and milliseconds."""
    panels = [list(group) for _, group in groupby(curves, key=lambda curve: (curve["work"], curve["axis"]))]
    with figure(path, "Time by size", width=6, height=0.6 + 2.1 * len(panels)) as drawing:
        for axes, panel in zip(drawing.subplots(len(panels), 1, squeeze=False)[:, 0], panels, strict=True):
            sizes = sorted({size for curve in panel for size, _ in curve["points"]})
            for colour, curve in zip(COLOURS, panel, strict=False):
                axes.plot(*zip(*curve["points"], strict=True), "o-", color=colour, markersize=4, label=curve["variant"])
            plain(axes, panel[0]["work"], xlabel=panel[0]["axis"], ylabel="milliseconds", xscale="log", yscale="log")
            axes.set_xticks(sizes)
            axes.xaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_minor_formatter(NullFormatter())
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
            axes.legend()
