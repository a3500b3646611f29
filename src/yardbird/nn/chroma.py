"""The chroma of a melody: the strongest pitch class at each moment, the condition of `facebook/musicgen-melody`.

Copet et al. 2023, arXiv 2306.05284, §2.3.
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    from transformers import MusicgenMelodyFeatureExtractor


def strongest_pitch_classes(
    extractor: "MusicgenMelodyFeatureExtractor", samples: NDArray[np.float32], hop: int
) -> NDArray[np.uint16]:
    """The pitch class of each frame of `hop` samples of a sound (n,), counted from 1 for C: (⌈n / hop⌉,).

    The spectrum is the extractor's, around the start of each frame. The extractor itself has far longer steps.
    """
    settings = {**extractor.to_dict(), "hop_length": hop}
    at_frames: Any = type(extractor)(**settings)
    whole = np.pad(samples, (0, max(0, settings["n_fft"] - len(samples))))  # a shorter sound would be centred
    chroma = at_frames(whole, sampling_rate=settings["sampling_rate"], truncation=False, return_tensors="pt")
    classes = 1 + chroma["input_features"][0, : -(-len(samples) // hop)].argmax(-1)
    found: NDArray[np.uint16] = classes.numpy().astype(np.uint16)
    return found
