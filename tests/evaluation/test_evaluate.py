import json
from dataclasses import replace

import numpy as np
import pytest

from yardbird.codecs.grammar import EventGrammar
from yardbird.errors import ConfigError, InputError
from yardbird.evaluation.evaluate import (
    NGRAM,
    SHOWN,
    EvaluateConfig,
    as_table,
    fit_ngram,
    headlines,
    read_generated,
    real_excerpts,
    score_models,
    with_held_out,
)
from yardbird.evaluation.held_out import read_solos
from yardbird.evaluation.ngram import NGram
from yardbird.evaluation.rows import FLOOR, REAL, compare_sets
from yardbird.music.excerpts import length_beats
from yardbird.music.midi import write_score
from yardbird.nn.sampling import Sampling

CONFIG = EvaluateConfig(ngram_orders=(1, 2, 4, 6), ngram_escapes=(1.0, 4.0), bootstrap_samples=50)


def test_the_ngram_is_chosen_on_the_validation_split_among_all_pairs(corpus, codec):
    chosen = fit_ngram(corpus, codec, CONFIG)
    counted = NGram.fit([solo.tokens for solo in read_solos(corpus, "train", copies=True)], codec.vocab_size, 6)
    nats = {
        (order, escape): sum(
            counted.tuned(order, escape).nats(solo.tokens).sum() for solo in read_solos(corpus, "validation")
        )
        for order in CONFIG.ngram_orders
        for escape in CONFIG.ngram_escapes
    }
    assert (chosen.order, chosen.escape) == min(nats, key=nats.get)


def test_models_are_scored_beside_the_ngram_and_others_are_left_out(corpus, codec):
    ngram = fit_ngram(corpus, codec, CONFIG)
    worse = ngram.tuned(1, 1.0)
    figures = score_models(
        {"bad": worse, NGRAM: ngram, "no_tokens": object()}, read_solos(corpus, "test"), codec, CONFIG, seed=0
    )
    assert set(figures) == {"bad", NGRAM}
    bad, best = figures["bad"], figures[NGRAM]
    assert bad["gain_on_ngram"] == pytest.approx(best["nats_per_note"] - bad["nats_per_note"])
    assert bad["gain_on_ngram_low"] <= bad["gain_on_ngram"] <= bad["gain_on_ngram_high"] < 0
    assert best["nats_per_note_low"] <= best["nats_per_note"] <= best["nats_per_note_high"]
    assert "gain_on_ngram" not in best
    assert (best["order"], best["escape"]) == (ngram.order, ngram.escape)


def test_real_solos_are_cut_to_the_length_of_generated_ones(corpus, codec):
    assert [e.bar_count for e in real_excerpts(corpus, codec, "test", 16.0, None)] == [4] * 4 + [4] * 2
    own = real_excerpts(corpus, codec, "test", 16.0, "Bob")
    assert [excerpt.bar_count for excerpt in own] == [4, 4]
    assert len(real_excerpts(corpus, codec, "test", 16.0, "nobody")) == 6


def test_the_ngram_draws_solos_that_obey_the_grammar(corpus, codec):
    ngram = fit_ngram(corpus, codec, CONFIG)
    chords = codec.decode(read_solos(corpus, "test")[0].tokens).chords[:4]
    grammars = [
        EventGrammar(codec, bars=4, pitch_range=(50, 80), chords=chords, meter=(4, 4), qpm=200.0) for _ in range(3)
    ]
    prime = np.array([codec.bos_id], dtype=np.uint16)
    for tokens in ngram.generate([prime] * 3, grammars, Sampling(1.0, None, 0.95), 0, 4000):
        score = codec.decode(tokens)
        assert score.bar_count == 4
        assert score.is_monophonic
        assert score.chords == chords
        assert not len(score.notes) or (score.pitches.min() >= 50 and score.pitches.max() <= 80)


@pytest.fixture(scope="module")
def evaluated(corpus, codec, make_walk):
    ngram = fit_ngram(corpus, codec, CONFIG)
    tests = read_solos(corpus, "test")
    held_out = score_models({"family": ngram.tuned(2, 1.0), NGRAM: ngram}, tests, codec, CONFIG, seed=0)
    generated = [make_walk(seed, 4) for seed in range(20, 24)]
    beats = length_beats(generated)
    sets = {
        "family": generated,
        NGRAM: [make_walk(seed, 4) for seed in range(30, 34)],
        FLOOR: real_excerpts(corpus, codec, "train", beats, None),
        REAL: real_excerpts(corpus, codec, "test", beats, None),
    }
    return held_out, compare_sets(sets, 4, 0), len(tests)


def test_the_metric_file_is_short_numbers_by_row(evaluated):
    held_out, rows, _ = evaluated
    content = headlines(held_out, rows)
    assert list(content) == ["family", NGRAM, FLOOR, REAL]
    assert set(content[REAL]) <= set(SHOWN)
    assert list(content[FLOOR]) == ["distance_to_real"]
    assert {"nats_per_note", "perplexity", "gain_on_ngram", "pitch_accuracy", "h1"} <= set(content["family"])
    assert content[NGRAM]["nats_per_note"] == round(held_out[NGRAM]["nats_per_note"], 4)
    assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_the_table_holds_held_out_figures_and_all_metrics(evaluated):
    held_out, rows, tests = evaluated
    lines = as_table(with_held_out(held_out, rows, tests)).splitlines()
    assert lines[0] == "row,metric,mean,sd,n,distance"
    assert len(lines) == 1 + sum(map(len, held_out.values())) + len(rows)
    assert f"family,nats_per_note,{held_out['family']['nats_per_note']:.6g},,2," in lines


def test_generated_solos_are_read_as_their_manifest_lists_them(tmp_path, make_walk):
    (tmp_path / "free").mkdir()
    scores = [make_walk(seed, 4) for seed in range(2)]
    for number, score in enumerate(scores):
        write_score(score, tmp_path / f"free/solo_{number}.mid")
    (tmp_path / "manifest.csv").write_text("solo,path\nb,free/solo_1.mid\na,free/solo_0.mid\n")
    assert read_generated(tmp_path) == scores[::-1]


@pytest.mark.parametrize("content", [None, "solo,path\n"])
def test_no_generated_solos_are_one_clear_line(tmp_path, content):
    if content:
        (tmp_path / "manifest.csv").write_text(content)
    with pytest.raises(InputError, match="expected generated solos, found none; run the generate stage"):
        read_generated(tmp_path)


@pytest.mark.parametrize(
    ("key", "value"),
    [("ngram_orders", ()), ("ngram_orders", (0, 2)), ("ngram_escapes", (0.0,)), ("bootstrap_samples", 0)],
)
def test_impossible_settings_are_refused(key, value):
    with pytest.raises(ConfigError, match=f"evaluate.{key}: expected"):
        replace(CONFIG, **{key: value})
