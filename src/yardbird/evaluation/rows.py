"""The metrics of a set of solos as one row of a table, beside real solos.

    distance of a row from the real one, for each metric:  |mean − mean of real| / standard deviation of real

It is in units of how much real solos differ among themselves. The floor is the distance that real solos of the training
split have from the held-out ones: a generated set that comes as near cannot be told from real solos by that metric. A
metric that does not vary over the real solos has no distance. The distance of a whole row is the mean over metrics.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from yardbird.metrics.table import describe
from yardbird.music.score import Score

REAL = "real"


@dataclass(frozen=True)
class Row:
    """One metric over one set of solos; None where no solo has a value (`sd`: fewer than two)."""

    row: str
    metric: str
    mean: float | None
    sd: float | None
    n: int
    distance: float | None


def compare_sets(sets: Mapping[str, Sequence[Score]]) -> list[Row]:
    """All metrics of all sets, one of which is named `real`; in the order of the sets, then of the metrics."""
    assert REAL in sets, "a table is read beside real solos"
    summaries = {name: _summarise(scores) for name, scores in sets.items()}
    return [
        Row(name, metric, mean, sd, n, _distance(mean, *summaries[REAL][metric][:2]))
        for name, summary in summaries.items()
        for metric, (mean, sd, n) in summary.items()
    ]


def mean_distance(rows: Sequence[Row], name: str) -> float | None:
    """The mean distance of a set from the real one over the metrics that have one; None where none has."""
    distances = [row.distance for row in rows if row.row == name and row.distance is not None]
    return float(np.mean(distances)) if distances else None


def _summarise(scores: Sequence[Score]) -> dict[str, tuple[float | None, float | None, int]]:
    tables = [describe(score) for score in scores]
    summary: dict[str, tuple[float | None, float | None, int]] = {}
    for metric in tables[0]:
        values = [value for table in tables if (value := table[metric]) is not None]
        mean = float(np.mean(values)) if values else None
        summary[metric] = mean, float(np.std(values, ddof=1)) if len(values) > 1 else None, len(values)
    return summary


def _distance(mean: float | None, real_mean: float | None, real_sd: float | None) -> float | None:
    if mean is None or real_mean is None or not real_sd:
        return None
    return abs(mean - real_mean) / real_sd
