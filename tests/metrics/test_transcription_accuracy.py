import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_bipartite_matching

from yardbird.metrics.transcription_accuracy import found_notes

NOTES = st.lists(st.tuples(st.integers(0, 40), st.integers(60, 62)), max_size=12)


def found(notes: list[tuple[float, int]], transcribed: list[tuple[float, int]]) -> int:
    columns = [np.array(column, dtype=float) for each in (notes, transcribed) for column in ([n[0] for n in each],)]
    pitches = [np.array([n[1] for n in each], dtype=np.int64) for each in (notes, transcribed)]
    return found_notes(columns[0], pitches[0], columns[1], pitches[1])


@given(NOTES, NOTES)
def test_no_matching_finds_more_notes(notes, transcribed):
    """Onsets in hundredths of a second, so that differences of exactly 50 ms occur."""
    ours, theirs = ([(onset / 100, pitch) for onset, pitch in each] for each in (notes, transcribed))
    near = [[p == q and round(abs(a - b), 4) <= 0.05 for b, q in theirs] for a, p in ours]
    slow = 0
    if ours and theirs:
        slow = int((maximum_bipartite_matching(csr_array(np.array(near, dtype=int))) >= 0).sum())
    assert found(ours, theirs) == slow == found(theirs, ours)


@pytest.mark.parametrize(("onset", "count"), [(1.05, 1), (0.95, 1), (1.0502, 0), (0.9, 0)])
def test_fifty_milliseconds_are_near_enough(onset, count):
    assert found([(1.0, 60)], [(onset, 60)]) == count


def test_one_note_is_found_once_and_at_its_pitch_only():
    assert found([(1.0, 60)], [(0.98, 60), (1.02, 60)]) == 1
    assert found([(1.0, 60)], [(1.0, 61), (1.0, 72)]) == 0
    assert found([], [(1.0, 61)]) == found([(1.0, 61)], []) == found([], []) == 0
