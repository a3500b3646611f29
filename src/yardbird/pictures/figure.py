"""The style of plots, as PNG or SVG by the suffix of their path; the same values give the same bytes."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yardbird import files

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PAPER, INK, FAINT, GRID = "#fdfbf7", "#2b2a33", "#8d8896", "#e4dfd6"
#: For classes, in this order: safe for colour-blind readers (Okabe & Ito 2008), yellow darkened for the background.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#b8860b", "#7a5ba6", "#000000")
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans", "font.size": 9.5, "text.color": INK, "axes.edgecolor": FAINT, "axes.labelcolor": INK,
    "axes.facecolor": PAPER, "axes.spines.top": False, "axes.spines.right": False, "axes.titleweight": "bold",
    "axes.titlesize": 11, "axes.titlelocation": "left", "xtick.color": FAINT, "ytick.color": FAINT,
    "figure.facecolor": PAPER, "legend.frameon": False, "legend.fontsize": 8.5, "grid.color": GRID,
    "text.parse_math": False,  # a title with a dollar in it is no formula
    "svg.hashsalt": "yardbird",  # identifiers in an SVG are random without it
}  # fmt: skip
_NO_METADATA: dict[str, dict[str, Any]] = {"png": {"Software": None}, "svg": {"Creator": None, "Date": None}}


@contextmanager
def figure(path: Path, title: str, *, width: float = 12.0, height: float = 5.0) -> "Iterator[Figure]":
    """A figure to draw in (size in inches), written as PNG if the block succeeds; user settings have no effect."""

    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        drawing = Figure(figsize=(width, height), dpi=120, layout="constrained")
        drawing.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold")
        yield drawing
        buffer = io.BytesIO()
        kind = path.suffix.removeprefix(".")
        drawing.savefig(buffer, format=kind, metadata=_NO_METADATA[kind])
    files.write_bytes(path, buffer.getvalue())


def plain(axes: "Axes", title: str, **labels: Any) -> "Axes":
    """Set title and labels (`xlabel`, `ylabel`, `xlim`, …) and a light grid; returns the axes for chaining."""
    axes.set(title=title, **labels)
    axes.grid(True, linewidth=0.7)
    axes.set_axisbelow(True)
    return axes
