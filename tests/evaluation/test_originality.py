from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
import pytest

from yardbird.evaluation.originality import (
    Piece,
    compare_pieces,
    compare_training,
    held_out_pieces,
    originality_csv,
    originality_rows,
    read_pieces,
    training_index,
)
from yardbird.metrics.originality import FIGURES
from yardbird.metrics.rows import SELF
from yardbird.music.midi import write_score


@pytest.fixture(scope="module")
def index(data):
    return training_index(data)


@pytest.fixture(scope="module")
def compared(data, index, make_walk):
    """Beside the yardstick a family that copies every other solo from the first tune, and one that copies nothing."""
    copies = [Piece(f"copy_{by}", make_walk(1, 16).transposed(by)) for by in (-2, 3)]
    own = [Piece(f"own_{seed}", make_walk(seed, 16)) for seed in (50, 51)]
    pieces = {"copies": [copies[0], own[0], copies[1]], "own": own, "real": held_out_pieces(data)}
    return [*compare_training(index), *(c for row, solos in pieces.items() for c in compare_pieces(row, solos, index))]


@pytest.fixture(scope="module")
def rows(compared):
    return {(row.row, row.metric): row for row in originality_rows(compared, 3, 0)}


def test_only_originals_of_the_training_split_are_known(index):
    assert [(solo.title, solo.group) for solo in index.solos] == [("Tune one", "one"), ("Tune two", "two")]


def test_copies_are_found_whatever_their_key_and_the_source_is_named(compared):
    table = pd.read_csv(StringIO(originality_csv(compared)), keep_default_na=False)
    assert list(table.columns) == ["row", "solo", "notes", *FIGURES, "source"]
    assert list(dict.fromkeys(table["row"])) == [SELF, "copies", "own", "real"]
    copied = table[table["solo"].isin(["copy_-2", "copy_3"])]
    assert (copied["coverage_10"] == 1).all()
    assert (copied["longest_run"] == copied["notes"] - 1).all()
    assert copied["source"].tolist() == ["bars 1–16 = Tune one bar 1, −2", "bars 1–16 = Tune one bar 1, +3"]
    assert table[table["row"] == SELF]["solo"].tolist() == ["Tune one", "Tune two"]
    assert table[table["row"] == "real"]["solo"].tolist() == ["mine/four", "mine/five"]


def test_a_family_that_copies_is_not_original_and_real_solos_are(rows):
    assert rows["copies", "original"].mean == 0
    assert rows["real", "original"].mean == 1
    assert rows["copies", "coverage_8"].mean > rows[SELF, "coverage_8_high"].mean
    assert (rows["copies", "coverage_8"].n, rows[SELF, "coverage_8_high"].n) == (3, 3)
    assert (SELF, "original") not in rows


def test_one_long_copy_is_enough(compared):
    """Spread over many solos its share is small: the longest run tells."""
    run = next(c for c in compared if c.solo == "copy_3")
    once = replace(run, found=replace(run.found, coverage=dict.fromkeys(run.found.coverage, 0.0)))
    rows = originality_rows([*compared, replace(once, row="once")], 1, 0)
    assert [row.mean for row in rows if (row.row, row.metric) == ("once", "original")] == [0]


def test_the_figures_are_means_over_solos_and_the_bound_narrows_with_their_number(compared, rows):
    own = [c.found.figures["coverage_4"] for c in compared if c.row == "copies"]
    row = rows["copies", "coverage_4"]
    assert (row.mean, row.sd) == (pytest.approx(np.mean(own)), pytest.approx(np.std(own, ddof=1)))
    many = {(row.row, row.metric): row for row in originality_rows(compared, 300, 0)}
    yardstick = rows[SELF, "coverage_4"].mean
    assert yardstick < many[SELF, "coverage_4_high"].mean < rows[SELF, "coverage_4_high"].mean


def test_without_a_yardstick_nothing_is_said_of_originality(compared):
    assert "original" not in {row.metric for row in originality_rows([c for c in compared if c.row != SELF], 3, 0)}


def test_the_prime_of_a_generated_solo_is_left_out(tmp_path, index, make_walk):
    """A prime that is a training solo is no copy: the model was given it."""
    (tmp_path / "free").mkdir()
    write_score(make_walk(1, 16), tmp_path / "free/solo.mid")
    for primed, run in ((0, True), (16, False)):
        (tmp_path / "manifest.csv").write_text(f"solo,path,primed_bars\na,free/solo.mid,{primed}\n")
        (found,) = compare_pieces("x", read_pieces(tmp_path), index)
        assert (found.found.longest_run > 0) is run
