import json
import re
from itertools import takewhile
from pathlib import Path

import pandas as pd
import pytest
from table_rows import filled

from yardbird.comparison import table_cells
from yardbird.comparison.comparison_tables import as_markdown, sections
from yardbird.comparison.deciding_table import deciding, section, values
from yardbird.comparison.gathering import Comparison, describe_corpus, read_comparison
from yardbird.comparison.model_facts import all_facts
from yardbird.comparison.plot_tables import (
    as_csv,
    distances,
    nats_by_codebook,
    nats_by_kind,
    reconstruction,
)
from yardbird.comparison.strengths import characters
from yardbird.deciding_metrics import METRICS
from yardbird.errors import InputError
from yardbird.evaluation.evaluate import SHOWN
from yardbird.models.token_scoring import GROUPS
from yardbird.tables.encoded_tables import EncodedRow

FIGURES = {
    "nats_per_note": 5.0, "nats_per_note_low": 4.5, "nats_per_note_high": 5.5, "perplexity": 9.0,
    **{f"{group}_nats_per_note": 1.0 for group in GROUPS},
    "pitch_accuracy": 0.2, "position_accuracy": 0.6, "duration_accuracy": 0.5,
}  # fmt: skip


def write_family(reports: Path, name: str, *, real_mean: float = 0.5, nats: float = 5.0) -> None:
    """Write the outputs of the evaluate stage for a family."""
    rows = [(row, metric, mean, 0.1, 8, abs(mean - real_mean) / 0.1)
            for row, mean in ((name, 0.7), ("ngram", 0.9), ("floor", 0.55), ("real", real_mean))
            for metric in SHOWN]  # fmt: skip
    gain = {"gain_on_ngram": 6 - nats, "gain_on_ngram_low": 0.4, "gain_on_ngram_high": 1.6}
    for row, figures in (
        (name, {**FIGURES, "nats_per_note": nats, **gain}),
        ("ngram", {**FIGURES, "nats_per_note": 6.0, "order": 5, "escape": 20}),
    ):
        rows = [(row, key, value, None, 3, None) for key, value in figures.items()] + rows
    (reports / "evaluate").mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows, columns=["row", "metric", "mean", "sd", "n", "distance"])
    table.to_csv(reports / f"evaluate/{name}_rows.csv", index=False)
    (reports / f"evaluate/{name}.json").write_text("{}")
    (reports / "train").mkdir(exist_ok=True)
    (reports / f"train/{name}.json").write_text(json.dumps({name: {"best_epoch": 3, "parameters": 1234567}}))


def write_latent_family(reports: Path, *, collapsed: bool = False) -> None:
    """The same for a latent family, which has no nats of event tokens."""
    write_family(reports, "music_vae")
    path = reports / "evaluate/music_vae_rows.csv"
    table = pd.read_csv(path)
    table = table[(table["row"] != "music_vae") | table["metric"].isin(SHOWN)]
    gained = 0.01 if collapsed else 0.5
    figures = {
        "music_vae": {
            "forced_accuracy": 0.9, "sampled_accuracy": 0.8, "sampled_accuracy_low": 0.7, "sampled_accuracy_high": 0.85,
            "note_f1": 0.6, "onset_f1": 0.7, "kl": 31.25, "grid_nats_per_note": 7.5, "active_units": 20,
            "latent_dimensions": 64, "windows": 306, "window_bars": 2, "collapsed": float(collapsed),
            "gain_on_shuffled": 0.25, "gain_on_shuffled_low": 0.23, "gain_on_shuffled_high": 0.27,
            "note_gain_on_shuffled": gained, "note_gain_on_shuffled_low": gained - 0.02,
            "note_gain_on_shuffled_high": gained + 0.02,
        },
        "shuffled_z": {"forced_accuracy": 0.85, "sampled_accuracy": 0.55, "note_f1": 0.1, "onset_f1": 0.3},
        "all_hold": {"sampled_accuracy": 0.5},
    }  # fmt: skip
    rows = [(row, key, value, None, 3, None) for row, own in figures.items() for key, value in own.items()]
    pd.concat([pd.DataFrame(rows, columns=table.columns), table]).to_csv(path, index=False)


def on_the_grid(reports: Path) -> None:
    """The n-gram as the evaluate stage writes it for every family, including the grid."""
    for path in (reports / "evaluate").glob("*_rows.csv"):
        table = pd.read_csv(path)
        figures = {"grid_nats_per_note": 9.25, "forced_accuracy": 0.88, "grid_order": 16, "grid_escape": 50}
        rows = [("ngram", key, value, None, 3, None) for key, value in figures.items()]
        pd.concat([table, pd.DataFrame(rows, columns=table.columns)]).to_csv(path, index=False)


def report_of(comparison: Comparison) -> str:
    families = all_facts(comparison)
    return as_markdown(comparison, sections(comparison, families, characters(families)))


def section_of(report: str, heading: str) -> str:
    """The text of a section, without its heading."""
    return report.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def rows_of(text: str) -> list[str]:
    """The rows of the first table in a text, without its header."""
    lines = text.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("|---"))
    return list(takewhile(lambda line: line.startswith("|"), lines[start + 1 :]))


def test_both_families_are_in_one_report(data, tmp_path):
    write_family(tmp_path, "music_transformer")
    write_latent_family(tmp_path)
    on_the_grid(tmp_path)
    comparison = read_comparison(tmp_path, data, tmp_path)
    assert list(comparison.rows["row"].unique()) == [
        "real", "floor", "ngram", "music_transformer", "music_vae", "shuffled_z", "all_hold",
    ]  # fmt: skip
    report = report_of(comparison)
    deciding, models, held_out, generated, latent, training = (
        section.partition("\n")[2] for section in report.split("\n## ")[1:]
    )
    assert "| perplexity | 9.00 (n-gram 9.00) |  |" in deciding
    assert "| property | music_transformer | music_vae | Jukebox (published) |" in models
    assert "| music_transformer | 5.000" in held_out
    assert "music_vae" not in held_out
    assert "| music_transformer | 8 |" in generated
    assert "| music_vae | 8 |" in generated
    assert "shuffled_z" not in generated
    assert "| music_vae | 0.900 | 0.800 [0.700, 0.850] | 0.600 | 0.700 | 31.2 | 20 | 7.50 |" in latent
    assert "| ngram (order 16, escape 50) | 0.880 |  |  |  |  |  | 9.25 |" in latent
    assert "| shuffled_z | 0.850 | 0.550 | 0.100 | 0.300 |  |  |  |" in latent
    assert "| all_hold |  | 0.500 |  |  |  |  |  |" in latent
    assert "| paper: 16 bars, hierarchical | 0.919 | 0.812 |  |  |  |  |  |" in latent
    assert "music_transformer" not in latent
    assert (
        "| music_vae | used | 20 of 64 | 306 of 2 bars | 0.250 [0.230, 0.270] | 0.500 [0.480, 0.520] | 0.600 |"
        in latent
    )
    assert "| result | music_transformer | music_vae |" in training


def write_sound_family(reports: Path) -> None:
    """Write the outputs of the evaluate_audio stage: metrics of codes, of sound, and of transcribed notes."""
    figures = {
        "musicgen": {
            "nats_per_frame": 12.5, "nats_per_frame_low": 12.0, "nats_per_frame_high": 13.0, "gain_on_unigram": 2.5,
            "gain_on_unigram_low": 2.0, "gain_on_unigram_high": 3.0, "nats_codebook_1": 2.0, "nats_codebook_2": 3.5,
            "gain_on_untrained": 4.0, "gain_on_bigram": 1.0, "frechet_distance": 4.0, "kernel_distance": 1.5,
            "kernel_distance_low": -0.25, "kernel_distance_high": 3.0, "voiced_share": 0.75, "chroma_cosine": 0.7,
            "notes_per_second": 5.0, "vendi_score": 3.25, "vendi_score_low": 3.0, "vendi_score_high": 4.0,
            "caption_key_margin": 0.1, "caption_key_p": 0.002, "caption_tempo_share": 0.6,
        },
        "unigram": {"nats_per_frame": 15.0, "nats_codebook_1": 3.0, "nats_codebook_2": 4.0},
        "shuffled_tokens": {"frechet_distance": 9.0},
        "transcriber": {"note_f1": 0.9, "note_precision": 0.95, "note_recall": 0.85},
        "real": {"voiced_share": 0.8},
    }  # fmt: skip
    rows = [(row, key, value, None, 5, None) for row, own in figures.items() for key, value in own.items()]
    rows += [(row, "pitch_entropy", mean, 0.1, 8, abs(mean - 4.2) / 0.1)
             for row, mean in (("musicgen", 4.0), ("real_transcribed", 4.1), ("real", 4.2))]  # fmt: skip
    (reports / "evaluate").mkdir(parents=True, exist_ok=True)
    table = pd.DataFrame(rows, columns=["row", "metric", "mean", "sd", "n", "distance"])
    table.to_csv(reports / "evaluate/musicgen_rows.csv", index=False)
    (reports / "evaluate/musicgen.json").write_text("{}")


def test_sound_has_its_own_section_and_its_notes_are_compared_with_the_others(data, tmp_path):
    write_family(tmp_path, "music_transformer")
    write_latent_family(tmp_path)
    write_sound_family(tmp_path)
    comparison = read_comparison(tmp_path, data, tmp_path)
    report = report_of(comparison)
    parts = dict(section.split("\n", 1) for section in report.split("\n## ")[1:])
    sound = parts["Sound"]
    assert "| row | nats per frame | gain on the untrained | gain on the unigram |" in sound
    assert "| musicgen | 12.50 [12.00, 13.00] | 4.00 | 2.50 [2.00, 3.00] | 1.00 | 2.00 | 3.50 |  |  |" in sound
    assert "| musicgen | 4.000 | 1.50 [-0.25, 3.00] | 0.750 |" in sound
    assert "| shuffled_tokens | 9.000 |" in sound
    assert "| musicgen | 5 | 3.25 [3.00, 4.00] |" in parts["Sets of solos"]
    assert "| transcriber | 0.900 | 0.950 | 0.850 |  |  |  |" in sound
    assert "music_vae" not in sound, "its note F1 is of another kind"
    assert "transcriber" not in parts["Latent space"]
    assert "| musicgen | 8 | 2.00 | 4.00 ± 0.10 |  |  |" in parts["Generated solos"]
    assert "| real_transcribed | 8 | 1.00 | 4.10 ± 0.10 |" in parts["Generated solos"]
    assert "musicgen" not in parts["Held-out tunes"]
    assert (
        "| property | music_transformer | music_vae | musicgen | Jukebox (published) |" in parts["Models side by side"]
    )
    assert "predicts held-out tunes with 17 % fewer nats than a unigram of each codebook" in report
    assert nats_by_codebook(comparison).to_numpy().tolist() == [
        ["musicgen", "1", 2.0], ["musicgen", "2", 3.5], ["unigram", "1", 3.0], ["unigram", "2", 4.0],
    ]  # fmt: skip


def test_the_ten_metrics_have_one_name_for_all_families_and_come_from_their_own_evaluation(data, tmp_path):
    write_family(tmp_path, "music_transformer")
    write_latent_family(tmp_path)
    write_sound_family(tmp_path)
    for family, figures in {
        "music_vae": {"grid_perplexity": 2.5, "grid_note_accuracy": 0.75},
        "ngram": {"grid_perplexity": 1.5, "grid_note_accuracy": 0.125},
        "musicgen": {"code_perplexity": 20.0, "code_accuracy": 0.25},
        "bigram": {"code_perplexity": 40.0, "code_accuracy": 0.0625},
    }.items():
        of = {"ngram": "music_vae", "bigram": "musicgen"}.get(family, family)
        with (tmp_path / f"evaluate/{of}_rows.csv").open("a") as table:
            table.writelines(f"{family},{name},{value},,3,\n" for name, value in figures.items())
    headlines = {"music_transformer": {"distance_to_real": 0.5, "original": 0}, "floor": {"distance_to_real": 0.25}}
    (tmp_path / "evaluate/music_transformer.json").write_text(json.dumps(headlines))
    comparison = read_comparison(tmp_path, data, tmp_path)
    found = deciding(comparison, all_facts(comparison))
    assert tuple(found) == tuple(METRICS)
    shown = values(found)
    assert shown["perplexity"] == {"music_transformer": 9.0, "music_vae": 2.5, "musicgen": 20.0}
    assert shown["note_accuracy"] == {"music_transformer": 0.2, "music_vae": 0.75, "musicgen": 0.25}
    assert shown["pitch_entropy"] == {"music_transformer": 0.7, "music_vae": 0.7, "musicgen": 4.0}
    assert shown["nats_saved"] == {"music_transformer": 0.16667, "musicgen": 0.16667}  # 1 of 6 and 2.5 of 15 nats
    assert shown["distance_to_real"] == {"music_transformer": 0.5}
    (table,) = section(found).tables
    rows = {row[0]: row[1:] for row in table.rows}
    assert rows["perplexity"] == ["9.00 (n-gram 9.00)", "2.50 (n-gram 1.50)", "20.00 (bigram 40.00)"]
    assert rows["note accuracy"] == [
        "20.0 % (n-gram 20.0 %)", "75.0 % from latents (n-gram 12.5 %)", "25.0 % of codes (bigram 6.2 %)",
    ]  # fmt: skip
    assert rows["pitch entropy"] == ["0.70 (real 0.50)", "0.70 (real 0.50)", "4.00 (real 4.20)"]
    assert rows["distance to real"] == ["0.50 (floor 0.25)", "", ""]
    assert rows["original"] == ["no", "", ""]
    assert "coherent changes" not in rows, "no family has it"


def test_sound_alone_makes_a_report_and_without_sound_there_is_no_section(data, tmp_path):
    write_sound_family(tmp_path / "sound")
    alone = report_of(read_comparison(tmp_path / "sound", data, tmp_path))
    assert "## Sound" in alone
    write_family(tmp_path / "notes", "music_transformer")
    comparison = read_comparison(tmp_path / "notes", data, tmp_path)
    assert "## Sound" not in report_of(comparison)
    assert as_csv(nats_by_codebook(comparison)) == "row,codebook,nats_per_frame\n"


def test_a_collapsed_latent_raises_an_alarm_and_a_used_latent_does_not(data, tmp_path):
    write_latent_family(tmp_path)
    assert "alarm" not in report_of(read_comparison(tmp_path, data, tmp_path))
    write_latent_family(tmp_path, collapsed=True)
    report = report_of(read_comparison(tmp_path, data, tmp_path))
    assert "| music_vae | alarm: collapsed, notes hardly depend on it | 20 of 64 |" in report
    assert "| 0.010 [-0.010, 0.030] | 0.600 |" in report


def test_a_latent_family_alone_makes_a_report(data, tmp_path):
    write_latent_family(tmp_path)
    comparison = read_comparison(tmp_path, data, tmp_path)
    assert list(comparison.held_out()) == ["ngram"]
    shares = reconstruction(comparison)
    assert set(shares["row"]) == {"music_vae", "shuffled_z", "all_hold"}
    assert set(shares["figure"]) == {"steps right, forced", "steps right, sampled", "note F1", "onset F1"}
    assert shares["value"].between(0, 1).all()


def test_without_a_latent_its_plot_has_a_header_only(data, tmp_path):
    write_family(tmp_path, "music_transformer")
    on_the_grid(tmp_path)
    assert as_csv(reconstruction(read_comparison(tmp_path, data, tmp_path))) == "row,figure,value\n"


def test_rows_that_families_share_occur_once_and_in_order(data, tmp_path):
    write_family(tmp_path, "music_transformer")
    write_family(tmp_path, "other", nats=5.5)
    comparison = read_comparison(tmp_path, data, tmp_path)
    assert list(comparison.rows["row"].unique()) == ["real", "floor", "ngram", "music_transformer", "other"]
    assert len(comparison.rows[comparison.rows["row"] == "real"]) == len(SHOWN)
    assert {row: values["nats_per_note"] for row, values in comparison.held_out().items()} == {
        "ngram": 6.0, "music_transformer": 5.0, "other": 5.5,
    }  # fmt: skip


def test_a_family_with_real_solos_of_its_own_keeps_them(data, tmp_path):
    """Solos of another length are compared with real ones of that length."""
    write_family(tmp_path, "music_transformer")
    write_family(tmp_path, "other", real_mean=0.4)
    rows = read_comparison(tmp_path, data, tmp_path).rows["row"].unique()
    assert [row for row in rows if row.startswith("real")] == ["real", "real for other"]


def test_the_report_contains_the_metrics(data, tmp_path):
    write_family(tmp_path, "music_transformer")
    report = report_of(read_comparison(tmp_path, data, tmp_path))
    assert "| music_transformer | 5.000 [4.500, 5.500] | 1.000 [0.400, 1.600] | 9.00 | 1.000 |" in report
    assert "| ngram (order 5, escape 20) | 6.000 [4.500, 5.500] |  | 9.00 |" in report
    assert "| floor | 8 | 0.50 | 0.55 ± 0.10 |" in report
    assert "| result | music_transformer |" in report
    assert "| best epoch | 3 |" in report
    assert "| parameters | 1,234,567 |" in report
    assert "## Latent space" not in report
    assert "Source `mine`: 2 train, 1 validation, 2 test solos" in report
    assert "synthetic" not in report


def add_figures(reports: Path, name: str, figures: dict[str, dict[str, float]], n: int) -> None:
    """Add values of `n` solos, row by row, to the table of a family."""
    path = reports / f"evaluate/{name}_rows.csv"
    table = pd.read_csv(path)
    rows = [(row, key, value, None, n, None) for row, own in figures.items() for key, value in own.items()]
    pd.concat([table, pd.DataFrame(rows, columns=table.columns)]).to_csv(path, index=False)


def test_verdicts_have_their_number_of_solos_and_intervals(data, tmp_path):
    write_family(tmp_path, "music_transformer")
    assert "## Verdicts" not in report_of(read_comparison(tmp_path, data, tmp_path))
    figures = {
        "coherent_changes": 0, "changes_share": 0.75, "changes_asked": 0.9, "changes_solos": 6, "coherent_solos": 8,
        "changes_share_low": 0.409, "changes_share_high": 0.928,
        "coherent_phrases": 1, "phrase_notes": 21, "real_phrase_p10": 6, "real_phrase_p90": 30,
        "coherent_traits": 0, "traits_inside": 3,
        "original": 0, "coverage_8": 0.01, "longest_run": 7, "longest_run_most": 31,
    }  # fmt: skip
    path = tmp_path / "evaluate/music_transformer.json"
    yardstick = {"coverage_8_high": 0.02, "longest_run_high": 7.7, "longest_run_most_high": 9}
    path.write_text(json.dumps({"music_transformer": figures, "self_quotation": yardstick}))
    markdown = report_of(read_comparison(tmp_path, data, tmp_path))
    assert rows_of(section_of(markdown, "Verdicts")) == [
        "| music_transformer "
        "| **no**: 1.0% of runs of 8 intervals occur in training solos (limit 2.0%); longest run of a solo: 7.0 "
        "intervals in the mean (limit 7.7), 31 at most (limit 9) "
        "| **yes**: 21 notes a phrase (required: 6 to 30), median of 8 solos "
        "| **no**: 75% of 6 solos follow their changes (required: 90%); 95% interval 41% to 93% "
        "| **no**: 3 of 4 bebop traits lie in the range of real solos, mean of 8 solos |"
    ]


SETS = {
    "set_overlap": 0.81, "set_overlap_low": 0.76, "set_overlap_high": 0.83, "set_overlap_floor": 0.9,
    "set_kl": 0.16, "set_kl_low": 0.15, "set_kl_high": 0.33, "set_kl_floor": 0.07,
    "set_frechet": 78.5, "set_frechet_low": 67.7, "set_frechet_high": 110.1, "set_frechet_floor": 28.2,
}  # fmt: skip


def test_sets_have_numbers_intervals_and_floors_and_a_row_of_the_ngram(data, tmp_path):
    write_family(tmp_path, "music_transformer")
    write_family(tmp_path, "other", nats=5.5)
    assert "## Sets of solos" not in report_of(read_comparison(tmp_path, data, tmp_path))
    for name, solos in (("music_transformer", 5), ("other", 6)):
        add_figures(tmp_path, name, {name: SETS | {"judged_style": 0.12}}, solos)
        add_figures(tmp_path, name, {"ngram": SETS | {"set_kl": 0.2}}, 5)
    markdown = report_of(read_comparison(tmp_path, data, tmp_path))
    rest = "0.81 [0.76, 0.83] | 0.90 | {} [0.15, 0.33] | 0.07 | 78.5 [67.7, 110.1] | 28.2 | {} |"
    lines = rows_of(section_of(markdown, "Sets of solos"))
    assert lines == [
        f"| ngram | 5 | 8 | {rest.format('0.20', '')}",
        f"| music_transformer | 5 | 8 | {rest.format('0.16', '0.12')}",
        f"| other | 6 | 8 | {rest.format('0.16', '0.12')}",
    ]
    assert "AUC" not in markdown, "the judges were not tested"


def test_filled_bars_are_shown_next_to_continued_ones_if_a_model_fills(data, tmp_path):
    write_family(tmp_path, "music_transformer")
    write_family(tmp_path, "other")
    assert "| row | filled |" not in report_of(read_comparison(tmp_path, data, tmp_path))
    figures = {"filled_nats_per_note": 3.5, "filled_nats_per_note_low": 3.25, "filled_nats_per_note_high": 3.75,
               "continued_nats_per_note": 4.0, "fill_gain": 0.5}  # fmt: skip
    add_figures(tmp_path, "music_transformer", {"music_transformer": figures}, 3)
    held_out = section_of(report_of(read_comparison(tmp_path, data, tmp_path)), "Held-out tunes")
    filled = held_out.partition("| row | filled | continued | gain of filling |\n")[2]
    assert rows_of(filled) == ["| music_transformer | 3.500 [3.250, 3.750] | 4.000 | 0.500 |"]


def test_the_share_of_solos_that_end_at_rest_is_a_column_of_the_generated_ones(data, tmp_path):
    write_family(tmp_path, "music_transformer")
    add_figures(tmp_path, "music_transformer", {"music_transformer": {"ends_at_rest": 0.75}}, 8)
    generated = section_of(report_of(read_comparison(tmp_path, data, tmp_path)), "Generated solos").splitlines()
    place = (
        next(line for line in generated if line.startswith("| row |"))
        .removesuffix(" |")
        .split(" | ")
        .index("ends at rest")
    )
    row = next(line for line in generated if line.startswith("| music_transformer | 8 |"))
    assert row.removesuffix(" |").split(" | ")[place] == "0.75"


def test_an_ngram_measured_at_another_length_is_named_after_its_family(data, tmp_path):
    for name in ("music_transformer", "other"):
        write_family(tmp_path, name)
        add_figures(tmp_path, name, {name: SETS, "ngram": SETS | {"set_kl": float(name == "other")}}, 5)
    markdown = section_of(report_of(read_comparison(tmp_path, data, tmp_path)), "Sets of solos")
    assert [line.split(" | ")[0] for line in rows_of(markdown)] == [
        "| ngram", "| music_transformer", "| ngram for other", "| other",
    ]  # fmt: skip


def test_the_accuracy_of_the_judges_is_next_to_their_verdicts(data, tmp_path):
    write_family(tmp_path, "music_transformer")
    judges = {
        "judge_excerpts": 44, "judged_style_player": 0.65, "judged_style_others": 0.18,
        "judge_ratio_auc": 0.75, "judge_ratio_auc_low": 0.5, "judge_ratio_auc_high": 0.9,
        "judge_traits_auc": 0.91, "judge_traits_auc_low": 0.75, "judge_traits_auc_high": 1.0,
    }  # fmt: skip
    add_figures(tmp_path, "music_transformer", {"music_transformer": SETS | {"judged_style": 0.12}}, 5)
    add_figures(tmp_path, "music_transformer", {"real": judges}, 44)
    section = section_of(report_of(read_comparison(tmp_path, data, tmp_path)), "Sets of solos")
    assert "| row | held-out excerpts | judged style of the player | of the others | AUC of the first judge" in section
    assert "| real | 44 | 0.65 | 0.18 | 0.75 [0.50, 0.90] | 0.91 [0.75, 1.00] |" in section
    assert "| music_transformer | 5 | 8 |" in section, "excerpts are not solos"


def test_a_synthetic_corpus_is_named_in_the_heading(data, tmp_path):
    write_family(tmp_path, "music_transformer")
    encoded = tmp_path / "encoded/events"
    encoded.mkdir(parents=True)
    index = (data / "encoded/events/index.csv").read_text()
    (encoded / "index.csv").write_text(
        index.replace(",Ann,", ",Ann (synthetic),").replace(",Bob,", ",Bob (synthetic),")
    )
    report = report_of(read_comparison(tmp_path, tmp_path, tmp_path))
    assert report.startswith(
        "# The models compared, on a synthetic corpus\n\n- **The corpus is synthetic** (all solos)"
    )


def test_a_mixed_corpus_is_partly_synthetic_with_the_number_of_synthetic_solos(data, tmp_path):
    rows = [
        filled(EncodedRow, solo="etudes/a", split="train", artist="X (synthetic)"),
        filled(EncodedRow, solo="parker/b", split="test", artist="P"),
    ]
    first, etudes, parker = describe_corpus(rows)
    assert first.startswith("**The corpus is partly synthetic** (1 of 2 solos): etudes composed by rule")
    assert "Charlie Parker" not in first, "some results may be about him"
    assert "`etudes`: 1 train, 0 validation, 0 test" in etudes
    assert "`parker`: 0 train, 0 validation, 1 test" in parker
    write_family(tmp_path, "music_transformer")
    index = (data / "encoded/events/index.csv").read_text()
    (tmp_path / "encoded/events").mkdir(parents=True)
    (tmp_path / "encoded/events/index.csv").write_text(index.replace(",Ann,", ",Ann (synthetic),"))
    report = report_of(read_comparison(tmp_path, tmp_path, tmp_path))
    assert report.startswith("# The models compared, on a partly synthetic corpus\n")


def test_plot_data_omit_metrics_without_a_distance(data, tmp_path):
    write_family(tmp_path, "music_transformer")
    comparison = read_comparison(tmp_path, data, tmp_path)
    bars = distances(comparison)
    assert set(bars["row"]) == {"floor", "ngram", "music_transformer"}
    assert set(bars["metric"]) == set(SHOWN)
    assert len(nats_by_kind(comparison)) == 2 * len(GROUPS)
    assert as_csv(bars).splitlines()[0] == "row,metric,distance"


def test_a_family_that_scores_no_tokens_has_generated_rows_only(data, tmp_path):
    write_family(tmp_path, "audio")
    path = tmp_path / "evaluate/audio_rows.csv"
    table = pd.read_csv(path)
    table[table["metric"].isin(SHOWN)].to_csv(path, index=False)
    comparison = read_comparison(tmp_path, data, tmp_path)
    assert comparison.held_out() == {}
    assert "| audio | 8 |" in report_of(comparison)
    assert nats_by_kind(comparison).empty


def test_nothing_evaluated_is_one_clear_line(data, tmp_path):
    with pytest.raises(InputError, match="expected evaluated families, found none"):
        read_comparison(tmp_path, data, tmp_path)


def test_a_background_source_is_described_as_one():
    rows = [
        filled(EncodedRow, solo="parker/a", split="test", artist="P"),
        filled(EncodedRow, solo="others/b", split="train", role="background", artist="Q"),
    ]
    parker, others = describe_corpus(rows)
    assert parker == "Source `parker`: 0 train, 0 validation, 1 test solos, split by tune."
    assert others.startswith("Source `others`, background: 1 solo, used for training only")


def everything(data: Path, reports: Path) -> Comparison:
    """A comparison in which every table has rows."""
    write_family(reports, "music_transformer")
    write_latent_family(reports)
    write_sound_family(reports)
    on_the_grid(reports)
    filled = {"filled_nats_per_note": 3.5, "continued_nats_per_note": 4.0, "fill_gain": 0.5}
    add_figures(reports, "music_transformer", {"music_transformer": SETS | filled, "real": {"judge_excerpts": 44}}, 8)
    verdicts = {"coherent_traits": 0, "traits_inside": 3, "coherent_solos": 8}
    (reports / "evaluate/music_transformer.json").write_text(json.dumps({"music_transformer": verdicts}))
    return read_comparison(reports, data, reports)


def test_no_paragraph_of_the_report_is_longer_than_three_lines(data, tmp_path):
    report = report_of(everything(data, tmp_path))
    blocks = [block for block in report.split("\n\n") if not block.startswith(("|", "#", "["))]
    assert len(blocks) >= 12, "each table has a caption"
    assert max(map(len, blocks)) <= 3 * 120


def test_each_table_has_a_caption_of_one_line_and_its_links_are_defined(data, tmp_path):
    comparison = everything(data, tmp_path)
    families = all_facts(comparison)
    tables = [table for section in sections(comparison, families, characters(families)) for table in section.tables]
    assert all(table.rows for table in tables)
    assert all(0 < len(table.caption) <= 120 for table in tables)
    text = report_of(comparison)
    used = {heading for table in tables for heading in table.explained_in}
    assert used <= set(re.findall(r"^\[(.+)\]: ", text, re.MULTILINE))


def test_each_table_links_to_a_heading_that_exists(data, tmp_path):
    docs = Path(__file__).resolve().parents[2] / "docs/metrics.md"
    headings = re.findall(r"^#+ (.+)$", docs.read_text(encoding="utf-8"), re.MULTILINE)
    anchors = {re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    links = re.findall(r"\.\./docs/metrics\.md#(\S+)$", report_of(everything(data, tmp_path)), re.MULTILINE)
    assert len(links) > 12
    assert set(links) <= anchors


def test_a_column_that_no_row_has_is_an_error_unless_it_is_optional():
    """Regression: a misspelt key left an empty column."""
    values = {"a": {"h1": 1.0}, "b": {"h1": 2.0, "h4": 3.0}}
    assert table_cells.rows(values, {"one": ("h1", 1), "four": ("h4", 1)}) == [["a", "1.0", ""], ["b", "2.0", "3.0"]]
    with pytest.raises(KeyError, match="no row has h5"):
        table_cells.rows(values, {"one": ("h1", 1), "five": ("h5", 1)})
    shown = table_cells.rows(values, {"one": ("h1", 1), "five": ("h5", 1)}, ["h5"])
    assert shown == [["a", "1.0", ""], ["b", "2.0", ""]]
    assert table_cells.rows(values, {"five": ("h5", 1)}) == []
