"""The stage makes the configured number of copies: of training tunes only, distinct, playable, spread evenly."""

import csv
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from solo_rows import row, solo, write_ingested

from yardbird.config import read_section
from yardbird.data.augmentation import AugmentConfig, Outline, Variant, augment, choose, copy_row, variants
from yardbird.data.manifest import SoloRow, read_solos
from yardbird.data.splitting import SplitConfig, split_solos
from yardbird.errors import ConfigError, InputError
from yardbird.music.midi import read_score
from yardbird.music.score import Score
from yardbird.tables.copies_table import read_copies

CONFIG = AugmentConfig(
    target_size=30,
    semitones=(-6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5),
    tempo_factors=(0.9, 1.0, 1.1),
    background_copies=2,
    tempo_range=(40, 360),
    pitch_ranges={"65": (49, 84), "other": (40, 88)},
)


@pytest.fixture
def corpus(tmp_path: Path) -> tuple[list[SoloRow], dict[str, str], Path]:
    """A folder with four training solos, one validation solo and one test solo."""
    rows = [row(f"a/tune{i}") for i in range(6)]
    splits = dict(zip([entry.solo for entry in rows], ["train"] * 4 + ["validation", "test"], strict=True))
    return write_ingested(tmp_path, {entry.solo: solo(i) for i, entry in enumerate(rows)}, rows), splits, tmp_path


def test_the_corpus_has_the_configured_size_and_only_training_tunes_are_copied(
    corpus: tuple[list[SoloRow], dict[str, str], Path], tmp_path: Path
) -> None:
    rows, splits, ingested = corpus
    total = augment(rows, ingested, splits, tmp_path / "out", CONFIG, 0)
    copies = read_copies(tmp_path / "out")
    assert total == len(copies) == CONFIG.target_size
    assert [copy.copy for copy in copies if copy.split != "train"] == ["a/tune4", "a/tune5"]
    assert Counter(Counter(copy.solo for copy in copies if copy.split == "train").values()) == {7: 4}
    files = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.mid")}
    assert files == {copy.path for copy in copies}
    contents = {(tmp_path / "out" / copy.path).read_bytes() for copy in copies}
    assert len(contents) == CONFIG.target_size


def test_a_copy_is_its_parent_transposed_with_chords_and_key_respelled(
    corpus: tuple[list[SoloRow], dict[str, str], Path], tmp_path: Path
) -> None:
    rows, splits, ingested = corpus
    augment(rows, ingested, splits, tmp_path / "out", CONFIG, 0)
    for copy in read_copies(tmp_path / "out"):
        parent = read_score(ingested / next(entry.path for entry in rows if entry.solo == copy.solo))
        score = read_score(tmp_path / "out" / copy.path)
        moved = parent.transposed(copy.semitones).tempo_scaled(copy.tempo_factor)
        np.testing.assert_array_equal(score.notes, moved.notes)
        assert score.chords == moved.chords
        assert score.key is not None
        assert str(score.key) == copy.key
        assert score.key.tonic == (5 + copy.semitones) % 12
        assert score.tempos[0].qpm == pytest.approx(moved.tempos[0].qpm, rel=1e-5)
        is_parent = (copy.semitones, copy.tempo_factor) == (0, 1.0)
        assert is_parent == (copy.copy == copy.solo)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_different_ones(
    corpus: tuple[list[SoloRow], dict[str, str], Path], tmp_path: Path
) -> None:
    rows, splits, ingested = corpus
    manifests = []
    for name, seed in [("one", 0), ("two", 0), ("three", 1)]:
        augment(rows, ingested, splits, tmp_path / name, CONFIG, seed)
        manifests.append((tmp_path / name / "manifest.csv").read_bytes())
    assert manifests[0] == manifests[1] != manifests[2]
    names = [path.relative_to(tmp_path / "one") for path in sorted((tmp_path / "one").rglob("*.mid"))]
    assert all((tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes() for name in names)


@given(lowest=st.integers(30, 60), span=st.integers(0, 45), qpm=st.floats(30, 400), seed=st.integers(0, 99))
def test_every_copy_is_playable_on_its_instrument(lowest: int, span: int, qpm: float, seed: int) -> None:
    score = solo(seed, lowest=lowest, highest=lowest + span, qpm=qpm)
    for variant in variants(row("a/x"), Outline.of(score), CONFIG, seed):
        pitches = score.pitches + variant.semitones
        assert pitches.min() >= min(49, score.pitches.min())
        assert pitches.max() <= max(84, score.pitches.max())
        assert variant.tempo_factor == 1 or 40 <= score.mean_qpm * variant.tempo_factor <= 360


@given(
    ranges=st.lists(st.tuples(st.integers(49, 60), st.integers(12, 30)), min_size=1, max_size=6),
    share=st.floats(0, 1),
    seed=st.integers(0, 9),
)
def test_copies_are_spread_as_evenly_as_the_parents_allow(
    ranges: list[tuple[int, int]], share: float, seed: int
) -> None:
    rows = [row(f"a/{i}") for i in range(len(ranges))]
    outlines = {
        entry.solo: Outline.of(solo(i, lowest=low, highest=low + span))
        for i, (entry, (low, span)) in enumerate(zip(rows, ranges, strict=True))
    }
    room = {entry.solo: len(variants(entry, outlines[entry.solo], CONFIG, seed)) for entry in rows}
    count = round(share * sum(room.values()))
    chosen = choose(rows, outlines, count, CONFIG, seed)
    numbers = {name: len(set(chosen[name])) for name in chosen}
    assert sum(numbers.values()) == count
    highest = max(numbers.values())
    assert all(number >= highest - 1 or number == room[name] for name, number in numbers.items())
    assert all(Variant(0, 1.0) not in chosen[name] for name in chosen)


def test_a_parent_is_copied_into_every_key_before_any_key_is_used_twice() -> None:
    chosen = choose([row("a/x")], {"a/x": Outline.of(solo(0, lowest=60, highest=70))}, 12, CONFIG, 0)["a/x"]
    assert len({variant.semitones for variant in chosen}) == 12


def test_parents_that_are_transpositions_of_each_other_give_distinct_copies() -> None:
    score = solo(0, lowest=60, highest=70)
    rows = [row("a/x", interval_hash="same"), row("b/y", interval_hash="same")]
    scores = {"a/x": score, "b/y": score.transposed(2)}
    count = 40
    chosen = choose(rows, {name: Outline.of(score) for name, score in scores.items()}, count, CONFIG, 0)
    sounds = {
        (int(scores[name].pitches[0]) + variant.semitones, variant.tempo_factor)
        for name in chosen
        for variant in [Variant(0, 1.0), *chosen[name]]
    }
    assert len(sounds) == count + 2


def test_tempo_factors_that_round_to_the_same_percentage_have_distinct_names() -> None:
    """Regression: 0.975 and 0.98 both became x98, and one copy overwrote the other."""
    names = [Variant(0, factor).suffix for factor in (0.9, 0.95, 0.975, 0.98, 1.1)]
    assert names == ["__+0_x90", "__+0_x95", "__+0_x97.5", "__+0_x98", "__+0_x110"]


@pytest.mark.parametrize("target", [5, 5000])
def test_an_impossible_target_is_refused_with_the_possible_range(
    corpus: tuple[list[SoloRow], dict[str, str], Path], tmp_path: Path, target: int
) -> None:
    rows, splits, ingested = corpus
    found = rf"4 training solos give 0 … \d+ copies, found one that needs {target - 6}; write 6 to (\d+), or allow more"
    with pytest.raises(InputError, match=found) as refused:
        augment(rows, ingested, splits, tmp_path / "out", replace(CONFIG, target_size=target), 0)
    largest = int(re.search(found, str(refused.value))[1])
    assert augment(rows, ingested, splits, tmp_path / "out", replace(CONFIG, target_size=largest), 0) == largest


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (
            {"pitch_ranges": {"65": (49, 84)}},
            "^params.yaml: augment.pitch_ranges: expected a range for `other`, too, found a section of 65$",
        ),
        (
            {"pitch_ranges": {"alto": (49, 84), "other": (0, 127)}},
            "augment.pitch_ranges.alto: expected a MIDI program or `other`, found 'alto'",
        ),
        ({"pitch_ranges": {"other": (84, 49)}}, r"^params.yaml: augment.pitch_ranges.other: .* found \[84, 49\]"),
        ({"tempo_factors": (1.0, 0.0)}, r"^params.yaml: augment.tempo_factors\[1\]: expected above 0"),
        ({"tempo_range": (360, 40)}, r"augment.tempo_range: .* found \[360, 40\]"),
        ({"tempo_range": (40,)}, "^params.yaml: augment.tempo_range: expected lowest, highest"),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        replace(CONFIG, **change)


def test_73_real_solos_become_exactly_1000(ingested: Path, real_solos: dict[str, Score], root: Path) -> None:
    rows = read_solos(ingested, ["parker", "coltrane"])
    config = read_section("augment", AugmentConfig, root / "params.yaml")
    splits = split_solos(rows, ingested, read_section("split", SplitConfig, root / "params.yaml")).splits
    parents = [entry for entry in rows if splits[entry.solo] == "train"]
    outlines = {name: Outline.of(score) for name, score in real_solos.items()}
    chosen = choose(parents, outlines, config.target_size - len(rows), config, 0)
    numbers = [len(set(copies)) for copies in chosen.values()]
    assert len(rows) + sum(numbers) == config.target_size == 1000
    assert max(numbers) - min(numbers) == 1


def test_the_encode_stage_can_read_the_manifest(
    corpus: tuple[list[SoloRow], dict[str, str], Path], tmp_path: Path
) -> None:
    rows, splits, ingested = corpus
    augment(rows, ingested, splits, tmp_path / "out", CONFIG, 0)
    with (tmp_path / "out" / "manifest.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    columns = "copy solo path split role artist title tune_group key form notes bars semitones tempo_factor"
    assert list(table[0]) == columns.split()
    assert [entry["copy"] for entry in table] == [copy.copy for copy in read_copies(tmp_path / "out")]
    assert copy_row(rows[0], Variant(3, 1.1), "train", "target").path == "scores/a/tune0__+3_x110.mid"
