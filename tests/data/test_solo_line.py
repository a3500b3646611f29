import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.data.solo_line import _ticks_on_top, melodic_line
from yardbird.music.score import make_notes

rows = st.tuples(st.integers(0, 60), st.integers(0, 20), st.integers(40, 60), st.integers(1, 127))


@given(st.lists(rows, min_size=1, max_size=25))
def test_the_highest_note_equals_that_of_a_search_at_every_tick(notes: list[tuple[int, int, int, int]]) -> None:
    array = make_notes([(onset, max(length, 1), pitch, 90) for onset, length, pitch, _ in notes])
    array = array[np.lexsort((-array["pitch"], array["onset_tick"]))]
    slow = np.zeros(len(array), dtype=int)
    for tick in range(100):
        sounding = [
            (-int(note["pitch"]), index)
            for index, note in enumerate(array)
            if note["onset_tick"] <= tick < note["onset_tick"] + note["duration_tick"]
        ]
        if sounding:
            slow[min(sounding)[1]] += 1
    assert _ticks_on_top(array).tolist() == slow.tolist()


@given(st.lists(rows, min_size=1, max_size=40))
def test_a_line_is_monophonic_and_every_note_is_kept_or_counted(notes: list[tuple[int, int, int, int]]) -> None:
    line = melodic_line(make_notes(notes), 480)
    ends = line.notes["onset_tick"] + line.notes["duration_tick"]
    assert np.all(ends[:-1] <= line.notes["onset_tick"][1:])
    assert np.all(line.notes["duration_tick"] > 0)
    assert len(line.notes) + line.reduced_notes == len(notes)
    assert line.zero_length_notes == sum(length == 0 for _, length, _, _ in notes)


def test_a_monophonic_part_is_unchanged() -> None:
    notes = make_notes([(0, 100, 60, 90), (100, 50, 72, 80), (200, 10, 50, 70)])
    line = melodic_line(notes, 480)
    assert np.array_equal(line.notes, notes)
    assert (line.reduced_notes, line.trimmed_overlaps, line.zero_length_notes) == (0, 0, 0)


def test_legato_is_trimmed_and_not_reduced() -> None:
    line = melodic_line(make_notes([(0, 110, 60, 90), (100, 100, 67, 90), (195, 100, 64, 90)]), 480)
    assert line.notes["duration_tick"].tolist() == [100, 95, 100]
    assert (line.reduced_notes, line.trimmed_overlaps) == (0, 2)


def test_the_top_note_of_a_chord_is_kept() -> None:
    chords = [(beat * 480, 480, pitch, 90) for beat in range(4) for pitch in (48, 52, 55, 60 + beat)]
    line = melodic_line(make_notes(chords), 480)
    assert line.notes["pitch"].tolist() == [60, 61, 62, 63]
    assert line.reduced_notes == 12


EIGHTHS = [(240 * i, 220, 60 + i * 7 % 13, 90) for i in range(96)]


@pytest.mark.parametrize("factor", [1.5, 2.0, 3.0])
def test_sustained_notes_are_trimmed_if_no_two_notes_start_together(factor: float) -> None:
    """Regression: a higher note removed the lower ones that started while it sounded."""
    rng = np.random.default_rng(0)
    lengths = 120 * rng.integers(1, 5, size=96)
    onsets = np.cumsum(lengths) - lengths
    rows = [
        (int(o), int(n * factor), 60 + i * 7 % 13, 90) for i, (o, n) in enumerate(zip(onsets, lengths, strict=True))
    ]
    line = melodic_line(make_notes(rows), 480)
    assert line.notes["onset_tick"].tolist() == onsets.tolist()
    assert (line.reduced_notes, line.trimmed_overlaps, line.flags) == (0, 95, [])


@pytest.mark.parametrize("pitch", [91, 40, 66])
@pytest.mark.parametrize("restruck", [1920, 7680, 96 * 240])
def test_a_drone_is_left_out_and_counted(pitch: int, restruck: int) -> None:
    drone = [(tick, restruck, pitch, 80) for tick in range(0, 96 * 240, restruck)]
    line = melodic_line(make_notes(EIGHTHS + drone), 480)
    assert np.array_equal(line.notes, make_notes(EIGHTHS))
    assert (line.drones, line.reduced_notes) == (len(drone), len(drone))
    assert line.flags == [f"drones_left_out:{len(drone)}"]


def test_a_long_note_of_the_line_that_starts_alone_is_trimmed_and_is_not_a_drone():
    """Regression: of two notes over a pedal, with no two notes starting together, both were left out."""
    rows = [(onset, 2400 if index in (10, 40) else length, pitch, 80) for index, (onset, length, pitch, _) in
            enumerate(EIGHTHS)]  # fmt: skip
    line = melodic_line(make_notes(rows), 480)
    assert line.notes["onset_tick"].tolist() == [row[0] for row in EIGHTHS]
    assert (line.reduced_notes, line.trimmed_overlaps, line.flags) == (0, 2, [])


@pytest.mark.parametrize("above", [1, -2, 12])
@pytest.mark.parametrize("length", [10, 30, 60])
def test_grace_notes_at_the_tick_of_their_note_are_left_out(above: int, length: int) -> None:
    graces = [(onset, length, pitch + above, 80) for onset, _, pitch, _ in EIGHTHS[::3]]
    line = melodic_line(make_notes(EIGHTHS + graces), 480)
    assert np.array_equal(line.notes, make_notes(EIGHTHS))
    assert line.flags == ["grace_notes_left_out:32"]


def test_grace_notes_before_their_note_are_kept() -> None:
    rows = [(480 * i + 30, 400, 60 + i % 12, 90) for i in range(32)] + [
        (480 * i, 30, 61 + i % 12, 90) for i in range(32)
    ]
    assert melodic_line(make_notes(rows), 480).reduced_notes == 0


def test_a_strummed_chord_gives_its_highest_note() -> None:
    chords = [(480 * i + 8 * string, 400, 50 + 5 * string + i % 3, 90) for i in range(16) for string in range(4)]
    line = melodic_line(make_notes(chords), 480)
    assert line.notes["pitch"].tolist() == [65 + i % 3 for i in range(16)]
    assert line.flags == ["polyphonic", "notes_left_out:48 of 64"]
    assert line.left_out == 0.75
