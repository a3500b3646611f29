"""What is read out of votes that are made up."""

from pathlib import Path

import pytest
from tiny_blind_test import RIGHT, make_tiny_test

from yardbird.blindtest.bundle import BlindTest, Key
from yardbird.blindtest.results import Results, as_text, results_of
from yardbird.blindtest.store import Listener

REAL, DECOY, MODEL = [[f"{2 * source + number:016x}" for number in range(2)] for source in range(3)]


@pytest.fixture
def tiny(tmp_path: Path) -> tuple[BlindTest, Key]:
    return make_tiny_test(tmp_path)


def judged(tiny: tuple[BlindTest, Key], listeners: int, real: float, model: float) -> Results:
    """Results of listeners of whom these shares say Yes to the real clips and to the model's."""
    everything = {}
    for number in range(listeners):
        votes = dict.fromkeys(REAL, number < real * listeners)
        votes |= dict.fromkeys(MODEL, number < model * listeners) | dict.fromkeys(DECOY, False) | RIGHT
        everything[str(number)] = (Listener(str(number), ("listener", "jazz_musician")[number % 2], "server"), votes)
    return results_of(*tiny, everything)


def model_row(results: Results):
    return {row.source: row for row in results.total.sources}["transformer"]


def test_without_votes_there_is_nothing_but_a_table(tiny: tuple[BlindTest, Key]) -> None:
    results = results_of(*tiny, {})
    assert [row.verdict for row in results.total.sources] == ["no votes"] * 3
    assert "0 listeners" in as_text(results)


def test_only_listeners_who_finished_with_every_check_right_are_counted(tiny: tuple[BlindTest, Key]) -> None:
    test, _ = tiny
    full = dict.fromkeys(test.clips, True) | RIGHT
    check = next(iter(RIGHT))
    cases = {
        "good": full,
        "one check wrong": full | {check: not RIGHT[check]},
        "wrong and gone": {check: not RIGHT[check]},
        "gone": {clip: yes for clip, yes in full.items() if clip != REAL[0]},
        "never began": {},
    }
    everything = {name: (Listener(name, "listener", "file"), votes) for name, votes in cases.items()}
    results = results_of(*tiny, everything)
    assert (results.total.listeners, results.failed_checks, results.unfinished, results.from_files) == (1, 2, 2, 1)
    assert [(row.yes, row.votes) for row in results.total.sources] == [(2, 2)] * 3


def test_checks_and_examples_are_no_source(tiny: tuple[BlindTest, Key]) -> None:
    assert [row.source for row in judged(tiny, 4, 0.5, 0.5).total.sources] == ["real", "decoy", "transformer"]


def test_groups_of_experience_add_up_to_all(tiny: tuple[BlindTest, Key]) -> None:
    results = judged(tiny, 10, 0.7, 0.4)
    assert [group.listeners for group in results.by_expertise] == [0, 5, 0, 5]
    for index, row in enumerate(results.total.sources):
        assert row.yes == sum(group.sources[index].yes for group in results.by_expertise)


@pytest.mark.parametrize(
    ("listeners", "real", "model", "goal", "beside"),
    [
        (200, 0.9, 0.2, "below the goal of one half", "listeners tell it from the real clips"),
        (200, 0.6, 0.8, "the goal of one half is reached", "taken for the artist more often than the real clips"),
        (200, 0.7, 0.7, "the goal of one half is reached", "not told from the real clips, within 10%"),
        (10, 0.5, 0.5, "one half lies inside the interval: undecided", "power is little to say so"),
        (200, 0.4, 0.4, "below the goal of one half", "not told from the real clips"),
    ],
)
def test_the_verdict_reads_the_goal_against_the_real_clips(
    tiny: tuple[BlindTest, Key], listeners: int, real: float, model: float, goal: str, beside: str
) -> None:
    verdict = model_row(judged(tiny, listeners, real, model)).verdict
    assert verdict.startswith(goal)
    assert beside in verdict


def test_sensitivity_behind_and_power_belong_together(tiny: tuple[BlindTest, Key]) -> None:
    row = model_row(judged(tiny, 100, 0.8, 0.5))
    assert row.judged.value == pytest.approx(0.5)
    assert row.behind.value == pytest.approx(0.3)
    assert row.behind.low > 0
    assert row.d_prime.low > 0
    assert 0 < row.power < 1
    assert row.needed > 200
    assert "80% (" in as_text(judged(tiny, 100, 0.8, 0.5))
