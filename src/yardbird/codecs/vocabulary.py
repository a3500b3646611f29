"""The vocabulary of the event tokens: MidiTok's REMI, with added tokens for chords, artists, bars left and gaps.

REMI: Huang & Yang 2020, arXiv 2002.00212; MidiTok: Fradet et al. 2021, github.com/Natooz/MidiTok. We override four
defaults of MidiTok that would lose music: it writes no tempos, limits them to 250 qpm, cuts notes longer than 12 beats,
and uses 8 steps a beat.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

import miditok
from annotated_types import Ge, Interval

from yardbird.config import ASCENDING, PositiveInt, Settings
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
