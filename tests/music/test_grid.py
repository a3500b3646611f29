"""Quantisation agrees with a computation by hand, keeps the bars and the time of a score, and counts its losses."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from math import floor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.config import read_params
from yardbird.errors import InputError
from yardbird.music.chords import Chord
from yardbird.music.grid import STEPS_PER_BEAT, quantise
from yardbird.music.score import ChordChange, Meter, Score, Section, Tempo, make_notes

MakeScore = Callable[..., Score]
BINS = np.geomspace(40, 360, 48)


@st.composite
def scores(draw: st.DrawFn) -> Score:
    """Any monophonic score: any resolution, meters that shorten bars, tempo changes, a rest after the end."""
    resolution = draw(st.sampled_from([24, 96, 480, 1000]))
    meters = [Meter(0, *draw(st.sampled_from([(4, 4), (3, 4), (1, 4), (6, 8), (5, 8), (2, 2)])))]
    for _ in range(draw(st.integers(0, 2))):
        gap = draw(st.integers(1, 40)) * resolution // 4
        meters.append(Meter(meters[-1].tick + gap, *draw(st.sampled_from([(4, 4), (3, 4), (7, 8)]))))
    onsets = sorted(draw(st.sets(st.integers(0, 20 * resolution), max_size=30)))
    last = max([*onsets, meters[-1].tick]) + draw(st.integers(1, 3 * resolution))
    rows = [
        (onset, draw(st.integers(1, following - onset)), draw(st.integers(0, 127)), draw(st.integers(1, 127)))
        for onset, following in pairwise([*onsets, last])
    ]
    changes = sorted(draw(st.sets(st.integers(0, last), max_size=8)))
    tempos = sorted(draw(st.sets(st.integers(1, last), max_size=4)))
    return Score(
        ticks_per_beat=resolution,
        notes=make_notes(np.array(rows, dtype=np.int64).reshape(-1, 4)),
        end_tick=last,
        tempos=tuple(Tempo(tick, draw(st.floats(40, 360))) for tick in [0, *tempos]),
        meters=tuple(meters),
        chords=tuple(ChordChange(tick, Chord(draw(st.integers(0, 11)), "7")) for tick in changes),
        phrases=tuple(sorted(draw(st.sets(st.sampled_from(onsets), max_size=3)))) if onsets else (),
    )


def bars_by_hand(score: Score) -> list[tuple[int, int, int, int]]:
    """(first tick, ticks, first step, steps) of each bar at 12 steps a beat."""
    bars, step = [], 0
    for index, start in enumerate(score.bar_ticks.tolist()):
        meter = [meter for meter in score.meters if meter.tick <= start][-1]
        whole = meter.bar_ticks(score.ticks_per_beat)
        ticks = score.bar_ticks[index + 1] - start if index + 1 < score.bar_count else whole
        steps = 48 * meter.numerator // meter.denominator
        if ticks != whole:
            beats = Fraction(int(ticks), score.ticks_per_beat)
            lengths = [Fraction(max(1, round(beats * unit)), unit) for unit in (1, 2, 4)]
            steps = int(12 * min(lengths, key=lambda length: abs(length - beats)))
        bars.append((start, int(ticks), step, steps))
        step += steps
    return bars


def step_by_hand(tick: int, bars: list[tuple[int, int, int, int]]) -> int:
    start, ticks, step, steps = [bar for bar in bars if bar[0] <= tick][-1]
    return step + min(steps, floor(Fraction((tick - start) * steps, ticks) + Fraction(1, 2)))


@given(scores())
def test_every_event_goes_to_the_nearest_step_of_its_bar(score: Score) -> None:
    result = quantise(score, 12)
    bars = bars_by_hand(score)
    end = bars[-1][2] + bars[-1][3]
    slots: dict[int, tuple[int, int, int]] = {}  # step → (duration in ticks, offset in steps, pitch)
    for onset, duration, pitch, _ in score.notes.tolist():
        step = min(step_by_hand(onset, bars), end - 1)
        offset = max(step_by_hand(onset + duration, bars), step + 1)
        if step not in slots or duration >= slots[step][0]:
            slots[step] = (duration, offset, pitch)
    limit_of = dict(pairwise([*sorted(slots), end]))
    expected = [(step, min(offset, limit_of[step]) - step, pitch) for step, (_, offset, pitch) in sorted(slots.items())]
    assert [row[:3] for row in result.score.notes.tolist()] == expected
    assert result.merged_notes == len(score.notes) - len(slots)
    changes = {step_by_hand(change.tick, bars): change for change in score.chords}
    assert [(c.tick, c.chord) for c in result.score.chords] == [
        (step, change.chord) for step, change in changes.items() if step < end
    ]
    assert result.merged_chords + result.dropped_chords + len(result.score.chords) == len(score.chords)
    assert result.score.end_tick == end
    assert result.score.bar_ticks.tolist() == [bar[2] for bar in bars]


@given(scores())
def test_a_grid_score_is_monophonic_and_quantising_it_changes_nothing(score: Score) -> None:
    once = quantise(score, 12, tempo_bins=BINS, velocity_bins=np.arange(7, 128, 8))
    assert once.score.is_monophonic
    assert once.score.durations.min(initial=1) >= 1
    assert once.score.offsets.max(initial=0) <= once.score.end_tick
    again = quantise(once.score, 12, tempo_bins=BINS, velocity_bins=np.arange(7, 128, 8))
    assert again.score == once.score
    losses = (again.merged_notes, again.trimmed_notes, again.merged_chords, again.dropped_chords, again.resized_bars)
    assert losses == (0, 0, 0, 0, 0)


@given(scores())
def test_every_bar_keeps_its_length_in_seconds(score: Score) -> None:
    grid = quantise(score, 12).score
    ends = score.bar_ticks[-1] + score.meters[-1].bar_ticks(score.ticks_per_beat)
    before = score.seconds_at(np.append(score.bar_ticks, ends))
    after = grid.seconds_at(np.append(grid.bar_ticks, grid.end_tick))
    np.testing.assert_allclose(after, before, rtol=1e-6)


def test_the_longer_of_two_notes_on_one_step_is_kept_and_the_loss_is_counted(make_score: MakeScore) -> None:
    result = quantise(make_score([(0, 1, 60), (1.0, 0.03, 61), (1.03, 1, 62)]), 12)
    assert result.score.notes["pitch"].tolist() == [60, 62]
    assert (result.merged_notes, result.trimmed_notes) == (1, 0)


def test_a_note_that_becomes_longer_than_its_place_is_trimmed_and_counted(make_score: MakeScore) -> None:
    score = make_score([(0, 1, 60), (0.5, 1, 62)])
    result = quantise(score, 12)
    assert result.score.notes[["onset_tick", "duration_tick"]].tolist() == [(0, 6), (6, 12)]
    assert result.trimmed_notes == 1


def test_the_default_settings_use_the_grid_of_metrics_and_transcription(root: Path) -> None:
    params = read_params(root / "params.yaml")
    assert params["encode"]["events"]["steps_per_beat"] == STEPS_PER_BEAT
    assert params["encode"]["melody"]["steps_per_beat"] == STEPS_PER_BEAT


def test_triplets_and_sixteenths_are_exact_at_twelve_steps(make_score: MakeScore) -> None:
    rows = [(0, 1 / 3, 60), (1 / 3, 1 / 3, 62), (2 / 3, 1 / 3, 64), (1, 0.25, 65), (1.25, 0.25, 67)]
    result = quantise(make_score(rows), 12)
    assert result.score.notes[["onset_tick", "duration_tick"]].tolist() == [(0, 4), (4, 4), (8, 4), (12, 3), (15, 3)]


def test_a_pickup_bar_and_meter_changes_keep_their_bar_lines() -> None:
    meters = (Meter(0, 1, 4), Meter(480, 4, 4), Meter(480 + 1920, 3, 4))
    score = Score(480, make_notes([(0, 100, 60, 90), (480, 1900, 62, 90), (2500, 480, 64, 90)]), 3000, meters=meters)
    grid = quantise(score, 12).score
    assert grid.meters == (Meter(0, 1, 4), Meter(12, 4, 4), Meter(60, 3, 4))
    assert (grid.bar_count, grid.end_tick) == (score.bar_count, 96)


def test_a_bar_cut_short_by_a_meter_change_gets_its_own_meter() -> None:
    score = Score(480, make_notes([(0, 480, 60, 90)]), 5000, meters=(Meter(0, 4, 4), Meter(1920 + 720, 4, 4)))
    result = quantise(score, 12)
    assert result.score.meters == (Meter(0, 4, 4), Meter(48, 3, 8), Meter(66, 4, 4))
    assert result.resized_bars == 0
    odd = quantise(replace(score, meters=(Meter(0, 4, 4), Meter(1920 + 700, 4, 4))), 12)
    assert (odd.score.meters, odd.resized_bars) == (result.score.meters, 1)


def test_one_tempo_event_per_beat_becomes_one_tempo_per_bar(make_score: MakeScore) -> None:
    tempos = tuple(Tempo(480 * beat, 200.0 + (-1) ** beat * 20) for beat in range(16))
    score = replace(make_score([(0, 16, 60)]), tempos=tempos)
    assert [tempo.tick for tempo in quantise(score, 12).score.tempos] == [0]
    bar_qpm = 4 / (2 / 220 + 2 / 180)
    assert quantise(score, 12).score.tempos[0].qpm == pytest.approx(bar_qpm)


def test_jitter_of_the_tempo_is_ignored_and_a_real_change_is_kept(make_score: MakeScore) -> None:
    jitter = [200, 208, 193, 205, 196, 260, 255, 266]
    tempos = tuple(Tempo(1920 * bar, qpm) for bar, qpm in enumerate(jitter))
    score = replace(make_score([(0, 32, 60)]), tempos=tempos)
    result = quantise(score, 12, tempo_bins=BINS)
    assert [tempo.tick for tempo in result.score.tempos] == [0, 5 * 48]
    assert [tempo.qpm for tempo in result.score.tempos] == pytest.approx([200, 260], rel=0.025)
    assert result.clipped_tempos == 0


def test_tempos_outside_the_bins_are_clipped_and_counted(make_score: MakeScore) -> None:
    score = replace(make_score([(0, 8, 60)]), tempos=(Tempo(0, 20.0), Tempo(1920, 500.0)))
    result = quantise(score, 12, tempo_bins=BINS)
    assert [tempo.qpm for tempo in result.score.tempos] == [BINS[0], BINS[-1]]
    assert result.clipped_tempos == 2


def test_the_last_of_two_changes_on_one_step_is_kept(make_score: MakeScore) -> None:
    score = make_score([(0, 4, 60)], [(0, "F7"), (0.02, "Bb7"), (4, "Eb7")])
    result = quantise(score, 12)
    assert result.score.chords == (ChordChange(0, Chord.parse("Bb7")),)
    assert (result.merged_chords, result.dropped_chords) == (1, 1)


def test_phrases_sections_key_and_program_are_kept(make_score: MakeScore) -> None:
    score = replace(make_score([(0, 8, 60)]), phrases=(0, 490), sections=(Section(1915, "SOLO"),), program=66)
    grid = quantise(score, 12).score
    assert (grid.phrases, grid.sections, grid.program) == ((0, 12), (Section(48, "SOLO"),), 66)


def test_velocities_take_the_nearest_bin(make_score: MakeScore) -> None:
    grid = quantise(make_score([(0, 1, 60)]), 12, velocity_bins=np.array([1, 80, 96, 127])).score
    assert grid.velocities.tolist() == [96]


def test_a_meter_without_a_whole_number_of_steps_is_refused_with_its_name(make_score: MakeScore) -> None:
    score = replace(make_score([(0, 1, 60)]), meters=(Meter(0, 3, 32),))
    with pytest.raises(
        InputError, match=r"meter 3/32: expected bars of a whole number of steps at 12 .* found 4.5 steps"
    ):
        quantise(score, 12)


def test_an_empty_score_is_one_empty_bar() -> None:
    grid = quantise(Score(480, make_notes([]), 0), 12).score
    assert (len(grid.notes), grid.end_tick) == (0, 48)


@pytest.mark.parametrize(("steps", "timed_share"), [(4, 0.14), (8, 0.04), (12, 0.01), (24, 0.001)])
def test_a_finer_grid_costs_fewer_of_parkers_notes(
    real_solos: dict[str, Score], steps: int, timed_share: float
) -> None:
    timed = [score for solo, score in real_solos.items() if solo.startswith("parker/wjazzd")]
    merged = sum(quantise(score, steps).merged_notes for score in timed)
    assert timed_share / 3 < merged / sum(len(score.notes) for score in timed) < timed_share
