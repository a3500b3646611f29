"""The frames of a score, compared with a slow search for each frame."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from yardbird.music.chords import Chord
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Meter, Score, Tempo, make_notes
from yardbird.music.score_frames import (
    AGE,
    BAR_BEAT,
    BEAT,
    CHORD,
    KEY,
    NOTE,
    OLDEST,
    SIZES,
    beat_frames,
    key_and_beats,
    score_frames,
)

RATE = 50.0


def score_of(lengths: list[tuple[int, int, int]]) -> Score:
    """Notes from (rest before, duration, pitch), with two tempos, a pickup bar and chords."""
    rows, tick = [], 0
    for rest, duration, pitch in lengths:
        rows.append((tick + rest, duration, pitch, 80))
        tick += rest + duration
    chords = (ChordChange(12, Chord.parse("F7")), ChordChange(60, None), ChordChange(84, Chord.parse("Bbm7b5")))
    return Score(
        12, make_notes(rows), max(tick, 120), tempos=(Tempo(0, 90.0), Tempo(50, 230.0)),
        meters=(Meter(0, 1, 4), Meter(12, 3, 4), Meter(48, 4, 4)), chords=chords,
    )  # fmt: skip


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 20), st.integers(40, 90)), min_size=1, max_size=12),
    st.floats(0, 3),
)
def test_each_frame_has_what_the_score_holds_in_its_middle(lengths: list[tuple[int, int, int]], start: float) -> None:
    score, key = score_of(lengths), Key.parse("D minor")
    rows = score_frames(score, key, start, 120, RATE)
    bars = [*score.bar_ticks.tolist(), score.end_tick]
    seconds = [score.seconds_at(np.array([tick]))[0] for tick in range(score.end_tick + 1)]
    for frame, row in enumerate(rows.tolist()):
        now = start + (frame + 0.5) / RATE
        tick = max(tick for tick, second in enumerate(seconds) if second <= now)
        sounding = [n for n, end in zip(score.notes, score.offsets, strict=True)
                    if score.seconds_at(n["onset_tick"]) <= now < score.seconds_at(end)]  # fmt: skip
        assert row[NOTE] == (2 + sounding[-1]["pitch"] if sounding else 1)
        if sounding:
            age = (now - score.seconds_at(sounding[-1]["onset_tick"])) * RATE
            assert row[AGE] == min(OLDEST, 1 + int(age))
        else:
            assert row[AGE] == 0
        assert row[KEY] == 1 + 2 + 12
        inside = now < score.seconds
        current = [change.chord for change in score.chords if change.tick <= tick][-1:] if inside else []
        classes = current[0].pitch_classes if current and current[0] else ()
        assert row[CHORD] == sum(1 << pitch_class for pitch_class in classes)
        if inside:
            bar = max(line for line in bars[:-1] if line <= tick)
            assert row[BAR_BEAT] == 1 + (tick - bar) // 12
            assert row[BEAT] == 1 + (tick - bar) % 12
        else:
            assert row[BEAT] == row[BAR_BEAT] == 0
    assert all(rows[:, column].max() < size for column, size in SIZES.items())


def test_key_and_beats_keep_nothing_of_the_line() -> None:
    rows = score_frames(score_of([(0, 12, 60), (3, 9, 64)]), Key.parse("F"), 0.0, 60, RATE)
    known = key_and_beats(rows)
    assert np.array_equal(known[:, [KEY, BEAT, BAR_BEAT]], rows[:, [KEY, BEAT, BAR_BEAT]])
    assert not known[:, [NOTE, AGE, CHORD]].any()


@given(st.lists(st.floats(0.05, 2.0), min_size=0, max_size=20), st.floats(0, 3), st.floats(0, 4), st.integers(0, 12))
def test_each_frame_of_a_recording_has_the_beat_in_its_middle(
    lengths: list[float], first: float, start: float, bar_beat: int
) -> None:
    beats = np.cumsum([first, *lengths])
    places = np.full(len(beats), bar_beat)
    for frame, row in enumerate(beat_frames(Key.parse("F"), beats, places, start, 60, RATE).tolist()):
        now = start + (frame + 0.5) / RATE
        around = [(a, b) for a, b in pairwise(beats) if a <= now < b]
        expected = [1 + int((now - a) / (b - a) * 12) for a, b in around] or [0]
        assert row[BEAT] == expected[0]
        assert row[BAR_BEAT] == (min(bar_beat, 8) if around else 0)
        assert (row[NOTE], row[AGE], row[CHORD], row[KEY]) == (0, 0, 0, 1 + 5)
