from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moved_solos import BAR, SEMITONES, THIRDS, ReadableFamily, readable_study

from yardbird.errors import InputError
from yardbird.latent.directions import (
    Directions,
    extremes,
    find_directions,
    measure_windows,
    windows,
)


@pytest.fixture(scope="module")
def study():
    return readable_study()


@pytest.fixture(scope="module")
def directions(study):
    return find_directions(study)


def test_the_direction_between_artists_separates_them(directions):
    way = directions.between(SEMITONES, THIRDS)
    assert way[2] == pytest.approx(3, abs=0.2)
    assert np.abs(way[[0, 1, 3]]).max() < 0.3
    assert directions.between(THIRDS, SEMITONES) == pytest.approx(-way)
    assert directions.between(None, THIRDS) == pytest.approx(way)


def test_held_out_solos_do_not_move_the_directions(study, directions):
    spoilt = [
        solo if solo.split == "train" else replace(solo, latent=solo.latent.with_z(1e6 * solo.latent.z))
        for solo in study.solos
    ]
    again = find_directions(replace(study, solos=tuple(spoilt)))
    assert np.array_equal(again.between(SEMITONES, THIRDS), directions.between(SEMITONES, THIRDS))
    for name, way in directions.attributes.items():
        assert np.array_equal(again.attributes[name], way)


def test_an_attribute_grows_along_its_direction(directions):
    assert directions.attributes["register"][0] > 0.3
    assert abs(directions.attributes["register"][1]) < 0.2
    assert not {"blues", "chromaticism", "density"} & directions.attributes.keys(), "they are climbed"


def test_the_log_ratio_of_two_artists_favours_the_intervals_of_the_target(directions):
    ratios = directions.log_ratios(SEMITONES, THIRDS)
    semitone, third = 12 + 1, 12 + 4
    assert ratios[semitone, semitone] < 0 < ratios[third, third]
    assert directions.log_ratios(THIRDS, SEMITONES) == pytest.approx(-ratios)
    assert directions.log_ratios(None, THIRDS) == pytest.approx(ratios)


@given(st.lists(st.floats(-5, 5) | st.just(float("nan")), min_size=0, max_size=40))
def test_extremes_are_the_means_of_the_highest_and_the_lowest_quarter(values):
    codes = np.random.default_rng(len(values)).standard_normal((len(values), 3)).astype(np.float32)
    known = sorted((value, place) for place, value in enumerate(values) if value == value)
    count = len(known) // 4
    way = extremes(codes, np.array(values))
    if not count or known[0][0] == known[-1][0]:
        assert way is None
        return
    low, high = [place for _, place in known[:count]], [place for _, place in known[-count:]]
    assert way == pytest.approx(codes[high].mean(axis=0) - codes[low].mean(axis=0), abs=1e-4)


def test_every_latent_point_has_a_window_and_every_note_is_in_one(study):
    solo = study.solos[0]
    for segments in (1, 3, 16):
        pieces = windows(solo.score, solo.latent, segments)
        assert len(pieces) == -(-16 // segments)
        assert sum(len(piece.notes) for piece in pieces) == len(solo.score.notes)
        assert sum(piece.end_tick for piece in pieces) == 16 * BAR


def test_an_empty_window_has_no_register(line_of_one_empty_bar):
    measured = measure_windows([line_of_one_empty_bar])
    assert np.isnan(measured["register"]).all()
    assert measured["rests"].tolist() == [1.0]


@pytest.fixture
def line_of_one_empty_bar(study):
    solo = study.solos[0]
    return replace(solo.score, notes=solo.score.notes[:0], end_tick=BAR)


def test_directions_are_read_back_as_they_were_written(study, directions, tmp_path):
    path = tmp_path / "directions.safetensors"
    directions.save(path)
    first = path.read_bytes()
    again = Directions.load(path, study.family)
    assert (list(again.artists), list(again.attributes)) == (sorted(directions.artists), sorted(directions.attributes))
    for name, way in directions.attributes.items():
        assert np.array_equal(again.attributes[name], way)
    assert np.array_equal(again.log_ratios(None, THIRDS), directions.log_ratios(None, THIRDS))
    again.save(path)
    assert path.read_bytes() == first


def test_directions_of_another_model_and_missing_files_are_refused(directions, tmp_path):
    """They are meaningless in another latent space, even one of the same size."""
    path = tmp_path / "directions.safetensors"
    with pytest.raises(InputError, match="no such file; run `dvc repro explore`"):
        Directions.load(path, ReadableFamily())
    directions.save(path)
    with pytest.raises(InputError, match="found the directions of another model"):
        Directions.load(path, ReadableFamily())
    path.write_bytes(b"junk")
    with pytest.raises(InputError, match="expected the directions"):
        Directions.load(path, ReadableFamily())


def test_directions_without_intervals_of_the_artists_are_refused(study, directions, tmp_path):
    path = tmp_path / "directions.safetensors"
    replace(directions, intervals={}).save(path)
    with pytest.raises(InputError, match="found no intervals of the artists; run `dvc repro explore`"):
        Directions.load(path, study.family)


def test_an_artist_is_found_by_part_of_the_name(directions):
    assert directions.artist("third") == THIRDS
    assert directions.artist("ADA") == SEMITONES
    with pytest.raises(InputError, match="one of the artists Ada Semitone, Bo Third, found none"):
        directions.artist("coltrane")
    with pytest.raises(InputError, match="found 2: Ada Semitone, Bo Third; give more of the name"):
        directions.artist("i")


def test_a_whole_name_that_is_part_of_another_is_found(directions):
    twins = replace(directions, artists={"Bud": np.zeros(4), "Buddy": np.ones(4)})
    assert twins.artist("bud") == "Bud"


def test_with_solos_of_one_artist_there_is_no_direction(directions):
    """Regression: a model of one artist moved every solo by the mean of no artists, which is NaN."""
    alone = replace(directions, artists={THIRDS: directions.artists[THIRDS]})
    with pytest.raises(InputError, match="expected another artist to come from, found none in the training solos"):
        alone.between(None, THIRDS)
    with pytest.raises(InputError, match="expected another artist to come from, found none in the training solos"):
        replace(directions, intervals={THIRDS: directions.intervals[THIRDS]}).log_ratios(None, THIRDS)
