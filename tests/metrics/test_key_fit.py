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


def test_notes_are_weighted_by_duration():
    assert scale_share(line([60, 61], [9, 3]), Key.parse("C")) == 0.75


@pytest.mark.parametrize(("key", "share"), [("C", 1.0), ("A minor", 1.0), ("G", 6 / 7), ("F", 6 / 7), ("F#", 2 / 7)])
def test_a_scale_is_in_its_key_and_in_the_relative_key(key, share):
    assert scale_share(line([60, 62, 64, 65, 67, 69, 71]), Key.parse(key)) == pytest.approx(share)


@given(st.lists(st.integers(40, 90), min_size=1, max_size=20), st.sampled_from(["F", "Bb minor", "B"]))
def test_the_margin_is_over_the_mean_of_the_eleven_other_keys(pitches, name):
    score, key = line(pitches), Key.parse(name)
    others = [scale_share(score, key.transposed(semitones)) for semitones in range(1, 12)]
    assert scale_margin(score, key) == pytest.approx(scale_share(score, key) - np.mean(others))


@given(st.lists(st.integers(40, 90), min_size=1, max_size=20), st.sampled_from(list(SCALES)))
def test_the_margins_of_a_line_over_all_keys_sum_to_zero(pitches, mode):
    """A model that ignores the key has a mean margin of 0 if all keys are requested equally often."""
    assert sum(scale_margin(line(pitches), Key(tonic, mode)) for tonic in range(12)) == pytest.approx(0)


def test_a_score_without_notes_has_no_value():
    assert scale_share(line([]), Key.parse("C")) is None
    assert scale_margin(line([]), Key.parse("C")) is None
