"""The words follow from the values: other values give other words, uncertain values none."""

import pytest

from yardbird.comparison.model_facts import Facts
from yardbird.comparison.strengths import AGAINST, RANKED, characters, count, duration, memory, percent
from yardbird.metrics.estimates import Estimate


def exact(**figures: float) -> dict[str, Estimate]:
    return {key: Estimate(value) for key, value in figures.items()}


def test_the_best_and_the_worst_are_named_with_the_next_and_the_ratio() -> None:
    said = characters({name: Facts(exact(parameters=size)) for name, size in (("a", 1e6), ("b", 4e6), ("c", 50e6))})
    assert said["a"].strengths == ["smallest: 1 million parameters; b, the next, has 4.0 times as many"]
    assert said["c"].weaknesses == ["largest: 50 million parameters, 12 times as many as b"]
    assert (said["a"].weaknesses, said["b"].strengths, said["b"].weaknesses, said["c"].strengths) == ([], [], [], [])


def test_other_values_give_other_words() -> None:
    slow, fast = exact(music_seconds_per_second=2.0), exact(music_seconds_per_second=30.0)
    one = characters({"a": Facts(slow), "b": Facts(fast)})
    other = characters({"a": Facts(fast), "b": Facts(slow)})
    assert one["b"].strengths == ["generates fastest: 30 s of music a second, 15 times as much as a"]
    assert other["a"].strengths == ["generates fastest: 30 s of music a second, 15 times as much as b"]
    assert one["a"].weaknesses == ["generates slowest: 2 s of music a second; b generates 15 times as much"]
    assert other["a"].weaknesses == []


def test_overlapping_intervals_give_no_sentence() -> None:
    near = {"a": Facts({"distance": Estimate(1.0, 0.5, 1.6)}), "b": Facts({"distance": Estimate(2.0, 1.5, 2.5)})}
    assert all(not one.strengths + one.weaknesses for one in characters(near).values())
    apart = near | {"b": Facts({"distance": Estimate(2.0, 1.7, 2.3)})}
    assert characters(apart)["a"].strengths == ["nearest to real solos: at 1; b, the next, is 2.0 times as far"]


def test_the_best_must_be_separated_from_all_others() -> None:
    figures = {"a": Estimate(1.0, 0.9, 1.1), "b": Estimate(2.0, 1.9, 2.1), "c": Estimate(3.0, 1.0, 5.0)}
    said = characters({name: Facts({"distance": figure}) for name, figure in figures.items()})
    assert all(not one.strengths + one.weaknesses for one in said.values())


def test_a_value_of_one_family_only_is_not_ranked() -> None:
    said = characters({"a": Facts(exact(training_seconds=10)), "b": Facts({})})
    assert said["a"].strengths == []


def test_costs_on_different_machines_are_not_compared() -> None:
    def family(seconds: float, device: str) -> Facts:
        return Facts(exact(training_seconds=seconds), words={"device": device})

    assert characters({"a": family(10, "CPU, 1 thread"), "b": family(1000, "some GPU")})["a"].strengths == []
    (said,) = characters({"a": family(10, "some GPU"), "b": family(1000, "some GPU")})["a"].strengths
    assert said == "trains fastest: 10 s; b, the next, takes 100 times as long"


@pytest.mark.parametrize(
    ("saved", "strengths", "weaknesses"),
    [
        (Estimate(0.3, 0.25, 0.35), ["predicts held-out tunes with 30 % fewer nats than chance"], []),
        (Estimate(-1.5, -1.6, -1.4), [], ["needs 150 % more nats for held-out tunes than chance"]),
        (Estimate(0.02, -0.01, 0.05), [], []),
    ],
)
def test_a_value_and_its_reference_give_a_strength_a_weakness_or_nothing(
    saved: Estimate, strengths: list[str], weaknesses: list[str]
) -> None:
    said = characters({"a": Facts({"nats_saved": saved}, words={"baseline": "chance"})})["a"]
    assert (said.strengths, said.weaknesses) == (strengths, weaknesses)


def test_a_rule_with_a_reference_needs_both_values() -> None:
    quoting = exact(coverage_8=0.3, longest_run=12)
    assert characters({"a": Facts(quoting)})["a"].weaknesses == []
    said = characters({"a": Facts(quoting | exact(self_coverage_8=0.1, self_longest_run=20))})["a"]
    assert said.weaknesses == [
        "quotes training solos more than they quote each other: 30 % of its runs of 8 intervals against 10 %"
    ]


def test_a_property_of_one_family_only_is_its_strength() -> None:
    families = {
        "a": Facts({}, conditions=("tempo", "artist"), writes="notes"),
        "b": Facts({}, conditions=("tempo", "caption"), writes="sound"),
    }
    said = characters(families)
    assert said["a"].strengths == ["is the only one conditioned on: artist", "is the only one that writes notes"]
    assert said["b"].strengths == ["is the only one conditioned on: caption", "is the only one that writes sound"]
    assert characters({"a": families["a"]})["a"].strengths == [], "one family alone has no special property"


def test_values_without_a_ratio_give_a_sentence_without_one() -> None:
    said = characters({"a": Facts(exact(harmony_margin=0.2)), "b": Facts(exact(harmony_margin=-0.1))})
    assert "follows the changes best: harmony margin 0.2, b has −0.1" in said["a"].strengths
    zero = characters({"a": Facts(exact(distance=0.0)), "b": Facts(exact(distance=1.0))})
    assert zero["a"].strengths == []


def test_every_rule_can_apply_and_fills_all_its_placeholders() -> None:
    """A text with an unknown placeholder would fail only when its rule first applies."""
    for rule in RANKED:
        said = characters({"a": Facts(exact(**{rule.key: 1.0})), "b": Facts(exact(**{rule.key: 10.0}))})
        assert any(one.strengths for one in said.values()), rule
        assert any(one.weaknesses for one in said.values()), rule
    for rule in AGAINST:
        for value in (-10.0, 10.0):
            reference = {} if isinstance(rule.reference, float) else exact(**{rule.reference: 1.0})
            words = {"baseline": "chance"}
            said = characters({"a": Facts(exact(**{rule.key: value}) | reference, words=words)})["a"]
            expected = rule.above if value > 0 else rule.below
            spoken = said.strengths if (value > 0) == rule.good_above else said.weaknesses
            assert bool(spoken) or expected is None, rule
            assert not any("{" in text for text in said.strengths + said.weaknesses)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.04 s"), (9.94, "9.9 s"), (42.4, "42 s"), (59.6, "1 min"), (200, "3 min 20 s"), (18600, "5 h 10 min"),
     (2419200, "28 d"), (1051200, "12 d 4 h")],
)  # fmt: skip
def test_durations_have_two_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_counts_memory_and_shares_are_formatted() -> None:
    assert [count(n) for n in (940, 751360, 1770611, 7e9)] == ["940", "751 thousand", "1.77 million", "7 billion"]
    assert [memory(mib) for mib in (911, 2048, 140000)] == ["911 MiB", "2.0 GiB", "136.7 GiB"]
    assert [percent(share) for share in (0.299, -1.58, 0.0123)] == ["30 %", "158 %", "1.2 %"]
