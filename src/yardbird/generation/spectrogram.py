"""A sound as a picture: how loud it is at every pitch, over time."""

import io
from pathlib import Path

import matplotlib as mpl
import matplotlib.image
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy import signal

from yardbird import files
from yardbird.audio.wave import Waveform

_WINDOW_SECONDS, _HOP_SECONDS = 0.064, 0.016
_LOWEST_HZ = 50.0  # the axis is logarithmic, as pitch is
_RANGE_DB = 80.0  # shown below the loudest
_INCHES = (12.0, 4.0)
_DPI = 100


def draw(waveform: Waveform, path: Path | None = None, *, title: str = "") -> NDArray[np.uint8]:
    """Draw the spectrogram and write it as PNG where a path is given; the same sound gives the same bytes.

    Returns:
        the picture, shape (height, width, 3).
    """
    rate, samples = waveform.sample_rate, waveform.mono
    window, hop = round(_WINDOW_SECONDS * rate), round(_HOP_SECONDS * rate)
    whole = np.pad(samples, (0, max(0, window - len(samples))))
    pitches, times, power = signal.spectrogram(whole, rate, "hann", window, window - hop)
    level = 10 * np.log10(np.maximum(power, 1e-20))
    with mpl.rc_context():
        mpl.rcdefaults()  # a reader's own settings must not change the bytes
        mpl.rcParams.update({"font.family": "DejaVu Sans", "text.parse_math": False})
        figure = Figure(figsize=_INCHES, dpi=_DPI, layout="constrained")
        axes = figure.subplots()
        heard = pitches >= _LOWEST_HZ
        top = level.max()
        axes.pcolormesh(times, pitches[heard], level[heard], vmin=top - _RANGE_DB, vmax=top, cmap="magma")
        axes.set(yscale="log", xlabel="seconds", ylabel="Hz", title=title)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
    if path is not None:
        files.write_bytes(path, buffer.getvalue())
    buffer.seek(0)
    picture: NDArray[np.uint8] = (matplotlib.image.imread(buffer)[..., :3] * 255).round().astype(np.uint8)
    return picture
