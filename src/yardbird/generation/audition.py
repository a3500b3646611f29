"""Renders the samples that a family drew during training as sound and picture."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yardbird.audio.synth import render
from yardbird.audio.wave import Waveform
from yardbird.pictures import piano_roll, spectrogram


def sound_and_picture(sample: Any) -> tuple[Waveform, NDArray[np.uint8]]:
    """A score rendered with piano and bass, and its piano roll; or a waveform unchanged, and its spectrogram."""
    if isinstance(sample, Waveform):
        return sample, spectrogram.draw(sample)
    return render(sample, comping=True), piano_roll.draw(sample)
