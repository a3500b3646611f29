"""The written rhythm: exact on a grid, swung eighths as eighths, triplets where they are played, full bars."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from engraved import line
from hypothesis import given
from hypothesis import strategies as st

from yardbird.data.reading import load_midi
from yardbird.engraving.note_values import note_values
from yardbird.engraving.written_rhythm import Rhythm, bar_edges, swings, write_rhythm
from yardbird.music.score import Meter, Score, make_notes


def starts(rhythm: Rhythm) -> list[Fraction]:
    return [own.start for own in rhythm.written if own.pitch is not None]


@pytest.mark.parametrize(
    "onsets",
    [
        [0, 0.5, 1, 1.5, 2, 3],
        [0, 1 / 3, 2 / 3, 1, 1.25, 1.5, 1.75, 3.75],
        [0.5, 1.5, 2.5, 3.5],
        [0, 2 / 3, 4 / 3, 2, 3],
        [0, 1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6, 1, 3],
        [0, 1, 2, 2.125, 2.25, 2.375, 2.5],
    ],
)
def test_a_line_on_a_grid_is_written_unchanged(onsets: list[float]) -> None:
    rhythm = write_rhythm(line(onsets))
    assert [float(start) for start in starts(rhythm)] == pytest.approx(onsets)
    assert all(own.pitch is not None for own in rhythm.written if own.start >= onsets[0])


@pytest.mark.parametrize("ratio", [1.0, 1.4, 2.0])
def test_swung_eighths_are_written_as_eighths(ratio: float) -> None:
    upbeat = ratio / (1 + ratio)
    rhythm = write_rhythm(line([beat + part for beat in range(32) for part in (0, upbeat)], beats=32))
    assert starts(rhythm) == [Fraction(place, 2) for place in range(64)]
    assert not any(cell.is_tuplet for cell in rhythm.cells)


def test_a_triplet_among_swung_eighths_is_a_triplet() -> None:
    swung = [beat + part for beat in range(32) if beat != 17 for part in (0, 0.6)]
    rhythm = write_rhythm(line(sorted([*swung, 17.02, 17.35, 17.68]), beats=32))
    assert [float(cell.start) for cell in rhythm.cells if cell.is_tuplet] == [17]


def test_a_late_and_uneven_player_is_written_on_the_grid() -> None:
    random = np.random.default_rng(3)
    meant = [place / 2 for place in range(128) if place % 7 != 3]
    played = [at + (0.08 if at % 1 == 0 else 0.14) + random.normal(0, 0.03) for at in meant]
    assert [float(start) for start in starts(write_rhythm(line(played, beats=64, qpm=220)))] == meant


def test_a_short_silence_is_articulation_and_a_long_one_is_a_rest() -> None:
    short, long = (write_rhythm(line([0, 1], [length, 3])).written for length in (0.7, 0.4))
    assert [(own.stop, own.pitch) for own in short] == [(1, 60), (4, 62)]
    assert [(own.stop, own.pitch) for own in long] == [(Fraction(1, 2), 60), (1, None), (4, 62)]


def test_a_solo_that_is_played_straight_is_not_marked_swing() -> None:
    random = np.random.default_rng(1)
    for upbeat, expected in ((0.5, False), (0.62, True)):
        played = [beat + part + random.normal(0, 0.01) + 0.03 for beat in range(40) for part in (0, upbeat)]
        assert swings(line(played, beats=41)) is expected
    assert swings(line([place / 2 for place in range(64)], beats=32)), "a transcription does not notate swing"


@given(st.integers(0, 10_000), st.sampled_from([(4, 4), (3, 4), (7, 8), (12, 4), (6, 8)]))
def test_notes_and_rests_fill_every_bar_without_overlap(seed: int, meter: tuple[int, int]) -> None:
    random = np.random.default_rng(seed)
    onsets = np.unique(random.integers(0, 96 * 14, 30))
    rows = [(int(onset), int(random.integers(1, 200)), int(random.integers(50, 80)), 80) for onset in onsets]
    score = Score(96, make_notes(rows), 96 * 14, meters=(Meter(0, *meter),))
    rhythm = write_rhythm(score)
    assert [own.start for own in rhythm.written] == [0, *(own.stop for own in rhythm.written[:-1])]
    assert rhythm.written[-1].stop == bar_edges(score)[-1]
    assert all(own.start < own.stop for own in rhythm.written)
    for start, stop in pairwise(rhythm.edges):
        values = list(note_values(rhythm, start, stop))
        assert [value.own.start for value in values] == [start, *(value.own.stop for value in values[:-1])]
        assert values[-1].own.stop == stop
    moved = [abs(96 * own.start - onsets[own.index]) for own in rhythm.written if own.pitch is not None]
    assert max(moved) <= 48, "half a beat, in the worst of cases"
    assert len(moved) >= 0.8 * len(onsets)


def test_syncopated_eighths_are_single_notes_and_the_middle_of_a_bar_is_visible() -> None:
    rhythm = write_rhythm(line([0, 0.5, 1.5, 3.5]))
    values = [(value.length, value.tied_on) for value in note_values(rhythm, *rhythm.edges)]
    half, one = Fraction(1, 2), Fraction(1)
    assert values == [(half, False), (one, False), (half, True), (3 * half, False), (half, False)]


def test_an_empty_bar_has_one_rest_in_any_meter() -> None:
    for meter in ((4, 4), (3, 4), (7, 8)):
        score = replace(line([0], [0.5], beats=14), meters=(Meter(0, *meter),))
        rhythm = write_rhythm(score)
        last = rhythm.edges[-2:]
        assert [value.length for value in note_values(rhythm, *last)] == [last[1] - last[0]]


def test_nearly_every_note_of_real_solos_is_written(shared) -> None:
    for name in ("wjazzd__CharlieParker_DontBlameMe", "wjazzd__CharlieParker_Ko-Ko", "omnibook__Donna_Lee"):
        score = load_midi(shared / f"parker/{name}.mid")
        rhythm = write_rhythm(score)
        assert len(starts(rhythm)) >= 0.99 * len(score.notes)
        assert sum(cell.is_tuplet for cell in rhythm.cells) <= 0.15 * len(rhythm.cells)
