"""Sound of any rate and any channels to one rate and one channel: the only module of sound that imports torch."""

import functools
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import torch
import torchaudio.transforms
from numpy.typing import NDArray

from yardbird.audio.wave import Waveform

#: Of the ratio of the rates. Odd rates take the nearest ratio of so small numbers, a millionth off: the filter has as
#: many phases, and 44 099 Hz to 16 000 Hz would need gigabytes.
_LARGEST_DENOMINATOR = 1000


def to_mono(waveform: Waveform, sample_rate: int) -> NDArray[np.float32]:
    """The mean of the channels at another rate, shape (frames,): as many seconds, to a frame.

    A Kaiser-windowed sinc (torchaudio's counterpart of librosa's `kaiser_best`): what the new rate cannot hold is
    removed before it would fold back.
    """
    mono = waveform.mono
    ratio = Fraction(waveform.sample_rate, sample_rate).limit_denominator(_LARGEST_DENOMINATOR)
    if ratio == 1 or not len(mono):
        return mono
    resampled: NDArray[np.float32] = _resampler(ratio)(torch.from_numpy(mono)).numpy()
    return resampled


@functools.cache
def _resampler(ratio: Fraction) -> Callable[[torch.Tensor], torch.Tensor]:
    resample: Callable[[torch.Tensor], torch.Tensor] = torchaudio.transforms.Resample(
        ratio.numerator,
        ratio.denominator,
        lowpass_filter_width=64,
        rolloff=0.9475937167399596,
        resampling_method="sinc_interp_kaiser",
        beta=14.769656459379492,
    )
    return resample
