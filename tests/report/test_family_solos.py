import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from solo_rows import solo
from tiny_run import DRAWN, FAMILY, REAL_SOLOS, SINGER

from yardbird import files
from yardbird.metrics.solo_metrics import describe
from yardbird.music.grid import quantise
from yardbird.music.midi import write_score
from yardbird.report.family_solos import Family, ReportSolo, distance, read_families, read_real, yardstick


def heard(title: str, value: float | None) -> ReportSolo:
    return ReportSolo(title, "", Path("none.wav"), DRAWN[0], False, None, value)


def test_the_distance_equals_that_of_a_slow_reference() -> None:
    real, own = [describe(score) for score in REAL_SOLOS], describe(DRAWN[0])
    apart = []
    for name, value in own.items():
        theirs = [solo[name] for solo in real if solo[name] is not None]
        if value is not None and len(theirs) > 1 and np.std(theirs, ddof=1) > 1e-12:
            apart.append(abs(value - np.mean(theirs)) / np.std(theirs, ddof=1))
    assert distance(own, yardstick(real, [own])) == pytest.approx(np.mean(apart))


def test_a_solo_without_metrics_or_yardstick_has_no_distance() -> None:
    assert distance({"h1": None}, {"h1": (1.0, 0.5)}) is None
    assert distance({"h1": 2.0}, {}) is None


def test_the_yardstick_has_metrics_that_vary_and_that_generated_solos_have() -> None:
    real = [{"h1": 1.0, "h4": 1.0, "chords": 0.5}, {"h1": 2.0, "h4": 1.0, "chords": 0.7}, {"h1": None, "h4": 1.0}]
    drawn = [{"h1": None, "h4": 2.0, "chords": None}, {"h1": 3.0, "h4": 2.0, "chords": None}]
    assert yardstick(real, drawn) == {"h1": (1.5, pytest.approx(0.5**0.5))}


def test_a_metric_that_varies_by_rounding_only_is_excluded() -> None:
    """Regression: with a constant swing ratio of two to one, distances were billions of deviations."""
    real = [{"swing_ratio": value} for value in (1.9999999999999991, 1.9999999999999987, 1.9999999999999947)]
    assert yardstick(real, [{"swing_ratio": 1.5}]) == {}


def test_the_count_in_is_read_from_the_provenance(run: Path, tmp_path: Path) -> None:
    """The notes of a roll start after the count-in."""
    shutil.copytree(run / "data", tmp_path / "data")
    (family,) = (family for family in read_families(tmp_path / "data") if family.name == FAMILY)
    assert {own.count_in_seconds for own in family.solos} == {0}
    first, *others = sorted((tmp_path / f"data/generated/{FAMILY}").rglob("*.mid"))
    files.write_json(first.with_suffix(".json"), {"settings": {"artist": None}, "count_in_seconds": 1.25})
    (family,) = (family for family in read_families(tmp_path / "data") if family.name == FAMILY)
    told = {own.wave.with_suffix(".mid"): own.count_in_seconds for own in family.solos}
    assert told == {first: 1.25, **dict.fromkeys(others, 0)}


def test_the_bars_of_a_prime_are_not_measured(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "data", tmp_path / "data")
    manifest = tmp_path / f"data/generated/{FAMILY}/manifest.csv"
    table = pd.read_csv(manifest)
    table["primed_bars"] = 1
    table.to_csv(manifest, index=False)
    (family,) = (family for family in read_families(tmp_path / "data") if family.name == FAMILY)
    assert all(own.drawn.bar_count == own.score.bar_count - 1 for own in family.solos)
    (whole,) = (family for family in read_families(run / "data") if family.name == FAMILY)
    assert [own.distance for own in family.solos] != [own.distance for own in whole.solos]


def test_solos_are_sorted_by_distance_and_real_ones_are_measured(run: Path) -> None:
    singer, family = sorted(read_families(run / "data"), key=lambda family: family.name != SINGER)
    distances = [solo.distance for solo in family.solos]
    assert None not in distances
    assert distances == sorted(distances, key=lambda value: value or 0.0)
    assert len(family.real) == len(list(read_real(run / "data", DRAWN, None))) == 2
    assert singer.solos[0].transcribed


def test_real_solos_are_cut_to_the_length_of_the_shown_solos(run: Path, tmp_path: Path) -> None:
    """Regression: solos of 12 s were compared with the mean and deviation of the evaluated excerpts of 5 s."""
    shutil.copytree(run / "data", tmp_path / "data")
    manifest = tmp_path / f"data/generated/{FAMILY}/manifest.csv"
    short = [solo(seed, notes=16) for seed in (10, 11, 12)]
    for place, score in enumerate(short):
        write_score(score, manifest.with_name(f"solo_{place}.mid"))
    (family,) = (family for family in read_families(tmp_path / "data") if family.name == FAMILY)
    stretches = list(read_real(tmp_path / "data", short, None))
    assert len(stretches) > 2, "each of the two is cut"
    assert {score.bar_count for score in stretches} == {short[0].bar_count}
    real, drawn = ([describe(score) for score in own] for own in (stretches, short))
    by = yardstick(real, drawn)
    assert sorted(own.distance or 0 for own in family.solos) == pytest.approx(sorted(distance(o, by) for o in drawn))
    assert list(family.real) == pytest.approx([distance(own, by) for own in real])


def test_a_requested_player_is_compared_with_that_player(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run / "data", tmp_path / "data")
    manifest = tmp_path / "data/augmented/manifest.csv"
    table = pd.read_csv(manifest)
    table.loc[table["solo"] == "mine/solo_3", "artist"] = "B"
    table.to_csv(manifest, index=False)
    for artist, count in (("B", 1), ("nobody of the test split", 2), (None, 2)):
        files.write_json(tmp_path / f"data/generated/{FAMILY}/solo_0.json", {"settings": {"artist": artist}})
        assert len(list(read_real(tmp_path / "data", DRAWN, artist))) == count
        (family,) = (family for family in read_families(tmp_path / "data") if family.name == FAMILY)
        assert len(family.real) == (0 if count == 1 else count), "a single value has no deviation"


def test_real_solos_have_the_grid_and_the_content_of_the_generated_ones(run: Path) -> None:
    coarse = [quantise(score, 4).score for score in DRAWN]
    for generated, chords in ((coarse, True), ([replace(score, chords=()) for score in coarse], False)):
        real = list(read_real(run / "data", generated, None))
        assert {score.ticks_per_beat for score in real} == {4}
        assert {bool(score.chords) for score in real} == {chords}
        assert not any(score.phrases for score in real)


def test_the_best_is_the_first_and_the_median_the_one_in_the_middle() -> None:
    solos = [heard(name, value) for name, value in (("a", 1.0), ("b", 2.0), ("c", 3.0), ("d", 4.0), ("none", None))]
    chosen = Family("any", solos).chosen
    assert {label: solo.title for label, solo in chosen.items()} == {"best": "a", "median": "b"}
    assert list(Family("any", solos[:2]).chosen) == ["best"], "one solo is not shown twice"
    assert Family("any", solos[4:]).chosen["best"].title == "none"
