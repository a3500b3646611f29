"""The tables of the comparison: models, held-out tunes, generated solos next to real ones, sound, latents, training."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from yardbird.baselines.ngram_solos import NGRAM
from yardbird.comparison import deciding_table, models_table, sound_tables, table_cells
from yardbird.comparison.gathering import Comparison, figures_of
from yardbird.comparison.model_facts import Facts
from yardbird.comparison.strengths import Character
from yardbird.evaluation.evaluate import ENDING, HEADLINE, SHOWN
from yardbird.evaluation.filling import CONTINUED, FILLED, GAIN
from yardbird.evaluation.originality import JUDGED
from yardbird.judges.style_judges import JUDGE_AUC, JUDGED_SIDES, JUDGED_STYLE
from yardbird.metrics.diversity import VENDI
from yardbird.metrics.set_rows import REAL
from yardbird.metrics.verdicts import VERDICTS, family_verdicts
from yardbird.report_tables import Section, Table
from yardbird.report_tables import as_markdown as tables_as_markdown

#: Held-out metrics of the first table: column → (key, digits).
_HELD_OUT = {
    "perplexity": ("perplexity", 2),
    "pitch": ("pitch_nats_per_note", 3),
    "rhythm": ("rhythm_nats_per_note", 3),
    "velocity": ("velocity_nats_per_note", 3),
    "chords": ("chord_nats_per_note", 3),
    "pitch top-1": ("pitch_accuracy", 3),
    "position top-1": ("position_accuracy", 3),
    "duration top-1": ("duration_accuracy", 3),
}
#: Metrics of the table on filled bars: column → (key, digits).
_FILLED = {"filled": (FILLED, 3), "continued": (CONTINUED, 3), "gain of filling": (GAIN, 3)}
#: Metrics of the table on latents: column → (key, digits).
_LATENT = {
    "steps right, forced": ("forced_accuracy", 3),
    "steps right, sampled": ("sampled_accuracy", 3),
    "note F1": ("note_f1", 3),
    "onset F1": ("onset_f1", 3),
    "KL, nats a window": ("kl", 1),
    "active units": ("active_units", 0),
    "grid nats per note": ("grid_nats_per_note", 2),
}
#: Columns of the table on the use of latents; the last three are metrics: column → (key, digits).
_LOST = {
    "sampled accuracy lost": ("gain_on_shuffled", 3),
    "note F1 lost": ("note_gain_on_shuffled", 3),
    "note F1": ("note_f1", 3),
}
_USE = ("active dimensions", "windows", *_LOST)
#: Metrics of the table on sets of solos, each before its floor: column → (key, digits).
_SETS = {
    "solos": ("solos", 0),
    "real solos": ("real_solos", 0),
    "overlap": ("set_overlap", 2),
    "overlap, floor": ("set_overlap_floor", 2),
    "KL divergence": ("set_kl", 2),
    "KL, floor": ("set_kl_floor", 2),
    "Fréchet distance": ("set_frechet", 1),
    "Fréchet, floor": ("set_frechet_floor", 1),
    "judged style": (JUDGED_STYLE, 2),
}
#: Metrics of the table on diversity: column → (key, digits).
_DIVERSITY = {"solos": ("solos", 0), "Vendi score": (VENDI, 2)}
#: Metrics of the table on the judges, which are in the rows of real solos: column → (key, digits).
_JUDGES = {
    "held-out excerpts": ("judge_excerpts", 0),
    "judged style of the player": (JUDGED_SIDES[True], 2),
    "of the others": (JUDGED_SIDES[False], 2),
    "AUC of the first judge": ("judge_ratio_auc", 2),
    "AUC of the second": ("judge_traits_auc", 2),
}
#: Step accuracies, forced and sampled, that Roberts et al. 2018 report (table 2), on another grid and another corpus.
_PAPER = {
    "paper: 2 bars": (0.986, 0.951),
    "paper: 16 bars, flat": (0.883, 0.620),
    "paper: 16 bars, hierarchical": (0.919, 0.812),
}


def sections(
    comparison: Comparison, families: Mapping[str, Facts], characters: Mapping[str, Character]
) -> list[Section]:
    """All tables; a section may have no rows."""
    return [
        deciding_table.section(deciding_table.deciding(comparison, families)),
        models_table.section(families, characters),
        _held_out(comparison),
        _generated(comparison),
        _sets(comparison),
        sound_tables.section(comparison),
        _latent(comparison),
        _training(comparison),
    ]


def as_markdown(comparison: Comparison, tables: Sequence[Section]) -> str:
    """The corpus, the verdicts, and the sections of tables."""
    title = f"# The models compared{f', on a {comparison.kind} corpus' if comparison.kind else ''}"
    corpus = [f"- {sentence}" for sentence in comparison.corpus]
    return "\n".join([title, "", *corpus, "", *tables_as_markdown([tables[0], _verdicts(comparison), *tables[1:]])])


def _verdicts(comparison: Comparison) -> Section:
    verdicts = {name: family_verdicts(content, name) for name, content in comparison.headlines.items()}
    cells_of = {
        name: {verdict.figure: f"**{'yes' if verdict.met else 'no'}**: {verdict.words}" for verdict in own}
        for name, own in verdicts.items()
        if own
    }
    return Section(
        "Verdicts",
        [
            Table(
                ["family", *(figure.replace("_", " ") for figure in VERDICTS)],
                [[name, *(own.get(figure, "") for figure in VERDICTS)] for name, own in cells_of.items()],
                "Verdicts on the generated solos; if an interval contains the requirement, other solos may differ.",
                ["Verdicts", "Originality"],
            )
        ],
    )


def _held_out(comparison: Comparison) -> Section:
    columns = {"nats per note": (HEADLINE, 3), "gain": ("gain_on_ngram", 3), **_HELD_OUT}
    held_out = comparison.held_out()
    table_cells.check(held_out, columns, ["gain_on_ngram"])  # without a token family there is only the n-gram
    return Section(
        "Held-out tunes",
        [
            Table(
                ["model", *columns],
                [[_labelled(name, own, ""), *table_cells.figures(own, columns)] for name, own in held_out.items()],
                "Nats per note (lower is better) with 95 % intervals; the gain is over the n-gram, paired by tune.",
                ["Nats per note"],
            ),
            Table(
                ["row", *_FILLED],
                table_cells.rows(held_out, _FILLED),
                "Nats per note of gaps of one to four bars inside held-out solos, filled and continued.",
                ["Fill"],
            ),
        ],
    )


def _generated(comparison: Comparison) -> Section:
    table = comparison.rows
    shown = [*SHOWN, *(metric for metric in (ENDING, *JUDGED) if metric in set(table["metric"]))]
    rows = []
    for row, part in table.groupby("row", sort=False):
        by_metric = part.set_index("metric")
        known = [metric for metric in shown if metric in by_metric.index]
        if not known:
            continue  # it draws no solos
        solos = by_metric.loc[known, "n"].max()
        distances = part["distance"].dropna()
        means = [_mean(by_metric.loc[metric]) if metric in known else "" for metric in shown]
        distance = f"{distances.mean():.2f}" if len(distances) else ""
        rows.append([str(row), str(solos), distance, *means])
    return Section(
        "Generated solos",
        [
            Table(
                ["row", "pieces", "distance", *(metric.replace("_", " ") for metric in shown)],
                rows,
                "Mean ± standard deviation over pieces; all metrics: comparison.csv.",
                ["Distance to real solos", "Pitch", "Rhythm", "Harmony", "Phrases", "Endings", "Originality"],
            )
        ],
    )  # fmt: skip


def _sets(comparison: Comparison) -> Section:
    rows: dict[str, dict[str, float]] = {}
    for name, table in comparison.tables.items():
        figures, counts = figures_of(table), table.set_index(["row", "metric"])["n"]
        real = table.loc[(table["row"] == REAL) & table["metric"].isin(SHOWN), "n"].max()
        for row in (NGRAM, name):
            if "set_overlap" in (own := figures.get(row, {})):
                own = own | {"solos": counts[row, "set_overlap"], "real_solos": real}
                rows[row if rows.get(row, own) == own else f"{row} for {name}"] = own
    judged = {row: own for row, own in comparison.figures().items() if row.startswith(REAL)} if rows else {}
    sizes = comparison.rows.loc[comparison.rows["metric"] == VENDI].set_index("row")["n"]
    varied = {row: own | {"solos": sizes[row]} for row, own in comparison.figures().items() if VENDI in own}
    return Section(
        "Sets of solos",
        [
            Table(
                ["row", *_SETS],
                table_cells.rows(rows, _SETS, ["set_frechet", "set_frechet_floor", JUDGED_STYLE]),
                "Generated solos and held-out ones as sets; a Fréchet distance compares with its own floor only.",
                ["Sets of solos", "Style judges"],
            ),
            Table(
                ["row", *_DIVERSITY],
                table_cells.rows(varied, _DIVERSITY),
                "How many different solos each set amounts to, by melodic figures; compare rows of equally many solos.",
                ["Diversity"],
            ),
            Table(
                ["row", *_JUDGES],
                table_cells.rows(judged, _JUDGES, [*JUDGED_SIDES.values(), *JUDGE_AUC]),
                "Accuracy of the style judges on held-out real solos, with 95 % intervals (AUC of chance: 0.5).",
                ["Style judges"],
            ),
        ],
    )


def _latent(comparison: Comparison) -> Section:
    keys = {key for key, _ in _LATENT.values()}
    rows = {row: values for row, values in comparison.latent().items() if keys & values.keys()}
    table_cells.check(rows, _LATENT)
    reconstructed = [
        [_labelled(name, values, "grid_"), *table_cells.figures(values, _LATENT)] for name, values in rows.items()
    ]
    published = [
        [name, f"{forced:.3f}", f"{sampled:.3f}", *[""] * (len(_LATENT) - 2)]
        for name, (forced, sampled) in _PAPER.items()
    ]
    return Section(
        "Latent space",
        [
            Table(
                ["family", "latent", *_USE],
                [_use(name, values) for name, values in rows.items() if "collapsed" in values],
                "Whether decoding uses the latents: what is lost when those of other windows are decoded.",
                ["Reconstruction"],
            ),
            Table(
                ["row", *_LATENT],
                reconstructed + published if reconstructed else [],
                "Reconstruction of held-out tunes; paper: Roberts et al. 2018, from memory, other grid and corpus.",
                ["Reconstruction"],
            ),
        ],
    )


def _use(name: str, values: Mapping[str, float]) -> list[str]:
    verdict = "alarm: collapsed, notes hardly depend on it" if values["collapsed"] else "used"
    active = f"{values['active_units']:.0f} of {values['latent_dimensions']:.0f}"
    windows = f"{values['windows']:.0f} of {values['window_bars']:.0f} bars"
    return [name, verdict, active, windows, *table_cells.figures(values, _LOST)]


def _training(comparison: Comparison) -> Section:
    keys = list(dict.fromkeys(key for values in comparison.training.values() for key in values))
    rows = [
        [
            key.replace("_", " "),
            *(table_cells.number(own[key]) if key in own else "" for own in comparison.training.values()),
        ]
        for key in keys
    ]
    return Section("Training", [Table(["result", *comparison.training], rows, "Results of training, by family.")])


def _labelled(name: str, values: Mapping[str, float], of: str) -> str:
    if f"{of}order" not in values:
        return name
    return f"{name} (order {values[f'{of}order']:g}, escape {values[f'{of}escape']:g})"


def _mean(row: Any) -> str:
    if pd.isna(row["mean"]):
        return "–"
    return f"{row['mean']:.2f}" if pd.isna(row["sd"]) else f"{row['mean']:.2f} ± {row['sd']:.2f}"
