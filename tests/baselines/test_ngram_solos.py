from dataclasses import replace

import numpy as np
import pytest

from yardbird.baselines.ngram import NGram
from yardbird.baselines.ngram_solos import (
    EvaluateConfig,
    fit_on_events,
    fit_on_grid,
    read_baseline,
    score_baseline,
    write_baseline,
)
from yardbird.codecs.encoded_solos import read_solos, read_steps
from yardbird.codecs.grammar import EventGrammar
from yardbird.codecs.melody import SYMBOLS
from yardbird.errors import ConfigError
from yardbird.nn.sampling import Sampling

CONFIG = EvaluateConfig(
    ngram_orders=(1, 2, 4, 6), grid_orders=(1, 2, 7), ngram_escapes=(1.0, 4.0), bootstrap_samples=50
)


def test_each_ngram_is_tuned_on_the_validation_split_over_all_pairs(data, codec):
    events, melody = data / "encoded/events", data / "encoded/melody"
    for chosen, read, folder, vocab_size, orders in (
        (fit_on_events(events, CONFIG), read_solos, events, codec.vocab_size, CONFIG.ngram_orders),
        (fit_on_grid(melody, CONFIG), read_steps, melody, SYMBOLS, CONFIG.grid_orders),
    ):
        counted = NGram.fit([solo.tokens for solo in read(folder, "train", copies=True)], vocab_size, max(orders))
        nats = {
            (order, escape): sum(
                counted.tuned(order, escape).nats(solo.tokens).sum() for solo in read(folder, "validation")
            )
            for order in orders
            for escape in CONFIG.ngram_escapes
        }
        assert (chosen.order, chosen.escape) == min(nats, key=nats.get)


def test_the_ngram_draws_solos_that_obey_the_grammar(corpus, codec):
    ngram = fit_on_events(corpus, CONFIG)
    chords = codec.decode(read_solos(corpus, "test")[0].tokens).chords[:4]
    grammars = [
        EventGrammar(codec, bars=4, pitch_range=(50, 80), chords=chords, meter=(4, 4), qpm=200.0) for _ in range(3)
    ]
    prime = np.array([codec.bos_id], dtype=np.uint16)
    for tokens in ngram.generate([prime] * 3, grammars, Sampling(1.0, None, 0.95, None), 0, 4000):
        score = codec.decode(tokens)
        assert score.bar_count == 4
        assert score.is_monophonic
        assert score.chords == chords
        assert not len(score.notes) or (score.pitches.min() >= 50 and score.pitches.max() <= 80)


def test_the_scores_are_read_back_exactly(data, tmp_path):
    ngram, grid = fit_on_events(data / "encoded/events", CONFIG), fit_on_grid(data / "encoded/melody", CONFIG)
    baseline = score_baseline(ngram, grid, data / "encoded")
    assert baseline.settings["order"] == ngram.order
    assert baseline.settings["grid_order"] == grid.order
    assert (
        [solo.solo for solo in baseline.events] == [solo.solo for solo in baseline.grid] == ["mine/four", "mine/five"]
    )
    write_baseline(baseline, tmp_path)
    assert read_baseline(tmp_path) == baseline


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ngram_orders", ()),
        ("ngram_orders", (0, 2)),
        ("grid_orders", (0,)),
        ("ngram_escapes", (0.0,)),
        ("bootstrap_samples", 0),
    ],
)
def test_impossible_settings_are_refused(key, value):
    with pytest.raises(ConfigError, match=rf"evaluate\.{key}(\[0\])?: expected"):
        replace(CONFIG, **{key: value})
