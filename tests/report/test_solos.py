from pathlib import Path

import numpy as np
import pytest
from tiny_run import DRAWN, FAMILY, REAL_SOLOS, SINGER

from yardbird.metrics.table import describe
from yardbird.report.solos import Family, Heard, distance, read_families, read_real, read_yardstick


def heard(title: str, value: float | None) -> Heard:
    return Heard(title, "", Path("none.wav"), DRAWN[0], False, None, value)


def test_the_distance_is_that_of_a_slow_count_over_the_metrics_of_real_solos(run: Path) -> None:
    yardstick = read_yardstick(run / f"reports/evaluate/{FAMILY}_rows.csv", FAMILY)
    real = [describe(score) for score in REAL_SOLOS]
    apart = []
    for name, value in describe(DRAWN[0]).items():
        theirs = [solo[name] for solo in real if solo[name] is not None]
        if value is not None and len(theirs) > 1 and np.std(theirs, ddof=1) > 1e-12:
            apart.append(abs(value - np.mean(theirs)) / np.std(theirs, ddof=1))
    assert distance(describe(DRAWN[0]), yardstick) == pytest.approx(np.mean(apart), rel=1e-4)


def test_a_solo_without_figures_or_without_yardstick_has_no_distance() -> None:
    assert distance({"h1": None}, {"h1": (1.0, 0.5)}) is None
    assert distance({"h1": 2.0}, {}) is None
    assert distance({"h1": 2.0, "h4": 2.0}, {"h1": (1.0, 0.5), "h4": (1.0, 0.0)}) == 2.0, "h4 does not vary"


def test_solos_stand_from_the_nearest_on_and_real_ones_are_measured_beside_them(run: Path) -> None:
    singer, family = sorted(read_families(run / "data", run / "reports"), key=lambda family: family.name != SINGER)
    distances = [solo.distance for solo in family.solos]
    assert distances == sorted(distances, key=lambda value: value or 0.0)
    assert len(family.real) == len(list(read_real(run / "data", DRAWN))) == 2
    assert [solo.distance for solo in singer.solos] == [None], "it has not been evaluated"
    assert singer.solos[0].transcribed


def test_the_best_is_the_first_and_the_median_the_one_in_the_middle() -> None:
    solos = [heard(name, value) for name, value in (("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0), ("none", None))]
    chosen = Family("any", solos).chosen
    assert {label: solo.title for label, solo in chosen.items()} == {"best": "a", "median": "b"}
    assert list(Family("any", solos[:2]).chosen) == ["best"], "one solo is not shown twice"
    assert Family("any", solos[4:]).chosen["best"].title == "none"
