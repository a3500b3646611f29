"""Comparison of two sets of solos by their distributions of distances, after Yang & Lerch 2018.

For each scalar feature, a Gaussian kernel (Scott's rule) turns the distances |x − y| between real solos (intra-set) and
from generated to real solos (inter-set) into densities:

    overlap   ∫ min(intra, inter)              0 … 1; 1: generated solos are as far from real ones as these are
    kl        ∫ intra · ln(intra / inter)      nats, 0 and more

For all features together, each in standard deviations of the real solos:

    frechet   the Fréchet distance of the two sets of feature vectors, 0 and more

All depend on the number of solos, so each has a floor: the same measure for random samples of real training solos, as
many as were generated. If there are fewer training solos, every sample has all of them; `floor_solos` is their number,
and the floor is then greater. `floor_low` and `floor_high` enclose 95 % of the samples. `low` and `high` are the
bootstrap interval over generated solos. It is corrected for bias, because a sample with repetitions has less variety
than the set itself.
The paper uses exact kernel densities. Here distances are counted in bins first, which differs by less than a hundredth
and is fast enough for thousands of samples. If all distances are equal, the density is one bin: two constants overlap
completely or not at all. Yes-or-no features are left out. An empty bin counts as 1e-12 in the KL divergence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from yardbird.metrics.bootstrap import times_drawn
from yardbird.metrics.estimates import Estimate, Results, percentile_interval
from yardbird.metrics.frechet import frechet_distance
from yardbird.metrics.set_rows import FLOOR, REAL
from yardbird.metrics.solo_metrics import LEAST_SPREAD, describe_all
from yardbird.music.score import Floats, Ints, Score
from yardbird.seeds import Streams

YES_OR_NO = ("changes_found",)
ALL = "all"  # the feature name of a row over all features
_DRAWS = 200
_BINS, _MARGIN = 512, 128  # of a density; margin on either side for the tails of the kernel
_LEAST = 1e-12


@dataclass(frozen=True)
class SetRow:
    """One measure of one feature for the `generated` solos of a row and the `real` solos, with its floor."""

    row: str
    feature: str
    measure: str  # overlap, kl or frechet
    value: float
    low: float
    high: float
    floor: float  # mean over samples
    floor_low: float
    floor_high: float
    generated: int  # solos with the feature
    floor_solos: int  # training solos of each sample, with or without the feature
    real: int
    features: int  # number of features in the measure


@dataclass(frozen=True)
class Measured:
    """A measure of the generated set, of its bootstrap samples, and of the samples of training solos: (draws,) each."""

    value: float
    again: Floats
    floor: Floats


def set_rows(sets: Mapping[str, Sequence[Score]], streams: Streams) -> list[SetRow]:
    """Compare every set except `real` and `floor` with `real`: for each feature, then for all features together.

    The overlap and the KL divergence of all features are means over features. The Fréchet distance uses the features
    that every solo has. A feature is left out if a set has no solo with it, or if fewer than two real solos have it. A
    set without solos has no rows.

    Args:
        streams: random streams of the samples of each set, by its name.
    """
    tables = {name: describe_all(scores) for name, scores in sets.items()}
    rows = []
    for name in (name for name in sets if name not in (REAL, FLOOR) and tables[name] and tables[FLOOR]):
        size, most = len(tables[name]), len(tables[FLOOR])
        drawn = min(size, most)
        random = streams("sets", name)
        again = times_drawn(size, _DRAWS, random)  # counts of each solo in each sample
        lots = random.permuted(np.tile(np.arange(most) < drawn, (_DRAWS, 1)), axis=1).astype(np.int64)
        columns = {
            feature: tuple(_column(tables[which], feature) for which in (name, FLOOR, REAL))
            for feature in tables[name][0]
            if feature not in YES_OR_NO
        }
        present = {feature: tuple(map(_known, values)) for feature, values in columns.items()}
        compared = {
            feature: compare_feature(own[has], floor[floor_has], real[real_has], again[:, has], lots[:, floor_has])
            for feature, (own, floor, real) in columns.items()
            for has, floor_has, real_has in [present[feature]]
            if again[:, has].any() and lots[:, floor_has].any() and real_has.sum() > 1
        }
        for feature, measures in compared.items():
            own_count, _, real_count = (int(has.sum()) for has in present[feature])
            rows += [
                _row(name, feature, measure, found, own_count, drawn, real_count, 1)
                for measure, found in measures.items()
            ]
        for measure in ("overlap", "kl") if compared else ():
            mean = _mean([measures[measure] for measures in compared.values()])
            rows.append(_row(name, ALL, measure, mean, size, drawn, len(tables[REAL]), len(compared)))
        whole = [columns[feature] for feature in compared if all(has.all() for has in present[feature])]
        whole = [values for values in whole if np.std(values[2], ddof=1) >= LEAST_SPREAD]
        if whole:
            own, floor, real = (
                np.stack([values[which] / np.std(values[2], ddof=1) for values in whole], axis=1) for which in range(3)
            )
            found = Measured(
                frechet_distance(own, real),
                np.array([frechet_distance(np.repeat(own, times, axis=0), real) for times in again]),
                np.array([frechet_distance(floor[lot > 0], real) for lot in lots]),
            )
            rows.append(_row(name, ALL, "frechet", found, size, drawn, len(real), len(whole)))
    return rows


def compare_feature(own: Floats, floor: Floats, real: Floats, again: Ints, lots: Ints) -> dict[str, Measured]:
    """`overlap` and `kl` of one feature of a generated set, (solos,), with training and real solos.

    Args:
        again: (draws, solos) counts of each generated solo in each sample; an empty sample is NaN.
        lots: (draws, solos) the same for the training solos.
    """
    within = np.abs(real[:, None] - real)[np.triu_indices(len(real), 1)]
    own_apart, floor_apart = (np.abs(values[:, None] - real) for values in (own, floor))
    most = max(float(apart.max()) for apart in (within, own_apart, floor_apart))
    most = most if most >= LEAST_SPREAD else 1.0
    intra = _densities(_counted(within[None], most))
    counts = np.concatenate([np.ones((1, len(own)), dtype=np.int64), again])
    first, drawn = np.split(_measures(intra, _densities(_product(counts, _counted(own_apart, most)))), [1])
    honest = _measures(intra, _densities(_product(lots, _counted(floor_apart, most))))
    return {
        measure: Measured(float(first[0, place]), drawn[:, place], honest[:, place])
        for place, measure in enumerate(("overlap", "kl"))
    }


def set_headlines(rows: Sequence[SetRow]) -> Results:
    """The measures over all features of each set: `set_overlap`, `set_kl`, `set_frechet`, and `…_floor` of each."""
    results: Results = {}
    for row in rows:
        if row.feature == ALL:
            name = f"set_{row.measure}"
            results.setdefault(row.row, {})[name] = Estimate(row.value, row.low, row.high, row.generated)
            results[row.row][f"{name}_floor"] = Estimate(row.floor, n=row.floor_solos)
    return results


def sets_csv(rows: Sequence[SetRow]) -> str:
    """CSV with one line for each row; the columns are the fields of `SetRow`."""

    import pandas as pd

    table = pd.DataFrame(rows, columns=[field.name for field in fields(SetRow)])
    return str(table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


def _counted(apart: Floats, most: float) -> Ints:
    """Histograms of rows of distances: (rows, distances) → (rows, bins)."""
    inner = _BINS - 2 * _MARGIN - 1
    bins = np.rint(apart / most * inner).astype(np.int64) + _MARGIN
    places = bins + _BINS * np.arange(len(bins))[:, None]
    return np.bincount(places.ravel(), minlength=_BINS * len(bins)).reshape(-1, _BINS)


def _product(a: Ints, b: Ints) -> Ints:
    """The product of matrices of small integers, in floating point: exact, and faster than that of NumPy integers."""
    return (a.astype(np.float64) @ b.astype(np.float64)).astype(np.int64)


def _densities(counts: Ints) -> Floats:
    """Histograms smoothed by Scott's rule, each summing to 1: (rows, bins). An empty histogram is NaN."""

    from scipy.ndimage import gaussian_filter1d

    bins, numbers = np.arange(_BINS), counts.sum(axis=1)
    smooth = np.full(counts.shape, np.nan)
    for row in np.flatnonzero(numbers):
        share = counts[row] / numbers[row]
        mean = share @ bins
        width = float(np.sqrt(share @ (bins - mean) ** 2) * numbers[row] ** -0.2)
        kernel = gaussian_filter1d(share, width, mode="constant") if width else share
        smooth[row] = kernel / kernel.sum()
    return smooth


def _measures(intra: Floats, inter: Floats) -> Floats:
    """Overlap and KL divergence of one density, (1, bins), with each of several others: (rows, 2)."""
    ratio = np.maximum(intra, _LEAST) / np.maximum(inter, _LEAST)
    return np.stack([np.minimum(intra, inter).sum(axis=1), (intra * np.log(ratio)).sum(axis=1)], axis=1)


def _column(table: Sequence[Mapping[str, float | None]], feature: str) -> Floats:
    return np.array([solo[feature] for solo in table], dtype=np.float64)


def _known(values: Floats) -> NDArray[np.bool_]:
    return np.isfinite(values)


def _mean(measures: Sequence[Measured]) -> Measured:
    """Mean over features, for each sample."""
    return Measured(
        float(np.mean([found.value for found in measures])),
        np.nanmean([found.again for found in measures], axis=0),
        np.nanmean([found.floor for found in measures], axis=0),
    )


def _row(row: str, feature: str, measure: str, found: Measured, *counts: int) -> SetRow:
    """`counts` are the last fields of the row, in their order."""
    unbiased = found.again - np.nanmean(found.again) + found.value
    interval = percentile_interval(unbiased[_known(unbiased)])
    low, high = np.clip(interval, 0, 1 if measure == "overlap" else None).tolist()
    floor_low, floor_high = percentile_interval(found.floor[_known(found.floor)])
    floor = float(np.nanmean(found.floor))
    return SetRow(row, feature, measure, found.value, low, high, floor, floor_low, floor_high, *counts)
