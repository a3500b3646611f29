"""What a family sampled while it was trained, made to be heard and seen."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from yardbird.audio.synth import render
from yardbird.audio.wave import Waveform
from yardbird.pictures import piano_roll, spectrogram


def sound_and_picture(sample: Any) -> tuple[Waveform, NDArray[np.uint8]]:
    """A score with piano and bass, and its piano roll; or a sound as it is, and its spectrogram."""
    if isinstance(sample, Waveform):
        return sample, spectrogram.draw(sample)
    return render(sample, comping=True), piano_roll.draw(sample)
