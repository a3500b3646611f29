"""Conversion of audio to one sample rate and one channel, with torch."""

import functools
from collections.abc import Callable
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from yardbird.audio.wave import Waveform

if TYPE_CHECKING:  # imported only where it is used: it is slow to import
    import torch

#: Of the ratio of the rates. Unusual rates use the nearest ratio within this limit, with an error of a millionth: the
#: filter has as many phases as the denominator, and 44 099 Hz to 16 000 Hz would need gigabytes.
_LARGEST_DENOMINATOR = 1000


def to_mono(waveform: Waveform, sample_rate: int) -> NDArray[np.float32]:
    """The mean of the channels at another rate, shape (frames,); the duration is kept to within a frame.

    Uses a Kaiser-windowed sinc (torchaudio's counterpart of librosa's `kaiser_best`), which removes the frequencies
    that would alias at the new rate.
    """
    mono = waveform.mono
    ratio = Fraction(waveform.sample_rate, sample_rate).limit_denominator(_LARGEST_DENOMINATOR)
    if ratio == 1 or not len(mono):
        return mono
    import torch

    resampled: NDArray[np.float32] = _resampler(ratio)(torch.from_numpy(mono)).numpy()
    return resampled


@functools.cache
def _resampler(ratio: Fraction) -> Callable[["torch.Tensor"], "torch.Tensor"]:
    import torchaudio.transforms

    resample: Callable[[torch.Tensor], torch.Tensor] = torchaudio.transforms.Resample(
        ratio.numerator,
        ratio.denominator,
        lowpass_filter_width=64,
        rolloff=0.9475937167399596,
        resampling_method="sinc_interp_kaiser",
        beta=14.769656459379492,
    )
    return resample
