"""The packed corpus has every solo in full, and the report counts what the grid lost."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from event_scores import CONFIG
from solo_rows import row, solo, write_ingested

from yardbird.codecs.encoded_corpus import encode_corpus
from yardbird.codecs.events import EventCodec
from yardbird.codecs.melody import MelodyCodec, MelodyConfig
from yardbird.codecs.vocabulary import EncodeConfig
from yardbird.config import read_section
from yardbird.data.augmentation import AugmentConfig, augment
from yardbird.errors import InputError
from yardbird.music.midi import read_score
from yardbird.music.score import Meter, Score, make_notes

MELODY = MelodyConfig(steps_per_beat=12, segment_beats=4, velocities=16)
AUGMENT = AugmentConfig(12, 1, (-1, 0, 1, 2), (0.9, 1.0), (40, 360), {"other": (0, 127)})


def write_augmented(folder: Path, change: dict[str, Score] | None = None) -> Path:
    """Three training solos by Ada, a validation solo by Bo and a test solo by Cy, with copies: 12 files."""
    artists = ["Ada Line", "Ada Line", "Ada Line", "Bo Dense", "Cy Slow"]
    rows = [row(f"{'ab'[i % 2]}/tune{i}", artist=artist) for i, artist in enumerate(artists)]
    scores = {entry.solo: solo(i) for i, entry in enumerate(rows)} | (change or {})
    splits = dict(zip([entry.solo for entry in rows], ["train"] * 3 + ["validation", "test"], strict=True))
    rows = write_ingested(folder / "ingested", scores, rows)
    augment(rows, folder / "ingested", splits, folder / "augmented", AUGMENT, 0)
    return folder / "augmented"


def test_the_index_gives_the_place_of_every_solo(tmp_path: Path) -> None:
    augmented = write_augmented(tmp_path)
    report = encode_corpus(augmented, tmp_path / "encoded", CONFIG)
    codec = EventCodec.load(tmp_path / "encoded" / "codec.json")
    packed = np.load(tmp_path / "encoded" / "tokens.npy", mmap_mode="r")
    assert packed.dtype == np.uint16
    with (tmp_path / "encoded" / "index.csv").open(newline="") as file:
        index = list(csv.DictReader(file))
    with (augmented / "manifest.csv").open(newline="") as file:
        paths = {entry["copy"]: entry["path"] for entry in csv.DictReader(file)}
    assert len(index) == report.corpus["files"] == 12
    end = 0
    for entry in index:
        assert int(entry["start"]) == end
        end += int(entry["length"])
        tokens = packed[int(entry["start"]) : end]
        expected = codec.grid(read_score(augmented / paths[entry["copy"]])).score
        assert codec.decode(tokens) == replace(expected, key=None)
        assert len(expected.notes) == int(entry["notes"])
    assert end == len(packed) == report.corpus["tokens"]
    assert report.corpus["longest"] == max(int(entry["length"]) for entry in index)


def test_the_index_gives_the_place_of_every_melody(tmp_path: Path) -> None:
    waltz = replace(solo(3), meters=(Meter(0, 3, 4),))
    augmented = write_augmented(tmp_path, {"b/tune1": waltz})
    report = encode_corpus(augmented, tmp_path / "encoded", MELODY)
    codec = MelodyCodec.load(tmp_path / "encoded" / "codec.json")
    names = {"steps": np.uint8, "velocities": np.uint8, "chords": np.uint16}
    packed = {name: np.load(tmp_path / "encoded" / f"{name}.npy", mmap_mode="r") for name in names}
    assert {name: array.dtype for name, array in packed.items()} == names
    with (augmented / "manifest.csv").open(newline="") as file:
        paths = {entry["copy"]: entry["path"] for entry in csv.DictReader(file)}
    with (tmp_path / "encoded" / "index.csv").open(newline="") as file:
        index = list(csv.DictReader(file))
    assert len(index) == report.corpus["files"] == 12
    end = 0
    for entry in index:
        assert int(entry["start"]) == end
        end += int(entry["length"])
        part = {name: array[int(entry["start"]) : end] for name, array in packed.items()}
        expected = codec.grid(read_score(augmented / paths[entry["copy"]])).score
        frame = codec.frame(expected)
        assert np.array_equal(part["chords"], frame.chords)
        assert codec.decode(part["steps"], part["velocities"], frame) == replace(expected, phrases=())
        assert len(expected.notes) == int(entry["notes"])
    assert all(array.shape == (report.corpus["segments"], 48) for array in packed.values())
    assert end == report.corpus["segments"]


def test_the_melody_grid_loses_less_than_one_percent_of_the_notes_of_real_solos_and_nothing_else(
    real_solos: dict[str, Score], root: Path
) -> None:
    codec = MelodyCodec(read_section("encode.melody", MelodyConfig, root / "params.yaml"))
    grids = [codec.grid(score) for score in real_solos.values()]
    lost, notes = sum(grid.merged_notes for grid in grids), sum(len(score.notes) for score in real_solos.values())
    assert notes == sum(len(grid.score.notes) for grid in grids) + lost
    assert lost < 0.01 * notes
    for grid in grids:
        melody = codec.encode_grid(grid.score)
        assert codec.decode(melody.steps, melody.velocities, melody.frame) == replace(grid.score, phrases=())


def test_only_artists_of_the_training_split_are_known(tmp_path: Path) -> None:
    encode_corpus(write_augmented(tmp_path), tmp_path / "encoded", CONFIG)
    codec = EventCodec.load(tmp_path / "encoded" / "codec.json")
    assert codec.artists == ("unknown", "Ada Line")
    packed = np.load(tmp_path / "encoded" / "tokens.npy")
    with (tmp_path / "encoded" / "index.csv").open(newline="") as file:
        named = {(entry["artist"], codec.vocabulary[packed[int(entry["start"]) + 1]]) for entry in csv.DictReader(file)}
    assert named == {
        ("Ada Line", "Artist_Ada Line"),
        ("Bo Dense", "Artist_unknown"),
        ("Cy Slow", "Artist_unknown"),
    }


def test_the_report_counts_the_losses_of_each_source_once(tmp_path: Path) -> None:
    crowded = Score(480, make_notes([(0, 10, 60, 90), (10, 400, 62, 90), (480, 400, 64, 90)]), 960)
    report = encode_corpus(write_augmented(tmp_path, {"a/tune0": crowded}), tmp_path / "encoded", CONFIG)
    first, second = report.sources["a"], report.sources["b"]
    assert (first["files"], first["notes"], first["merged_notes"]) == (3, 83, 1)
    assert first["merged_share"] == round(1 / 83, 6)
    assert (second["files"], second["notes"], second["merged_notes"]) == (2, 80, 0)
    with (tmp_path / "encoded" / "index.csv").open(newline="") as file:
        encoded = sum(int(entry["notes"]) for entry in csv.DictReader(file))
    assert report.corpus["notes"] == encoded + 3, "the crowded tune and its two copies have lost a note each"


@pytest.mark.parametrize(
    ("config", "arrays"), [(CONFIG, ["tokens"]), (MELODY, ["chords", "steps", "velocities"])], ids=["events", "melody"]
)
def test_two_runs_write_the_same_bytes(tmp_path: Path, config: EncodeConfig | MelodyConfig, arrays: list[str]) -> None:
    augmented = write_augmented(tmp_path)
    reports = [encode_corpus(augmented, tmp_path / name, config) for name in ("one", "two")]
    assert reports[0] == reports[1]
    names = sorted(["index.csv", "codec.json", "sources.csv", *(f"{name}.npy" for name in arrays)])
    for folder in ("one", "two"):
        assert sorted(path.name for path in (tmp_path / folder).iterdir()) == names
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize(
    ("config", "meter", "expected"),
    [
        (CONFIG, Meter(0, 9, 4), "a bar of at most 8 beats .* found meter 9/4"),
        (MELODY, Meter(0, 5, 32), "bars of a whole number of steps at 12 steps a beat, found meter 5/32"),
    ],
    ids=["events", "melody"],
)
def test_a_score_that_cannot_be_encoded_is_named(
    tmp_path: Path, config: EncodeConfig | MelodyConfig, meter: Meter, expected: str
) -> None:
    odd = write_augmented(tmp_path, {"a/tune0": replace(solo(0), meters=(meter,))})
    with pytest.raises(InputError, match=f"a/tune0: expected {expected}"):
        encode_corpus(odd, tmp_path / "encoded", config)


def test_a_corpus_without_training_solos_stops_with_one_line(tmp_path: Path) -> None:
    augmented = write_augmented(tmp_path)
    text = (augmented / "manifest.csv").read_text().replace(",train,", ",test,")
    (augmented / "manifest.csv").write_text(text)
    with pytest.raises(InputError, match="expected training solos, found none"):
        encode_corpus(augmented, tmp_path / "encoded", CONFIG)


def test_background_players_have_no_token(tmp_path: Path) -> None:
    """Only artists of the target can be requested or chosen by a model."""
    augmented = write_augmented(tmp_path)
    text = (augmented / "manifest.csv").read_text()
    lines = [
        line.replace(",target,Ada Line,", ",background,Sonny Stitt,") if line.startswith("a/tune0") else line
        for line in text.splitlines()
    ]
    (augmented / "manifest.csv").write_text("\n".join(lines) + "\n")
    encode_corpus(augmented, tmp_path / "encoded", CONFIG)
    codec = EventCodec.load(tmp_path / "encoded" / "codec.json")
    assert codec.artists == ("unknown", "Ada Line")
    packed = np.load(tmp_path / "encoded" / "tokens.npy")
    with (tmp_path / "encoded" / "index.csv").open(newline="") as file:
        index = list(csv.DictReader(file))
    assert {row["artist"] for row in index if row["role"] == "background"} == {"Sonny Stitt"}
    for entry in index:
        expected = "Ada Line" if entry["artist"] == "Ada Line" else None
        assert packed[int(entry["start"]) + 1] == codec.artist_id(expected)
