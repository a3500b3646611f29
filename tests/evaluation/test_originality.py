import shutil
from dataclasses import replace
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from table_rows import filled

from yardbird.evaluation.originality import (
    Piece,
    compare_pieces,
    held_out_pieces,
    originality_csv,
    originality_of,
    read_pieces,
    training_index,
)
from yardbird.metrics.estimates import flat
from yardbird.metrics.set_rows import SELF
from yardbird.metrics.shared_runs import FIGURES, KnownSolo, OriginalityIndex
from yardbird.music.midi import write_score
from yardbird.seeds import streams
from yardbird.tables.generated_tables import GeneratedSolo, write_generated_solos


@pytest.fixture(scope="module")
def index(data):
    return training_index(data)


@pytest.fixture(scope="module")
def compared(data, index, make_walk):
    """A family with every second solo copied from the first tune, one without copies, and held-out solos."""
    copies = [Piece(f"copy_{by}", make_walk(1, 16).transposed(by)) for by in (-2, 3)]
    own = [Piece(f"own_{seed}", make_walk(seed, 16)) for seed in (50, 51)]
    pieces = {"copies": [copies[0], own[0], copies[1]], "own": own, "real": held_out_pieces(data)}
    return [found for row, solos in pieces.items() for found in compare_pieces(row, solos, index)]


@pytest.fixture(scope="module")
def rows(compared, index):
    return originality_of("copies", compared, index, streams(0))


def test_only_originals_of_the_training_split_are_known(index):
    assert [(solo.title, solo.group) for solo in index.solos] == [("Tune one", "one"), ("Tune two", "two")]


def test_copies_are_found_in_any_key_and_the_source_is_named(compared):
    table = pd.read_csv(StringIO(originality_csv(compared)), keep_default_na=False)
    assert list(table.columns) == ["row", "solo", "notes", *FIGURES, "source"]
    assert list(dict.fromkeys(table["row"])) == ["copies", "own", "real"]
    copied = table[table["solo"].isin(["copy_-2", "copy_3"])]
    assert (copied["coverage_10"] == 1).all()
    assert (copied["longest_run"] == copied["notes"] - 1).all()
    assert copied["source"].tolist() == ["bars 1–16 = Tune one bar 1, −2", "bars 1–16 = Tune one bar 1, +3"]
    assert table[table["row"] == "real"]["solo"].tolist() == ["mine/four", "mine/five"]


def test_a_family_that_copies_is_not_original_and_real_solos_are(rows):
    assert rows["copies"]["original"].value == 0
    assert rows["real"]["original"].value == 1
    assert rows["copies"]["coverage_8"].value > rows[SELF]["coverage_8"].high
    assert (rows["copies"]["coverage_8"].n, rows[SELF]["coverage_8"].n) == (3, 3)
    assert "original" not in rows[SELF]


def test_one_long_copy_is_enough(compared, index):
    """Regression: among seven original solos the share and the mean run of one copy are small, and it passed."""
    run = next(c for c in compared if c.solo == "copy_3")
    once = replace(run, row="once", found=replace(run.found, coverage=dict.fromkeys(run.found.coverage, 0.0)))
    own = next(c for c in compared if c.solo == "own_50")
    others = [replace(own, row="once", found=replace(own.found, longest_run=0))] * 7
    rows = flat(originality_of("once", [once, *others], index, streams(0))["once"])
    yardstick = flat(originality_of("once", others, index, streams(0))[SELF])
    assert rows["coverage_8"] < 0.01
    assert rows["longest_run_most"] == run.found.longest_run > yardstick["longest_run_most_high"]
    assert rows["original"] == 0


def test_metrics_are_means_over_solos_and_the_yardstick_narrows_with_their_number(compared, index, rows):
    own = [c.found.figures["coverage_4"] for c in compared if c.row == "copies"]
    row = rows["copies"]["coverage_4"]
    assert (row.value, row.sd) == (pytest.approx(np.mean(own)), pytest.approx(np.std(own, ddof=1)))
    short = [replace(c, notes=40) for c in compared if c.row == "copies"]
    few, many = (flat(originality_of("copies", short * times, index, streams(0))[SELF]) for times in (1, 50))
    for bounds in (few, many):
        assert bounds["coverage_4_low"] < bounds["coverage_4"] < bounds["coverage_4_high"]
    assert many["coverage_4_high"] < few["coverage_4_high"]


def test_every_row_has_a_yardstick_of_its_own_lengths(compared, index):
    """A share is high for short solos only if training excerpts of that length have a lower one."""
    long = next(c for c in compared if c.row == "real")
    figures = {"coverage": dict.fromkeys(long.found.coverage, 0.0), "longest_run": 6}
    verdicts = {}
    for notes in (12, 100):
        row = replace(long, row="own", notes=notes, found=replace(long.found, **figures))
        verdicts[notes] = originality_of("own", [row] * 30, index, streams(0))["own"]["original"].value
    assert verdicts == {12: 0, 100: 1}


def test_without_a_yardstick_there_is_no_verdict_on_originality(compared):
    rows = originality_of("copies", compared, OriginalityIndex([]), streams(0))
    assert SELF not in rows
    assert not any("original" in own for own in rows.values())


def test_the_prime_of_a_generated_solo_is_not_compared(tmp_path, index, make_walk):
    """A prime from a training solo is not a copy, because the user gave it."""
    (tmp_path / "free").mkdir()
    write_score(make_walk(1, 16), tmp_path / "free/solo.mid")
    for primed, run in ((0, True), (16, False)):
        write_generated_solos(tmp_path, [filled(GeneratedSolo, path="free/solo.mid", primed_bars=primed)])
        (found,) = compare_pieces("x", read_pieces(tmp_path), index)
        assert (found.found.longest_run > 0) is run
        assert (found.notes > 0) is run


@pytest.fixture
def data_with_background(data, tmp_path):
    """The same corpus with its second training tune as background."""
    folder = tmp_path / "data"
    shutil.copytree(data, folder)
    for table in (folder / "augmented/manifest.csv", folder / "encoded/events/index.csv"):
        lines = table.read_text().splitlines()
        changed = [line.replace(",target,", ",background,") if "mine/two" in line else line for line in lines]
        table.write_text("\n".join(changed) + "\n")
    return folder


def test_a_phrase_copied_from_a_background_solo_is_found_and_its_source_named(data_with_background, make_walk):
    index = training_index(data_with_background)
    (found,) = compare_pieces("copies", [Piece("copy", make_walk(2, 8).transposed(4))], index)
    assert str(found.found.origin) == "bars 1–8 = Tune two bar 1, +4"
    assert found.found.coverage[8] == 1


def test_the_yardstick_is_the_self_quotation_of_the_target(data_with_background, make_walk):
    """A background player who repeats another solo must not raise the limit for a model of the target."""
    target = [KnownSolo("one", "one", make_walk(1, 16))]
    quoting = [KnownSolo(name, name, make_walk(2, 16), background=True) for name in ("two", "three")]
    drawn = OriginalityIndex([*target, *quoting]).draw_known([40], 50, np.random.default_rng(0))
    assert drawn["coverage_8"].max() == 0
    assert (
        OriginalityIndex([replace(solo, background=False) for solo in [*target, *quoting]])
        .draw_known([40], 50, np.random.default_rng(0))["coverage_8"]
        .max()
        == 1
    )
