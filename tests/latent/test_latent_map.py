"""The map of the solos, and the purity of their neighbourhoods."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from yardbird.errors import ConfigError, InputError
from yardbird.latent.chorus_form import UNKNOWN
from yardbird.latent.latent_map import MapConfig, explore_map, purity
from yardbird.latent.study import Study
from yardbird.metrics.note_agreement import note_f1
from yardbird.music.midi import read_score
from yardbird.seeds import generator

CONFIG = MapConfig(neighbours=3, rendered=1)


def test_two_clusters_of_two_kinds_are_pure() -> None:
    points = np.array([[0.0], [0.1], [0.2], [9.0], [9.1], [9.2]])
    found = purity(points, ["a"] * 3 + ["b"] * 3, [str(i) for i in range(6)], 2)
    assert found == {"classes": 2, "neighbours": 2, "purity": 1.0, "chance": pytest.approx(2 / 5)}


def test_purity_agrees_with_counting_neighbours_one_by_one() -> None:
    rng = generator(0, "purity")
    points, labels = rng.normal(size=(30, 4)), [str(label) for label in rng.integers(0, 3, 30)]
    groups = [str(group) for group in rng.integers(0, 20, 30)]
    shares, chances = [], []
    for i in range(30):
        others = [j for j in range(30) if groups[j] != groups[i]]
        nearest = sorted(others, key=lambda j: float(np.sum((points[i] - points[j]) ** 2)))[:5]
        shares.append(sum(labels[j] == labels[i] for j in nearest) / 5)
        chances.append(sum(labels[j] == labels[i] for j in others) / len(others))
    found = purity(points, labels, groups, 5)
    assert (found["purity"], found["chance"]) == pytest.approx((np.mean(shares), np.mean(chances)))


def test_random_labels_are_as_pure_as_chance() -> None:
    rng = generator(1, "purity")
    points = rng.normal(size=(400, 3))
    labels = [str(label) for label in rng.integers(0, 2, 400)]
    found = purity(points, labels, [str(i) for i in range(400)], 5)
    assert found["purity"] == pytest.approx(found["chance"], abs=0.03)


def test_takes_of_one_tune_are_not_neighbours() -> None:
    """Two takes share form and tempo; if they counted, any space would look ordered."""
    points = np.array([[0.0], [0.1], [5.0], [5.1]])
    assert purity(points, ["a", "a", "b", "b"], ["one", "one", "two", "two"], 1)["purity"] == 0.0


def test_solos_of_unknown_form_are_not_a_class() -> None:
    points = np.array([[0.0], [0.1], [0.2], [0.3]])
    found = purity(points, ["a", UNKNOWN, UNKNOWN, "a"], list("wxyz"), 1)
    assert (found["classes"], found["purity"]) == (1, 1.0)


def test_the_experiment_maps_and_reconstructs_every_solo(study: Study, tmp_path: Path) -> None:
    figures = explore_map(study, CONFIG, tmp_path)
    solos = pd.read_csv(tmp_path / "solos.csv", keep_default_na=False)
    assert solos["solo"].tolist() == [solo.solo for solo in study.solos]
    windows = pd.read_csv(tmp_path / "windows.csv")
    for solo, x, y in zip(study.solos, solos["x"], solos["y"], strict=True):
        own = windows[windows["solo"] == solo.solo]
        assert len(own) == len(solo.latent.z)
        # The projection is linear: the mean of a solo's windows is the position of the solo.
        np.testing.assert_allclose(own[["x", "y"]].mean(), [x, y], atol=1e-4)
        again = read_score(tmp_path / f"reconstructions/{solo.stem}.mid")
        assert again.pitches.tolist() == study.family.reconstruct([solo.score])[0].pitches.tolist()
    held_out = [note_f1(solo.score, study.family.reconstruct([solo.score])[0]) for solo in study.held_out]
    assert figures["note_f1"] == pytest.approx(np.mean([kept or 0.0 for kept in held_out]))
    assert set(pd.read_csv(tmp_path / "purity.csv")["attribute"]) == {"artist", "form", "tempo"}
    rendered = sorted(path.name for path in (tmp_path / "heard").iterdir())
    stem = study.sample(study.held_out, 1)[0].stem
    assert rendered == [
        f"{stem}_{which}.{kind}" for which in ("original", "reconstruction") for kind in ("mid", "png", "wav")
    ]
    assert (tmp_path / "map.png").stat().st_size > 10_000


def test_two_solos_are_too_few_for_a_map(study: Study, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected three solos or more, found 2"):
        explore_map(Study(study.family, study.solos[:2], 0), CONFIG, tmp_path)


@pytest.mark.parametrize(("neighbours", "rendered", "key"), [(0, 1, "neighbours"), (1, -1, "rendered")])
def test_impossible_settings_are_refused_by_name(neighbours: int, rendered: int, key: str) -> None:
    with pytest.raises(ConfigError, match=rf"explore\.map\.{key}"):
        MapConfig(neighbours, rendered)
