"""The vocabulary of the event tokens: MidiTok's REMI, with added tokens for chords, artists, bars left and gaps.

REMI: Huang & Yang 2020, arXiv 2002.00212; MidiTok: Fradet et al. 2021, github.com/Natooz/MidiTok. The vocabulary is
built without MidiTok, which takes seconds to import; a test compares it with `yardbird.codecs.miditok_remi`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Interval

from yardbird.config import ASCENDING, PositiveInt, Settings
from yardbird.music.chords import NO_CHORD, QUALITIES
from yardbird.music.pitch import FLAT_NAMES
from yardbird.music.score import Floats, Ints

UNKNOWN_ARTIST = "unknown"
DENOMINATORS = (2, 4, 8, 16)
#: The last bars of a solo count down to its end, so that a model learns how solos end.
COUNTDOWN_BARS = 4

#: Which kind of token may follow which. `KINDS` are its keys, in the order of the ids in the vocabulary.
FOLLOWERS: Mapping[str, frozenset[str]] = {
    "PAD": frozenset(),
    "BOS": frozenset({"Artist"}),
    "EOS": frozenset(),
    "Bar": frozenset({"TimeSig", "Tempo", "Left", "Position", "Bar", "EOS"}),
    "TimeSig": frozenset({"Tempo", "Left", "Position", "Bar", "EOS"}),
    "Tempo": frozenset({"Left", "Position", "Bar", "EOS"}),
    "Left": frozenset({"Position", "Bar", "EOS"}),
    "Position": frozenset({"Chord", "ChordRoot", "Pitch"}),
    "Chord": frozenset({"Pitch", "Position", "Bar", "EOS"}),
    "ChordRoot": frozenset({"ChordQuality"}),
    "ChordQuality": frozenset({"ChordBass", "Pitch", "Position", "Bar", "EOS"}),
    "ChordBass": frozenset({"Pitch", "Position", "Bar", "EOS"}),
    "Pitch": frozenset({"Velocity"}),
    "Velocity": frozenset({"Duration"}),
    "Duration": frozenset({"Duration", "Position", "Bar", "EOS"}),
    "Artist": frozenset({"Bar"}),
    "Fill": frozenset(),  # not in solos: it divides the streams of `yardbird.codecs.fill_stream`
}
KINDS = tuple(FOLLOWERS)


@dataclass(frozen=True)
class EncodeConfig(Settings, section="encode.events"):
    """Section `encode.events` of params.yaml."""

    steps_per_beat: PositiveInt
    velocities: Annotated[int, Interval(ge=1, le=127)]  # bins of 1 … 127
    tempos: Annotated[int, Ge(2)]  # geometric bins of `tempo_range`
    tempo_range: Annotated[tuple[PositiveInt, ...], ASCENDING]  # in quarter notes a minute
    longest_bar_beats: PositiveInt  # of the meters in the vocabulary, in quarter notes
    longest_duration_beats: PositiveInt  # of a single duration token; longer notes chain several


def stored_config(config: Mapping[str, Any]) -> tuple[EncodeConfig, tuple[str, ...]]:
    """The settings and the artists in the section `config` of MidiTok's parameter file.

    Raises:
        KeyError, ValueError, TypeError: the section is not one of `EventCodec.save`.
        ConfigError: a setting is outside its range.
    """
    ((beats, steps),) = config["beat_res"].items()
    extra = config["additional_params"]
    settings = EncodeConfig(
        steps_per_beat=steps,
        velocities=config["num_velocities"],
        tempos=config["num_tempos"],
        tempo_range=tuple(config["tempo_range"]),
        longest_bar_beats=extra["longest_bar_beats"],
        longest_duration_beats=int(beats.partition("_")[2]),
    )
    return settings, tuple(extra["artists"])


def vocabulary(config: EncodeConfig, artists: Sequence[str]) -> tuple[str, ...]:
    """The text of each id, with the names of MidiTok for the kinds that it knows."""
    steps = config.steps_per_beat
    durations = (divmod(length, steps) for length in range(1, config.longest_duration_beats * steps + 1))
    return (
        "PAD_None",
        "BOS_None",
        "EOS_None",
        "Bar_None",
        *(f"TimeSig_{numerator}/{denominator}" for numerator, denominator in meters(config)),
        *(f"Tempo_{qpm}" for qpm in tempos(config).tolist()),
        *(f"Left_{bars}" for bars in range(1, COUNTDOWN_BARS + 1)),
        *(f"Position_{step}" for step in range(config.longest_bar_beats * steps)),
        f"Chord_{NO_CHORD}",
        *(f"ChordRoot_{name}" for name in FLAT_NAMES),
        *(f"ChordQuality_{quality or 'maj'}" for quality in QUALITIES),
        *(f"ChordBass_{name}" for name in FLAT_NAMES),
        *(f"Pitch_{pitch}" for pitch in range(128)),
        *(f"Velocity_{velocity}" for velocity in velocities(config).tolist()),
        *(f"Duration_{beats}.{rest}.{steps}" for beats, rest in durations),
        *(f"Artist_{artist}" for artist in artists),
        "Fill_None",
    )


def meters(config: EncodeConfig) -> tuple[tuple[int, int], ...]:
    """All meters (numerator, denominator) whose bars are a whole number of steps and not too long."""
    return tuple(
        (numerator, denominator)
        for denominator in DENOMINATORS
        for numerator in range(1, config.longest_bar_beats * denominator // 4 + 1)
        if 4 * config.steps_per_beat * numerator % denominator == 0
    )


def tempos(config: EncodeConfig) -> Floats:
    """The tempo bins in quarter notes a minute, as MidiTok rounds them."""
    lowest, highest = config.tempo_range
    return np.geomspace(lowest, highest, config.tempos).round(2)


def velocities(config: EncodeConfig) -> Ints:
    """The velocity bins, as MidiTok truncates them."""
    return np.linspace(0, 127, config.velocities + 1).astype(np.int64)[1:]
