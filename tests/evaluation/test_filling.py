"""Filled bars compared with the same bars continued: both count the nats of these bars only."""

import numpy as np
import pytest
from fake_family import FakeTokens

from yardbird.baselines.ngram_solos import EvaluateConfig, fit_on_events, fit_on_grid, score_baseline
from yardbird.bootstrap_settings import Resampling
from yardbird.codecs.encoded_solos import read_solos
from yardbird.codecs.events import EventCodec
from yardbird.codecs.vocabulary import KINDS
from yardbird.evaluation.evaluate import score_held_out
from yardbird.evaluation.filling import filling_figures
from yardbird.metrics.estimates import flat
from yardbird.models.family import TokenScores


class Joining(FakeTokens):
    """A pitch costs 3 nats, or 2 if the stream shows the music after it; the countdown and chords 100, all others 1."""

    fill_context = 256

    def __init__(self, codec: EventCodec, fill_context: int = 256) -> None:
        super().__init__(None, codec)
        self.fill_context = fill_context

    def score_tokens(self, tokens) -> TokenScores:
        kinds = np.array(KINDS)[self.codec.kind_of[np.asarray(tokens[1:], dtype=np.int64)]]
        nats = np.ones(len(kinds))
        nats[kinds == "Pitch"] = 2.0 if self.codec.ids("Fill").start in tokens else 3.0
        nats[np.isin(kinds, ["Left", "EOS", "TimeSig", "Tempo", "Fill"])] = 100.0
        nats[np.char.startswith(kinds, "Chord")] = 100.0
        return TokenScores(nats, nats > 0)


def test_a_bar_is_scored_with_and_without_the_bars_after_it(corpus, codec):
    figures = flat(filling_figures(Joining(codec), read_solos(corpus, "test"), codec, Resampling(20, 0)))
    assert figures["fill_gain"] == pytest.approx(1)
    assert figures["fill_gain_low"] == pytest.approx(1)
    assert figures["continued_nats_per_note"] == pytest.approx(figures["filled_nats_per_note"] + 1)
    assert (
        figures["filled_nats_per_note_low"] <= figures["filled_nats_per_note"] <= figures["filled_nats_per_note_high"]
    )
    # a pitch at 2 nats, position, velocity and duration at one each; then bars and the positions of chords
    assert 5 < figures["filled_nats_per_note"] < 7


def test_the_bars_counted_are_the_same_on_both_sides(corpus, codec):
    """Every solo is cut into gaps of 1, 2, 3, 4, 1 … bars that leave one after them: of 16 bars, 1+2+3+4+1+2 = 13."""
    solos = read_solos(corpus, "test")[:1]
    score = codec.decode(solos[0].tokens)
    assert score.bar_count == 16
    notes = int(np.sum(score.onsets < 13 * 48))
    chords_alone = 13 - int(np.isin(np.arange(13) * 48, score.onsets).sum())  # these positions belong to no note
    figures = flat(filling_figures(Joining(codec), solos, codec, Resampling(20, 0)))
    assert figures["filled_nats_per_note"] == pytest.approx(5 + (13 + chords_alone) / notes)


def test_gaps_that_do_not_fit_the_context_are_left_out(corpus, codec):
    assert filling_figures(Joining(codec, fill_context=8), read_solos(corpus, "test"), codec, Resampling(20, 0)) == {}


def test_only_a_model_trained_to_fill_has_the_row(data, corpus, codec):
    config = EvaluateConfig(ngram_orders=(1, 2), grid_orders=(1,), ngram_escapes=(1.0,), bootstrap_samples=20)
    ngram = fit_on_events(corpus, config)
    baseline = score_baseline(ngram, fit_on_grid(data / "encoded/melody", config), data / "encoded")
    for context, found in ((256, True), (0, False)):
        rows = score_held_out("family", Joining(codec, context), baseline, data, config, seed=0)
        assert ("fill_gain" in rows["family"]) == found
