"""The metrics of a set of solos as one row of a table, compared with real solos.

    distance of a row from the real row, for each metric:  |mean − mean of real| / standard deviation of real

The unit is the variation among real solos. The floor is the distance of real training solos from the held-out real
solos. A generated set at the floor cannot be distinguished from real solos by that metric. A small sample has a greater
distance by chance, so the floor is the mean over many samples of the size of the generated set. A metric that does not
vary over the real solos has no distance. The distance of a whole row is the mean over metrics.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from yardbird.metrics.estimates import Estimates, Results, SoloMean
from yardbird.metrics.solo_metrics import LEAST_SPREAD, describe_all
from yardbird.music.score import Floats, Score
from yardbird.seeds import Streams

REAL, FLOOR = "real", "floor"
SELF = "self_quotation"  # what training solos share with each other (yardbird.evaluation.originality)
_DRAWS = 500  # samples of the floor


def compare_sets(sets: Mapping[str, Sequence[Score]], generated: int, streams: Streams) -> Results:
    """All metrics of all sets as `SoloMean`s, in the order of sets and metrics. One set must be named `real`.

    Args:
        generated: the number of solos of a generated set, which is the size of the samples of the set named `floor`.
        streams: random streams of these samples, by the names of the set and of the metric.
    """
    assert REAL in sets, "one of the sets must be the real solos"
    tables = {name: describe_all(scores) for name, scores in sets.items()}
    results: Results = {}
    for name, table in tables.items():
        results[name] = {}
        for metric in table[0]:
            values, real = _values(table, metric), _values(tables[REAL], metric)
            drawn = values
            if name == FLOOR and len(values):
                drawn = streams(name, metric).choice(values, (_DRAWS, min(generated, len(values))))
            results[name][metric] = SoloMean.of(values, _distance(drawn, real))
    return results


def mean_distance(estimates: Estimates) -> float | None:
    """The mean distance of a set from the real one, over the metrics with a distance; None if there are none."""
    distances = [own.distance for own in estimates.values() if isinstance(own, SoloMean) and own.distance is not None]
    return float(np.mean(distances)) if distances else None


def _values(table: Sequence[Mapping[str, float | None]], metric: str) -> Floats:
    return np.array([value for solo in table if (value := solo[metric]) is not None])


def _distance(values: Floats, real: Floats) -> float | None:
    """The distance of one sample (solos,), or the mean distance of many samples (draws, solos)."""
    if not values.size or len(real) < 2 or (sd := np.std(real, ddof=1)) < LEAST_SPREAD:
        return None
    return float(np.mean(np.abs(values.mean(axis=-1) - real.mean())) / sd)
