"""Uncut sounds, recorded or rendered, and the settings of section `audio`."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yardbird.config import PARAMS
from yardbird.errors import ConfigError


@dataclass(frozen=True)
class AudioConfig:
    """Section `audio` of params.yaml."""

    source: str  # the folder of the user's recordings
    sample_rate: int  # of the clips
    clip_seconds: float  # the longest clip
    min_seconds: float  # the shortest
    training_seconds: float  # of rendered training clips; recordings are used whole
    style: str  # the first word of the captions made by rule
    comping: bool  # rendered solos with piano and bass where their chords are known
    loudness: float  # of the sounding frames of every sound, dB below full scale

    def __post_init__(self) -> None:
        checks = (
            ("sample_rate", 4000 <= self.sample_rate <= 192_000, "4000 … 192000 Hz"),
            ("min_seconds", 0 < self.min_seconds <= self.clip_seconds / 2, "more than 0, at most half of clip_seconds"),
            ("training_seconds", self.training_seconds > 0, "more than 0"),
            ("style", bool(self.style.strip()), "a word or more"),
            ("loudness", -60 <= self.loudness <= -6, "-60 … -6 dB"),
        )
        for name, holds, expected in checks:
            if not holds:
                raise ConfigError(PARAMS, f"audio.{name}", expected=expected, found=repr(getattr(self, name)))


@dataclass(frozen=True)
class Sound:
    """An uncut recording or rendered solo. `samples()` returns shape (frames,) at the sample rate of the clips."""

    name: str  # unique: the id of the solo, of the copy or of the recording
    kind: str  # rendered or recording
    solo: str
    split: str
    artist: str
    title: str
    tune_group: str
    key: str
    form: str
    qpm: float | None
    semitones: int
    tempo_factor: float
    captions: tuple[str, ...]
    bar_seconds: tuple[float, ...]  # starts of the bars, ascending; empty if the tempo is unknown
    samples: Callable[[], NDArray[np.float32]]


@dataclass(frozen=True)
class Reject:
    """A row of rejected.csv: a file or a clip that is not used."""

    file: str
    reason: str
