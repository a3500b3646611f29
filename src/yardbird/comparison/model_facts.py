"""The comparable values of each family, with their intervals."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import pandas as pd

from yardbird.baselines.ngram_solos import NGRAM
from yardbird.comparison.gathering import Comparison, Span
from yardbird.evaluation.reconstruction import SHUFFLED
from yardbird.metrics.estimates import Estimate, read
from yardbird.metrics.set_rows import FLOOR, REAL, SELF

Rows = Mapping[str, pd.DataFrame]  # by row; the metric is the index

#: Costs are measured once, on a machine that may be shared: values within this factor count as equal.
SLACK = 1.25
#: Nats of held-out tunes: key, baseline row, key of the gain over it, description; the first one that a family has is
#: used.
_NATS = (
    ("nats_per_note", NGRAM, "gain_on_ngram", "an n-gram over the same tokens"),
    ("nats_per_frame", "bigram", "gain_on_bigram", "a bigram of each codebook"),
    ("nats_per_frame", "unigram", "gain_on_unigram", "a unigram of each codebook"),
    ("grid_nats_per_note", NGRAM, "grid_gain_on_ngram", "an n-gram on the same grid (its own are an upper bound)"),
)
#: Values of the family's own row, and reference values of other rows: name → (row, metric).
_OWN = (
    "harmony_margin", "coverage_8", "longest_run", "note_f1", "window_bars", "frechet_distance", "voiced_share",
    "caption_key_margin",
)  # fmt: skip
_BESIDE = {
    "self_coverage_8": (SELF, "coverage_8"),
    "self_longest_run": (SELF, "longest_run"),
    "shuffled_note_f1": (SHUFFLED, "note_f1"),
    "untrained_frechet_distance": ("untrained", "frechet_distance"),
    "shuffled_frechet_distance": ("shuffled_tokens", "frechet_distance"),
}
_COSTS = ("training_seconds", "peak_memory_mib", "music_seconds_per_second")
_WORDS = ("device", "drawn_on")


@dataclass(frozen=True)
class Facts:
    """The facts of a family: values by name, and descriptions in words."""

    figures: Mapping[str, Estimate]  # the interval of a median is the range of the values
    conditions: tuple[str, ...] = ()
    writes: str = ""
    words: Mapping[str, str] = field(default_factory=dict)


def all_facts(comparison: Comparison) -> dict[str, Facts]:
    """Family → facts. A value that has not been measured is missing."""
    shared = _shared_metrics(comparison)
    facts = {}
    for name, table in comparison.tables.items():
        rows = {str(row): part.set_index("metric") for row, part in table.groupby("row", sort=False)}
        saved, baseline = _saved(rows, name)
        timing, span = comparison.timing[name], comparison.spans.get(name)
        sought = dict.fromkeys(_OWN) | _BESIDE
        figures = {
            **{key: _within_slack(timing[key]) for key in _COSTS if key in timing},
            **_exact("parameters", comparison.training.get(name, {}).get("parameters")),
            **_of_span(span),
            **saved,
            **_distances(rows, name, shared),
            **{key: figure for key, place in sought.items() if (figure := _figure(rows, *(place or (name, key))))},
        }
        words = {key: str(timing[key]) for key in _WORDS if key in timing}
        facts[name] = Facts(figures, comparison.conditions[name], span.writes if span else "", words | baseline)
    return facts


def _figure(rows: Rows, row: str, metric: str) -> Estimate | None:
    """A value with the interval given in its row, else that of a mean over solos, else without."""
    part: Any = rows.get(row, pd.DataFrame())
    if metric not in part.index or pd.isna(part.loc[metric, "mean"]):
        return None
    found = read(part["mean"].to_dict(), metric)
    sd, solos = (float(part.loc[metric, column]) for column in ("sd", "n"))
    if found is None or found.low is not None or math.isnan(sd):
        return found
    width = 1.96 * sd / math.sqrt(solos)
    return Estimate(found.value, found.value - width, found.value + width)


def _within_slack(value: float) -> Estimate:
    return Estimate(value, value / SLACK, value * SLACK)


def _exact(key: str, value: float | None) -> dict[str, Estimate]:
    return {} if value is None else {key: Estimate(value)}


def _of_span(span: Span | None) -> dict[str, Estimate]:
    if span is None:
        return {}
    seconds = Estimate(median(span.seconds), min(span.seconds), max(span.seconds))
    return {**_exact("span_bars", span.bars), "span_seconds": seconds}


def _saved(rows: Rows, name: str) -> tuple[dict[str, Estimate], dict[str, str]]:
    """The share of its baseline's nats that a model saves on held-out tunes, and the name of the baseline."""
    for key, row, gain, words in _NATS:
        baseline, saved = _figure(rows, row, key), _figure(rows, name, gain)
        if baseline and saved:
            share, low, high = (nats / baseline.value for nats in (saved.value, *saved.span))
            return {"nats_saved": Estimate(share, low, high)}, {"baseline": words}
    return {}, {}


def _shared_metrics(comparison: Comparison) -> set[str]:
    """The solo metrics with a distance to real solos in every family that draws solos."""
    measured = [
        set(table.loc[(table["row"] == name) & table["distance"].notna(), "metric"])
        for name, table in comparison.tables.items()
    ]
    drawing = [metrics for metrics in measured if metrics]
    return set.intersection(*drawing) if drawing else set()


def _distances(rows: Rows, name: str, shared: set[str]) -> dict[str, Estimate]:
    """The mean distance to real solos over the shared metrics (family, floor, n-gram), and the real harmony margin.

    The interval is the mean of those of the metrics, as if these were fully correlated, so it is too wide rather than
    too narrow. A distance is the absolute value of a difference: if the interval of the difference contains 0, that of
    the distance starts at 0.
    """
    found: dict[str, Estimate] = {}
    reference = _reference(rows)
    if reference is None:
        return found
    real = rows[reference]
    for key, row in (("distance", name), ("floor_distance", FLOOR), ("ngram_distance", NGRAM)):
        part = rows[row].loc[rows[row].index.isin(shared)] if row in rows else pd.DataFrame()
        if not len(part):
            continue
        errors = [_standard_error(part.loc[metric], real.loc[metric]) / real.loc[metric, "sd"] for metric in part.index]
        distances, widths = part["distance"], 1.96 * pd.Series(errors, part.index)
        ends = (distances - widths).clip(lower=0), distances + widths
        value, low, high = (float(each.mean()) for each in (distances, *ends))
        found[key] = Estimate(value) if row == FLOOR else Estimate(value, low, high)
    if margin := _figure(rows, reference, "harmony_margin"):
        found["real_harmony_margin"] = margin
    return found


def _reference(rows: Rows) -> str | None:
    """The row of real solos that the distances refer to: the one whose own distances are all 0."""
    for row, part in rows.items():
        distances = part["distance"].dropna()
        if row.startswith(REAL) and len(distances) and not distances.any():
            return row
    return None


def _standard_error(own: Any, real: Any) -> float:
    """The standard error of the difference of two means; a set of one solo has no variance and is skipped."""
    variances = [row["sd"] ** 2 / row["n"] for row in (own, real) if pd.notna(row["sd"])]
    return math.sqrt(sum(variances))
