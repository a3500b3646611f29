"""Results computed from artificial votes."""

import re
from pathlib import Path

import pytest
from tiny_blind_test import NO, RIGHT, YES, make_tiny_test

from yardbird.blindtest.bundle import BlindTest, Key
from yardbird.blindtest.result_tables import as_text
from yardbird.blindtest.results import Results, results_of
from yardbird.blindtest.votes import Given, Listener
from yardbird.blindtest.web_pages import results_page

REAL, DECOY, MODEL = [[f"{2 * source + number:016x}" for number in range(2)] for source in range(3)]


@pytest.fixture
def tiny(tmp_path: Path) -> tuple[BlindTest, Key]:
    return make_tiny_test(tmp_path)


def judged(tiny: tuple[BlindTest, Key], listeners: int, real: float, model: float) -> Results:
    """Results of listeners with these shares of Yes for the real clips and for those of the model."""
    everything = {}
    for number in range(listeners):
        votes = dict.fromkeys(REAL, (NO, YES)[number < real * listeners])
        votes |= dict.fromkeys(MODEL, (NO, YES)[number < model * listeners]) | dict.fromkeys(DECOY, NO) | RIGHT
        everything[str(number)] = (Listener(str(number), ("listener", "jazz_musician")[number % 2], "server"), votes)
    return results_of(*tiny, everything)


def judged_by_clip(folder: Path, listeners: int, yes: dict[str, int]) -> Results:
    """Results of listeners who agree on six clips of each source; these numbers of clips get a Yes from all."""
    test, key = make_tiny_test(folder, each=6)
    votes = {clip: Given(answer) for clip, answer in key.right.items()}
    for source in key.sources:
        clips = [clip for clip, origin in key.clips.items() if origin.source == source]
        votes |= {clip: (NO, YES)[number < yes[source]] for number, clip in enumerate(clips)}
    everyone = map(str, range(listeners))
    return results_of(test, key, {name: (Listener(name, "listener", "server"), votes) for name in everyone})


def model_row(results: Results):
    return {row.source: row for row in results.total.sources}["transformer"]


def test_without_votes_the_results_are_empty(tiny: tuple[BlindTest, Key]) -> None:
    results = results_of(*tiny, {})
    assert [row.verdict for row in results.total.sources] == ["no votes"] * 3
    assert "0 listeners" in as_text(results)


def test_only_listeners_who_finished_and_passed_every_check_are_counted(tiny: tuple[BlindTest, Key]) -> None:
    test, _ = tiny
    full = dict.fromkeys([question[0] for question in test.questions], YES) | RIGHT
    check = next(iter(RIGHT))
    cases = {
        "good": full,
        "one check wrong": full | {check: NO},
        "wrong and gone": {check: NO},
        "gone": {clip: given for clip, given in full.items() if clip != REAL[0]},
        "never began": {},
    }
    everything = {name: (Listener(name, "listener", "file"), votes) for name, votes in cases.items()}
    results = results_of(*tiny, everything)
    assert (results.total.listeners, results.failed_checks, results.unfinished, results.from_files) == (1, 2, 2, 1)
    assert [(row.answers["yes"], row.votes) for row in results.total.sources] == [(2, 2)] * 3


def test_checks_and_examples_are_not_sources(tiny: tuple[BlindTest, Key]) -> None:
    assert [row.source for row in judged(tiny, 4, 0.5, 0.5).total.sources] == ["real", "decoy", "transformer"]


def test_groups_of_expertise_sum_to_all(tiny: tuple[BlindTest, Key]) -> None:
    results = judged(tiny, 10, 0.7, 0.4)
    assert [group.listeners for group in results.by_expertise] == [0, 5, 0, 5]
    for index, row in enumerate(results.total.sources):
        assert row.answers["yes"] == sum(group.sources[index].answers.get("yes", 0) for group in results.by_expertise)


@pytest.mark.parametrize(
    ("listeners", "real", "model", "goal", "comparison"),
    [
        (200, 0.9, 0.2, "below the goal of one half", "listeners distinguish it from the real clips"),
        (200, 0.6, 0.8, "the goal of one half is reached", "judged as the artist more often than the real clips"),
        (200, 0.7, 0.7, "the goal of one half is reached", "not distinguished from the real clips, within 10%"),
        (10, 0.5, 0.5, "undecided: the interval contains one half", "the difference may be 28%"),
        (200, 0.4, 0.4, "below the goal of one half", "not distinguished from the real clips"),
        (
            25,
            0.5,
            0.64,
            "undecided: the interval contains one half",
            "the difference may be",
        ),  # less than 10% behind only
    ],
)
def test_the_verdict_has_the_goal_and_the_comparison_with_the_real_clips(
    tiny: tuple[BlindTest, Key], listeners: int, real: float, model: float, goal: str, comparison: str
) -> None:
    verdict = model_row(judged(tiny, listeners, real, model)).verdict
    assert verdict.startswith(goal)
    assert comparison in verdict


def test_sensitivity_difference_and_power_are_consistent(tiny: tuple[BlindTest, Key]) -> None:
    row = model_row(judged(tiny, 100, 0.8, 0.5))
    assert row.value.value == pytest.approx(0.5)
    assert row.behind.value == pytest.approx(0.3)
    assert row.behind.low > 0
    assert row.d_prime.low > 0
    assert 0 < row.power < 1
    assert row.needed > 200
    assert "80% (" in as_text(judged(tiny, 100, 0.8, 0.5))


def test_two_hundred_listeners_of_six_clips_are_not_twelve_hundred_independent_votes(tmp_path: Path) -> None:
    """All agree on Yes for four of six real clips and two of six of the model. Other clips might give the reverse."""
    row = model_row(judged_by_clip(tmp_path, 200, {"real": 4, "decoy": 0, "transformer": 2}))
    assert (row.clips, row.answers["yes"], row.votes) == (6, 400, 1200)
    assert row.independent.high < 0.5 < row.value.high
    assert row.behind.value == pytest.approx(1 / 3)
    assert row.behind.low < 0 < row.behind.high
    assert row.d_prime.low < 0 < row.d_prime.high
    assert row.verdict.startswith(
        "undecided: the interval contains one half; not distinguished from the real clips, but"
    )


def test_with_equal_clips_the_interval_is_that_of_the_votes(tmp_path: Path) -> None:
    rows = judged_by_clip(tmp_path, 200, {"real": 6, "decoy": 0, "transformer": 6}).total.sources
    assert rows[1].verdict == "listeners distinguish it from the real clips"
    assert rows[2].verdict == "the goal of one half is reached; not distinguished from the real clips, within 10%"
    few = model_row(judged_by_clip(tmp_path, 2, {"real": 6, "decoy": 0, "transformer": 6}))
    assert "the difference may be" in few.verdict, "two who agree are no proof, though nothing varies"


def test_one_clip_or_one_listener_is_undecided(tiny: tuple[BlindTest, Key], tmp_path: Path) -> None:
    test, key = make_tiny_test(tmp_path / "single", each=1)
    votes = {clip: (NO, YES)[origin.source in ("real", "check")] for clip, origin in key.clips.items()}
    everything = {name: (Listener(name, "listener", "server"), votes) for name in map(str, range(500))}
    for row in (model_row(results_of(test, key, everything)), model_row(judged(tiny, 1, 1.0, 0.0))):
        assert row.verdict == "undecided: one clip or one listener does not generalise to others"
        assert (row.value, row.behind, row.d_prime) == (None, None, None)
        assert row.independent.value == 0


def test_the_same_votes_give_the_same_results(tiny: tuple[BlindTest, Key]) -> None:
    assert judged(tiny, 30, 0.8, 0.5) == judged(tiny, 30, 0.8, 0.5)


def test_the_page_and_the_table_show_both_intervals_and_the_number_of_clips(tmp_path: Path) -> None:
    results = judged_by_clip(tmp_path, 200, {"real": 4, "decoy": 0, "transformer": 2})
    row = model_row(results)
    page, text = results_page(make_tiny_test(tmp_path)[0], results), as_text(results)
    (line,) = (line for line in text.splitlines() if line.startswith("transformer "))
    (cells,) = re.findall(r'<th scope="row">transformer</th>(.*?)</tr>', page, re.S)
    for low, high in ((row.value.low, row.value.high), (row.independent.low, row.independent.high)):
        assert f"{low:.0%} … {high:.0%}" in line
        assert f"{low:.0%} … {high:.0%}" in cells
    assert re.search(r" 6 +400 / 1200 ", line)
    assert "<td>6</td>\n<td>400 / 1200</td>" in cells
    assert "a new clip for each vote" in page
