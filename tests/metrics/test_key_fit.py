import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.metrics.key_fit import SCALES, scale_margin, scale_share
from yardbird.music.pitch import Key
from yardbird.music.score import Score, make_notes


def line(pitches: list[int], lengths: list[int] | None = None) -> Score:
    lengths = lengths or [6] * len(pitches)
    starts = np.cumsum([0, *lengths])
    return Score(
        12, make_notes([(int(s), n, p, 80) for s, n, p in zip(starts, lengths, pitches, strict=False)]), int(starts[-1])
    )


def test_time_counts_and_not_notes():
    assert scale_share(line([60, 61], [9, 3]), Key.parse("C")) == 0.75


@pytest.mark.parametrize(("key", "share"), [("C", 1.0), ("A minor", 1.0), ("G", 6 / 7), ("F", 6 / 7), ("F#", 2 / 7)])
def test_a_scale_lies_in_its_key_and_in_its_relative(key, share):
    assert scale_share(line([60, 62, 64, 65, 67, 69, 71]), Key.parse(key)) == pytest.approx(share)


@given(st.lists(st.integers(40, 90), min_size=1, max_size=20), st.sampled_from(["F", "Bb minor", "B"]))
def test_the_margin_is_over_the_mean_of_the_eleven_other_keys(pitches, name):
    score, key = line(pitches), Key.parse(name)
    others = [scale_share(score, key.transposed(semitones)) for semitones in range(1, 12)]
    assert scale_margin(score, key) == pytest.approx(scale_share(score, key) - np.mean(others))


@given(st.lists(st.integers(40, 90), min_size=1, max_size=20), st.sampled_from(list(SCALES)))
def test_over_all_keys_the_margins_of_a_line_add_up_to_nothing(pitches, mode):
    """A model that does not listen has a margin of 0 when it is asked for every key as often."""
    assert sum(scale_margin(line(pitches), Key(tonic, mode)) for tonic in range(12)) == pytest.approx(0)


def test_without_notes_there_is_nothing_to_say():
    assert scale_share(line([]), Key.parse("C")) is None
    assert scale_margin(line([]), Key.parse("C")) is None
