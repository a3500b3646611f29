"""The figures of each family that can be set beside those of the others, with what is known of their certainty."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from yardbird.evaluation.baseline import NGRAM
from yardbird.evaluation.comparison.gather import Comparison, Span, figures_of
from yardbird.evaluation.reconstruction import SHUFFLED
from yardbird.metrics.rows import FLOOR, REAL
from yardbird.models.base import family_names, load_family

UNIGRAM, UNTRAINED = "unigram", "untrained"

#: Figures of cost are measured once, on a machine that may have had other work: taken as right within this factor.
SLACK = 1.25
#: Nats of held-out tunes: the key, the row that they are compared with, and what that is called.
_NATS = {
    "nats_per_note": (NGRAM, "gain_on_ngram", "an n-gram over the same tokens"),
    "nats_per_frame": (UNIGRAM, "gain_on_unigram", "a unigram for each codebook"),
    "grid_nats_per_note": (NGRAM, "grid_gain_on_ngram", "an n-gram on the same grid (its own are an upper bound)"),
}
#: Figures taken over from the family's own row, with their intervals where they have one.
_OWN = ("note_f1", "window_bars", "frechet_distance", "voiced_share", "caption_margin")
_COSTS = ("training_seconds", "peak_memory_mib", "music_seconds_per_second")
_WORDS = ("device", "drawn_on")


@dataclass(frozen=True)
class Figure:
    """A value and the interval in which it lies, 95 % where it was sampled, without width where it is exact."""

    value: float
    low: float
    high: float

    @classmethod
    def exact(cls, value: float) -> "Figure":
        return cls(value, value, value)

    def apart(self, other: "Figure") -> bool:
        """The intervals do not overlap."""
        return self.high < other.low or other.high < self.low


@dataclass(frozen=True)
class Facts:
    """What is known of a family: figures by name, and what is said of it in words."""

    figures: Mapping[str, Figure]
    conditions: tuple[str, ...] = ()
    writes: str = ""
    words: Mapping[str, str] = field(default_factory=dict)


def all_facts(comparison: Comparison) -> dict[str, Facts]:
    """Family → facts. A figure that has not been measured is missing."""
    shared = _shared_metrics(comparison)
    facts = {}
    for name, table in comparison.tables.items():
        rows = figures_of(table)
        saved, against = _saved(rows, name)
        timing, span = comparison.timing[name], comparison.spans.get(name)
        figures = {
            **{key: _within_slack(timing[key]) for key in _COSTS if key in timing},
            **_exact("parameters", comparison.training.get(name, {}).get("parameters")),
            **_of_span(span),
            **saved,
            **_distances(table, name, shared),
            **_with_references(rows, name),
        }
        words = {key: str(timing[key]) for key in _WORDS if key in timing}
        conditions = load_family(name).conditioned_on if name in family_names() else ()
        facts[name] = Facts(figures, conditions, span.writes if span else "", words | against)
    return facts


def _within_slack(value: float) -> Figure:
    return Figure(value, value / SLACK, value * SLACK)


def _exact(key: str, value: float | None) -> dict[str, Figure]:
    return {} if value is None else {key: Figure.exact(value)}


def _of_span(span: Span | None) -> dict[str, Figure]:
    if span is None:
        return {}
    return {**_exact("span_bars", span.bars), "span_seconds": _within_slack(span.seconds)}


def _saved(rows: Mapping[str, Mapping[str, float]], name: str) -> tuple[dict[str, Figure], dict[str, str]]:
    """The share of its baseline's nats that a model saves on held-out tunes, and who the baseline is."""
    own = rows.get(name, {})
    for key, (row, gain, words) in _NATS.items():
        baseline = rows.get(row, {}).get(key)
        if baseline and gain in own:
            low, high = (own.get(f"{gain}_{end}", own[gain]) / baseline for end in ("low", "high"))
            return {"nats_saved": Figure(own[gain] / baseline, low, high)}, {"baseline": words}
    return {}, {}


def _with_references(rows: Mapping[str, Mapping[str, float]], name: str) -> dict[str, Figure]:
    """Figures of the family's own row, and the same of the rows that they are read beside."""
    own = rows.get(name, {})
    found = {key: figure for key in _OWN if (figure := _figure(own, key))}
    for row, key in ((UNTRAINED, "frechet_distance"), ("shuffled_tokens", "frechet_distance"), (SHUFFLED, "note_f1")):
        if figure := _figure(rows.get(row, {}), key):
            found[f"{row}_{key}"] = figure
    return found


def _figure(values: Mapping[str, float], key: str) -> Figure | None:
    if key not in values:
        return None
    return Figure(values[key], values.get(f"{key}_low", values[key]), values.get(f"{key}_high", values[key]))


def _shared_metrics(comparison: Comparison) -> set[str]:
    """The metrics of solos in which every family that draws any lies at some distance from real ones."""
    measured = [
        set(table.loc[(table["row"] == name) & table["distance"].notna(), "metric"])
        for name, table in comparison.tables.items()
    ]
    drawing = [metrics for metrics in measured if metrics]
    return set.intersection(*drawing) if drawing else set()


def _distances(table: pd.DataFrame, name: str, shared: set[str]) -> dict[str, Figure]:
    """The mean distance to real solos over the shared metrics, of the family, the floor and the n-gram; and harmony.

    Its interval is that of the standard errors of both means, as if the errors of all metrics went the same way: rather
    too wide than too narrow.
    """
    rows = {str(row): part.set_index("metric") for row, part in table.groupby("row", sort=False)}
    real = _reference(rows)
    found: dict[str, Figure] = {}
    if real is None or name not in rows:
        return found
    for key, row in (("distance", name), ("floor_distance", FLOOR), ("ngram_distance", NGRAM)):
        part = rows[row].loc[rows[row].index.isin(shared)] if row in rows else pd.DataFrame()
        if not len(part):
            continue
        errors = [_standard_error(part.loc[metric], real.loc[metric]) / real.loc[metric, "sd"] for metric in part.index]
        value, width = float(part["distance"].mean()), 1.96 * sum(errors) / len(errors)
        found[key] = Figure.exact(value) if row == FLOOR else Figure(value, value - width, value + width)
    for key, part in (("harmony_margin", rows[name]), ("real_harmony_margin", real)):
        if figure := _mean(part, "harmony_margin"):
            found[key] = figure
    return found


def _mean(part: pd.DataFrame, metric: str) -> Figure | None:
    """With its normal interval; None where no solo has a value, or one only."""
    own: Any = part.loc[metric] if metric in part.index else None
    if own is None or pd.isna(own["sd"]):
        return None
    width = 1.96 * own["sd"] / math.sqrt(own["n"])
    return Figure(float(own["mean"]), float(own["mean"] - width), float(own["mean"] + width))


def _reference(rows: Mapping[str, pd.DataFrame]) -> pd.DataFrame | None:
    """The real solos that the distances are to: the row that is at none from itself."""
    for row, part in rows.items():
        distances = part["distance"].dropna()
        if row.startswith(REAL) and len(distances) and not distances.any():
            return part
    return None


def _standard_error(own: Any, real: Any) -> float:
    """Of the difference of two means; where a set has one solo only, by the other's."""
    variances = [row["sd"] ** 2 / row["n"] for row in (own, real) if pd.notna(row["sd"])]
    return math.sqrt(sum(variances))
