"""Metrics as values: a number, its 95 % interval, and its number of observations.

Metrics are mappings `name → Estimate`, and for several sets `row → name → Estimate`. Only this module writes them as
flat names (`name`, `name_low`, `name_high`), for JSON and CSV, and reads them back.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from yardbird.music.score import Floats

ENDS = ("low", "high")
_BOUNDS = (0.025, 0.975)


@dataclass(frozen=True)
class Estimate:
    """A value with an optional 95 % interval.

    Attributes:
        value: NaN if no observation has a value.
        n: observations (solos, clips, votes).
    """

    value: float
    low: float | None = None
    high: float | None = None
    n: int | None = None

    @classmethod
    def drawn(cls, value: float, draws: Floats, n: int | None = None) -> Self:
        """A value with the percentile interval of `draws`, (draws,), of the same statistic."""
        return cls(value, *percentile_interval(draws), n=n)

    @property
    def span(self) -> tuple[float, float]:
        """The interval. For a value without interval, the value twice."""
        return (self.value if self.low is None else self.low, self.value if self.high is None else self.high)

    def apart(self, other: "Estimate") -> bool:
        """The intervals do not overlap."""
        return self.span[1] < other.span[0] or other.span[1] < self.span[0]

    def widened(self, draws: Floats) -> Self:
        """Extend the interval to include the percentile interval of `draws`, (draws,)."""
        (low, high), (drawn_low, drawn_high) = self.span, percentile_interval(draws)
        return replace(self, low=min(low, drawn_low), high=max(high, drawn_high))


@dataclass(frozen=True)
class SoloMean(Estimate):
    """The mean of a metric over the `n` solos of a set that have a value.

    Attributes:
        sd: standard deviation over these solos; None for fewer than two.
        distance: from real solos (`metrics.set_rows`); None if not measured.
    """

    sd: float | None = None
    distance: float | None = None

    @classmethod
    def of(cls, values: ArrayLike, distance: float | None = None) -> Self:
        """The mean of values of shape (solos,); NaN if there are none."""
        known = np.asarray(values, dtype=np.float64)
        mean = float(np.mean(known)) if len(known) else math.nan
        sd = float(np.std(known, ddof=1)) if len(known) > 1 else None
        return cls(mean, n=len(known), sd=sd, distance=distance)


Estimates = Mapping[str, Estimate]  # by metric
Results = dict[str, dict[str, Estimate]]  # by row, then by metric


@dataclass(frozen=True)
class Shown:
    """Metrics that are measured together, for a short list.

    Attributes:
        ends: the ends of their intervals to show, if they have intervals.
        optional: a row may lack all of them. A row that has only some of them is always an error.
    """

    names: tuple[str, ...]
    ends: Sequence[str] = ()
    optional: bool = False


def percentile_interval(draws: Floats) -> tuple[float, float]:
    """The 2.5th and the 97.5th percentile of the draws of a statistic, (draws,). Source: Efron 1979."""
    low, high = np.quantile(draws, _BOUNDS).tolist()
    return low, high


def share(yes: int, n: int) -> Estimate:
    """The share of `yes` among `n` ≥ 1 observations, with Wilson's score interval (JASA 22, 1927)."""

    from scipy.stats import binomtest

    interval = binomtest(yes, n).proportion_ci(confidence_level=0.95, method="wilson")
    return Estimate(yes / n, float(interval.low), float(interval.high), n)


def exact(values: Mapping[str, float], n: int) -> dict[str, Estimate]:
    """Values without an interval, all from `n` observations."""
    return {name: Estimate(value, n=n) for name, value in values.items()}


def merged(*results: Mapping[str, Estimates]) -> Results:
    """Merge the metrics of all rows, in the order of their first occurrence.

    Raises:
        KeyError: a row has a metric twice.
    """
    together: Results = {}
    for row, estimates in (item for each in results for item in each.items()):
        if twice := together.setdefault(row, {}).keys() & estimates.keys():
            raise KeyError(f"{row} has {', '.join(sorted(twice))} twice")
        together[row] |= estimates
    return together


def flat(estimates: Estimates, ends: Sequence[str] = ENDS) -> dict[str, float]:
    """Flat values: `name`, followed by `name_low` and `name_high` if there is an interval.

    Args:
        ends: which of the two to include.
    """
    values: dict[str, float] = {}
    for name, estimate in estimates.items():
        values[name] = estimate.value
        values |= {f"{name}_{end}": bound for end in ends if (bound := getattr(estimate, end)) is not None}
    return values


def read(values: Mapping[str, float], name: str) -> Estimate | None:
    """Read a metric from the flat values that `flat` writes; None if it is missing."""
    if name not in values:
        return None
    low, high = (values.get(f"{name}_{end}") for end in ENDS)
    return Estimate(values[name], low, high)


def select(estimates: Estimates, shown: Iterable[Shown]) -> dict[str, float]:
    """The flat values of the metrics in `shown`, in its order, without those that are NaN.

    Raises:
        KeyError: a required metric is missing, or only some of the metrics of a group are there.
    """
    values: dict[str, float] = {}
    for group in shown:
        missing = [name for name in group.names if name not in estimates]
        if missing and not (group.optional and len(missing) == len(group.names)):
            raise KeyError(f"no metric named {', '.join(missing)}; there are {', '.join(estimates) or 'none'}")
        if not missing:
            values |= flat({name: estimates[name] for name in group.names}, group.ends)
    return {name: value for name, value in values.items() if not math.isnan(value)}


def table(results: Mapping[str, Estimates]) -> list[dict[str, str | float | None]]:
    """One row for each flat value: row, metric, mean, sd, n, distance; None for a missing value."""
    return [
        {
            "row": row,
            "metric": metric,
            "mean": None if math.isnan(value) else value,
            "sd": getattr(estimate, "sd", None) if metric == name else None,
            "n": estimate.n,
            "distance": getattr(estimate, "distance", None) if metric == name else None,
        }
        for row, estimates in results.items()
        for name, estimate in estimates.items()
        for metric, value in flat({name: estimate}).items()
    ]


def as_csv(results: Mapping[str, Estimates]) -> str:
    """`table` as CSV with six significant digits; empty for a missing value."""

    import pandas as pd

    return str(pd.DataFrame(table(results)).to_csv(index=False, float_format="%.6g", lineterminator="\n"))
