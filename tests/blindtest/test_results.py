"""Results computed from artificial votes."""

import csv
import io
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tiny_blind_test import NO, RIGHT, YES, make_tiny_test

from yardbird.blindtest.bundle import BlindTest, Key
from yardbird.blindtest.result_tables import as_text
from yardbird.blindtest.results import Results, results_of
from yardbird.blindtest.training_pairs import training_pairs
from yardbird.blindtest.votes import Given, Listener
from yardbird.blindtest.votes_csv import votes_csv
from yardbird.blindtest.web_pages import results_page
from yardbird.errors import InputError

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


def answered(
    tiny: tuple[BlindTest, Key], listeners: int, answer: Callable[[str, int, np.random.Generator], str]
) -> Results:
    """Results of listeners who pass all checks; `answer` is given a question, the listener and random numbers."""
    test, key = tiny
    rng, everything = np.random.default_rng(0), {}
    for number in range(listeners):
        votes = {
            q[0]: Given(key.right[q[0]] if q[0] in key.right else answer(q[0], number, rng)) for q in test.questions
        }
        person = Listener(str(number), "listener", "server", (6, 5, 4, None)[number % 4])
        everything[str(number)] = (person, votes)
    return results_of(test, key, everything)


def test_a_scale_gives_mean_opinions_with_counts_and_differences(tmp_path: Path) -> None:
    tiny = make_tiny_test(tmp_path, mode="scale", each=6)
    mean = {"real": 4, "decoy": 4, "transformer": 2}

    def opinion(question: str, number: int, rng: np.random.Generator) -> str:
        return str(mean[tiny[1].clips[question].source] + int(rng.integers(-1, 2)))

    results = answered(tiny, 40, opinion)
    real, decoy, model = results.total.sources
    assert model.value.value == pytest.approx(2, abs=0.1)
    assert sum(model.answers.values()) == model.votes == 240
    assert sum(int(answer) * count for answer, count in model.answers.items()) / 240 == model.value.value
    assert model.value.low <= model.independent.low < model.independent.high <= model.value.high
    assert model.behind.value == pytest.approx(real.value.value - model.value.value)
    assert model.verdict == "it is rated lower than the real clips"
    assert decoy.verdict == "not distinguished from the real clips, within 0.4 points"
    assert (model.d_prime, model.power, model.strength) == (None, None, None)
    assert results.headphones == {"passed": 20, "failed": 10, "skipped": 10}
    text, page = as_text(results), results_page(tiny[0], results)
    for shown in (text, page):
        assert f"{model.value.value:.2f} ({model.value.low:.2f} … {model.value.high:.2f})" in shown
        assert "20 passed, 10 failed, 10 skipped" in shown


def test_pairs_give_win_rates_and_strengths_relative_to_the_real_clips(tmp_path: Path) -> None:
    """Sources with known strengths: the estimates and their intervals contain them."""
    tiny = test, key = make_tiny_test(tmp_path, mode="pairs", each=8)
    power = {"real": 0.0, "decoy": 0.0, "transformer": -1.5}
    pairs = {question[0]: question for question in test.questions}

    def prefer(question: str, number: int, rng: np.random.Generator) -> str:
        a, b = (power[key.clips[clip].source] for clip in pairs[question])
        return "a" if rng.random() < 1 / (1 + np.exp(b - a)) else "b"

    results = answered(tiny, 40, prefer)
    assert key.sources == ("real", "decoy", "transformer")
    real, decoy, model = results.total.sources
    matches = {(match.source, match.other): match for match in results.total.matches}
    assert set(matches) == {("real", "decoy"), ("real", "transformer"), ("decoy", "transformer")}, (
        "no family with itself"
    )
    assert {match.pairs for match in matches.values()} == {8}
    assert real.strength is None
    assert decoy.strength.low < 0 < decoy.strength.high
    assert model.strength.low < -1.5 < model.strength.high < -0.5
    against = matches["real", "transformer"]
    assert against.value.value == pytest.approx(1 / (1 + np.exp(-1.5)), abs=0.05)
    assert model.behind.value == pytest.approx(against.value.value - 0.5)
    assert model.answers["a"] == 2 * 320 - against.won - matches["decoy", "transformer"].won
    assert model.verdict == "the real clips are preferred to it"
    assert sum(row.answers["a"] for row in results.total.sources) == sum(match.votes for match in matches.values())
    for shown in (as_text(results), results_page(test, results)):
        assert f"{model.strength.value:.2f} ({model.strength.low:.2f} … {model.strength.high:.2f})" in shown
        assert f"{against.won} / 320" in shown


def test_pairs_that_all_agree_have_a_finite_strength_with_an_interval(tmp_path: Path) -> None:
    tiny = make_tiny_test(tmp_path, mode="pairs")
    model = answered(tiny, 3, lambda question, *_: "a").total.sources[2]
    assert -10 < model.strength.low < model.strength.value < model.strength.high < 0
    alone = answered(tiny, 1, lambda question, *_: "a").total.sources[2]
    assert (alone.value, alone.strength) == (None, None)
    assert alone.verdict == "undecided: one clip or one listener does not generalise to others"
    assert answered(tiny, 0, lambda question, *_: "a").total.sources[2].verdict == "no votes"


def test_every_vote_is_a_row_of_the_csv_with_its_sources_and_a_reason_that_no_spreadsheet_runs(tmp_path: Path) -> None:
    test, key = make_tiny_test(tmp_path, mode="pairs", each=1)
    votes = {question[0]: Given("b", '=HYPERLINK("x")\r\n"quoted", ä') for question in test.questions}
    listeners = {"x": (Listener("x", "listener", "file", 4), votes), "y": (Listener("y", "musician", "server"), {})}
    rows = list(csv.DictReader(io.StringIO(votes_csv(test, key, listeners))))
    assert len(rows) == len(test.questions)
    row = rows[0]
    assert (row["listener"], row["mode"], row["headphones"], row["via"]) == ("x", "pairs", "4", "file")
    assert (row["clip_a"], row["source_a"], row["clip_b"], row["source_b"]) == (
        f"{0:016x}",
        "real",
        f"{1:016x}",
        "decoy",
    )
    assert row["why"] == '\'=HYPERLINK("x") "quoted", ä'
    assert {row["status"] for row in rows} == {"failed a check"}
    assert [row["right"] for row in rows if row["source_a"] == "check"] == ["a"]
    assert list(csv.DictReader(io.StringIO(votes_csv(*make_tiny_test(tmp_path), {}))).fieldnames or []) == [
        "test", "mode", "listener", "expertise", "headphones", "via", "status", "clip", "source", "artist", "solo",
        "first_bar", "answer", "right", "why",
    ]  # fmt: skip


def test_training_pairs_are_the_preferences_between_generated_solos_only(tmp_path: Path) -> None:
    test, key = make_tiny_test(tmp_path, mode="pairs", each=1)
    (question,) = (pair for pair in test.questions if {key.clips[clip].source for clip in pair} == {"transformer"})
    people = {}
    for number, answer in enumerate("bba"):
        votes = {pair[0]: Given(key.right.get(pair[0], answer)) for pair in test.questions}
        people[str(number)] = (Listener(str(number), "listener", "server"), votes)
    wrong = {name: Given("a" if right == "b" else "b") for name, right in key.right.items()}
    people["failed"] = (
        Listener("failed", "listener", "server"),
        {pair[0]: Given("a") for pair in test.questions} | wrong,
    )
    records, ties = training_pairs(tmp_path, test, key, people)
    (record,) = records
    assert ties == 0
    assert (record["votes_chosen"], record["votes_rejected"]) == (2, 1)
    assert record["chosen"]["path"] == (tmp_path / "scores" / f"{question[1]}.mid").as_posix()
    assert record["rejected"]["clip"] == question[0]
    assert record["chosen"]["family"] == record["rejected"]["family"] == "transformer"
    assert (record["chosen"]["solo_path"], record["chosen"]["solo_sha256"]) == ("solo.mid", "0" * 64)
    assert record["same_chart"] is True
    two = {name: people[name] for name in ("0", "2")}
    assert training_pairs(tmp_path, test, key, two) == ([], 1), "a tie"
    with pytest.raises(InputError, match="expected votes that count, found none"):
        training_pairs(tmp_path, test, key, {})
    with pytest.raises(InputError, match="expected a test in mode pairs, found one in mode yes_no"):
        training_pairs(tmp_path, *make_tiny_test(tmp_path), {})
