"""The table of models: the sources of its values, and empty cells for values that were not measured."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from table_rows import filled

from yardbird.comparison import models_table
from yardbird.comparison.gathering import read_comparison
from yardbird.comparison.model_facts import Facts, all_facts
from yardbird.comparison.strengths import Character, characters
from yardbird.files import write_json
from yardbird.metrics.estimates import Estimate
from yardbird.music.midi import write_score
from yardbird.music.score import Score, Tempo, make_notes
from yardbird.tables.generated_tables import (
    GeneratedSolo,
    GeneratedSound,
    write_generated_solos,
    write_generated_sounds,
)

REAL = {"pitch_entropy": (4.0, 0.2, 16), "h1": (2.0, 0.1, 16), "harmony_margin": (0.2, 0.04, 16)}


Sets = dict[str, dict[str, tuple[float, float, int]]]  # row → metric → mean, deviation, solos


def write_rows(reports: Path, name: str, sets: Sets, **held_out: float) -> None:
    """Write the evaluation of a family: the rows of `sets` and REAL, and values of its row without a deviation."""
    rows = [(name, key, value, None, 5, None) for key, value in held_out.items()]
    for row, metrics in (*sets.items(), ("real", REAL)):
        for metric, (mean, sd, n) in metrics.items():
            at = abs(mean - REAL[metric][0]) / REAL[metric][1] if metric in REAL else None
            rows.append((row, metric, mean, sd, n, at))
    table = pd.DataFrame(rows, columns=["row", "metric", "mean", "sd", "n", "distance"])
    (reports / "evaluate").mkdir(parents=True, exist_ok=True)
    table.to_csv(reports / f"evaluate/{name}_rows.csv", index=False)
    write_json(reports / f"evaluate/{name}.json", {})


def test_the_interval_of_a_distance_has_no_negative_end(data: Path, tmp_path: Path) -> None:
    """Regression: a mean of absolute values had a symmetric interval, such as 0.42 [−0.10, 0.94]."""
    write_rows(tmp_path, "music_vae", {"music_vae": {"pitch_entropy": (4.01, 0.2, 4), "h1": (3.0, 0.1, 4)}})
    distance = all_facts(read_comparison(tmp_path, data, tmp_path))["music_vae"].figures["distance"]
    near, far = 0.01 / 0.2, 1.0 / 0.1
    widths = 1.96 * np.hypot(0.2 / 2, 0.2 / 4) / 0.2, 1.96 * np.hypot(0.1 / 2, 0.1 / 4) / 0.1
    assert distance.span == pytest.approx(((0 + far - widths[1]) / 2, (near + far + sum(widths)) / 2))


def test_distances_are_means_over_the_metrics_that_all_models_have(data: Path, tmp_path: Path) -> None:
    """Otherwise a model without chords would be judged by fewer and easier metrics."""
    near = {"pitch_entropy": (4.2, 0.2, 4), "h1": (2.2, 0.2, 4)}
    write_rows(tmp_path, "music_transformer", {"music_transformer": near | {"harmony_margin": (0.0, 0.1, 4)}})
    write_rows(tmp_path, "musicgen", {"musicgen": near})
    facts = all_facts(read_comparison(tmp_path, data, tmp_path))
    distances = [facts[name].figures["distance"] for name in ("music_transformer", "musicgen")]
    assert distances[0] == distances[1]
    assert distances[0].value == pytest.approx((0.2 / 0.2 + 0.2 / 0.1) / 2)
    errors = [np.hypot(0.2 / 2, 0.2 / 4) / 0.2, np.hypot(0.2 / 2, 0.1 / 4) / 0.1]
    assert distances[0].high - distances[0].value == pytest.approx(1.96 * np.mean(errors))
    assert distances[0].low == 0
    margin = facts["music_transformer"].figures["harmony_margin"]
    assert (margin.value, margin.high) == pytest.approx((0.0, 1.96 * 0.1 / 2))
    assert "harmony_margin" not in facts["musicgen"].figures


@pytest.mark.parametrize(
    ("family", "metric", "gain", "row", "words"),
    [
        ("music_transformer", "nats_per_note", "gain_on_ngram", "ngram", "over the same tokens"),
        ("musicgen", "nats_per_frame", "gain_on_unigram", "unigram", "unigram"),
        ("musicgen", "nats_per_frame", "gain_on_bigram", "bigram", "bigram"),
        ("music_vae", "grid_nats_per_note", "grid_gain_on_ngram", "ngram", "upper bound"),
    ],
)
def test_nats_are_a_share_of_the_nats_of_the_baseline(
    data: Path, tmp_path: Path, family: str, metric: str, gain: str, row: str, words: str
) -> None:
    own = {metric: 6.0, gain: 2.0, f"{gain}_low": 1.0, f"{gain}_high": 3.0}
    write_rows(tmp_path, family, {row: {metric: (8.0, 0.0, 5)}}, **own)
    facts = all_facts(read_comparison(tmp_path, data, tmp_path))[family]
    assert facts.figures["nats_saved"] == Estimate(0.25, 0.125, 0.375)
    assert words in facts.words["baseline"]


def test_costs_come_from_timing_and_spans_from_the_generated_solos(data: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "data"
    (workspace / "encoded").mkdir(parents=True)
    (workspace / "encoded/events").symlink_to(data / "encoded/events")
    reports = tmp_path / "reports"
    for name in ("music_vae", "musicgen"):
        write_rows(reports, name, {})
        write_json(reports / f"timing/{name}.json", {name: {"training_seconds": 100.0, "device": "a GPU"}})
        drawing = {"music_seconds_per_second": 4.0, "drawn_on": "b"}
        write_json(reports / f"timing/{name}_generation.json", {name: drawing})
        write_json(reports / f"train/{name}.json", {name: {"parameters": 1234}})
    write_json(tmp_path / "models/musicgen/trained.json", {"conditioned_on": ["caption", "melody"]})
    for number, qpm in enumerate((60.0, 120.0, 240.0)):
        tune = Score(12, make_notes([(0, 12, 60, 90)]), 4 * 48, tempos=(Tempo(0, qpm),))
        write_score(tune, workspace / f"generated/music_vae/{number}.mid")
    solos = [filled(GeneratedSolo, path=f"{number}.mid", bars=4) for number in range(3)]
    write_generated_solos(workspace / "generated/music_vae", solos)
    write_generated_sounds(workspace / "generated/musicgen", [filled(GeneratedSound, path="a.wav", seconds=10.0)])
    facts = all_facts(read_comparison(reports, workspace, tmp_path / "models"))
    vae, sound = facts["music_vae"], facts["musicgen"]
    assert (vae.writes, sound.writes) == ("notes", "sound")
    assert (vae.figures["span_bars"].value, vae.figures["span_seconds"].value) == (4, pytest.approx(8.0))
    assert (vae.figures["span_seconds"].low, vae.figures["span_seconds"].high) == pytest.approx((4.0, 16.0))
    assert sound.figures["span_seconds"].value == 10
    assert "span_bars" not in sound.figures
    assert vae.figures["training_seconds"] == Estimate(100.0, 80.0, 125.0)
    assert vae.figures["parameters"] == Estimate(1234)
    assert vae.words == {"device": "a GPU", "drawn_on": "b"}
    assert (vae.conditions, sound.conditions) == ((), ("caption", "melody"))


def test_unmeasured_values_are_empty(data: Path, tmp_path: Path) -> None:
    write_rows(tmp_path, "other", {})
    facts = all_facts(read_comparison(tmp_path, data, tmp_path))
    assert list(facts["other"].figures) == ["real_harmony_margin"]
    table, signs = models_table.section(facts, characters(facts)).tables
    assert (table.columns, table.rows, signs.rows) == (["property", "other", "Jukebox (published)"], [], [])
    assert "partly from memory" in table.caption


def test_the_table_has_a_column_per_model_and_the_csv_a_line_per_property() -> None:
    facts = {
        "a": Facts(
            {
                "distance": Estimate(1.5, 1.0, 2.0),
                "parameters": Estimate(2e6),
                "coverage_8": Estimate(0.0006, -0.0005, 0.0017),
            },
            ("tempo", "artist"),
            "notes",
        ),
        "b": Facts({"parameters": Estimate(900)}, writes="sound", words={"device": "a GPU"}),
    }
    said = {"a": Character(["good"], ["bad", "worse"]), "b": Character()}
    table, signs = models_table.section(facts, said).tables
    assert table.columns == ["property", "a", "b", "Jukebox (published)"]
    assert ["parameters", "2 million", "900", "7 billion"] in table.rows
    assert ["distance, metrics of all families", "1.5 [1, 2]", "", ""] in table.rows
    assert ["runs of 8 from training solos", "0.06 % [0 %, 0.17 %]", "", ""] in table.rows, "no share is below 0"
    assert ["trained on", "", "a GPU", "512 V100 (the prior)"] in table.rows
    assert ["conditioned on", "tempo, artist", "", "artist, genre, lyrics"] in table.rows
    assert signs.rows == [["a", "+", "good"], ["a", "−", "bad"], ["a", "−", "worse"]]
    table = models_table.as_table(facts, said)
    assert table.loc[table["property"] == "distance, metrics of all families"].to_numpy().tolist() == [
        ["a", "distance, metrics of all families", "1.5", 1.0, 2.0]
    ]
    assert list(table.loc[table["property"] == "weakness", "value"]) == ["bad", "worse"]
    assert set(table["model"]) == {"a", "b"}, "Jukebox was not measured here"
    assert json.dumps(list(table["value"]))  # text, whatever it is
