"""The rendered corpus: the choice of solos, their captions, and no copies of held-out solos."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from solo_rows import row, solo, write_ingested

from yardbird.audio.wave import read_wave
from yardbird.config import read_section
from yardbird.data.augmentation import AugmentConfig, augment
from yardbird.data.cutting import Made, make_clips
from yardbird.data.rendering import chosen
from yardbird.data.source_sounds import AudioConfig
from yardbird.data.splitting import SplitConfig
from yardbird.errors import InputError
from yardbird.tables.copies_table import CopyRow

Make = Callable[..., Made]


@pytest.fixture
def make(tmp_path: Path, root: Path) -> Make:
    """Clips of a small corpus: four training solos with eight copies, one validation solo, one test solo."""
    names = [f"a/tune{number}" for number in range(6)]
    scores = {name: solo(number, qpm=200) for number, name in enumerate(names)}
    rows = [replace(row(name), form="Rhythm changes" if name == "a/tune0" else "") for name in names]
    rows[1] = replace(rows[1], key="")
    rows = write_ingested(tmp_path / "ingested", scores, rows)
    splits = {name: ("validation" if name == "a/tune4" else "test" if name == "a/tune5" else "train") for name in names}
    config = replace(read_section("augment", AugmentConfig, root / "params.yaml"), target_size=14)
    augment(rows, tmp_path / "ingested", splits, tmp_path / "augmented", config, 0)
    (tmp_path / "recordings").mkdir()
    (tmp_path / "recordings" / "README.md").write_text("none yet")

    def clips(seconds: float = 1000.0, **changes: object) -> Made:
        audio = AudioConfig(str(tmp_path / "recordings"), 16_000, 8.0, 2.0, seconds, "Be-bop", False, -17.0, None, None)
        split = SplitConfig(0.2, 0.2, 0, 0.13)
        return make_clips(tmp_path / "augmented", tmp_path / "clips", replace(audio, **changes), split, 0)  # type: ignore[arg-type]

    return clips


def test_captions_have_the_key_and_the_tempo_of_the_sound(make: Make) -> None:
    result = make()
    copies = [clip for clip in result.clips if clip.solo == "a/tune0" and clip.semitones]
    assert copies
    for clip in copies:
        tonic = ("F", "Gb", "G", "Ab", "A", "Bb", "B", "C", "Db", "D", "Eb", "E")[clip.semitones % 12]
        full = clip.captions[0]
        bpm = int(200 * clip.tempo_factor / 10 + 0.5) * 10
        names = [
            f"Be-bop alto saxophone solo in {name}, rhythm changes, {bpm} bpm, by Ada Line" for name in (tonic, "F#")
        ]
        assert full == names[0] or (tonic == "Gb" and full == names[1])
        assert float(clip.qpm) == pytest.approx(200 * clip.tempo_factor, rel=1e-4)


def test_a_missing_key_is_estimated_from_the_notes_and_a_missing_form_stays_empty(make: Make) -> None:
    clip = next(clip for clip in make().clips if clip.clip == "a/tune1__000")
    assert clip.key.endswith(("major", "minor"))
    assert clip.form == ""
    assert clip.captions[0].startswith("Be-bop alto saxophone solo in ")
    assert len(clip.captions[0].split(", ")) == 3  # no form


def test_no_clip_of_a_held_out_tune_is_trained_on_and_none_of_it_is_a_copy(make: Make) -> None:
    clips = make().clips
    for name in ("solo", "tune_group"):
        splits = {
            split: {getattr(clip, name) for clip in clips if clip.split == split}
            for split in ("train", "validation", "test")
        }
        assert all(splits.values())
        assert not splits["train"] & (splits["validation"] | splits["test"])
    assert {(clip.semitones, clip.tempo_factor) for clip in clips if clip.split != "train"} == {(0, 1.0)}


def test_two_runs_give_the_same_bytes_and_the_files_match_the_table(make: Make, tmp_path: Path) -> None:
    def content() -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in (tmp_path / "clips").rglob("*") if path.is_file()}

    result = make()
    first = content()
    assert len(first) == len(result.clips) + 2
    make()
    assert content() == first
    for clip in result.clips:
        wave = read_wave(tmp_path / "clips" / clip.path)
        assert (wave.sample_rate, wave.samples.shape[1]) == (16_000, 1)
        assert wave.seconds == pytest.approx(clip.seconds, abs=2 / 16_000)


def test_a_solo_of_the_corpus_can_be_given_a_caption_and_facts(make: Make, tmp_path: Path) -> None:
    table = "file,caption,artist,key\na/tune0,My own words in G,Bea Flat,G\na/none,,,\n"
    (tmp_path / "recordings" / "captions.csv").write_text(table)
    result = make()
    own = [clip for clip in result.clips if clip.solo == "a/tune0"]
    assert {clip.artist for clip in own} == {"Bea Flat"}
    for clip in own:
        original = (clip.semitones, clip.tempo_factor) == (0, 1.0)
        assert (clip.captions == ("My own words in G",)) == original
    assert [(reject.file, reject.reason) for reject in result.rejected] == [
        ("a/none", "named in captions.csv, but missing")
    ]


def test_comping_is_in_the_sound_and_in_the_caption(make: Make, tmp_path: Path) -> None:
    alone = make(1.0)
    samples = read_wave(tmp_path / "clips" / alone.clips[0].path).mono
    band = make(1.0, comping=True)
    assert "solo with piano and bass in" in band.clips[0].captions[0]
    assert not np.array_equal(read_wave(tmp_path / "clips" / band.clips[0].path).mono, samples)


def copy(number: int, split: str, semitones: int) -> CopyRow:
    name = f"{split}{number}"
    suffix = f"__{semitones:+d}_x100" if semitones else ""
    path, nothing = "", ""
    return CopyRow(
        name + suffix, name, path, split, "target", nothing, nothing, name, nothing, nothing, 1, 1, semitones, 1.0
    )


@given(st.floats(1, 400), st.lists(st.floats(5, 60), min_size=1, max_size=8), st.integers(0, 5))
def test_originals_come_before_copies_and_the_limit_of_seconds_is_kept(
    cap: float, lengths: list[float], seed: int
) -> None:
    copies = [copy(number, "train", step) for number in range(len(lengths)) for step in (0, 1, 2)] + [
        copy(0, "test", 0)
    ]
    seconds = {f"train{number}": length for number, length in enumerate(lengths)} | {"test0": 1000.0}
    rows = chosen(copies, seconds, cap, seed)
    assert rows == [entry for entry in copies if entry in rows]  # in order
    trained = [entry for entry in rows if entry.split == "train"]
    assert len(rows) == len(trained) + 1
    assert trained
    assert len(trained) == 1 or sum(seconds[entry.solo] for entry in trained) <= cap
    originals = sum(entry.is_original for entry in trained)
    assert originals == len(trained) or originals == len(lengths)


def test_without_a_corpus_or_a_folder_the_error_names_what_is_missing(make: Make, tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"expected a folder of recordings, found no such folder; correct audio.source"
    ):
        make(source=str(tmp_path / "absent"))
    (tmp_path / "augmented" / "manifest.csv").unlink()
    with pytest.raises(InputError, match=r"manifest\.csv: expected a file that an earlier stage writes"):
        make()


def test_the_manifest_of_rejects_is_written_even_if_empty(make: Make, tmp_path: Path) -> None:
    make(1.0)
    with (tmp_path / "clips" / "rejected.csv").open(newline="") as file:
        assert csv.DictReader(file).fieldnames == ["file", "reason"]
