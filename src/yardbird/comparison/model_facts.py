"""The figures of each family that can be set beside those of the others, with what is known of their certainty."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import pandas as pd

from yardbird.baselines.baseline import NGRAM
from yardbird.comparison.gathering import Comparison, Span
from yardbird.evaluation.reconstruction import SHUFFLED
from yardbird.metrics.estimates import Estimate, read
from yardbird.metrics.rows import FLOOR, REAL, SELF

Rows = Mapping[str, pd.DataFrame]  # by row; the metric is the index

#: Figures of cost are measured once, on a machine that may have had other work: taken as right within this factor.
SLACK = 1.25
#: Nats of held-out tunes: their key, whom they are compared with, the gain on it, what it is called; the first that a
#: family has.
_NATS = (
    ("nats_per_note", NGRAM, "gain_on_ngram", "an n-gram over the same tokens"),
    ("nats_per_frame", "bigram", "gain_on_bigram", "a bigram of each codebook"),
    ("nats_per_frame", "unigram", "gain_on_unigram", "a unigram of each codebook"),
    ("grid_nats_per_note", NGRAM, "grid_gain_on_ngram", "an n-gram on the same grid (its own are an upper bound)"),
)
#: Figures of the family's own row, and figures of other rows that they are read beside: name → (row, metric).
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
    """What is known of a family: figures by name, and what is said of it in words."""

    figures: Mapping[str, Estimate]  # the interval of a median is from the least to the most
    conditions: tuple[str, ...] = ()
    writes: str = ""
    words: Mapping[str, str] = field(default_factory=dict)


def all_facts(comparison: Comparison) -> dict[str, Facts]:
    """Family → facts. A figure that has not been measured is missing."""
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
    """With the interval that the row gives, else that of a mean over solos, else none."""
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
    """The share of its baseline's nats that a model saves on held-out tunes, and who the baseline is."""
    for key, row, gain, words in _NATS:
        baseline, saved = _figure(rows, row, key), _figure(rows, name, gain)
        if baseline and saved:
            share, low, high = (nats / baseline.value for nats in (saved.value, *saved.span))
            return {"nats_saved": Estimate(share, low, high)}, {"baseline": words}
    return {}, {}


def _shared_metrics(comparison: Comparison) -> set[str]:
    """The metrics of solos in which every family that draws any lies at some distance from real ones."""
    measured = [
        set(table.loc[(table["row"] == name) & table["distance"].notna(), "metric"])
        for name, table in comparison.tables.items()
    ]
    drawing = [metrics for metrics in measured if metrics]
    return set.intersection(*drawing) if drawing else set()


def _distances(rows: Rows, name: str, shared: set[str]) -> dict[str, Estimate]:
    """The mean distance to real solos over the shared metrics, of the family, the floor and the n-gram; and harmony.

    Its interval is that of the standard errors of both means, as if the errors of all metrics went the same way: rather
    too wide than too narrow.
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
        value, width = float(part["distance"].mean()), 1.96 * sum(errors) / len(errors)
        found[key] = Estimate(value) if row == FLOOR else Estimate(value, value - width, value + width)
    if margin := _figure(rows, reference, "harmony_margin"):
        found["real_harmony_margin"] = margin
    return found


def _reference(rows: Rows) -> str | None:
    """The real solos that the distances are to: the row that is at none from itself."""
    for row, part in rows.items():
        distances = part["distance"].dropna()
        if row.startswith(REAL) and len(distances) and not distances.any():
            return row
    return None


def _standard_error(own: Any, real: Any) -> float:
    """Of the difference of two means; where a set has one solo only, by the other's."""
    variances = [row["sd"] ** 2 / row["n"] for row in (own, real) if pd.notna(row["sd"])]
    return math.sqrt(sum(variances))
