import csv
from dataclasses import replace

import numpy as np
import pytest
from moved_solos import readable_study

from yardbird.errors import ConfigError
from yardbird.latent.attribute_arithmetic import ArithmeticConfig, explore_arithmetic, headline
from yardbird.latent.directions import Directions, find_directions
from yardbird.latent.gradient_climbing import EXPECTED
from yardbird.metrics.attributes import ATTRIBUTES

CONFIG = ArithmeticConfig(strength=1.0, random_ways=1, solos=4, bars=4)


@pytest.fixture(scope="module")
def study():
    return readable_study()


@pytest.fixture(scope="module")
def explored(study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("arithmetic")
    figures = explore_arithmetic(study, find_directions(study), CONFIG, folder)
    with (folder / "arithmetic.csv").open() as file:
        return folder, figures, list(csv.DictReader(file))


def test_more_register_is_higher_and_less_is_lower_and_so_with_density(explored):
    _, figures, rows = explored
    effects = {(row["way"], float(row["strength"])): row for row in rows}
    for name in ("register", "density"):
        assert float(effects[name, 1.0][name]) > 0.8
        assert float(effects[name, -1.0][name]) < -0.8
        assert figures[f"{name}_effect"] > 0.8
    assert abs(float(effects["register", 1.0]["density"])) < 0.3
    assert float(effects["register", 1.0]["rhythm_kept"]) > 0.8


def test_an_effect_is_measured_in_standard_deviations_of_real_windows(study, explored):
    """Computed by hand for the register: the mean pitch of every moved bar minus that of the unmoved bar."""
    _, _, rows = explored
    solos = study.held_out[:4]
    way = find_directions(study).attributes["register"]

    def bars(score):
        starts = score.bar_ticks
        return [score.pitches[(score.onsets >= tick) & (score.onsets < tick + 48)].mean() for tick in starts]

    def mean_of(latents):
        return np.mean([pitch for score in study.family.decode(latents) for pitch in bars(score)])

    change = mean_of([solo.latent + way for solo in solos]) - mean_of([solo.latent for solo in solos])
    spread = np.std([pitch for solo in study.training for pitch in bars(solo.score)])
    (found,) = [row["register"] for row in rows if row["way"] == "register" and row["strength"] == "1.0"]
    assert float(found) == pytest.approx(change / spread, rel=1e-4)


def test_every_direction_has_a_row_and_a_piece_forward_and_back(study, explored):
    folder, _, rows = explored
    ways = [name for name in ATTRIBUTES if name in (*find_directions(study).attributes, *EXPECTED)]
    assert set(EXPECTED) < set(ways)
    assert [(row["way"], row["strength"]) for row in rows] == [
        (way, sign) for way in (*ways, "random 1") for sign in ("1.0", "-1.0")
    ]
    pieces = {path.stem for path in (folder / study.held_out[0].stem).glob("*.mid")}
    assert pieces == {f"{way}_{word}" for way in ways for word in ("more", "less")} | {"reconstruction"}
    assert (folder / "arithmetic.png").stat().st_size > 10_000


@pytest.mark.slow
def test_the_same_study_gives_the_same_bytes(study, explored, tmp_path):
    folder, figures, _ = explored
    assert explore_arithmetic(study, find_directions(study), CONFIG, tmp_path) == figures
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        assert (tmp_path / path.relative_to(folder)).read_bytes() == path.read_bytes(), path


def test_without_directions_the_experiment_is_empty(study, tmp_path):
    assert explore_arithmetic(study, Directions("", {}, {}, {}), CONFIG, tmp_path) == {"ways": 0}


def pair(way, **effects):
    rest = dict.fromkeys(ATTRIBUTES, 0.0)
    return [{"way": way, **rest, **effects}, {"way": way, **rest, **{name: -value for name, value in effects.items()}}]


def test_the_headline_measures_whether_each_direction_changes_its_own_attribute():
    rows = [*pair("blues", blues=0.5), *pair("density", density=1.0, rests=-3.0), *pair("random 1", register=0.5)]
    assert headline(rows) == pytest.approx(
        {
            "blues_effect": 0.5,
            "density_effect": 1.0,
            "dominant": 0.5,
            "own_share": (1 + 1 / 4) / 2,
            "random_effect": 0.1,
        }
    )


def test_a_direction_that_lowers_its_attribute_is_not_dominant():
    assert headline(pair("blues", blues=-2.0))["dominant"] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"strength": 0.0}, "strength: expected above 0"), ({"solos": 0}, "solos: expected 1 or more, found 0")],
)
def test_impossible_settings_give_a_one_line_error(changes, message):
    with pytest.raises(ConfigError, match=message):
        replace(CONFIG, **changes)


def test_silence_has_no_register_effect(study, tmp_path, monkeypatch):
    """Regression: a silent solo was measured as pitch 0, a drop of twenty standard deviations."""
    decode = study.family.decode
    silent = [replace(score, notes=score.notes[:0]) for score in decode([solo.latent for solo in study.held_out])]
    reconstructed = []

    def fall_silent(latents):
        reconstructed.append(latents)
        return decode(latents) if len(reconstructed) == 1 else silent[: len(latents)]

    monkeypatch.setattr(study.family, "decode", fall_silent)
    monkeypatch.setattr("yardbird.latent.attribute_arithmetic.write_piece", lambda *_, **__: None)
    figures = explore_arithmetic(study, find_directions(study), replace(CONFIG, solos=1), tmp_path)
    with (tmp_path / "arithmetic.csv").open() as file:
        assert {row["register"] for row in csv.DictReader(file)} == {""}
    assert figures["register_effect"] == 0
    assert np.isfinite(list(figures.values())).all()
