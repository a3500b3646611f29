import numpy as np
import pytest
from moved_solos import line

from yardbird.judges.excerpt_judge import Judge

BEATS = 16.0


def solos(step, count, seed=0):
    rng = np.random.default_rng(seed)
    return [
        line(np.column_stack([rng.normal(6, 0.4, 8), rng.integers(6, 13, 8) / 10, rng.choice(step, 8), np.zeros(8)]))
        for _ in range(count)
    ]


def test_a_judge_learns_to_separate_two_players():
    scores, second = solos([1, 2], 6) + solos([4, 5], 6), [False] * 6 + [True] * 6
    judge = Judge(scores, second, [str(number) for number in range(12)], BEATS)
    assert judge.folded_auc == 1
    assert judge.examine(solos([1, 2], 3, 1) + solos([4, 5], 3, 1), [False] * 3 + [True] * 3) == {
        "accuracy": 1, "auc": 1,
    }  # fmt: skip
    assert judge.verdicts(solos([4, 5], 1, 2)[0]).shape == (2,)


def test_for_equal_players_the_judge_is_at_chance():
    scores, second = solos([1, 2, 4], 40), [False, True] * 20
    judge = Judge(scores, second, [str(number) for number in range(40)], BEATS)
    assert judge.folded_auc < 0.7
    assert 0.2 < judge.examine(solos([1, 2, 4], 40, 1), second)["auc"] < 0.8


def test_solos_of_one_tune_stay_in_one_fold():
    """Otherwise the judge recognises the tune: here each group has one player and one step."""
    steps = [1, 2, 3, 4, 5, 6]
    scores = [score for step in steps for score in solos([step], 4)]
    second = [step % 2 == 0 for step in steps for _ in range(4)]
    tunes = [str(step) for step in steps for _ in range(4)]
    assert Judge(scores, second, tunes, BEATS).folded_auc < 0.7
    assert Judge(scores, second, [str(number) for number in range(24)], BEATS).folded_auc == 1


def test_silence_gets_a_verdict_of_one_half():
    """Regression: a silent solo has no intervals, and was judged to be Coltrane's."""
    judge = Judge(solos([1], 4) + solos([4], 4), [False] * 4 + [True] * 4, list("abcdefgh"), BEATS)
    silent = line(np.array([[6, 0.1, 0, 0]] * 8))
    assert judge.verdicts(silent).tolist() == [0.5, 0.5]


def test_a_judge_trained_on_silence_gives_one_half():
    """Regression: the barely trained model of the smoke preset is silent, and its judge could not be fitted."""
    silent = line(np.array([[6, 0.1, 0, 0]] * 8))
    for scores in ([silent, silent], [silent, *solos([4], 1)]):
        judge = Judge(scores, [False, True], ["a", "b"], BEATS)
        assert judge.verdicts(solos([4], 1)[0]).tolist() == [0.5, 0.5]
        assert judge.folded_auc is None


def test_one_tune_per_artist_is_enough_to_fit_but_not_for_folds():
    judge = Judge(solos([1], 1) + solos([4], 1), [False, True], ["a", "b"], BEATS)
    assert judge.folded_auc is None
    assert judge.verdicts(solos([4], 1, 1)[0]).mean() > 0.5
    assert judge.examine(solos([4], 2), [True, True]) == {}


def test_the_same_solos_give_the_same_judge():
    scores, second = solos([1, 2], 4) + solos([2, 4], 4), [False] * 4 + [True] * 4
    solo = solos([2], 1, 3)[0]
    first, again = (Judge(scores, second, list("abcdefgh"), BEATS).verdicts(solo) for _ in range(2))
    assert first == pytest.approx(again, abs=0)


def test_folds_without_one_of_the_artists_are_not_used():
    """Regression: with few tune groups, a fold could contain all solos of an artist, and fitting failed."""
    scores = solos([1], 1) + solos([4], 1) + solos([1], 1) + solos([4], 1)
    judge = Judge(scores, [False, True, False, True], ["4", "3", "2", "4"], BEATS)
    assert judge.verdicts(solos([4], 1, 1)[0]).mean() > 0.5
