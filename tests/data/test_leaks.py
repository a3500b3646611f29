"""Nothing of a held-out tune is trained on: no copy, no other transcription, no long stretch of it.

Two solos leak into each other when they share more than 13 % of the shorter one's interval 10-grams, or a run of 32
intervals. Measured on the real solos: different tunes share under 9 % and runs of at most 29, transcriptions of one
solo 20 % and more, and runs up to 56. Intervals are the same in every key, so a transposed copy is found as well.
"""

import csv
from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from solo_rows import row, solo, write_ingested

from yardbird.config import read_section
from yardbird.data.augmentation import AugmentConfig, augment
from yardbird.data.manifest import SoloRow, read_solos
from yardbird.data.splitting import SplitConfig, interval_grams, split_solos
from yardbird.music.midi import read_score, write_score

SHARE, LONG_RUN = 0.13, 32


def leaks(augmented: Path) -> list[str]:
    """The parts of held-out tunes that the training split of an augmented corpus contains."""
    with (augmented / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = [
        f"{entry['copy']} is held out and copied" for entry in rows if entry["split"] != "train" and is_copy(entry)
    ]
    trained = [entry for entry in rows if entry["split"] == "train"]
    held_out = [entry for entry in rows if entry["split"] != "train"]
    for name in ("solo", "tune_group"):
        both = {entry[name] for entry in trained} & {entry[name] for entry in held_out}
        found += [f"{name} {value} is in two splits" for value in sorted(both)]
    pitches = {entry["copy"]: read_score(augmented / entry["path"]).pitches for entry in rows}
    grams = {copy: interval_grams(line) for copy, line in pitches.items()}
    runs = {copy: interval_grams(line, LONG_RUN) for copy, line in pitches.items()}
    for one, other in product([entry["copy"] for entry in trained], [entry["copy"] for entry in held_out]):
        share = len(grams[one] & grams[other]) / max(1, min(len(grams[one]), len(grams[other])))
        if share > SHARE or runs[one] & runs[other]:
            found.append(f"{one} shares {share:.0%} with {other}")
    return found


def is_copy(entry: Mapping[str, str]) -> bool:
    return (int(entry["semitones"]), float(entry["tempo_factor"])) != (0, 1.0)


@pytest.fixture
def augmented(tmp_path: Path, root: Path) -> Path:
    """60 synthetic tunes, every sixth with a second transcription under another name, split and augmented to 150."""
    rows: list[SoloRow] = [row(f"a/tune{i:02}") for i in range(60)]
    scores = {entry.solo: solo(i, notes=80) for i, entry in enumerate(rows)}
    for i in range(0, 60, 6):
        other = solo(100 + i, notes=80)
        notes = np.concatenate([scores[f"a/tune{i:02}"].notes[:40], other.notes[40:]])
        rows.append(row(f"b/other{i:02}"))
        scores[rows[-1].solo] = replace(other, notes=notes).transposed(2)
    rows = write_ingested(tmp_path / "ingested", scores, rows)
    splits = split_solos(rows, tmp_path / "ingested", read_section("split", SplitConfig, root / "params.yaml")).splits
    config = replace(read_section("augment", AugmentConfig, root / "params.yaml"), target_size=150)
    augment(rows, tmp_path / "ingested", splits, tmp_path / "augmented", config, 0)
    return tmp_path / "augmented"


def plant(augmented: Path, change: Mapping[str, str], *, of: str, into: str) -> None:
    """Add a row: the first solo of a split, with changes, as one of another split."""
    with (augmented / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    source = next(entry for entry in rows if entry["split"] == of)
    planted = {**source, "copy": "planted", "solo": "planted", "tune_group": "planted", "split": into, **change}
    with (augmented / "manifest.csv").open("a", newline="") as file:
        csv.DictWriter(file, list(source), lineterminator="\n").writerow(planted)


def test_the_split_and_augmented_corpus_leaks_nothing(augmented: Path) -> None:
    assert leaks(augmented) == []


def test_a_copy_of_a_held_out_tune_under_another_name_is_caught(augmented: Path) -> None:
    plant(augmented, {}, of="test", into="train")
    assert any("planted shares 100% with" in leak for leak in leaks(augmented))


def test_an_augmented_held_out_tune_is_caught(augmented: Path) -> None:
    plant(augmented, {"semitones": "3"}, of="validation", into="validation")
    assert "planted is held out and copied" in leaks(augmented)


def test_a_tune_group_in_two_splits_is_caught(augmented: Path) -> None:
    with (augmented / "manifest.csv").open(newline="") as file:
        group = next(entry["tune_group"] for entry in csv.DictReader(file) if entry["split"] == "train")
    plant(augmented, {"tune_group": group}, of="test", into="test")
    assert f"tune_group {group} is in two splits" in leaks(augmented)


def test_a_long_run_of_a_held_out_tune_in_another_key_is_caught(augmented: Path) -> None:
    with (augmented / "manifest.csv").open(newline="") as file:
        path = next(entry["path"] for entry in csv.DictReader(file) if entry["split"] == "test")
    quoted = read_score(augmented / path).transposed(-1)
    stranger = solo(999, notes=400)
    notes = stranger.notes.copy()
    notes["pitch"][100:133] = quoted.notes["pitch"][:33]
    write_score(replace(stranger, notes=notes), augmented / "scores" / "a" / "quoting.mid")
    plant(augmented, {"path": "scores/a/quoting.mid"}, of="train", into="train")
    assert any("planted shares" in leak for leak in leaks(augmented))


def test_the_real_solos_leak_nothing(ingested: Path, tmp_path: Path, root: Path) -> None:
    rows = read_solos(ingested, ["parker", "coltrane"])
    splits = split_solos(rows, ingested, read_section("split", SplitConfig, root / "params.yaml")).splits
    config = replace(read_section("augment", AugmentConfig, root / "params.yaml"), target_size=150)
    augment(rows, ingested, splits, tmp_path, config, 0)
    assert leaks(tmp_path) == []
