"""Renders the samples that a family draws during training as sound and picture."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yardbird.audio.synth import render
from yardbird.audio.wave import Waveform
from yardbird.generation import pianoroll, spectrogram


def hear(sample: Any) -> tuple[Waveform, NDArray[np.uint8]]:
    """The sound and the picture of a sample.

    A score is rendered with piano and bass and drawn as a piano roll. A waveform is returned unchanged, with its
    spectrogram.
    """
    if isinstance(sample, Waveform):
        return sample, spectrogram.draw(sample)
    return render(sample, comping=True), pianoroll.draw(sample)
