"""A matplotlib figure as pixels and as a PNG file; the same figure gives the same bytes."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from yardbird import files

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from matplotlib.figure import Figure


def draw_png(figure: "Callable[[], Figure]", path: Path | None) -> NDArray[np.uint8]:
    """Draw a figure and, if a path is given, write it as PNG.

    Args:
        figure: makes the figure; called with the default settings of matplotlib.

    Returns:
        the picture, shape (height, width, 3).
    """

    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    with mpl.rc_context():
        mpl.rcdefaults()  # the user's matplotlib settings must not change the bytes
        mpl.rcParams.update({"font.family": "DejaVu Sans", "text.parse_math": False})  # "Pennies for $" is no formula
        canvas, buffer = FigureCanvasAgg(figure()), io.BytesIO()
        canvas.figure.savefig(buffer, format="png", metadata={"Software": None})
    if path is not None:
        files.write_bytes(path, buffer.getvalue())
    pixels = canvas.buffer_rgba()  # type: ignore[no-untyped-call]  # matplotlib leaves it unannotated
    picture: NDArray[np.uint8] = np.asarray(pixels)[..., :3].copy()
    return picture
