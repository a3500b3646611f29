"""The ten metrics that decide, by one name for all families, each next to its reference.

Families predict different symbols, so perplexity and note accuracy are different quantities under one name
(docs/metrics.md). The other metrics are those of the evaluation.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from yardbird.baselines.ngram_solos import NGRAM
from yardbird.comparison.gathering import Comparison, figures_of
from yardbird.comparison.model_facts import Facts
from yardbird.deciding_metrics import HEADING, METRICS
from yardbird.evaluation.held_out_sound import BIGRAM
from yardbird.metrics.set_rows import FLOOR, REAL
from yardbird.metrics.verdicts import VERDICTS
from yardbird.report_tables import Section, Table

Rows = Mapping[str, Mapping[str, float]]  # row → metric → value

_DIGITS = 5  # significant ones
_WORDS = {NGRAM: "n-gram"}
#: What the table adds to a value, by the name that the family has for the metric.
_NOTED = {"code_accuracy": " of codes", "grid_note_accuracy": " from latents"}


@dataclass(frozen=True)
class Deciding:
    """A metric of a family, and the same of the row to compare it with, if that row has it."""

    value: float
    name: str  # that the family has for it
    row: str = ""
    reference: float | None = None


#: Metric → the names that families have for it, each with the row of its reference.
_NAMES: Mapping[str, tuple[tuple[str, str], ...]] = {
    "perplexity": (("perplexity", NGRAM), ("code_perplexity", BIGRAM), ("grid_perplexity", NGRAM)),
    "note_accuracy": (("pitch_accuracy", NGRAM), ("code_accuracy", BIGRAM), ("grid_note_accuracy", NGRAM)),
    "pitch_entropy": (("pitch_entropy", REAL),),
    "rhythm_diversity": (("rhythm_diversity", REAL),),
    "nats_saved": (),  # one of the facts: the gain over the baseline is relative to it
    "distance_to_real": (("distance_to_real", FLOOR),),
    **{verdict: ((verdict, ""),) for verdict in VERDICTS},
}


def deciding(comparison: Comparison, facts: Mapping[str, Facts]) -> dict[str, dict[str, Deciding]]:
    """Metric → family → value, in the order of `deciding_metrics.METRICS`; a family may lack a metric."""
    found: dict[str, dict[str, Deciding]] = {metric: {} for metric in METRICS}
    for family, table in comparison.tables.items():
        rows = figures_of(table)
        for row, shown in comparison.headlines[family].items():
            rows[row] = {**shown, **rows.get(row, {})}  # only the metric file has the distances
        for metric, names in _NAMES.items():
            if own := _first(rows, family, names):
                found[metric][family] = own
        if saved := facts[family].figures.get("nats_saved"):
            found["nats_saved"][family] = Deciding(saved.value, "nats_saved")
    return found


def _first(rows: Rows, family: str, names: tuple[tuple[str, str], ...]) -> Deciding | None:
    for name, row in names:
        if name in rows.get(family, {}):
            return Deciding(rows[family][name], name, row, rows.get(row, {}).get(name))
    return None


def values(metrics: Mapping[str, Mapping[str, Deciding]]) -> dict[str, dict[str, float]]:
    """Metric → family → rounded value: the contents of the metric files of DVC."""
    return {
        metric: {family: float(f"{own.value:.{_DIGITS}g}") for family, own in of_families.items()}
        for metric, of_families in metrics.items()
    }


def section(metrics: Mapping[str, Mapping[str, Deciding]]) -> Section:
    """One table, with a column for each family; a reference is in brackets."""
    families = list(dict.fromkeys(family for own in metrics.values() for family in own))
    rows = [
        [metric.replace("_", " "), *(_cell(own[name], metric) if name in own else "" for name in families)]
        for metric, own in metrics.items()
        if own
    ]
    return Section(
        HEADING,
        [
            Table(
                ["metric", *families],
                rows,
                "In brackets: n-gram, real solos, other real solos (floor). "
                "From latents: notes reconstructed, not predicted.",
                [HEADING, "Verdicts"],
            )
        ],
    )


def _cell(own: Deciding, metric: str) -> str:
    form = METRICS[metric]
    beside = "" if own.reference is None else f" ({_WORDS.get(own.row, own.row)} {form(own.reference)})"
    return f"{form(own.value)}{_NOTED.get(own.name, '')}{beside}"
