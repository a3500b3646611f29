from dataclasses import replace

import pytest

from yardbird.errors import ConfigError
from yardbird.metrics.verdicts import VERDICTS
from yardbird.tracking.gate import Gate, Standing, decide

NATS = Gate("nats_per_note", "ngram", ())
ERROR = Gate("reconstruction_error", "shuffled_z", ())
CANDIDATE = Standing(NATS, value=2.0, baseline=2.4, held_out="a", synthetic=False, collapsed=False)


def test_the_first_model_that_beats_the_ngram_is_champion() -> None:
    verdict = decide(CANDIDATE, None)
    assert verdict.promoted
    assert verdict.reason.startswith("Beats the n-gram in nats per note: 2.000 against 2.400.")


@pytest.mark.parametrize("nats", [2.4, 3.0])
def test_a_model_that_does_not_beat_the_ngram_is_not_champion_even_without_a_rival(nats: float) -> None:
    verdict = decide(replace(CANDIDATE, value=nats), None)
    assert not verdict.promoted
    assert "Does not beat the n-gram" in verdict.reason


@pytest.mark.parametrize(("champion_nats", "promoted"), [(2.1, True), (2.0, True), (1.9, False)])
def test_on_the_same_tunes_the_nats_decide_and_a_tie_is_not_worse(champion_nats: float, promoted: bool) -> None:
    verdict = decide(CANDIDATE, replace(CANDIDATE, value=champion_nats))
    assert verdict.promoted is promoted
    assert "same held-out tunes" in verdict.reason


def test_on_other_tunes_the_margin_over_the_ngram_decides_and_not_the_nats() -> None:
    """The champion's tunes were easier: it has fewer nats but a smaller margin over its n-gram."""
    easier = replace(CANDIDATE, value=1.5, baseline=1.6, held_out="b")
    verdict = decide(CANDIDATE, easier)
    assert verdict.promoted
    assert "nats per note cannot be compared" in verdict.reason
    assert "16.7% against 6.2%" in verdict.reason
    assert not decide(easier, CANDIDATE).promoted


def test_a_model_of_the_synthetic_corpus_never_replaces_one_of_real_solos() -> None:
    etudes = replace(CANDIDATE, value=0.5, baseline=2.0, held_out="b", synthetic=True)
    assert not decide(etudes, CANDIDATE).promoted
    assert "The champion stays." in decide(etudes, CANDIDATE).reason
    assert decide(CANDIDATE, etudes).promoted
    assert "trained on a synthetic corpus, this model on real solos" in decide(CANDIDATE, etudes).reason


def test_a_family_without_the_measure_is_not_judged() -> None:
    assert not decide(replace(CANDIDATE, value=None), None).promoted
    assert decide(CANDIDATE, replace(CANDIDATE, value=None)).promoted


def test_the_verdict_names_the_measure() -> None:
    latent = replace(CANDIDATE, gate=ERROR, value=0.3, baseline=0.9)
    assert decide(latent, None).reason.startswith("Beats shuffled z in reconstruction error: 0.300 against 0.900.")
    assert decide(replace(latent, value=None), None).reason == (
        "Not judged: held-out reconstruction error was not measured for both the model and shuffled z."
    )


def test_a_collapsed_latent_is_never_champion_however_good_its_metrics() -> None:
    verdict = decide(replace(CANDIDATE, gate=ERROR, value=0.0, collapsed=True), None)
    assert not verdict.promoted
    assert "decoding from z recovers almost nothing of a solo" in verdict.reason


def test_a_champion_of_another_measure_is_replaced_by_a_model_that_beats_its_baseline() -> None:
    latent = replace(CANDIDATE, gate=ERROR, value=0.3, baseline=0.9)
    verdict = decide(latent, CANDIDATE)
    assert verdict.promoted
    assert "judged by nats per note against the n-gram: values cannot be compared" in verdict.reason
    assert not decide(replace(latent, synthetic=True), CANDIDATE).promoted


def test_a_standing_is_read_back_equal() -> None:
    failing = replace(CANDIDATE, gate=replace(NATS, requires=("original",)), faults=("original: not measured",))
    for standing in (CANDIDATE, failing):
        assert Standing.parse(standing.text()) == standing


EVALUATED = {
    "model": {
        "original": 0, "coverage_8": 0.21, "longest_run": 30.5, "longest_run_most": 41,
        "coherent_phrases": 1, "phrase_notes": 16, "real_phrase_p10": 7, "real_phrase_p90": 33,
        "coherent_changes": 0, "changes_share": 0.5, "changes_asked": 0.9,
        "changes_share_low": 0.22, "changes_share_high": 0.78, "changes_solos": 8, "coherent_solos": 8,
    },
    "self_quotation": {"coverage_8_high": 0.17, "longest_run_high": 19, "longest_run_most_high": 23},
}  # fmt: skip


def test_a_copy_is_not_champion_however_well_it_predicts() -> None:
    gate = Gate("nats_per_note", "ngram", ("original",))
    faults = gate.faults(EVALUATED, "model")
    verdict = decide(replace(CANDIDATE, gate=gate, faults=faults), None)
    assert not verdict.promoted
    assert verdict.reason == (
        "Beats the n-gram in nats per note: 2.000 against 2.400. But it cannot be champion: it is not original: "
        "21.0% of runs of 8 intervals occur in training solos (limit 17.0%); longest run of a solo: 30.5 intervals in "
        "the mean (limit 19.0), 41 at most (limit 23)."
    )


def test_only_required_verdicts_are_checked_and_a_missing_one_is_a_fault() -> None:
    assert Gate("m", "b", ()).faults(EVALUATED, "model") == ()
    assert Gate("m", "b", ("coherent_phrases",)).faults(EVALUATED, "model") == ()
    changes, traits = Gate("m", "b", ("coherent_phrases", "coherent_changes", "coherent_traits")).faults(
        EVALUATED, "model"
    )
    assert changes == (
        "coherent in its changes: 50% of 8 solos follow their changes (required: 90%); 95% interval 22% to 78%"
    )
    assert traits == "coherent in its traits: not measured"
    assert len(Gate("m", "b", VERDICTS).faults({}, "model")) == len(VERDICTS)


def test_an_unknown_verdict_is_one_clear_line() -> None:
    with pytest.raises(
        ConfigError, match=r"publish.<family>.requires\[1\]: expected a verdict, of original, .*, found 'swinging'"
    ):
        Gate("m", "b", ("original", "swinging"))


def test_required_verdicts_do_not_affect_whether_two_models_can_be_compared() -> None:
    stricter = replace(CANDIDATE, gate=replace(NATS, requires=("original",)))
    assert "same held-out tunes" in decide(stricter, replace(CANDIDATE, value=2.1)).reason
