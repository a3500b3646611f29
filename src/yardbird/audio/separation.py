"""Separation of a recording into stems with Demucs (Rouard et al. 2023, arXiv 2211.08553), an optional package."""

import functools
from typing import Any

import numpy as np

from yardbird.audio.wave import Waveform
from yardbird.errors import InputError

_REMEDY = "install it (pip install -e '.[separation]'), or set audio.separator to null"


@functools.cache
def open_separator(model: str) -> Any:
    """The separator with a pretrained model, e.g. `htdemucs_6s`; Demucs downloads the weights on first use.

    Raises:
        InputError: Demucs is not installed, or it cannot load the model.
    """
    try:
        from demucs import api
    except ImportError:
        raise InputError("audio.separator", expected="the package demucs", found="none", remedy=_REMEDY) from None
    try:
        return api.Separator(model=model, shifts=0)  # shifts are random
    except (api.LoadModelError, OSError, RuntimeError, SystemExit) as error:
        found = " ".join(str(error).split()) or type(error).__name__
        remedy = "correct the name, or connect to the internet once"
        raise InputError("audio.separator.model", expected="a model of Demucs", found=found, remedy=remedy) from None


def check_stem(model: str, stem: str) -> None:
    """Raise an `InputError` as `open_separator`, or if the model has no such stem."""
    stems = open_separator(model).model.sources
    if stem not in stems:
        expected = f"one of {', '.join(stems)}"
        raise InputError("audio.separator.stem", expected=expected, found=stem, remedy="correct params.yaml")


def separated(sound: Waveform, model: str, stem: str) -> Waveform:
    """One stem of a sound, at the rate of the model, in stereo.

    Raises:
        InputError: as `open_separator`.
    """
    import torch

    separator = open_separator(model)
    both = sound.samples if sound.samples.shape[1] == 2 else np.repeat(sound.mono[:, None], 2, axis=1)
    _, stems = separator.separate_tensor(torch.from_numpy(np.ascontiguousarray(both.T)), sound.sample_rate)
    samples = np.ascontiguousarray(stems[stem].numpy().T, dtype=np.float32)
    return Waveform(samples, separator.samplerate)
