"""Paths between solos: exact at both ends, and measured by sounding pitches."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.errors import ConfigError, InputError
from yardbird.latent.interpolation import (
    CROSS_FADE,
    PATHS,
    Blend,
    InterpolationConfig,
    choose_pairs,
    cross_fade,
    decode_path,
    explore_interpolation,
    linear,
    sounding_distance,
    spherical,
    steps_table,
    summary,
)
from yardbird.latent.study import Study
from yardbird.models.music_vae import MusicVAEFamily
from yardbird.music.midi import write_score
from yardbird.music.score import Floats, Score, make_notes
from yardbird.seeds import generator

CONFIG = InterpolationConfig(pairs=2, rendered=1, bars=2, steps=3)


def line(pitches: list[int], *, end: int | None = None) -> Score:
    """Eighths of six steps; 0 is a rest."""
    notes = [(6 * index, 6, pitch, 80) for index, pitch in enumerate(pitches) if pitch]
    return Score(12, make_notes(notes), end or 6 * len(pitches))


def slow_spherical(start: Floats, stop: Floats, alpha: float) -> Floats:
    """Shoemake's formula for one window, applied to the directions; the norms are interpolated linearly."""
    a, b = start / np.linalg.norm(start), stop / np.linalg.norm(stop)
    angle = math.acos(float(a @ b))
    length = (1 - alpha) * np.linalg.norm(start) + alpha * np.linalg.norm(stop)
    return length * (math.sin((1 - alpha) * angle) * a + math.sin(alpha * angle) * b) / math.sin(angle)


@pytest.mark.parametrize("blend", PATHS.values(), ids=PATHS)
@pytest.mark.parametrize("other", [1, 3])
def test_the_ends_are_byte_for_byte_the_reconstructions(study: Study, tmp_path: Path, blend: Blend, other: int) -> None:
    """For a second solo of equal length, and for a longer one."""
    a, b = study.solos[0], study.solos[other]
    solos = decode_path(study.family, a.latent, b.latent, 5, blend)
    for name, solo, end in (("a", a, solos[0]), ("b", b, solos[-1])):
        (again,) = study.family.reconstruct([solo.score])
        assert len(end.notes) > 0
        write_score(end, tmp_path / f"{name}_end.mid")
        write_score(again, tmp_path / f"{name}_again.mid")
        assert (tmp_path / f"{name}_end.mid").read_bytes() == (tmp_path / f"{name}_again.mid").read_bytes()


def test_the_straight_line_is_the_weighted_sum(study: Study) -> None:
    a, b = study.solos[0].latent, study.solos[2].latent
    middle = linear(a, b, 0.25)
    windows = np.arange(max(len(a.z), len(b.z)))
    np.testing.assert_allclose(middle.z, 0.75 * a.z[windows % len(a.z)] + 0.25 * b.z[windows % len(b.z)], rtol=1e-6)


@pytest.mark.parametrize("alpha", [0.125, 0.5, 0.9])
def test_the_great_circle_agrees_with_shoemakes_formula_window_by_window(study: Study, alpha: float) -> None:
    a, b = study.solos[0].latent, study.solos[2].latent
    found = spherical(a, b, alpha).z
    for window, z in enumerate(found):
        expected = slow_spherical(a.z[window % len(a.z)].astype(float), b.z[window % len(b.z)].astype(float), alpha)
        np.testing.assert_allclose(z, expected, rtol=1e-4, atol=1e-6)


def test_without_a_unique_great_circle_the_line_is_straight(study: Study) -> None:
    """On one ray, opposite, or at the origin: the formula alone would divide by zero."""
    a = study.solos[0].latent
    for other in (a, 2 * a, -1 * a, 0 * a):
        there = a.with_z(other.z)
        np.testing.assert_array_equal(spherical(a, there, 0.25).z, linear(a, there, 0.25).z)


@given(st.lists(st.sampled_from([0, 60, 62, 64]), min_size=1, max_size=12), st.data())
def test_the_sounding_distance_counts_the_steps_with_different_pitches(pitches: list[int], data: st.DataObject) -> None:
    others = data.draw(st.lists(st.sampled_from([0, 60, 62, 64]), min_size=1, max_size=12))
    one, other = line(pitches), line(others)

    def at(own: list[int], step: int) -> int | None:
        return own[step // 6] if step < 6 * len(own) else None

    longest = 6 * max(len(pitches), len(others))
    slow = sum(at(pitches, step) != at(others, step) for step in range(longest)) / longest
    assert sounding_distance(one, other) == pytest.approx(slow)
    assert sounding_distance(other, one) == pytest.approx(slow)
    assert sounding_distance(one, one) == 0


def test_a_cross_fade_replaces_each_bar_exactly_once() -> None:
    a, b = line([60] * 64), line([72] * 64)
    solos = cross_fade(a, b, 9, generator(0, "thresholds"))
    assert (solos[0], solos[-1]) == (a, b)
    bars = np.array([[solo.pitches[bar * 8 : bar * 8 + 8].tolist() for bar in range(8)] for solo in solos])
    assert (bars == bars[:, :, :1]).all(), "a bar is of one solo"
    assert (np.diff(bars[:, :, 0], axis=0) >= 0).all()
    assert len(np.unique(bars[:, :, 0].sum(axis=1))) > 4


def test_a_note_tied_into_a_bar_of_the_other_solo_ends_at_its_first_onset() -> None:
    a = Score(12, make_notes([(36, 24, 60, 80)]), 96)
    b = Score(12, make_notes([(0, 48, 70, 80), (48, 12, 72, 80)]), 96)
    for solo in cross_fade(a, b, 30, generator(1, "thresholds")):
        assert solo.is_monophonic
        assert (solo.offsets <= 96).all()


def test_a_path_is_measured_by_evenness_and_monotony() -> None:
    even = [line([72] * step + [60] * (8 - step)) for step in range(9)]
    figures = summary(steps_table(even))
    expected = {"largest_step": 1 / 8, "directness": 1.0, "monotony": 1.0, "wrong_turns": 0.0, "new_bars": 0.0}
    assert {name: figures[name] for name in expected if name != "new_bars"} == pytest.approx(
        {name: value for name, value in expected.items() if name != "new_bars"}
    )
    jump = summary(steps_table([even[0]] * 4 + [even[8]] * 5))
    assert (jump["largest_step"], jump["new_bars"]) == (1.0, 0.0)
    back = summary(steps_table([even[0], even[4], even[2], even[8]]))
    assert back["wrong_turns"] == pytest.approx(2 / 6)
    assert back["directness"] == pytest.approx(8 / 12)
    assert back["monotony"] < 1


def test_a_constant_path_has_finite_metrics() -> None:
    """An untrained model gives one line for every z; a report must not contain NaN."""
    figures = summary(steps_table([line([60] * 8)] * 3))
    assert all(np.isfinite(list(figures.values())))
    assert (figures["monotony"], figures["new_bars"]) == (0.0, 0.0)


def test_bars_in_neither_end_are_new() -> None:
    rows = steps_table([line([60] * 16), line([60] * 8 + [65] * 8), line([70] * 16)])
    assert [row["new_bars"] for row in rows] == [0.0, 0.5, 0.0]


def test_pairs_are_held_out_solos_of_two_tunes_and_alternate_between_one_artist_and_two(study: Study) -> None:
    pairs = choose_pairs(study, replace(CONFIG, pairs=4))
    assert len({(a.solo, b.solo) for a, b in pairs}) == 4
    for number, (a, b) in enumerate(pairs):
        assert "train" not in (a.split, b.split)
        assert a.tune_group != b.tune_group
        if number < 2:
            assert (a.artist == b.artist) == (number % 2 == 0)
    assert [(a.solo, b.solo) for a, b in choose_pairs(study, CONFIG)] == [(a.solo, b.solo) for a, b in pairs[:2]]
    every = choose_pairs(study, replace(CONFIG, pairs=100))
    assert len(every) == 5, "one of the six pairs is of one tune"
    takes = replace(study, solos=study.solos[8:10])
    assert len(choose_pairs(takes, CONFIG)) == 1, "a pair of one tune is used if there is no other"


def test_without_a_pair_of_enough_bars_the_error_names_the_remedy(study: Study) -> None:
    with pytest.raises(InputError, match=r"found fewer; lower explore\.interpolation\.bars"):
        choose_pairs(study, replace(CONFIG, bars=99))


def test_the_experiment_writes_every_step_a_table_and_a_figure(study: Study, tmp_path: Path) -> None:
    figures = explore_interpolation(study, CONFIG, tmp_path)
    steps = pd.read_csv(tmp_path / "steps.csv")
    assert len(steps) == 2 * 3 * 3
    ((folder),) = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert folder.name == steps["pair"][0]
    written = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*"))
    assert written == sorted(
        f"{path}/step_{step:02d}.{kind}" for path in PATHS for step in (1, 2, 3) for kind in ("mid", "wav", "png")
    )
    summaries = pd.read_csv(tmp_path / "summary.csv")
    linear_rows = summaries[summaries["path"] == "linear"]
    assert figures["linear_monotony"] == pytest.approx(linear_rows["monotony"].mean(), abs=1e-5)
    assert set(summaries["path"]) == {*PATHS, CROSS_FADE}
    assert (tmp_path / "interpolation.png").stat().st_size > 10_000
    assert np.isfinite(list(figures.values())).all()


@pytest.mark.parametrize(("key", "value"), [("pairs", 0), ("steps", 1), ("bars", 0), ("rendered", -1)])
def test_impossible_settings_are_refused_by_name(key: str, value: int) -> None:
    with pytest.raises(ConfigError, match=rf"explore\.interpolation\.{key}"):
        replace(CONFIG, **{key: value})


def test_a_point_decodes_equally_alone_and_in_a_batch(family: MusicVAEFamily, study: Study) -> None:
    """This makes the ends exact: in a batched product, a near tie could resolve differently."""
    latents = [solo.latent for solo in study.solos[:3]]
    assert family.decode(latents) == [family.decode([latent])[0] for latent in latents]
