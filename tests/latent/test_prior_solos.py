"""Solos from the prior, and the rows they are compared with."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from yardbird.errors import ConfigError, InputError
from yardbird.latent.prior_solos import PriorConfig, explore_prior, sample
from yardbird.latent.study import Study
from yardbird.music.midi import read_score

CONFIG = PriorConfig(solos=6, bars=4, temperature=1.0, top_p=0.95, rendered=1)


def test_solos_are_drawn_over_the_changes_of_held_out_solos_in_turn(study: Study, tmp_path: Path) -> None:
    figures = explore_prior(study, CONFIG, tmp_path)
    real = study.stretches(study.held_out, 4)
    for number in range(6):
        drawn = read_score(tmp_path / f"solos/solo_{number:03d}.mid")
        changes = real[number % len(real)].score
        assert (drawn.bar_count, drawn.is_monophonic) == (4, True)
        assert [change.chord for change in drawn.chords] == [change.chord for change in changes.chords]
        assert drawn.mean_qpm == pytest.approx(changes.mean_qpm, rel=1e-3)
    assert len({(tmp_path / f"solos/solo_{number:03d}.mid").read_bytes() for number in range(6)}) == 6
    assert len(list((tmp_path / "solos").glob("*.wav"))) == 1
    rows = pd.read_csv(tmp_path / "prior.csv")
    assert set(rows["row"]) == {"prior", "reconstruction", "floor", "real"}
    counts = rows[rows["metric"] == "notes_per_bar"].set_index("row")["n"]
    assert counts.to_dict() == {"prior": 6, "reconstruction": 4, "floor": 6, "real": 4}
    assert np.isfinite(list(figures.values())).all()
    assert (tmp_path / "prior.png").stat().st_size > 10_000


@pytest.mark.slow
def test_the_same_seed_draws_the_same_solos_and_another_seed_different_ones(study: Study) -> None:
    real = study.stretches(study.held_out, 4)
    first = sample(study, real, CONFIG)
    assert sample(study, real, CONFIG) == first
    assert sample(study, real, replace(CONFIG, solos=2)) == first[:2]
    assert sample(replace(study, seed=1), real, replace(CONFIG, solos=1))[0] != first[0]


def test_without_held_out_bars_the_error_names_the_remedy(study: Study, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"found none; lower explore\.prior\.bars"):
        explore_prior(study, replace(CONFIG, bars=99), tmp_path)


@pytest.mark.parametrize(("key", "value"), [("solos", 0), ("bars", 0), ("rendered", -1)])
def test_impossible_settings_are_refused_by_name(key: str, value: int) -> None:
    with pytest.raises(ConfigError, match=rf"explore\.prior\.{key}"):
        replace(CONFIG, **{key: value})


def test_an_impossible_temperature_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"explore\.prior\.temperature"):
        replace(CONFIG, temperature=-1.0)
