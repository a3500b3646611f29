from dataclasses import replace

import pytest

from yardbird.tracking.gate import Standing, judge

CANDIDATE = Standing(nats=2.0, baseline=2.4, held_out="a", synthetic=False)


def test_the_first_that_beats_the_ngram_is_champion() -> None:
    verdict = judge(CANDIDATE, None)
    assert verdict.promoted
    assert verdict.reason.startswith("Beats the n-gram: 2.000 against 2.400 nats per note.")


@pytest.mark.parametrize("nats", [2.4, 3.0])
def test_who_does_not_beat_the_ngram_is_no_champion_even_without_a_rival(nats: float) -> None:
    verdict = judge(replace(CANDIDATE, nats=nats), None)
    assert not verdict.promoted
    assert "Does not beat the n-gram" in verdict.reason


@pytest.mark.parametrize(("champion_nats", "promoted"), [(2.1, True), (2.0, True), (1.9, False)])
def test_on_the_same_tunes_the_nats_decide_and_a_tie_is_no_worse(champion_nats: float, promoted: bool) -> None:
    verdict = judge(CANDIDATE, replace(CANDIDATE, nats=champion_nats))
    assert verdict.promoted is promoted
    assert "same held-out tunes" in verdict.reason


def test_on_other_tunes_the_margin_over_the_ngram_decides_and_not_the_nats() -> None:
    """The champion's tunes were easier: fewer nats, and yet it stood less far above its n-gram."""
    easier = Standing(nats=1.5, baseline=1.6, held_out="b", synthetic=False)
    verdict = judge(CANDIDATE, easier)
    assert verdict.promoted
    assert "nats do not compare" in verdict.reason
    assert "16.7% against 6.2%" in verdict.reason
    assert not judge(easier, CANDIDATE).promoted


def test_a_model_of_the_synthetic_corpus_never_displaces_one_of_real_solos() -> None:
    etudes = Standing(nats=0.5, baseline=2.0, held_out="b", synthetic=True)
    assert not judge(etudes, CANDIDATE).promoted
    assert "the champion stays" in judge(etudes, CANDIDATE).reason
    assert judge(CANDIDATE, etudes).promoted
    assert "trained on a synthetic corpus, this one on real solos" in judge(CANDIDATE, etudes).reason


def test_a_family_without_the_measure_is_not_judged() -> None:
    assert not judge(replace(CANDIDATE, nats=None), None).promoted
    assert judge(CANDIDATE, replace(CANDIDATE, nats=None)).promoted
