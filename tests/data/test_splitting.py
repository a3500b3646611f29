"""Tune groups are never divided, their names decide their split, and a split without an artist gives a warning."""

import tracemalloc
from collections import Counter
from dataclasses import replace
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from solo_rows import row, solo, write_ingested

from yardbird.config import SPLITS, read_section
from yardbird.data.manifest import read_solos
from yardbird.data.splitting import (
    SplitConfig,
    absent_artists,
    better_salt,
    deal,
    interval_grams,
    linked,
    split_solos,
    tune_groups,
)
from yardbird.errors import ConfigError, InputError
from yardbird.music.score import Score

CONFIG = SplitConfig(validation=0.1, test=0.15, salt=0, linked_share=0.13)

#: (tune, interval hash) of solos; few distinct hashes, so that tunes join.
solos = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 60)), min_size=1, max_size=30)


@given(solos)
def test_solos_of_one_tune_or_one_line_are_never_separated(drawn: list[tuple[int, int]]) -> None:
    rows = [row(f"a/{i}", f"tune{tune}", interval_hash=str(line)) for i, (tune, line) in enumerate(drawn)]
    splits = deal(tune_groups(rows), CONFIG)
    for one in rows:
        for other in rows:
            if one.tune_group == other.tune_group or one.interval_hash == other.interval_hash:
                assert splits[one.solo] == splits[other.solo]


@given(solos)
def test_groups_are_the_connected_components(drawn: list[tuple[int, int]]) -> None:
    rows = [row(f"a/{i}", f"tune{tune}", interval_hash=str(line)) for i, (tune, line) in enumerate(drawn)]
    reached = np.array(
        [[a.tune_group == b.tune_group or a.interval_hash == b.interval_hash for b in rows] for a in rows]
    )
    for _ in rows:
        reached = reached @ reached
    groups = tune_groups(rows)
    together = np.array([[groups[a.solo] == groups[b.solo] for b in rows] for a in rows])
    np.testing.assert_array_equal(together, reached)
    assert all(groups[a.solo] <= a.tune_group for a in rows)


@given(solos, st.integers(31, 40))
def test_adding_a_tune_moves_no_other_tune(drawn: list[tuple[int, int]], new: int) -> None:
    rows = [row(f"a/{i}", f"tune{tune}", interval_hash=str(line)) for i, (tune, line) in enumerate(drawn)]
    before = deal(tune_groups(rows), CONFIG)
    after = deal(tune_groups([row("b/new", f"tune{new}"), *rows, row("b/take", f"tune{new}")]), CONFIG)
    assert {name: after[name] for name in before} == before


def test_adding_a_take_moves_no_tune() -> None:
    rows = [row(f"a/{i}", f"tune{i}") for i in range(40)]
    before = deal(tune_groups(rows), CONFIG)
    for i in range(40):
        after = deal(tune_groups([*rows, row("b/take", f"tune{i}")]), CONFIG)
        assert after == {**before, "b/take": before[f"a/{i}"]}


def test_a_take_under_another_name_is_found_by_the_line_it_shares() -> None:
    line, other = solo(1, notes=60), solo(2, notes=60)
    quoting = replace(other, notes=np.concatenate([line.notes[:20], other.notes[20:]]))
    grams = {name: interval_grams(score.pitches) for name, score in [("a", line), ("b", quoting), ("c", other)]}
    assert linked(grams, 0.13) == [("a", "b"), ("b", "c")]
    assert linked(grams, 0.25) == [("b", "c")]
    groups = tune_groups([row("a", "x"), row("b", "y"), row("c", "z"), row("d", "z")], [("a", "b")])
    assert groups == {"a": "x", "b": "x", "c": "z", "d": "z"}


@given(st.lists(st.frozensets(st.integers(0, 12), max_size=12), max_size=12), st.sampled_from([0.0, 0.13, 0.5, 1.0]))
def test_links_are_those_of_comparing_all_pairs(drawn: list[frozenset[int]], share: float) -> None:
    grams = {f"s{i:02}": frozenset(bytes([gram]) for gram in own) for i, own in enumerate(drawn)}
    assert linked(grams, share) == [
        (one, other)
        for one, other in combinations(grams, 2)
        if len(grams[one] & grams[other]) > share * min(len(grams[one]), len(grams[other]))
    ]


def test_one_shared_gram_links_no_solos_and_costs_no_pairs() -> None:
    """Regression: all pairs of 3,000 solos with one n-gram in common were counted in 540 MiB."""
    grams = {f"s{i}": frozenset([b"lick", *(f"{i} {j}".encode() for j in range(20))]) for i in range(3000)}
    tracemalloc.start()
    assert linked(grams, 0.13) == []
    assert tracemalloc.get_traced_memory()[1] < 50 * 2**20
    tracemalloc.stop()


def test_interval_grams_are_the_same_in_every_key_and_a_short_line_has_none() -> None:
    pitches = solo(3).pitches
    assert interval_grams(pitches) == interval_grams(pitches + 5)
    assert len(interval_grams(pitches)) == 30
    assert interval_grams(pitches[:10]) == frozenset()


def test_shares_are_about_as_configured() -> None:
    splits = deal({str(i): str(i) for i in range(4000)}, CONFIG)
    counts = Counter(splits.values())
    assert counts["test"] / 4000 == pytest.approx(0.15, abs=0.02)
    assert counts["validation"] / 4000 == pytest.approx(0.1, abs=0.02)


def test_the_warning_for_a_split_without_an_artist_suggests_a_better_salt(tmp_path: Path) -> None:
    rows = [row(f"a/{i}") for i in range(30)] + [row(f"b/{i}", f"other{i}", artist="Bo Dense") for i in range(3)]
    rows = write_ingested(tmp_path, {entry.solo: solo(i) for i, entry in enumerate(rows)}, rows)
    dealt = split_solos(rows, tmp_path, CONFIG)
    assert absent_artists(rows, dealt.splits) == {"validation": ["Bo Dense"], "test": ["Bo Dense"]}
    salt = better_salt(rows, tune_groups(rows), CONFIG)
    assert dealt.warnings[0] == f"validation has nothing by Bo Dense; split.salt {salt} gives a better split"
    better = split_solos(rows, tmp_path, SplitConfig(0.1, 0.15, salt, 0.13))
    assert (absent_artists(rows, better.splits), better.warnings) == ({}, ())


def test_a_corpus_too_small_for_three_splits_stops_with_one_line(tmp_path: Path) -> None:
    rows = write_ingested(tmp_path, {"a/x": solo(1), "a/y": solo(2)}, [row("a/x"), row("a/y")])
    with pytest.raises(InputError, match=r"expected at least one tune in each split, found none for .* among 2 tune"):
        split_solos(rows, tmp_path, CONFIG)


def test_a_salt_is_suggested_only_if_it_fills_every_split(tmp_path: Path) -> None:
    """Regression: two tunes cannot fill three splits with any salt, but the error suggested one."""
    rows = write_ingested(tmp_path, {f"a/{i}": solo(i) for i in range(3)}, [row(f"a/{i}") for i in range(3)])
    with pytest.raises(InputError, match=r"among 2 tune groups; add tunes$"):
        split_solos(rows[:2], tmp_path, CONFIG)
    salt = better_salt(rows, tune_groups(rows), CONFIG)
    with pytest.raises(InputError, match=f"among 3 tune groups; add tunes, or set split.salt to {salt}$"):
        split_solos(rows, tmp_path, CONFIG)
    assert set(split_solos(rows, tmp_path, replace(CONFIG, salt=salt)).splits.values()) == set(SPLITS)


def test_a_salt_that_fills_every_split_is_preferred_to_one_that_does_not() -> None:
    """Regression: with one tune per artist, all salts miss as many artists, and one with an empty split was chosen."""
    rows = [row(f"a/{i}", artist=f"artist {i}") for i in range(5)]
    assert set(deal(tune_groups(rows), CONFIG).values()) != set(SPLITS)
    splits = deal(tune_groups(rows), replace(CONFIG, salt=better_salt(rows, tune_groups(rows), CONFIG)))
    assert set(splits.values()) == set(SPLITS)


def test_shares_that_leave_nothing_to_train_on_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"^params.yaml: split.validation, split.test: .* found 0.5 and 0.5"):
        SplitConfig(validation=0.5, test=0.5, salt=0, linked_share=0.13)


def test_the_default_salt_gives_every_split_both_players(ingested: Path, root: Path) -> None:
    rows = read_solos(ingested, ["parker", "coltrane"])
    config = read_section("split", SplitConfig, root / "params.yaml")
    dealt = split_solos(rows, ingested, config)
    assert dealt.warnings == ()
    assert set(dealt.splits.values()) == set(SPLITS)


def test_transcriptions_of_one_real_solo_share_more_than_tunes_do(
    ingested: Path, real_solos: dict[str, Score], root: Path
) -> None:
    """The basis of `linked_share`: no two tunes share this much, most pairs of transcriptions of a solo share more."""
    group = {entry.solo: entry.tune_group for entry in read_solos(ingested, ["parker", "coltrane"])}
    share = read_section("split", SplitConfig, root / "params.yaml").linked_share
    pairs = linked({name: interval_grams(score.pitches) for name, score in real_solos.items()}, share)
    assert len(pairs) == 9
    assert all(group[one] == group[other] for one, other in pairs)
