"""The vocabulary of the event tokens: MidiTok's REMI, with added tokens for chords, artists, bars left and gaps.

REMI: Huang & Yang 2020, arXiv 2002.00212; MidiTok: Fradet et al. 2021, github.com/Natooz/MidiTok. We override four
defaults of MidiTok that would lose music: it writes no tempos, limits them to 250 qpm, cuts notes longer than 12 beats,
and uses 8 steps a beat.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import miditok

from yardbird.errors import ConfigError
from yardbird.music.chords import NO_CHORD, QUALITIES
from yardbird.music.pitch import FLAT_NAMES

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
    "Fill": frozenset(),  # not in solos: it divides the streams of `yardbird.codecs.fill`
}
KINDS = tuple(FOLLOWERS)


@dataclass(frozen=True)
class EncodeConfig:
    """Section `encode.events` of params.yaml."""

    steps_per_beat: int
    velocities: int  # bins of 1 … 127
    tempos: int  # geometric bins of `tempo_range`
    tempo_range: tuple[int, ...]  # lowest and highest tempo in quarter notes a minute
    longest_bar_beats: int  # of the meters in the vocabulary, in quarter notes
    longest_duration_beats: int  # of a single duration token; longer notes chain several

    def __post_init__(self) -> None:
        for key in ("steps_per_beat", "velocities", "longest_bar_beats", "longest_duration_beats"):
            if getattr(self, key) < 1:
                raise ConfigError(
                    "params.yaml", f"encode.events.{key}", expected="at least 1", found=str(getattr(self, key))
                )
        if self.velocities > 127:
            raise ConfigError(
                "params.yaml", "encode.events.velocities", expected="at most 127", found=str(self.velocities)
            )
        if self.tempos < 2:
            raise ConfigError("params.yaml", "encode.events.tempos", expected="at least 2", found=str(self.tempos))
        if len(self.tempo_range) != 2 or not 0 < self.tempo_range[0] < self.tempo_range[1]:
            found = str(list(self.tempo_range))
            raise ConfigError(
                "params.yaml", "encode.events.tempo_range", expected="the lowest and the highest tempo", found=found
            )


class EventTokenizer(miditok.REMI):  # type: ignore[misc]  # MidiTok has no types
    """REMI with the chords, artists and countdown of `EventCodec` in its vocabulary.

    Its own encoding of MIDI files is MidiTok's REMI with the same ids. Tests use it as the slow reference.
    """

    def _create_base_vocabulary(self) -> list[str]:
        steps_per_beat = self._first_beat_res
        longest_bar = self.config.additional_params["longest_bar_beats"] * steps_per_beat
        return [
            "Bar_None",
            *(f"TimeSig_{numerator}/{denominator}" for numerator, denominator in self.time_signatures),
            *(f"Tempo_{qpm}" for qpm in self.tempos),
            *(f"Left_{bars}" for bars in range(1, COUNTDOWN_BARS + 1)),
            *(f"Position_{step}" for step in range(longest_bar)),
            f"Chord_{NO_CHORD}",
            *(f"ChordRoot_{name}" for name in FLAT_NAMES),
            *(f"ChordQuality_{quality or 'maj'}" for quality in QUALITIES),
            *(f"ChordBass_{name}" for name in FLAT_NAMES),
            *(f"Pitch_{pitch}" for pitch in range(128)),
            *(f"Velocity_{velocity}" for velocity in self.velocities),
            *(f"Duration_{'.'.join(map(str, duration))}" for duration in self.durations),
            *(f"Artist_{artist}" for artist in self.config.additional_params["artists"]),
            "Fill_None",
        ]

    def _create_token_types_graph(self) -> dict[str, set[str]]:
        return {kind: set(followers) for kind, followers in FOLLOWERS.items() if kind not in ("PAD", "BOS", "EOS")}


def make_tokenizer(config: EncodeConfig, artists: Sequence[str]) -> EventTokenizer:
    """The tokenizer of a corpus. `artists` are those of the training split; all others are `Artist_unknown`."""
    meters = {
        denominator: [
            numerator
            for numerator in range(1, config.longest_bar_beats * denominator // 4 + 1)
            if 4 * config.steps_per_beat * numerator % denominator == 0
        ]
        for denominator in DENOMINATORS
    }
    return EventTokenizer(
        miditok.TokenizerConfig(
            special_tokens=["PAD", "BOS", "EOS"],
            pitch_range=(0, 127),
            beat_res={(0, config.longest_duration_beats): config.steps_per_beat},
            num_velocities=config.velocities,
            use_tempos=True,
            num_tempos=config.tempos,
            tempo_range=tuple(config.tempo_range),
            log_tempos=True,
            use_time_signatures=True,
            time_signature_range=meters,
            longest_bar_beats=config.longest_bar_beats,
            artists=[UNKNOWN_ARTIST, *sorted(set(artists) - {UNKNOWN_ARTIST})],
        )
    )
