import json
import runpy
from dataclasses import replace

import numpy as np
import pytest
from fake_family import FakeFamily, FakeTokens
from ruamel.yaml import YAML
from table_rows import filled
from tiny_musicgen import tiny_musicgen
from tiny_vae import tiny_vae

from yardbird.baselines.ngram_solos import NGRAM, EvaluateConfig, fit_on_events, fit_on_grid, score_baseline
from yardbird.errors import InputError
from yardbird.evaluation.evaluate import (
    ENDING,
    SHOWN,
    endings_of,
    headlines,
    read_generated,
    real_excerpts,
    real_solos,
    score_held_out,
)
from yardbird.evaluation.reconstruction import ALL_HOLD, SHUFFLED
from yardbird.metrics.estimates import as_csv, flat, merged
from yardbird.metrics.set_rows import FLOOR, REAL, compare_sets
from yardbird.music.excerpts import length_beats
from yardbird.music.midi import write_score
from yardbird.music.score import make_notes
from yardbird.seeds import streams
from yardbird.tables.generated_tables import GeneratedSolo, write_generated_solos

CONFIG = EvaluateConfig(ngram_orders=(1, 2, 4, 6), grid_orders=(1, 3), ngram_escapes=(1.0, 4.0), bootstrap_samples=50)


@pytest.fixture(scope="module")
def ngram(corpus):
    return fit_on_events(corpus, CONFIG)


@pytest.fixture(scope="module")
def baseline(data, ngram):
    return score_baseline(ngram, fit_on_grid(data / "encoded/melody", CONFIG), data / "encoded")


@pytest.fixture(scope="module")
def held_out(data, ngram, baseline, codec):
    return score_held_out("family", FakeTokens(ngram.tuned(2, 1.0), codec), baseline, data, CONFIG, seed=0)


def test_a_token_family_is_scored_with_the_ngram(data, held_out, ngram, baseline, codec):
    assert list(held_out) == ["family", NGRAM]
    family, best = flat(held_out["family"]), flat(held_out[NGRAM])
    assert family["gain_on_ngram"] == pytest.approx(best["nats_per_note"] - family["nats_per_note"])
    assert family["gain_on_ngram_low"] <= family["gain_on_ngram"] <= family["gain_on_ngram_high"]
    assert family["perplexity"] == pytest.approx(np.exp(family["nats_per_token"]))
    assert "gain_on_ngram" not in best
    assert (best["order"], best["escape"]) == (ngram.order, ngram.escape)
    assert best["grid_nats_per_note_low"] <= best["grid_nats_per_note"] <= best["grid_nats_per_note_high"]
    itself = score_held_out("itself", FakeTokens(ngram, codec), baseline, data, CONFIG, seed=0)["itself"]
    assert itself["gain_on_ngram"].value == 0


def test_a_latent_family_is_measured_by_its_latent(data, baseline):
    rows = score_held_out("vae", tiny_vae(), baseline, data, CONFIG, seed=0)
    assert list(rows) == ["vae", SHUFFLED, ALL_HOLD, NGRAM]
    assert "nats_per_note" not in rows["vae"]
    assert rows["vae"]["grid_gain_on_ngram"].value == pytest.approx(
        rows[NGRAM]["grid_nats_per_note"].value - rows["vae"]["grid_nats_per_note"].value
    )


def test_the_row_of_the_ngram_is_the_same_for_every_family(data, held_out, baseline):
    assert score_held_out("vae", tiny_vae(), baseline, data, CONFIG, seed=0)[NGRAM] == held_out[NGRAM]


@pytest.mark.parametrize("family", [FakeFamily(), tiny_musicgen()], ids=["of no kind", "of sound"])
def test_a_family_of_unknown_kind_is_refused(data, baseline, family):
    """Without this error a renamed scoring method would drop the held-out metrics unnoticed."""
    with pytest.raises(InputError, match=r"name: expected a token family or a latent family, found .*Family; evaluate"):
        score_held_out("name", family, baseline, data, CONFIG, seed=0)


def test_real_solos_are_cut_to_the_length_of_generated_ones(corpus, codec):
    assert [e.bar_count for e in real_excerpts(corpus, codec, "test", 16.0, None)] == [4] * 4 + [4] * 2
    own = real_excerpts(corpus, codec, "test", 16.0, "Bob")
    assert [excerpt.bar_count for excerpt in own] == [4, 4]
    assert len(real_excerpts(corpus, codec, "test", 16.0, "unknown artist")) == 6


def test_the_share_of_whole_solos_that_end_with_a_rest_has_an_interval(corpus, codec, make_walk):
    real = real_solos(corpus, codec, "test", None)
    assert [score.bar_count for score in real] == [16, 9]
    running, silent = make_walk(20, 4), replace(make_walk(21, 4), notes=make_notes([]))
    resting = replace(running, notes=running.notes[running.onsets < 3 * 48 + 6])
    sets = {"family": [running, resting, resting, silent], "empty": [silent], FLOOR: [running], REAL: [resting]}
    rows = endings_of(sets, corpus, codec, None)
    assert {name: (list(own), own[ENDING].n) for name, own in rows.items()} == {
        "family": ([ENDING], 3),
        REAL: ([ENDING], 2),
    }
    assert rows[REAL][ENDING].value == 0, "the test solos do not end with a rest; their excerpts do not count"
    assert list(flat(rows["family"]).values()) == pytest.approx([2 / 3, 0.2077, 0.9385], abs=1e-4)


@pytest.fixture(scope="module")
def evaluated(corpus, codec, make_walk, held_out):
    generated = [make_walk(seed, 4) for seed in range(20, 24)]
    beats = length_beats(generated)
    sets = {
        "family": generated,
        NGRAM: [make_walk(seed, 4) for seed in range(30, 34)],
        FLOOR: real_excerpts(corpus, codec, "train", beats, None),
        REAL: real_excerpts(corpus, codec, "test", beats, None),
    }
    return held_out, compare_sets(sets, 4, streams(0))


def test_the_metric_file_has_rounded_values_by_row(evaluated):
    held_out, rows = evaluated
    content = headlines(merged(held_out, rows))
    assert list(content) == ["family", NGRAM, FLOOR, REAL]
    assert list(content[REAL]) == list(SHOWN)
    assert list(content[FLOOR]) == ["distance_to_real"]
    assert {"nats_per_note", "perplexity", "gain_on_ngram", "pitch_accuracy", "h1"} <= set(content["family"])
    assert content[NGRAM]["nats_per_note"] == round(held_out[NGRAM]["nats_per_note"].value, 4)
    assert json.loads(json.dumps(content, allow_nan=False)) == content


def test_the_metric_file_has_the_values_that_the_gate_reads_of_a_latent(data, baseline, evaluated):
    _, rows = evaluated
    content = headlines(merged(score_held_out("family", tiny_vae(), baseline, data, CONFIG, seed=0), rows))
    assert list(content) == ["family", SHUFFLED, ALL_HOLD, NGRAM, FLOOR, REAL]
    assert content["family"]["collapsed"] in (0, 1)
    for row in ("family", SHUFFLED):
        assert content[row]["reconstruction_error"] == pytest.approx(1 - content[row]["note_f1"], abs=1e-3)
    assert list(content[ALL_HOLD]) == ["sampled_accuracy"]


def test_the_table_has_held_out_values_and_all_metrics(evaluated):
    held_out, rows = evaluated
    lines = as_csv(merged(held_out, rows)).splitlines()
    assert lines[0] == "row,metric,mean,sd,n,distance"
    assert len(lines) == 1 + sum(len(flat(own)) for results in evaluated for own in results.values())
    assert f"family,nats_per_note,{held_out['family']['nats_per_note'].value:.6g},,2," in lines


def test_a_required_metric_that_was_not_measured_is_an_error(evaluated, monkeypatch):
    """Regression: a misspelt or renamed metric was dropped from the metric file without an error."""
    results = merged(*evaluated)
    misspelt = {row: {"gain_on_ngam" if key == "gain_on_ngram" else key: value for key, value in own.items()}
                for row, own in results.items()}  # fmt: skip
    with pytest.raises(KeyError, match="no metric named gain_on_ngram; there are"):
        headlines(misspelt)
    with pytest.raises(KeyError, match="no metric named h1"):
        headlines({REAL: {key: value for key, value in results[REAL].items() if key != "h1"}})


def test_generated_solos_are_read_as_their_manifest_lists_them(tmp_path, make_walk):
    (tmp_path / "free").mkdir()
    scores = [make_walk(seed, 4) for seed in range(2)]
    for number, score in enumerate(scores):
        write_score(score, tmp_path / f"free/solo_{number}.mid")
    listed = [filled(GeneratedSolo, path=f"free/solo_{number}.mid") for number in (1, 0)]
    write_generated_solos(tmp_path, listed)
    assert read_generated(tmp_path) == scores[::-1]


def test_the_prime_of_a_solo_is_not_measured(tmp_path, make_walk):
    """Regression: four bars of a prime counted as music of the model."""
    score = make_walk(0, 6)
    write_score(score, tmp_path / "solo.mid")
    write_generated_solos(tmp_path, [filled(GeneratedSolo, path="solo.mid", primed_bars=4)])
    (own,) = read_generated(tmp_path)
    drawn = score.onsets >= 4 * 48
    assert own.bar_count == 2
    assert np.array_equal(own.pitches, score.pitches[drawn])
    assert np.array_equal(own.onsets, score.onsets[drawn] - 4 * 48)
    assert [change.chord for change in own.chords] == [change.chord for change in score.chords[4:]]


def test_solos_of_the_baseline_are_drawn_once_and_their_provenance_shows_it(data, root, tmp_path, monkeypatch):
    """Regression: their provenance claimed a choice among `generate.best_of` candidates."""
    params = YAML(typ="safe").load(root / "params.yaml")
    params["generate"] |= {"best_of": 4, "bars": 2, "free": 1, "solos_per_chart": 0, "measured": 3, "comping": False}
    params["evaluate"] |= {"ngram_orders": [2], "grid_orders": [2], "ngram_escapes": [1]}
    YAML(typ="safe").dump(params, tmp_path / "params.yaml")
    (tmp_path / "data/charts").mkdir(parents=True)
    (tmp_path / "data/encoded").symlink_to(data / "encoded")
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(root / "stages/baseline.py"), run_name="__main__")
    provenance = json.loads((tmp_path / "data/baseline/solos/free/solo_000.json").read_text())
    assert provenance["settings"]["best_of"] == 1
    assert len(read_generated(tmp_path / "data/baseline/solos")) == 1
    assert len(read_generated(tmp_path / "data/baseline/measured")) == 3
    assert "judged" not in provenance


def test_no_generated_solos_give_a_one_line_error(tmp_path):
    with pytest.raises(InputError, match=r"manifest\.csv: expected a file that an earlier stage writes"):
        read_generated(tmp_path)
    write_generated_solos(tmp_path, [])
    with pytest.raises(InputError, match="expected generated solos, found none; run the generate stage"):
        read_generated(tmp_path)
