import csv
from dataclasses import replace

import numpy as np
import pytest
from moved_solos import SEMITONES, THIRDS, line, readable_study

from yardbird.errors import ConfigError, InputError
from yardbird.latent.directions import find_directions
from yardbird.latent.style_transfer import (
    INTERVALS,
    MEANS,
    TransferConfig,
    choose_artists,
    explore_transfer,
    headline,
    opening,
    random_way,
)

CONFIG = TransferConfig(
    artists=(SEMITONES, THIRDS), strengths=(1.0, 2.0, 4.0), random_ways=2, excerpt_beats=32, solos=2, bars=4
)


@pytest.fixture(scope="module")
def study():
    return readable_study()


@pytest.fixture(scope="module")
def explored(study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("transfer")
    return folder, explore_transfer(study, find_directions(study), CONFIG, folder)


def test_a_solo_moved_far_enough_is_judged_as_the_other_artist_s_and_keeps_its_rhythm(explored):
    _, figures = explored
    for way in ("there", "back"):
        assert figures[f"{way}_verdict"] < 0.2
        assert figures[f"{way}_strength"] <= 4
        assert figures[f"{way}_rhythm_kept"] > 0.8
        assert figures[f"{way}_kept_verdict"] > 0.8
    assert figures["judge_accuracy"] == figures["judge_auc"] == figures["judge_reconstructed_auc"] == 1


def test_the_table_has_every_strength_of_every_direction_for_both_artists(explored):
    folder, _ = explored
    with (folder / "transfer.csv").open() as file:
        rows = list(csv.DictReader(file))
    own = [(row["from"], float(row["strength"])) for row in rows if row["way"] == INTERVALS]
    assert own == [(artist, strength) for artist in (SEMITONES, THIRDS) for strength in (0, 1, 2, 4)]
    assert len(rows) == 2 * (4 + 3 * 3)
    unmoved = [row for row in rows if row["strength"] == "0.0"]
    assert [row["rhythm_kept"] for row in unmoved] == ["1.0", "1.0"]


def test_a_solo_of_each_artist_is_written_at_every_strength(explored):
    folder, _ = explored
    written = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    stems = [
        f"{name}/strength_{strength}" for name in ("there_ada_6", "back_bo_6") for strength in ("0", "1", "2", "4")
    ]
    pieces = {f"{stem}.{end}" for stem in stems for end in ("mid", "wav", "png")}
    assert written == pieces | {"transfer.csv", "transfer.png"}


@pytest.mark.slow
def test_the_same_study_gives_the_same_bytes(study, explored, tmp_path):
    folder, figures = explored
    assert explore_transfer(study, find_directions(study), CONFIG, tmp_path) == figures
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        assert (tmp_path / path.relative_to(folder)).read_bytes() == path.read_bytes(), path


def test_with_one_artist_there_is_no_transfer(study, tmp_path):
    lonely = replace(study, solos=tuple(solo for solo in study.solos if solo.artist == THIRDS))
    assert explore_transfer(lonely, find_directions(lonely), replace(CONFIG, artists=None), tmp_path) == {"artists": 1}
    assert list(tmp_path.iterdir()) == []


def test_an_artist_without_held_out_solos_is_only_a_target(study, tmp_path, monkeypatch):
    monkeypatch.setattr("yardbird.latent.style_transfer.write_piece", lambda *_, **__: None)
    kept = tuple(solo for solo in study.solos if solo.split == "train" or solo.artist == SEMITONES)
    little = replace(CONFIG, strengths=(1.0,), random_ways=1)
    figures = explore_transfer(replace(study, solos=kept), find_directions(study), little, tmp_path)
    assert "there_verdict" in figures
    assert not any(name.startswith("back") for name in figures)
    assert "judge_accuracy" not in figures


def test_by_default_the_two_artists_with_most_solos_are_compared(study):
    assert choose_artists(study, None) == (SEMITONES, THIRDS)
    fewer = replace(study, solos=study.solos[1:])
    assert choose_artists(fewer, None) == (THIRDS, SEMITONES)
    assert choose_artists(study, [THIRDS, SEMITONES]) == (THIRDS, SEMITONES)
    for wrong in ([THIRDS], [THIRDS, THIRDS], [THIRDS, "Nobody"], []):
        with pytest.raises(InputError, match=r"explore\.transfer\.artists: expected two of the artists Ada"):
            choose_artists(study, wrong)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strengths": ()}, "strengths: expected one or more"),
        ({"strengths": (1.0, 0.0)}, r"strengths\[1\]: expected above 0"),
        ({"solos": 0}, "solos: expected 1 or more, found 0"),
        ({"random_ways": -1}, "random_ways: expected 0 or more"),
    ],
)
def test_impossible_settings_give_a_one_line_error(changes, message):
    with pytest.raises(ConfigError, match=message):
        replace(CONFIG, **changes)


def row(way, strength, verdict, rhythm, contour=0.9):
    return {"way": way, "strength": strength, "verdict": verdict, "rhythm_kept": rhythm, "contour_kept": contour}


def test_the_headline_is_the_lowest_strength_with_a_verdict_above_one_half():
    rows = [
        row(INTERVALS, 0.0, 0.1, 1.0),
        row(INTERVALS, 1.0, 0.6, 0.7),
        row(INTERVALS, 2.0, 0.9, 0.4),
        row(MEANS, 1.0, 0.4, 0.6),
        row(MEANS, 2.0, 0.8, 0.3),
        row("random 1", 1.0, 0.2, 0.6),
    ]
    assert headline(rows) == {
        "verdict": 0.1, "strength": 1.0, "rhythm_kept": 0.7, "contour_kept": 0.9, "random_verdict": 0.2,
        "kept_verdict": 0.6, "kept_strength": 1.0, "means_kept_verdict": 0.4,
    }  # fmt: skip


def test_without_a_sufficient_strength_the_headline_has_none():
    rows = [row(INTERVALS, 0.0, 0.1, None), row(INTERVALS, 1.0, 0.3, 0.2)]
    assert headline(rows) == {"verdict": 0.1, "kept_verdict": 0.1, "kept_strength": 0.0, "means_kept_verdict": 0.1}


def test_a_random_direction_has_the_length_given_and_is_uniform():
    ways = np.array([random_way(4, 3.0, np.random.default_rng(seed)) for seed in range(2000)])
    assert np.linalg.norm(ways, axis=1) == pytest.approx(3)
    assert np.abs(ways.mean(axis=0)).max() < 0.15
    assert (ways**2).mean(axis=0) == pytest.approx(9 / 4, rel=0.1)


def test_an_opening_is_no_longer_than_the_solo():
    score = line(np.array([[6, 0.8, 1, 0]] * 3))
    assert opening(score, 2).bar_count == 2
    assert opening(score, 9).bar_count == 3
