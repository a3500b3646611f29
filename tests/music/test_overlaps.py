import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.data.solo_line import melodic_line
from yardbird.music.grid import quantise
from yardbird.music.overlaps import cut_at_next_onset, staying
from yardbird.music.score import Score, make_notes


@pytest.mark.parametrize(
    ("rows", "stays"),
    [
        ([(0, 100, 60), (2, 90, 67), (4, 200, 64)], 1),  # a strummed chord: the highest
        ([(0, 100, 60), (0, 300, 60)], 0),  # one pitch twice: the first
        ([(0, 10, 72), (10, 30, 60)], 1),  # an ornament and its note: the longest
        ([(0, 20, 72), (20, 20, 60)], 1),  # of equally long notes the last
        ([(0, 30, 60), (28, 20, 72)], 0),  # they hardly overlap, so they follow one another
        ([(5, 1, 60)], 0),
    ],
)
def test_the_highest_of_notes_that_sound_together_is_kept_otherwise_the_longest(
    rows: list[tuple[int, int, int]], stays: int
) -> None:
    assert staying(make_notes([(*row, 90) for row in rows])) == stays


chords = st.lists(st.tuples(st.integers(30, 60), st.integers(40, 90)), min_size=2, max_size=5)


@given(chords)
def test_reading_a_line_and_the_grid_remove_the_same_notes_of_a_chord(
    chord: list[tuple[int, int]],
) -> None:
    """Regression: reading kept the highest note of a chord, the grid kept the longest."""
    notes = make_notes([(0, duration, pitch, 90) for duration, pitch in chord])
    (read,) = melodic_line(notes, 480).notes["pitch"].tolist()
    (on_grid,) = quantise(Score(480, notes, 480), 1).score.pitches.tolist()
    assert read == on_grid == max(pitch for _, pitch in chord)


def test_a_note_that_still_sounds_is_cut_at_the_next_onset_or_at_the_end() -> None:
    notes = make_notes([(0, 7, 60, 90), (5, 5, 60, 90), (12, 9, 60, 90)])
    offsets, cut = cut_at_next_onset(notes["onset_tick"], notes["onset_tick"] + notes["duration_tick"], 20)
    assert (offsets.tolist(), cut) == ([5, 10, 20], 2)
