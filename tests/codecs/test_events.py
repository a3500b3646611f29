"""Tokens encode a score in the order of the stream and decode to it exactly."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import miditok
import numpy as np
import pytest
import symusic
from event_scores import CODEC, CONFIG, grid_scores
from hypothesis import given
from hypothesis import strategies as st

from yardbird.codecs.events import EventCodec
from yardbird.codecs.vocabulary import FOLLOWERS, KINDS
from yardbird.errors import ConfigError, InputError
from yardbird.music.chords import Chord
from yardbird.music.score import ALTO_SAX, ChordChange, Meter, Score, Tempo, make_notes

MakeScore = Callable[..., Score]


def words(tokens: np.ndarray) -> str:
    return " ".join(CODEC.vocabulary[token] for token in tokens)


def encode_plainly(score: Score, artist: str) -> list[str]:
    """The stream written down event by event, as the docstring of the codec describes it."""
    stream = ["BOS_None", f"Artist_{artist}"]
    starts = score.bar_ticks.tolist()
    for bar, (start, end) in enumerate(zip(starts, [*starts[1:], score.end_tick], strict=True)):
        stream.append("Bar_None")
        stream += [f"TimeSig_{meter.numerator}/{meter.denominator}" for meter in score.meters if meter.tick == start]
        stream += [f"Tempo_{tempo.qpm}" for tempo in score.tempos if tempo.tick == start]
        stream += [f"Left_{len(starts) - bar}"] if len(starts) - bar <= 4 else []
        for step in range(start, end):
            changes = [change for change in score.chords if change.tick == step]
            notes = [note for note in score.notes.tolist() if note[0] == step]
            if changes or notes:
                stream.append(f"Position_{step - start}")
            for change in changes:
                names = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
                if change.chord is None:
                    stream.append("Chord_N.C.")
                else:
                    stream += [f"ChordRoot_{names[change.chord.root]}", f"ChordQuality_{change.chord.quality or 'maj'}"]
                    stream += [] if change.chord.bass is None else [f"ChordBass_{names[change.chord.bass]}"]
            for _, duration, pitch, velocity in notes:
                stream += [f"Pitch_{pitch}", f"Velocity_{velocity}"]
                while duration > 48:
                    stream.append("Duration_4.0.12")
                    duration -= 48
                stream.append(f"Duration_{duration // 12}.{duration % 12}.12")
    return [*stream, "EOS_None"]


def known_to_tokens(score: Score) -> Score:
    """The score without the parts that tokens do not keep."""
    return replace(score, phrases=(), sections=(), key=None, program=ALTO_SAX)


def test_a_bar_of_blues_reads_as_documented(make_score: MakeScore) -> None:
    score = make_score([(0.5, 0.5, 65), (1, 5, 69)], [(0, "F7"), (2, "Bb7/D"), (4, "N.C.")])
    assert words(CODEC.encode(score, "Ada Line")) == (
        "BOS_None Artist_Ada Line Bar_None TimeSig_4/4 Tempo_122.84 Left_2 "
        "Position_0 ChordRoot_F ChordQuality_7 Position_6 Pitch_65 Velocity_87 Duration_0.6.12 "
        "Position_12 Pitch_69 Velocity_87 Duration_4.0.12 Duration_1.0.12 "
        "Position_24 ChordRoot_Bb ChordQuality_7 ChordBass_D Bar_None Left_1 Position_0 Chord_N.C. EOS_None"
    )


@given(grid_scores())
def test_the_fast_encoder_equals_the_plain_one(score: Score) -> None:
    assert [CODEC.vocabulary[token] for token in CODEC.encode(score, "Bo Dense")] == encode_plainly(score, "Bo Dense")


@given(grid_scores())
def test_a_score_is_decoded_exactly(score: Score) -> None:
    tokens = CODEC.encode(score, None)
    assert tokens.dtype == np.uint16
    assert CODEC.decode(tokens) == score
    padded = np.append(tokens, [CODEC.pad_id] * 3)
    assert CODEC.decode(padded) == score


@given(grid_scores(), st.integers(-12, 12))
def test_transposing_tokens_is_transposing_the_score(score: Score, semitones: int) -> None:
    tokens = CODEC.encode(score, "Ada Line")
    pitches = score.pitches + semitones
    if np.any((pitches < 0) | (pitches > 127)):
        with pytest.raises(ValueError, match=f"transposing by {semitones} semitones leaves the pitches"):
            CODEC.transpose(tokens, semitones)
    else:
        expected = CODEC.encode(score.transposed(semitones), "Ada Line")
        np.testing.assert_array_equal(CODEC.transpose(tokens, semitones), expected)


def test_every_real_solo_is_decoded_exactly(real_solos: dict[str, Score]) -> None:
    assert len(real_solos) == 73
    for solo, score in real_solos.items():
        grid = CODEC.grid(score).score
        tokens = CODEC.encode(score, "Ada Line")
        assert CODEC.decode(tokens) == known_to_tokens(grid), solo
        assert [change.chord for change in grid.chords] == [change.chord for change in score.chords], solo
        np.testing.assert_array_equal(CODEC.transpose(tokens, -3), CODEC.encode(score.transposed(-3), "Ada Line"))


def test_real_solos_lose_only_notes_that_the_grid_merges(real_solos: dict[str, Score]) -> None:
    for score in real_solos.values():
        kept = np.sum(CODEC.kind_of[CODEC.encode(score, None)] == KINDS.index("Pitch"))
        assert kept == len(score.notes) - CODEC.grid(score).merged_notes


def miditok_notes(tokens: list[int]) -> list[tuple[int, ...]]:
    """(bar, Position id, Pitch id, Velocity id, first Duration id) of each note of a stream."""
    notes, bar, position = [], 0, -1
    for index, token in enumerate(tokens):
        kind = KINDS[CODEC.kind_of[token]]
        bar += kind == "Bar"
        position = token if kind == "Position" else position
        if kind == "Pitch":
            notes.append((bar, position, *map(int, tokens[index : index + 3])))
    return notes


def miditok_score(score: Score) -> symusic.Score:
    """A grid score as a symusic score, at MidiTok's resolution."""
    scale = CODEC.tokenizer.time_division // score.ticks_per_beat
    midi = symusic.Score(CODEC.tokenizer.time_division)
    midi.time_signatures.append(symusic.TimeSignature(0, 4, 4))
    midi.tempos.append(symusic.Tempo(0, score.tempos[0].qpm))
    track = symusic.Track("", ALTO_SAX, False)
    for onset, duration, pitch, velocity in score.notes.tolist():
        track.notes.append(symusic.Note(onset * scale, duration * scale, pitch, velocity))
    midi.tracks.append(track)
    return midi


def test_notes_have_the_ids_of_miditok(make_score: MakeScore) -> None:
    rng = np.random.default_rng(0)
    onsets = np.sort(rng.choice(960, 200, replace=False))
    durations = np.minimum(np.diff(onsets, append=960), 48)
    rows = np.stack([onsets, durations, rng.integers(0, 128, 200), rng.choice(CODEC.velocities, 200)], axis=1)
    score = Score(12, make_notes(rows), 960, tempos=(Tempo(0, float(CODEC.tempos[20])),))
    (theirs,) = CODEC.tokenizer.encode(miditok_score(score))
    assert miditok_notes(theirs.ids) == miditok_notes(CODEC.encode(score, None).tolist())
    assert len(miditok_notes(theirs.ids)) == 200


def test_the_vocabulary_is_that_of_miditok() -> None:
    theirs = CODEC.tokenizer
    assert sorted(theirs.vocab, key=theirs.vocab.__getitem__) == list(CODEC.vocabulary)
    assert theirs.tempos.tolist() == CODEC.tempos.tolist()
    assert theirs.velocities.tolist() == CODEC.velocities.tolist()
    assert tuple(theirs.time_signatures) == CODEC.meters
    durations = [f"Duration_{'.'.join(map(str, duration))}" for duration in theirs.durations]
    assert durations == list(CODEC.vocabulary[CODEC.ids("Duration")])


def test_a_saved_codec_is_loaded_equal_and_saved_to_the_same_bytes(tmp_path: Path) -> None:
    CODEC.save(tmp_path / "codec.json")
    loaded = EventCodec.load(tmp_path / "codec.json")
    loaded.save(tmp_path / "again.json")
    assert (tmp_path / "codec.json").read_bytes() == (tmp_path / "again.json").read_bytes()
    assert loaded.vocabulary == CODEC.vocabulary
    np.testing.assert_array_equal(loaded.value_of, CODEC.value_of)
    assert loaded.artists == ("unknown", "Ada Line", "Bo Dense")
    assert miditok.TokenizerConfig.from_dict(loaded.tokenizer.to_dict()["config"]).use_tempos


def test_miditok_has_the_same_rules_for_which_kind_follows_which() -> None:
    graph = CODEC.tokenizer.tokens_types_graph
    assert all(FOLLOWERS[kind] - {"EOS"} <= graph[kind] for kind in KINDS if kind not in ("PAD", "BOS", "EOS"))


def test_ids_fit_into_sixteen_bits_and_the_ids_of_each_kind_are_contiguous() -> None:
    assert CODEC.vocab_size < 2**16
    assert sum(CODEC.ids(kind).stop - CODEC.ids(kind).start for kind in KINDS) == CODEC.vocab_size
    assert CODEC.tempos[[0, -1]].tolist() == [40, 360]
    assert CODEC.value_of[CODEC.vocabulary.index("Duration_1.6.12")] == 18
    assert CODEC.value_of[CODEC.vocabulary.index("Pitch_60")] == 60


def test_an_artist_outside_the_training_split_is_unknown(make_score: MakeScore) -> None:
    for artist in ("Nobody", None):
        assert CODEC.vocabulary[CODEC.encode(make_score([(0, 1, 60)]), artist)[1]] == "Artist_unknown"


def test_a_prime_is_the_opening_up_to_a_bar_line(make_score: MakeScore) -> None:
    score = make_score([(0, 1, 60), (3, 2, 62), (9, 1, 64)])
    whole = CODEC.encode(score, None)
    prime = CODEC.prime(score, 2, None, total_bars=3)
    np.testing.assert_array_equal(prime, whole[: len(prime)])
    assert CODEC.vocabulary[whole[len(prime)]] == "Bar_None"
    assert CODEC.decode(prime).bar_count == 2
    np.testing.assert_array_equal(CODEC.prime(score, 9, None, total_bars=3), whole[:-1])


def test_a_prime_counts_down_to_the_end_of_its_solo(make_score: MakeScore) -> None:
    score = make_score([(0, 1, 60), (3, 2, 62), (9, 1, 64)])
    for total, expected in ((32, []), (5, ["Left_4"]), (4, ["Left_4", "Left_3"]), (2, ["Left_2", "Left_1"])):
        prime = CODEC.prime(score, 2, None, total)
        assert [word for word in words(prime).split() if word.startswith("Left")] == expected
        assert CODEC.decode(prime) == CODEC.decode(CODEC.prime(score, 2, None, 32))


@given(grid_scores())
def test_the_last_four_bars_count_down_to_the_end(score: Score) -> None:
    stream = [word for word in words(CODEC.encode(score, None)).split() if word.startswith(("Bar_", "Left_"))]
    expected = [["Bar_None", *([f"Left_{left}"] if left <= 4 else [])] for left in range(score.bar_count, 0, -1)]
    assert stream == [word for bar in expected for word in bar]


def test_a_window_on_a_bar_line_decodes_in_four_four(make_score: MakeScore) -> None:
    tokens = CODEC.encode(make_score([(0, 1, 60), (4, 1, 62)]), None)
    second_bar = int(np.flatnonzero(tokens == CODEC.ids("Bar").start)[1])
    score = CODEC.decode(tokens[second_bar:])
    assert score.notes.tolist() == [(0, 12, 62, 87)]
    assert score.meters == (Meter(0, 4, 4),)


ILLEGAL = {
    "": "tokens: expected ids 0 … 457, found no tokens",
    "Position_0": "token 0: expected a start with BOS or Bar, found Position_0",
    "Bar_None Velocity_87": "token 1: expected a kind that may follow, found Bar_None Velocity_87",
    "Bar_None Position_0 Pitch_60": "token 2: expected something after it, found Position_0 Pitch_60",
    "Bar_None Position_48 Chord_N.C.": "token 1: expected a position inside the bar",
    "Bar_None Position_6 Chord_N.C. Position_6 Chord_N.C.": "token 3: expected ascending positions",
    "Bar_None Position_0 Pitch_60 Velocity_87 Duration_0.6.12 Duration_0.6.12": "token 5: expected a chain of longest",
    "Bar_None Position_0 Pitch_60 Velocity_87 Duration_4.0.12 Duration_0.1.12": "token 2: expected a note that ends",
    "Bar_None Position_0 Pitch_60 Velocity_87 Duration_1.0.12 Position_6 Pitch_62 Velocity_87 Duration_0.1.12": (
        "token 2: expected a note that ends before the next one"
    ),
    "Bar_None Left_2 EOS_None": "token 1: expected the bars left until EOS, found Bar_None Left_2",
}


@pytest.mark.parametrize("text", ILLEGAL)
def test_an_illegal_stream_is_refused_where_it_breaks(text: str) -> None:
    with pytest.raises(InputError, match=ILLEGAL[text]):
        CODEC.decode([CODEC.vocabulary.index(word) for word in text.split()])
    with pytest.raises(InputError, match="found ids 3 … 9999"):
        CODEC.decode([3, 9999])


def test_a_meter_that_is_not_in_the_vocabulary_is_refused_with_a_remedy(make_score: MakeScore) -> None:
    score = replace(make_score([(0, 1, 60)]), meters=(Meter(0, 9, 4),))
    with pytest.raises(
        InputError, match=r"meter 9/4: expected a bar of at most 8 beats .* raise encode\.events\.longest_bar_beats"
    ):
        CODEC.encode(score, None)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"steps_per_beat": 0}, "^params.yaml: encode.events.steps_per_beat: expected 1 or more, found 0"),
        ({"velocities": 200}, "^params.yaml: encode.events.velocities: expected 1 to 127"),
        ({"tempos": 1}, "^params.yaml: encode.events.tempos: expected 2 or more"),
        (
            {"tempo_range": (360, 40)},
            "^params.yaml: encode.events.tempo_range: expected lowest, highest",
        ),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, int], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        replace(CONFIG, **change)


@pytest.mark.parametrize("steps", [1, 4, 6, 8, 24])
def test_scores_on_other_grids_are_decoded_exactly(make_score: MakeScore, steps: int) -> None:
    codec = EventCodec.create(replace(CONFIG, steps_per_beat=steps, velocities=4, longest_duration_beats=1), [])
    score = make_score([(0, 2.5, 60), (3, 4, 62), (8.25, 0.25, 64)], [(0, "F7"), (5, "Bb7")])
    score = replace(score, chords=(*score.chords, ChordChange(3800, Chord.parse("C7b9"))))
    assert codec.decode(codec.encode(score, None)) == codec.grid(score).score
