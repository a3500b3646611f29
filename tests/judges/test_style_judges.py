import json
from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from yardbird.errors import InputError
from yardbird.judges.style_judges import (
    FEWEST_NOTES,
    JUDGED_METRICS,
    SYMBOLS,
    Judges,
    RatioJudge,
    TraitJudge,
    auc,
    count,
    estimate_auc,
    intervals,
    nats,
    read_judges,
    write_judges,
)
from yardbird.metrics.solo_metrics import describe
from yardbird.music.score import Score, make_notes

LINES = st.lists(st.lists(st.integers(0, 4), max_size=12), min_size=1, max_size=5)


def line(steps: list[int], length: int = 24, start: int = 60) -> Score:
    """Eighths that repeat these steps, moved by an octave where they leave the range."""
    pitches = [start]
    for place in range(length - 1):
        pitch = pitches[-1] + steps[place % len(steps)]
        pitches.append(pitch - 12 if pitch > 80 else pitch + 12 if pitch < 50 else pitch)
    return Score(12, make_notes([(6 * place, 6, pitch, 80) for place, pitch in enumerate(pitches)]), 6 * length)


def players(solos: int, seed: int = 0) -> tuple[list[Score], list[bool]]:
    """Lines of a player who moves by semitones and tones, and of one who moves by thirds and fourths."""
    random = np.random.default_rng(seed)
    steps = {True: [-2, -1, 1, 2], False: [-5, -4, -3, 3, 4, 5]}
    own = [bool(place % 2) for place in range(solos)]
    return [line(random.choice(steps[mine], 23).tolist()) for mine in own], own


def slow_probability(lines: list[list[int]], history: list[int], symbol: int) -> float:
    """The formula as a slow recursion: search all occurrences of the history, then of shorter ones."""
    after = [
        own[at]
        for own in lines
        for at in range(len(history), len(own))
        if own[at - len(history) : at] == history
    ]  # fmt: skip
    shorter = slow_probability(lines, history[1:], symbol) if history else 1 / SYMBOLS
    kinds = len(set(after))
    return (after.count(symbol) + kinds * shorter) / (len(after) + kinds) if after else shorter


@given(lines=LINES, sequence=st.lists(st.integers(0, 4), max_size=8), order=st.integers(1, 4))
def test_the_ngrams_equal_a_slow_count(lines: list[list[int]], sequence: list[int], order: int) -> None:
    expected = [
        -log(slow_probability(lines, sequence[max(0, at - order + 1) : at], sequence[at]))
        for at in range(len(sequence))
    ]
    assert nats(count(lines, order), sequence) == pytest.approx(np.array(expected))


def test_after_any_history_the_probabilities_sum_to_one() -> None:
    model = count([[0, 1, 0, 2, 0, 1], [1, 1]], 3)
    for history in ([], [0], [0, 1], [7, 0]):
        each = [nats(model, [*history, interval])[-1] for interval in range(-12, 13)]
        assert np.exp(-np.array(each)).sum() == pytest.approx(1)


def test_the_ratio_is_the_mean_over_notes_and_independent_of_transposition_and_tempo() -> None:
    scores, own = players(6)
    judge = RatioJudge.fit(scores, own, order=3)
    sequence = intervals(scores[0])
    mine = nats(count([intervals(s) for s, o in zip(scores, own, strict=True) if o], 3), sequence)
    theirs = nats(count([intervals(s) for s, o in zip(scores, own, strict=True) if not o], 3), sequence)
    assert judge.ratio(scores[0]) == pytest.approx((theirs.sum() - mine.sum()) / 23)
    assert judge.ratio(scores[0].transposed(5)) == judge.ratio(scores[0])
    assert judge.ratio(line([1], length=1)) == 0


def test_both_judges_separate_unseen_lines_of_the_player_from_those_of_another() -> None:
    judge = RatioJudge.fit(*players(8), order=3).calibrated(*players(8, seed=1))
    traits = TraitJudge.fit(*players(16))
    scores, own = players(12, seed=2)
    for verdict in (judge.ratio, judge.probability, traits.probability):
        assert auc([verdict(score) for score in scores], own) == 1
    assert all((judge.probability(score) > 0.5) == mine for score, mine in zip(scores, own, strict=True))


def test_with_shuffled_labels_the_judges_are_at_chance() -> None:
    """Negative control: with random labels, the judge's verdicts on unseen lines are at chance.

    Each side gets half of the lines of either player. None of 40 random labellings does as well as the true labels, and
    their mean is at chance within three standard errors (0.027).
    """
    held_out, truth = players(24, 1000)

    def area(scores: list[Score], own: list[bool]) -> float:
        judge = RatioJudge.fit(scores, own, 3)
        return float(roc_auc_score(truth, [judge.ratio(score) for score in held_out]))

    areas = []
    for seed in range(40):
        scores, player = players(24, seed)
        own = np.zeros(24, dtype=bool)
        for side in (True, False):
            own[np.random.default_rng(seed).permutation(np.flatnonzero(np.array(player) == side))[:6]] = True
        areas.append(area(scores, own.tolist()))
    assert area(*players(24)) == 1 > max(areas)
    assert abs(np.mean(areas) - 0.5) < 0.08


def test_the_probability_rises_with_the_ratio_and_its_mean_is_that_of_the_labels() -> None:
    scores, own = players(30, seed=1)
    noisy = [not mine if place % 5 == 0 else mine for place, mine in enumerate(own)]
    judge = RatioJudge.fit(*players(8), order=3).calibrated(scores, noisy)
    by_ratio = sorted(scores, key=judge.ratio)
    verdicts = [judge.probability(score) for score in by_ratio]
    assert judge.slope > 0
    assert verdicts == sorted(verdicts)
    assert all(0 < verdict < 1 for verdict in verdicts)
    assert np.mean(verdicts) == pytest.approx(np.mean(noisy), abs=0.05)


def test_a_ratio_that_is_wrong_on_held_out_pieces_gives_probability_one_half() -> None:
    scores, own = players(10, seed=1)
    judge = RatioJudge.fit(*players(8), order=3).calibrated(scores, [not mine for mine in own])
    assert {judge.probability(score) for score in scores} == {0.5}


def test_the_trait_judge_ignores_rhythm_phrases_and_density() -> None:
    """With all metrics, it separated Parker's scores from his performances better than Parker from Coltrane."""
    traits = TraitJudge.fit(*players(8)).traits
    assert {"interval_1", "interval_5_7"} <= set(traits) <= set(JUDGED_METRICS) <= set(describe(line([1])))
    excluded = ("rhythm", "groov", "swing", "phrase", "bar", "beat", "entropy", "h1", "h4", "progression")
    assert not [name for name in JUDGED_METRICS if any(word in name for word in excluded)]


def test_too_few_notes_are_not_judged() -> None:
    judge, traits = RatioJudge.fit(*players(8), order=3).calibrated(*players(8)), TraitJudge.fit(*players(8))
    for length in (1, FEWEST_NOTES - 1):
        assert judge.probability(line([1], length)) == traits.probability(line([1], length)) == 0.5
    assert traits.probability(line([1], FEWEST_NOTES)) != 0.5


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_the_auc_is_the_share_of_correctly_ordered_pairs_and_equals_sklearn_s(rows: list[tuple[int, bool]]) -> None:
    verdicts, own = [float(verdict) for verdict, _ in rows], [mine for _, mine in rows]
    pairs = [(a > b) + (a == b) / 2 for a, mine in rows if mine for b, other in rows if not other]
    assert auc(verdicts, own) == (pytest.approx(np.mean(pairs)) if pairs else None)


def test_the_interval_resamples_whole_tune_groups() -> None:
    verdicts, own = [0.9, 0.8, 0.4, 0.7, 0.3, 0.2], [True, True, True, False, False, False]
    groups = ["a", "a", "b", "c", "d", "e"]
    found, again = (estimate_auc(verdicts, own, groups, 200, np.random.default_rng(0)) for _ in range(2))
    assert found == again
    assert found is not None
    assert (found.value, found.n) == (roc_auc_score(own, verdicts), 6)
    assert found.span[0] <= found.value <= found.span[1]
    assert estimate_auc(verdicts, [True] * 6, groups, 50, np.random.default_rng(0)) is None
    assert estimate_auc([], [], [], 50, np.random.default_rng(0)) is None


@pytest.mark.parametrize("groups", [["x", "x", "x", "c", "d", "e"], ["a", "b", "c", "y", "y", "y"]])
def test_a_side_of_one_tune_group_has_no_interval(groups: list[str]) -> None:
    """Resampling a single group always gives the same group, so that the interval would have no width."""
    verdicts, own = [0.9, 0.8, 0.4, 0.7, 0.3, 0.2], [True, True, True, False, False, False]
    found = estimate_auc(verdicts, own, groups, 50, np.random.default_rng(0))
    assert found is not None
    assert (found.value, found.low, found.high) == (roc_auc_score(own, verdicts), None, None)


@pytest.mark.slow
def test_the_interval_equals_that_of_a_slow_bootstrap() -> None:
    random = np.random.default_rng(0)
    own = [True] * 20 + [False] * 20
    verdicts = [float(verdict) for verdict in random.normal(size=40) + np.array(own)]
    groups = [f"{mine}{place % 5}" for place, mine in enumerate(own)]
    areas = []
    for _ in range(400):
        drawn = [f"{mine}{random.integers(5)}" for mine in (True, False) for _ in range(5)]
        rows = [at for name in drawn for at, group in enumerate(groups) if group == name]
        areas.append(roc_auc_score([own[at] for at in rows], [verdicts[at] for at in rows]))
    expected = np.quantile(areas, [0.025, 0.975])
    found = estimate_auc(verdicts, own, groups, 2000, np.random.default_rng(0))
    assert found is not None
    assert found.span == pytest.approx(expected, abs=0.03)


def test_judges_are_read_back_from_json_equal(tmp_path) -> None:
    judges = Judges("Ann", RatioJudge.fit(*players(6), 3).calibrated(*players(6, 1)), TraitJudge.fit(*players(8)))
    write_judges(judges, tmp_path)
    back = read_judges(tmp_path)
    assert isinstance(back, Judges)
    assert json.loads((tmp_path / "judges.json").read_text())["artist"] == back.artist == "Ann"
    for score in players(4, 2)[0]:
        assert back.ratio.probability(score) == judges.ratio.probability(score)
        assert back.traits.probability(score) == judges.traits.probability(score)


def test_the_reason_for_no_judge_is_stored_and_a_missing_file_is_an_error(tmp_path) -> None:
    write_judges("one artist only", tmp_path)
    assert read_judges(tmp_path) == "one artist only"
    with pytest.raises(InputError, match="expected judges, found no such file; run the judge stage"):
        read_judges(tmp_path / "elsewhere")
