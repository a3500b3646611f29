"""Uncut sounds, recorded or rendered, and the settings of section `audio`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from annotated_types import Ge, Interval
from numpy.typing import NDArray

from yardbird.config import Check, PositiveFloat, Settings, Share, Split


@dataclass(frozen=True)
class ListeningConfig(Settings, section="audio.listening"):
    """Section `audio.listening` of params.yaml."""

    sure: Share  # lowest probability with which a fact is used
    renders: Annotated[int, Ge(33)]  # of quintets, to which the listener is fitted: three for each instrument, or more
    render_seconds: Annotated[float, Ge(4)]  # of each
    longest_seconds: Annotated[float, Interval(ge=4, le=600)]  # of a recording; what follows is not listened to


@dataclass(frozen=True)
class SeparatorConfig(Settings, section="audio.separator"):
    """Section `audio.separator` of params.yaml."""

    model: str  # of Demucs
    stem: str  # of the model, e.g. `other`: what is neither drums, bass, voice, guitar nor piano


@dataclass(frozen=True)
class AudioConfig(Settings, section="audio"):
    """Section `audio` of params.yaml."""

    source: str  # the folder of the user's recordings
    sample_rate: Annotated[int, Interval(ge=4000, le=192000)]  # of the clips
    clip_seconds: PositiveFloat  # the longest clip
    min_seconds: PositiveFloat  # the shortest
    training_seconds: PositiveFloat  # of rendered training clips; recordings are used whole
    style: Annotated[str, Check(str.strip, "a word or more")]  # the first word of the captions made by rule
    comping: bool  # render solos with piano and bass if they have chords
    loudness: Annotated[float, Interval(ge=-60, le=-6)]  # of every sound, LUFS
    listening: ListeningConfig | None  # None: only the user says what is known about a recording
    separator: SeparatorConfig | None  # of recordings; None: clips contain all instruments

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.min_seconds <= self.clip_seconds / 2, "min_seconds", "at most half of clip_seconds")


@dataclass(frozen=True)
class Sound:
    """An uncut recording or rendered solo. `samples()` returns shape (frames,) at the sample rate of the clips."""

    name: str  # unique: the id of the solo, of the copy or of the recording
    kind: str  # rendered or recording
    solo: str
    split: Split
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
