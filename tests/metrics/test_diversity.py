from dataclasses import replace

import numpy as np
import pytest
from lines import make_line, random_solos

from yardbird.metrics.diversity import VENDI, diversity_of, vendi_score
from yardbird.seeds import streams


def test_the_score_counts_groups_of_equal_items():
    assert vendi_score(np.eye(5)) == pytest.approx(5)
    assert vendi_score(np.ones((5, 5))) == pytest.approx(1)
    assert vendi_score(np.kron(np.eye(3), np.ones((4, 4)))) == pytest.approx(3)


def test_the_score_of_two_items_is_that_of_their_eigenvalues():
    half = vendi_score(np.array([[1.0, 0.5], [0.5, 1.0]]))
    assert half == pytest.approx(np.exp(-(0.75 * np.log(0.75) + 0.25 * np.log(0.25))))


def score_of(sets) -> dict[str, float]:
    return {name: own[VENDI].value for name, own in diversity_of(sets, streams(0)).items()}


def test_copies_in_other_keys_and_rhythms_are_one_solo():
    solo = make_line([60, 62, 64, 60, 67, 65, 64, 62])
    faster = make_line([72, 74, 76, 72, 79, 77, 76, 74], [place / 3 for place in range(8)])
    assert score_of({"copies": [solo, faster, solo]})["copies"] == pytest.approx(1)


def test_solos_without_a_common_figure_count_fully():
    solos = [make_line([60, 60 + step, 60 + 2 * step, 60 + 3 * step]) for step in (1, 2, -3)]
    assert score_of({"all": solos})["all"] == pytest.approx(3)


def test_all_sets_have_the_size_of_the_smallest():
    """Otherwise a larger set would be more diverse."""
    many = random_solos(40, seed=0)
    found = diversity_of({"few": many[:6], "many": many}, streams(0))
    assert [own[VENDI].n for own in found.values()] == [6, 6]
    few, of_many = (own[VENDI] for own in found.values())
    assert of_many.value == pytest.approx(few.value, rel=0.3)
    assert few.low <= few.value <= few.high
    assert found == diversity_of({"few": many[:6], "many": many}, streams(0))


def test_solos_of_two_notes_and_sets_of_one_solo_are_left_out():
    short, solo = make_line([60, 62]), make_line([60, 62, 64, 65])
    empty = replace(short, notes=short.notes[:0])
    assert diversity_of({"one": [solo, short, empty], "none": []}, streams(0)) == {}
