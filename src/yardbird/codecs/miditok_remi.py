"""MidiTok's REMI tokenizer with the vocabulary of `EventCodec`: the format of codec.json, and the reference of tests.

Its own encoding of MIDI files gives notes the same ids. We override four defaults of MidiTok that would lose music: it
writes no tempos, limits them to 250 qpm, cuts notes longer than 12 beats, and uses 8 steps a beat.
"""

from collections.abc import Sequence

import miditok

from yardbird.codecs.vocabulary import FOLLOWERS, EncodeConfig, meters, stored_config, vocabulary

_SPECIAL = ["PAD", "BOS", "EOS"]


class EventTokenizer(miditok.REMI):  # type: ignore[misc]  # MidiTok has no types
    """REMI with the chords, artists and countdown of `EventCodec` in its vocabulary."""

    def _create_base_vocabulary(self) -> list[str]:
        return list(vocabulary(*stored_config(self.config.to_dict(serialize=True)))[len(_SPECIAL) :])

    def _create_token_types_graph(self) -> dict[str, set[str]]:
        return {kind: set(followers) for kind, followers in FOLLOWERS.items() if kind not in _SPECIAL}


def make_tokenizer(config: EncodeConfig, artists: Sequence[str]) -> EventTokenizer:
    """The tokenizer of a codec with these settings and artists."""
    numerators: dict[int, list[int]] = {}
    for numerator, denominator in meters(config):
        numerators.setdefault(denominator, []).append(numerator)
    return EventTokenizer(
        miditok.TokenizerConfig(
            special_tokens=_SPECIAL,
            pitch_range=(0, 127),
            beat_res={(0, config.longest_duration_beats): config.steps_per_beat},
            num_velocities=config.velocities,
            use_tempos=True,
            num_tempos=config.tempos,
            tempo_range=tuple(config.tempo_range),
            log_tempos=True,
            use_time_signatures=True,
            time_signature_range=numerators,
            longest_bar_beats=config.longest_bar_beats,
            artists=list(artists),
        )
    )
