from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from event_scores import grid_scores
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from yardbird.codecs.melody import (
    CHORD_FEATURES,
    CLASSES,
    HOLD,
    PAD,
    REST,
    Frame,
    MelodyCodec,
    MelodyConfig,
    chord_features,
)
from yardbird.errors import ConfigError, InputError
from yardbird.music.chords import Chord
from yardbird.music.score import ChordChange, Meter, Score, Section, Tempo, make_notes

CODEC = MelodyCodec(MelodyConfig(steps_per_beat=12, segment_beats=4, velocities=16))
SIZE = CODEC.segment_steps

#: A pickup of a beat, then 4/4, 5/4, 7/4, 7/8: a note tied over three bar lines, one a step long, a repeated pitch.
ODD = Score(
    12,
    make_notes([(3, 6, 60, 79), (9, 120, 62, 7), (129, 1, 62, 127), (222, 30, 64, 56)]),
    12 + 48 + 60 + 84 + 42 + 12,
    tempos=(Tempo(0, 210.0), Tempo(60, 180.5)),
    meters=(Meter(0, 1, 4), Meter(12, 4, 4), Meter(60, 5, 4), Meter(120, 7, 4), Meter(204, 7, 8), Meter(246, 1, 4)),
    chords=(ChordChange(5, Chord.parse("F7")), ChordChange(70, None), ChordChange(121, Chord.parse("Ebm7b5"))),
    sections=(Section(12, "SOLO"),),
    program=66,
)


@given(grid_scores())
@example(ODD)
def test_a_score_on_the_grid_is_decoded_exactly(score: Score) -> None:
    score = CODEC.grid(score).score
    melody = CODEC.encode(score)
    assert CODEC.decode(melody.steps, melody.velocities, melody.frame) == score


@given(grid_scores())
def test_the_grid_changes_only_velocities_by_at_most_half_a_bin(score: Score) -> None:
    """A tempo once changed slightly at every pass."""
    quantised = CODEC.grid(score)
    assert quantised.score.tempos == score.tempos
    assert CODEC.grid(quantised.score).score == quantised.score
    assert np.all(np.abs(quantised.score.velocities - score.velocities) <= 4)
    for name in ("onset_tick", "duration_tick", "pitch"):
        assert np.array_equal(quantised.score.notes[name], score.notes[name])
    lost = ("merged_notes", "trimmed_notes", "merged_chords", "dropped_chords", "resized_bars", "clipped_tempos")
    assert not any(getattr(quantised, name) for name in lost)


@given(grid_scores())
@example(ODD)
def test_each_step_encodes_what_happens_in_it(score: Score) -> None:
    """Compared with a loop over the score, step by step and bar by bar."""
    melody = CODEC.encode(score)
    bars = [*score.bar_ticks.tolist(), score.end_tick]
    rows = [(at, min(at + SIZE, stop)) for start, stop in pairwise(bars) for at in range(start, stop, SIZE)]
    starts = {int(note["onset_tick"]): note for note in score.notes}
    assert len(rows) == len(melody.steps)
    for (start, stop), steps, velocities, chords in zip(
        rows, melody.steps.tolist(), melody.velocities.tolist(), melody.frame.chords.tolist(), strict=True
    ):
        assert steps[stop - start :] == [PAD] * (SIZE - stop + start)
        for tick in range(start, stop):
            place = tick - start
            held = any(on <= tick < off for on, off in zip(score.onsets, score.offsets, strict=True))
            expected = int(starts[tick]["pitch"]) if tick in starts else HOLD if held else REST
            assert steps[place] == expected
            assert (velocities[place] > 0) == (tick in starts)
            sounding = [change.chord for change in score.chords if change.tick <= tick][-1:]
            chord = sounding[0] if sounding else None
            tones = sum(1 << pitch_class for pitch_class in chord.pitch_classes) if chord else 0
            assert chords[place] == tones + (chord.root << 12 if chord else 0)


@given(arrays.arrays(np.uint8, (8, SIZE), elements=st.integers(0, CLASSES - 1)), st.booleans())
def test_any_steps_decode_to_a_melody(steps: np.ndarray, loud: bool) -> None:
    """Compared with a reader of one step after the other. Padding has no effect."""
    frame = CODEC.encode(ODD).frame
    steps[:, ::3] = np.where(steps[:, ::3] < HOLD, steps[:, ::3], HOLD + steps[:, ::3] % 2)
    velocities = np.ones_like(steps) * 9 if loud else None
    score = CODEC.decode(steps, velocities, frame)
    line = [step for row, length in zip(steps.tolist(), frame.lengths, strict=True) for step in row[:length]]
    rows: list[list[int]] = []
    sounding = False
    for tick, step in enumerate(line):
        if step < HOLD:
            rows.append([tick, 1, step, 71 if loud else 80])
        elif step == HOLD and sounding:
            rows[-1][1] += 1
        sounding = step < HOLD or (step == HOLD and sounding)
    assert score.notes.tolist() == [tuple(row) for row in rows]
    assert score.is_monophonic
    assert replace(score, notes=frame.score.notes) == replace(frame.score, phrases=())
    again = CODEC.encode(score)
    assert np.array_equal(CODEC.decode(again.steps, velocities, frame).notes, score.notes)


def test_a_hold_after_silence_is_silence() -> None:
    frame = CODEC.frame(Score(12, make_notes([]), 48))
    steps = np.full((1, SIZE), HOLD, dtype=np.uint8)
    assert not len(CODEC.decode(steps, None, frame).notes)
    steps[0, 10:14] = REST, 60, HOLD, REST
    assert CODEC.decode(steps, None, frame).notes.tolist() == [(11, 2, 60, 80)]


def test_a_bar_is_one_segment_and_a_longer_bar_is_several() -> None:
    frame = CODEC.encode(ODD).frame
    assert frame.lengths.tolist() == [12, 48, 48, 12, 48, 36, 42, 12]
    assert frame.starts.tolist() == [0, 12, 60, 108, 120, 168, 204, 246]
    assert np.array_equal(frame.inside.sum(axis=1), frame.lengths)
    assert len(frame.score.notes) == 0


def test_a_bar_that_is_not_a_whole_number_of_steps_is_refused() -> None:
    coarse = MelodyCodec(MelodyConfig(steps_per_beat=1, segment_beats=4, velocities=16))
    seven_eight = Score(480, make_notes([(0, 480, 60, 80)]), 1680, meters=(Meter(0, 7, 8),))
    with pytest.raises(InputError, match=r"meter 7/8: expected bars of a whole number of steps .* found 3\.5 steps"):
        coarse.encode(seven_eight)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"steps_per_beat": 0}, r"encode\.melody\.steps_per_beat: expected 1 to 96, found 0"),
        ({"segment_beats": 17}, r"encode\.melody\.segment_beats: expected 1 to 16, found 17"),
        ({"velocities": 128}, r"encode\.melody\.velocities: expected 1 to 127, found 128"),
    ],
)
def test_an_impossible_grid_gives_a_one_line_error(change: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(CODEC.config, **change)


@given(st.integers(1, 127))
def test_every_velocity_has_a_bin(velocities: int) -> None:
    codec = MelodyCodec(replace(CODEC.config, velocities=velocities))
    rows = [(beat, 1, 60, velocity) for beat, velocity in enumerate(range(1, 128))]
    score = codec.grid(Score(12, make_notes(rows), 144)).score
    assert set(score.velocities) <= set(codec.velocity_bins.tolist())
    melody = codec.encode(score)
    assert melody.velocities.max() <= velocities
    assert codec.decode(melody.steps, melody.velocities, melody.frame) == score


def test_a_loaded_codec_equals_the_saved_one(tmp_path: Path) -> None:
    CODEC.save(tmp_path / "codec.json")
    assert MelodyCodec.load(tmp_path / "codec.json") == CODEC


@given(grid_scores())
def test_chord_features_encode_root_tones_and_no_chord(score: Score) -> None:
    frame: Frame = CODEC.frame(CODEC.grid(score).score)
    features = chord_features(frame.chords)
    assert features.shape == (*frame.chords.shape, CHORD_FEATURES)
    flat = features.reshape(-1, CHORD_FEATURES)
    for packed, row in {int(packed): row for packed, row in zip(frame.chords.ravel(), flat, strict=True)}.items():
        root, tones, silent = row[:12], row[12:24], row[24]
        assert np.flatnonzero(tones).tolist() == [tone for tone in range(12) if packed >> tone & 1]
        assert np.flatnonzero(root).tolist() == ([packed >> 12] if packed else [])
        assert silent == (packed == 0)
