"""Lossless conversion between solos and event tokens.

The stream of a solo is REMI for one melodic line, with chord changes and an artist:

    BOS Artist_x  then for each bar:
    Bar [TimeSig_4/4] [Tempo_218.4]                                 where they change; always in the first bar
        [Left_4 … Left_1]                                           in the last four bars: bars left, including this one
        Position_24 [ChordRoot_F ChordQuality_7 [ChordBass_C] | Chord_N.C.] [Pitch_65 Velocity_87 Duration_0.6.12 …]
        Position_30 …                                               ascending; each has a chord, a note or both
    EOS

A duration longer than the longest token is a chain: `Duration_4.0.12 Duration_0.6.12` is four and a half beats. The
tokens keep notes, chords, tempos, meters and the number of bars. They drop phrase marks, sections, key and program.
"""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yardbird import files
from yardbird.codecs.hidden_torch import without_torch
from yardbird.codecs.mask_table import MaskTable
from yardbird.codecs.stream_check import StreamCheck
from yardbird.codecs.vocabulary import (
    COUNTDOWN_BARS,
    KINDS,
    UNKNOWN_ARTIST,
    EncodeConfig,
    meters,
    stored_config,
    tempos,
    velocities,
    vocabulary,
)
from yardbird.errors import InputError
from yardbird.music.chords import QUALITIES, Chord
from yardbird.music.grid import Quantised, changes, quantise
from yardbird.music.score import NOTE_DTYPE, ChordChange, Ints, Meter, Score, Tempo

if TYPE_CHECKING:  # MidiTok is imported only where it is used
    from yardbird.codecs.miditok_remi import EventTokenizer

Tokens = NDArray[np.uint16]

_COLUMNS, _CHORD = 14, slice(7, 10)  # of the table in `EventCodec.encode_grid`


class EventCodec:
    """Converts scores to token ids and back, with the vocabulary of `yardbird.codecs.vocabulary`.

    Attributes:
        vocabulary: the text of each id.
        kind_of: (vocab_size,) index into `KINDS` of each id.
        value_of: (vocab_size,) the value of each id: steps for Position and Duration, bars for Left, the pitch, the
            velocity, the pitch class for ChordRoot and ChordBass. For other kinds, the index within the kind
            (`meters`, `tempos`, `QUALITIES`).
        masks: the masks of all grammars of this vocabulary.
    """

    def __init__(self, config: EncodeConfig, artists: Sequence[str]) -> None:
        self.config, self.artists = config, tuple(artists)
        self.vocabulary = vocabulary(config, artists)
        kinds = [token.partition("_")[0] for token in self.vocabulary]
        self.kind_of: Ints = np.array([KINDS.index(kind) for kind in kinds], dtype=np.int64)
        self._first = {kind: kinds.index(kind) for kind in KINDS}
        self._count = {kind: kinds.count(kind) for kind in KINDS}
        self.pad_id, self.bos_id, self.eos_id = (self._first[kind] for kind in ("PAD", "BOS", "EOS"))
        self.tempos, self.velocities, self.meters = tempos(config), velocities(config), meters(config)
        self.steps_per_beat = config.steps_per_beat
        self.meter_steps: Ints = np.array([4 * self.steps_per_beat * n // d for n, d in self.meters], dtype=np.int64)
        self.longest_duration = self._count["Duration"]
        self.value_of: Ints = np.arange(self.vocab_size) - np.array([self._first[kind] for kind in kinds])
        self.value_of[self.ids("Duration")] += 1
        self.value_of[self.ids("Left")] += 1
        self.value_of[self.ids("Velocity")] = self.velocities
        self.masks = MaskTable(self.vocab_size)
        self._tempo_ids = {qpm: self.tempo_id(qpm) for qpm in self.tempos.tolist()}
        self._velocity_ids = self._first["Velocity"] + self.velocities.searchsorted(np.arange(128))
        self._chord_rows: dict[Chord | None, bytes] = {}

    @classmethod
    def create(cls, config: EncodeConfig, artists: Sequence[str]) -> "EventCodec":
        """The codec of a corpus. `artists` are those of the training split; all others are `Artist_unknown`."""
        return cls(config, [UNKNOWN_ARTIST, *sorted(set(artists) - {UNKNOWN_ARTIST})])

    @property
    def vocab_size(self) -> int:
        return len(self.vocabulary)

    def ids(self, kind: str) -> slice:
        """The ids of a kind. They are contiguous."""
        return slice(self._first[kind], self._first[kind] + self._count[kind])

    def artist_id(self, artist: str | None) -> int:
        """The id of an artist, or of `Artist_unknown` if the artist is not in the training split."""
        name = artist if artist in self.artists else UNKNOWN_ARTIST
        return self._first["Artist"] + self.artists.index(name)

    def meter_id(self, numerator: int, denominator: int) -> int:
        """The id of a time signature.

        Raises:
            InputError: the vocabulary has no such meter.
        """
        if (numerator, denominator) not in self.meters:
            raise InputError(
                f"meter {numerator}/{denominator}",
                expected=f"a bar of at most {self.meter_steps.max() / self.steps_per_beat:g} beats of whole steps",
                found=f"one of {4 * numerator / denominator:g} beats",
                remedy="raise encode.events.longest_bar_beats or encode.events.steps_per_beat, or remove the file",
            )
        return self._first["TimeSig"] + self.meters.index((numerator, denominator))

    def tempo_id(self, qpm: float) -> int:
        """The id of the tempo bin nearest to a tempo."""
        return self._first["Tempo"] + int(np.argmin(np.abs(np.log(self.tempos / qpm))))

    def bar_ids(self, score: Score) -> list[tuple[int, int]]:
        """The ids of the meter and the tempo of every bar of a score.

        Raises:
            InputError: the vocabulary has no such meter.
        """
        meters, tempos = (
            np.searchsorted([change.tick for change in changes], score.bar_ticks, side="right") - 1
            for changes in (score.meters, score.tempos)
        )
        in_force = [(score.meters[m], score.tempos[t]) for m, t in zip(meters.tolist(), tempos.tolist(), strict=True)]
        return [
            (self.meter_id(meter.numerator, meter.denominator), self.tempo_id(tempo.qpm)) for meter, tempo in in_force
        ]

    def chord_ids(self, chord: Chord | None) -> tuple[int, ...]:
        """The one to three ids of a chord; one id for no chord."""
        if chord is None:
            return (self._first["Chord"],)
        root = self._first["ChordRoot"] + chord.root
        quality = self._first["ChordQuality"] + _QUALITY_INDEX[chord.quality]
        return (root, quality) if chord.bass is None else (root, quality, self._first["ChordBass"] + chord.bass)

    def _chord_row(self, chord: Chord | None) -> bytes:
        """The ids of a chord, filled up to three with 0, as the bytes of an array."""
        row = self._chord_rows.get(chord)  # one look-up: the hash of a chord is slow
        if row is None:
            row = self._chord_rows[chord] = np.array([*self.chord_ids(chord), 0, 0], np.uint16)[:3].tobytes()
        return row

    def grid(self, score: Score) -> Quantised:
        """Quantise a score to the codec's grid, tempo bins and velocity bins, and count the losses. Idempotent."""
        return quantise(score, self.steps_per_beat, tempo_bins=self.tempos, velocity_bins=self.velocities)

    def encode(self, score: Score, artist: str | None) -> Tokens:
        """Encode any monophonic score. `grid` reports what is lost.

        Raises:
            InputError: a meter is not in the vocabulary.
        """
        return self.encode_grid(self.grid(score).score, artist)

    def encode_grid(self, score: Score, artist: str | None, total_bars: int | None = None) -> Tokens:
        """Encode a score that `grid` or `decode` returned.

        The ids are written to a table with a row for each step that has any, and a column for each kind in the order of
        the stream. The stream is the rows one after the other, without the empty places (0, the id of PAD).

        Args:
            total_bars: the bar in which the countdown ends. None: the last bar of the score.
        """
        first, bars, notes = self._first, score.bar_ticks, score.notes
        onsets, durations = notes["onset_tick"], notes["duration_tick"]
        is_row = np.zeros(score.end_tick + 1, dtype=np.bool_)
        is_row[onsets] = is_row[score.chord_ticks] = True
        occupied = is_row.nonzero()[0]
        is_row[bars] = True
        steps = is_row.nonzero()[0]
        row_of = np.zeros(len(is_row), dtype=np.int64)
        row_of[steps] = np.arange(len(steps))
        table = np.zeros((len(steps) + 1, _COLUMNS), dtype=np.uint16)
        table[0, :2], table[-1, 0] = (self.bos_id, self.artist_id(artist)), self.eos_id
        _, _, bar, meter, tempo, left, position, _, _, _, pitch, velocity, longest, duration = table.T
        bar_rows, note_rows = row_of[bars], row_of[onsets]

        bar[bar_rows] = first["Bar"]
        for change in score.meters:
            meter[row_of[change.tick]] = self.meter_id(change.numerator, change.denominator)
        for at, qpm in score.tempos:
            tempo[row_of[at]] = self._tempo_ids.get(qpm) or self.tempo_id(qpm)
        end = len(bars) if total_bars is None else total_bars
        for number in range(max(end - COUNTDOWN_BARS, 0), min(end, len(bars))):
            left[bar_rows[number]] = first["Left"] - 1 + end - number
        position[row_of[occupied]] = first["Position"] + occupied - bars[score.bar_of(occupied)]
        # by identity: a score repeats few objects, and the hash of a chord takes longer than the rest of its look-up
        held_chords = [change.chord for change in score.chords]
        identities = list(map(id, held_chords))
        row = {key: self._chord_row(held) for key, held in dict(zip(identities, held_chords, strict=True)).items()}
        chords = np.frombuffer(b"".join(map(row.__getitem__, identities)), np.uint16)
        table[row_of[score.chord_ticks], _CHORD] = chords.reshape(-1, 3)
        pitch[note_rows] = first["Pitch"] + notes["pitch"]
        velocity[note_rows] = self._velocity_ids[notes["velocity"]]
        duration[note_rows] = first["Duration"] - 1 + durations
        chains = (durations > self.longest_duration).nonzero()[0]
        if not len(chains):
            stream: Tokens = table[table != 0]
            return stream
        links, rest = np.divmod(durations[chains] - 1, self.longest_duration)
        longest[note_rows[chains]] = self.ids("Duration").stop - 1
        duration[note_rows[chains]] = first["Duration"] + rest
        counts = np.ones(table.shape, dtype=np.int64)
        counts[note_rows[chains], _COLUMNS - 2] = links
        return np.repeat(table[table != 0], counts[table != 0])

    def prime(self, score: Score, bars: int, artist: str | None, total_bars: int) -> Tokens:
        """The first `bars` bars of a score as a prime, without EOS.

        Args:
            total_bars: bars of the whole solo, at the end of which the countdown ends.
        """
        tokens = self.encode_grid(self.grid(score).score, artist, total_bars)[:-1]
        bar_starts = np.flatnonzero(tokens == self._first["Bar"])
        return tokens[: bar_starts[bars]] if bars < len(bar_starts) else tokens

    def decode(self, tokens: ArrayLike) -> Score:
        """Decode a whole stream, or a window that starts at a Bar token, to a grid score.

        Padding at the end is ignored. A window without a meter or tempo token is in 4/4, at the tempo bin nearest to
        120.

        Raises:
            InputError: the tokens are not a legal stream (`EventGrammar` produces legal streams only).
        """
        ids = np.asarray(tokens, dtype=np.int64).reshape(-1)
        ids = ids[: len(ids) - int(np.argmax(np.append(ids[::-1] != self.pad_id, True)))]
        check = StreamCheck(ids, self.vocabulary, self.kind_of)
        check.order()
        kinds, values = self.kind_of[ids], self.value_of[ids]
        at = {kind: np.flatnonzero(kinds == index) for index, kind in enumerate(KINDS)}
        bar_of = np.cumsum(kinds == KINDS.index("Bar")) - 1

        def held(kind: str, default: int) -> Ints:
            """The value of a kind that is in force in each bar."""
            bars = np.append(-1, bar_of[at[kind]])
            in_force = np.append(default, values[at[kind]])
            result: Ints = in_force[np.searchsorted(bars, np.arange(len(at["Bar"])), side="right") - 1]
            return result

        meter_of_bar = held("TimeSig", self.meters.index((4, 4)))
        tempo_of_bar = held("Tempo", self.tempo_id(120.0) - self._first["Tempo"])
        lengths = self.meter_steps[meter_of_bar]
        bar_steps = np.append(0, np.cumsum(lengths))
        if kinds[-1] == KINDS.index("EOS"):
            left = at["Left"]
            check.holds(left, values[left] == len(at["Bar"]) - bar_of[left], "the bars left until EOS")
        positions = at["Position"]
        check.holds(positions, values[positions] < lengths[bar_of[positions]], "a position inside the bar")
        position_steps = bar_steps[bar_of[positions]] + values[positions]
        check.holds(positions[1:], np.diff(position_steps) > 0, "ascending positions")
        step_of = np.append(position_steps, 0)[np.cumsum(kinds == KINDS.index("Position")) - 1]

        notes = np.zeros(len(at["Pitch"]), dtype=NOTE_DTYPE)
        notes["onset_tick"] = step_of[at["Pitch"]]
        notes["pitch"] = values[at["Pitch"]]
        notes["velocity"] = values[at["Velocity"]]
        note_of = np.cumsum(kinds == KINDS.index("Pitch")) - 1
        links = at["Duration"]
        np.add.at(notes["duration_tick"], note_of[links], values[links])
        chained = links[1:][np.diff(links) == 1]
        check.holds(chained, values[chained - 1] == self.longest_duration, "a chain of longest durations")
        limits = np.append(notes["onset_tick"][1:], bar_steps[-1])[: len(notes)]
        ends = notes["onset_tick"] + notes["duration_tick"]
        check.holds(at["Pitch"], ends <= limits, "a note that ends before the next one and before the last bar line")
        return Score(
            ticks_per_beat=self.steps_per_beat,
            notes=notes,
            end_tick=int(bar_steps[-1]),
            tempos=tuple(
                Tempo(int(bar_steps[bar]), float(self.tempos[tempo_of_bar[bar]])) for bar in changes(tempo_of_bar)
            ),
            meters=tuple(Meter(int(bar_steps[bar]), *self.meters[meter_of_bar[bar]]) for bar in changes(meter_of_bar)),
            chords=tuple(
                ChordChange(int(step_of[index]), self._chord_at(kinds, values, index))
                for index in np.sort(np.concatenate([at["Chord"], at["ChordRoot"]])).tolist()
            ),
        )

    def transpose(self, tokens: Tokens, semitones: int) -> Tokens:
        """Transpose the notes and chords of tokens by semitones.

        Raises:
            ValueError: a pitch is outside 0 … 127 afterwards.
        """
        table = np.arange(self.vocab_size)
        for kind in ("ChordRoot", "ChordBass"):
            table[self.ids(kind)] = np.roll(table[self.ids(kind)], -semitones)
        moved = table[self.ids("Pitch")] + semitones
        pitches = self.ids("Pitch")
        table[pitches] = np.where((moved >= pitches.start) & (moved < pitches.stop), moved, self.vocab_size)
        result = table[tokens]
        if np.any(result == self.vocab_size):
            raise ValueError(f"transposing by {semitones} semitones leaves the pitches 0 … 127")
        return result.astype(np.uint16)

    @cached_property
    def tokenizer(self) -> "EventTokenizer":
        """MidiTok's tokenizer with the same vocabulary, for its parameter file and as a reference."""
        with without_torch():
            from yardbird.codecs.miditok_remi import make_tokenizer
        return make_tokenizer(self.config, self.artists)

    def save(self, path: Path) -> None:
        """Write MidiTok's parameter file, which `miditok` can read too."""
        files.write_json(path, self.tokenizer.to_dict())

    @classmethod
    def load(cls, path: Path) -> "EventCodec":
        return cls(*stored_config(files.read_json(path)["config"]))

    def _chord_at(self, kinds: Ints, values: Ints, index: int) -> Chord | None:
        if kinds[index] == KINDS.index("Chord"):
            return None
        has_bass = index + 2 < len(kinds) and kinds[index + 2] == KINDS.index("ChordBass")
        return Chord(
            int(values[index]), list(QUALITIES)[values[index + 1]], int(values[index + 2]) if has_bass else None
        )


_QUALITY_INDEX = {quality: index for index, quality in enumerate(QUALITIES)}
