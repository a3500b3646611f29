import csv
import os
from dataclasses import replace
from pathlib import Path, PurePath

import mido
import numpy as np
import pytest
from notated import harmony, musicxml, notes, part_of, save

from yardbird.data.ingest import Survey, ingest, survey
from yardbird.data.manifest import Entry
from yardbird.data.reading import IngestConfig
from yardbird.data.tunes.names import metadata
from yardbird.errors import ConfigError, InputError
from yardbird.files import sha256
from yardbird.music.midi import read_raw, read_score


def tune(shift: int = 0, seed: int = 0, count: int = 20) -> list[tuple[float, float, int]]:
    steps = np.random.default_rng(seed).integers(0, 12, count).tolist()
    return [(i, 0.5, 60 + step + shift) for i, step in enumerate(steps)]


def reasons(found: Survey) -> dict[str, str]:
    return {row.file: row.reason for row in found.rejected}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_folders_are_searched_for_every_kind_of_midi_file(tmp_path: Path, write_midi, config) -> None:
    for seed, name in enumerate(["a.mid", "deep/er/b.MIDI", "deep/c.Kar", "notes.txt", "deep/.hidden/d.mid"]):
        write_midi(tmp_path / "bird" / name, tune(seed=seed))
    found = survey(tmp_path / "bird", "mine", config)
    assert [solo.row.file for solo in found.used] == ["a.mid", "deep/c.Kar", "deep/er/b.MIDI"]
    assert [solo.row.artist for solo in found.used] == ["bird", "deep", "er"]
    assert found.rejected == ()


def test_music_that_is_not_read_is_listed_with_a_remedy(tmp_path: Path, write_midi, config) -> None:
    write_midi(tmp_path / "a.mid", tune())
    (tmp_path / "Song.band/Media").mkdir(parents=True)
    write_midi(tmp_path / "Song.band/Media/inside.mid", tune(seed=3))
    write_midi(tmp_path / "without_ending", tune(seed=4))
    write_midi(tmp_path / "solo.mid.bak", tune(seed=5))
    remedies = {
        "sub/a.mscz": "open it in MuseScore and export it as MusicXML",
        "sub/b.GP5": "open it in Guitar Pro or MuseScore and export it as MusicXML",
        "c.sib": "open it in its program and export the solo as MusicXML or MIDI",
        "d.musx": "open it in its program and export the solo as MusicXML or MIDI",
        "e.nwc": "open it in its program and export the solo as MusicXML or MIDI",
        "f.als": "export the track of the soloist as MIDI",
        "g.pdf": "read it into a notation program (optical music recognition) and export MusicXML",
        "h.wav": "transcribe it to MIDI; `audio.source` names the folder of recordings for musicgen",
        "i.zip": "unpack it, and delete it",
        "Song.band": "export the track of the soloist as MIDI",
        "without_ending": "give it the suffix .mid",
        "solo.mid.bak": "give it the suffix .mid",
    }
    for name in remedies:
        path = tmp_path / name
        if not path.exists():
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"something")
    for name in ("notes.txt", "._a.mid", "cover.jpg", "manifest.csv", "Thumbs.db"):
        (tmp_path / name).write_bytes(b"file\n")
    found = survey(tmp_path, "mine", config)
    assert [solo.row.file for solo in found.used] == ["a.mid"]
    assert {row.file: row.remedy for row in found.rejected} == remedies
    assert reasons(found)["c.sib"].endswith("found a Sibelius score")


def test_a_manifest_that_names_an_unread_file_gives_a_one_line_error(tmp_path: Path, write_midi, config) -> None:
    write_midi(tmp_path / "a.mid", tune())
    (tmp_path / "b.mscz").write_bytes(b"something")
    (tmp_path / "manifest.csv").write_text("file,title\na.mid,A\nb.mscz,B\n")
    assert [row.file for row in survey(tmp_path, "mine", config).rejected] == ["b.mscz"]


def test_notation_and_midi_files_are_read_and_each_tune_of_a_book_is_a_solo(tmp_path: Path, write_midi, config) -> None:
    write_midi(tmp_path / "a.mid", tune())
    measures = [notes("C4", "E4", "G4", "E4"), notes("D4", "F4", "A4", "F4")]
    save(tmp_path / "b.musicxml", musicxml(part_of([harmony("C", "major-sixth") + measures[0], measures[1]])))
    save(
        tmp_path / "book.abc",
        "X:1\nT:One\nL:1/4\nK:C\nCDEF|\n\nX:2\nT:Two\nL:1/4\nK:C\nGABc|\n\nX:3\nT:Rest\nK:C\nz4|\n",
    )
    save(tmp_path / "single.abc", "X:7\nT:Inside\nL:1/4\nK:C\nGFED|\n")
    (tmp_path / "manifest.csv").write_text("file,artist\nbook.abc#2,Otto\nb.musicxml,Nelly\na.mid,\n")
    found = survey(tmp_path, "mine", config)
    rows = {solo.row.file: solo.row for solo in found.used}
    assert {file: (row.solo, row.artist, row.title) for file, row in rows.items()} == {
        "a.mid": ("mine/a", tmp_path.name.replace("_", " "), "a"),
        "b.musicxml": ("mine/b", "Nelly", "b"),
        "book.abc#1": ("mine/book_1", tmp_path.name.replace("_", " "), "One"),
        "book.abc#2": ("mine/book_2", "Otto", "Two"),
        "single.abc": ("mine/single", tmp_path.name.replace("_", " "), "single"),
    }
    assert rows["b.musicxml"].chord_coverage == 1.0
    assert reasons(found) == {"book.abc#3": "expected a melody, found no notes"}
    assert "not_in_manifest" in rows["book.abc#1"].flags
    assert "not_in_manifest" not in rows["book.abc#2"].flags


def test_ingestion_writes_scores_a_manifest_and_the_rejected(tmp_path: Path, write_midi, config) -> None:
    write_midi(tmp_path / "in/Kim_1.mid", tune(), [(0, mido.MetaMessage("marker", text="F7"))])
    (tmp_path / "in/bad.mid").write_bytes(b"RIFF")
    ingest(tmp_path / "in", "mine", config, tmp_path / "ingested/mine")
    (row,) = rows_of(tmp_path / "ingested/mine/manifest.csv")
    assert (row["solo"], row["path"], row["tune_group"]) == ("mine/Kim_1", "mine/scores/Kim_1.mid", "kim")
    assert (row["notes"], row["bars"], row["chord_coverage"]) == ("20", "5", "1.0")
    score = read_score(tmp_path / "ingested" / row["path"])
    assert len(score.notes) == 20
    (rejected,) = rows_of(tmp_path / "ingested/mine/rejected.csv")
    assert rejected["file"] == "bad.mid"
    assert "does not start with MThd" in rejected["reason"]


def test_the_same_folder_gives_the_same_bytes(tmp_path: Path, write_midi, config) -> None:
    for seed in range(3):
        write_midi(tmp_path / f"in/{seed}.mid", tune(seed=seed))
    for out in ("one", "two"):
        ingest(tmp_path / "in", "mine", config, tmp_path / out / "mine")
    files = [path.relative_to(tmp_path / "one") for path in sorted((tmp_path / "one").rglob("*")) if path.is_file()]
    assert len(files) == 5
    assert [sha256(tmp_path / "one" / file) for file in files] == [sha256(tmp_path / "two" / file) for file in files]


def test_the_last_good_output_is_kept_if_no_file_is_usable(tmp_path: Path, write_midi, config) -> None:
    write_midi(tmp_path / "in/a.mid", tune())
    out = tmp_path / "ingested/mine"
    ingest(tmp_path / "in", "mine", config, out)
    (tmp_path / "in/a.mid").write_bytes(b"")
    with pytest.raises(InputError, match=r"at least one usable file.*found 1 unusable.*an empty file"):
        ingest(tmp_path / "in", "mine", config, out)
    assert (out / "scores/a.mid").exists()
    assert [path.name for path in out.parent.iterdir()] == ["mine"], "no draft remains"


@pytest.mark.parametrize(("name", "found"), [("absent", "found no such folder"), ("file", "found a file")])
def test_a_path_that_is_not_a_folder_gives_a_one_line_error(tmp_path: Path, config, name: str, found: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=found):
        survey(tmp_path / name, "mine", config)


def test_an_empty_folder_gives_a_one_line_error(tmp_path: Path, config) -> None:
    with pytest.raises(InputError, match="found 0 unusable"):
        ingest(tmp_path, "mine", config, tmp_path / "out")


def test_an_exact_copy_is_rejected_with_the_name_of_the_first(tmp_path: Path, write_midi, config) -> None:
    write_midi(tmp_path / "a.mid", tune())
    write_midi(tmp_path / "b.mid", tune(), ticks_per_beat=96, program=0)
    found = survey(tmp_path, "mine", config)
    assert [solo.row.file for solo in found.used] == ["a.mid"]
    assert reasons(found) == {"b.mid": "expected a different solo, found the same notes as a.mid"}


def test_the_file_with_chords_is_used_if_two_files_have_the_same_notes(tmp_path: Path, write_midi, config) -> None:
    """Regression: the first by name was used, and the chords of the other were lost."""
    write_midi(tmp_path / "a.mid", tune())
    write_midi(tmp_path / "b.mid", tune(), [(0, mido.MetaMessage("marker", text="F7"))])
    write_midi(tmp_path / "c.mid", tune())
    found = survey(tmp_path, "mine", config)
    assert [solo.row.file for solo in found.used] == ["b.mid"]
    reason = "expected a different solo, found the same notes as b.mid"
    assert reasons(found) == {"a.mid": reason, "c.mid": reason}


def test_a_transposed_copy_is_kept_and_its_group_joins_the_group_of_the_first(
    tmp_path: Path, write_midi, config
) -> None:
    write_midi(tmp_path / "Anthropology.mid", tune())
    write_midi(tmp_path / "Thriving.mid", tune(shift=-3))
    write_midi(tmp_path / "Thriving 2.mid", tune(seed=5))
    write_midi(tmp_path / "Visa.mid", tune(seed=6))
    found = survey(tmp_path, "mine", config)
    groups = {solo.row.file: solo.row.tune_group for solo in found.used}
    assert groups["Thriving.mid"] == groups["Thriving 2.mid"] == groups["Anthropology.mid"] == "thrivingfromariff"
    assert groups["Visa.mid"] == "visa"
    flags = {solo.row.file: solo.row.flags for solo in found.used}
    assert "transposed_copy_of:mine/Anthropology" in flags["Thriving.mid"]


def test_metadata_come_from_the_manifest_if_it_has_them(tmp_path: Path, write_midi, config) -> None:
    write_midi(tmp_path / "sub/a.mid", tune())
    write_midi(tmp_path / "b.mid", tune(seed=1))
    (tmp_path / "manifest.csv").write_text(
        "file,artist,title,tune_group,key,form,licence\nsub/a.mid,Parker,Ko-Ko,Cherokee,H-dur,AABA,mine\n"
        "gone.mid,,,,,,\n../b.mid,,,,,,\n"
    )
    found = survey(tmp_path, "mine", config)
    rows = {solo.row.file: solo.row for solo in found.used}
    row = rows["sub/a.mid"]
    assert (row.artist, row.title, row.tune_group, row.form) == ("Parker", "Ko-Ko", "cherokee", "AABA")
    assert {"manifest_key_unread", "key_estimated"} <= set(row.flags.split("|"))
    assert "not_in_manifest" in rows["b.mid"].flags
    assert all("no such music file" in reason for reason in reasons(found).values())
    assert set(reasons(found)) == {"gone.mid", "../b.mid"}


def test_each_folder_may_have_its_own_manifest(tmp_path: Path, write_midi, config) -> None:
    write_midi(tmp_path / "bird/a.mid", tune())
    (tmp_path / "bird/manifest.csv").write_text("file,artist\na.mid,Charlie Parker\n")
    (solo,) = survey(tmp_path, "mine", config).used
    assert solo.row.artist == "Charlie Parker"
    assert "not_in_manifest" not in solo.row.flags


def test_names_become_portable_and_unique(tmp_path: Path, write_midi, config) -> None:
    names = ["Kim.mid", "kim.kar", "x/Kim.mid", "y/Kim.mid", "né \"quoted\" & 'odd' ♭.mid", "..mid", "a,b\nc.mid"]
    for seed, name in enumerate(names):
        write_midi(tmp_path / name, tune(seed=seed))
    found = survey(tmp_path, "mine", config)
    assert len(found.used) == len(names)
    stems = [Path(solo.row.path).stem for solo in found.used]
    assert len({stem.casefold() for stem in stems}) == len(names)
    assert {"x__Kim", "y__Kim"} <= set(stems)
    assert all(letter.isalnum() or letter in "-_" for stem in stems for letter in stem)
    ingest(tmp_path, "mine", config, tmp_path.parent / "out/mine")
    assert {row["file"] for row in rows_of(tmp_path.parent / "out/mine/manifest.csv")} == set(names)


def test_links_pipes_and_unreadable_files_are_listed_and_do_not_block(
    tmp_path: Path, write_midi, config, monkeypatch
) -> None:
    write_midi(tmp_path / "in/a.mid", tune())
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    (tmp_path / "in/broken.mid").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "in/pipe.mid")
    (tmp_path / "in/folder.mid").mkdir()
    locked = write_midi(tmp_path / "in/locked.mid", tune(seed=1))
    opened = Path.open

    def refuse(path: Path, *args, **kwargs):
        if path == locked:  # a mode of 000 would not stop the superuser
            raise PermissionError(13, "Permission denied")
        return opened(path, *args, **kwargs)

    monkeypatch.setattr(Path, "open", refuse)
    found = survey(tmp_path / "in", "mine", config)
    assert [solo.row.file for solo in found.used] == ["a.mid"]
    listed = reasons(found)
    assert set(listed) == {"broken.mid", "pipe.mid", "locked.mid"}
    assert "a broken link" in listed["broken.mid"]
    assert "no regular file" in listed["pipe.mid"]
    assert "Permission denied" in listed["locked.mid"]


def test_an_unreadable_folder_is_listed(tmp_path: Path, write_midi, config, monkeypatch) -> None:
    """Regression: the folder and all its solos were skipped silently."""
    write_midi(tmp_path / "in/a.mid", tune())
    write_midi(tmp_path / "in/deep/closed/b.mid", tune(seed=1))
    scandir = os.scandir

    def refuse_closed(path):
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse_closed)  # permissions do not bind root, who may run the tests
    found = survey(tmp_path / "in", "mine", config)
    assert [solo.row.file for solo in found.used] == ["a.mid"]
    assert reasons(found) == {"deep/closed": "expected a readable folder, found Permission denied"}


@pytest.mark.parametrize(
    "change", [{"min_notes": 0}, {"min_bars": 0}, {"max_bars": 3}, {"chord_share": 0.0}, {"chord_share": 1.5}]
)
def test_invalid_settings_are_refused(ingest_config: IngestConfig, change: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=f"^params.yaml: ingest.{next(iter(change))}: expected"):
        replace(ingest_config, **change)


def test_a_polyphonic_part_is_flagged_and_its_lost_notes_are_counted(tmp_path: Path, write_midi, config) -> None:
    chords = [(beat, 1, pitch) for beat in range(8) for pitch in (48, 55, 64 + beat % 3)]
    write_midi(tmp_path / "a.mid", chords, program=0)
    (solo,) = survey(tmp_path, "mine", config).used
    assert (solo.row.notes, solo.row.reduced_notes) == (8, 16)
    assert "polyphonic" in solo.row.flags


@pytest.fixture(scope="module")
def real(shared: Path, ingest_config: IngestConfig) -> dict[str, Survey]:
    return {source: survey(shared / source, source, ingest_config) for source in ("parker", "coltrane", "nottingham")}


@pytest.mark.parametrize(("source", "count"), [("parker", 58), ("coltrane", 15), ("nottingham", 100)])
def test_every_file_of_the_real_folders_is_used(real: dict[str, Survey], source: str, count: int) -> None:
    assert (len(real[source].used), real[source].rejected) == (count, ())


@pytest.mark.parametrize("source", ["parker", "coltrane"])
def test_no_note_of_a_real_solo_is_lost_or_changed(shared: Path, real: dict[str, Survey], source: str) -> None:
    for solo in real[source].used:
        (part,) = read_raw(shared / source / solo.row.file).parts
        score = solo.score
        first_bar = int(part.notes["onset_tick"][0] - score.onsets[0])
        assert np.array_equal(score.onsets + first_bar, part.notes["onset_tick"])
        for column in ("duration_tick", "pitch", "velocity"):
            assert np.array_equal(score.notes[column], part.notes[column])
        counts = (solo.row.reduced_notes, solo.row.trimmed_overlaps, solo.row.unended_notes)
        assert counts == (0, 0, 0)
        assert solo.row.chord_coverage > 0.95
        assert solo.row.key


def test_every_fixture_ingests_or_is_listed_with_its_reason(shared: Path, ingest_config: IngestConfig) -> None:
    found = survey(shared / "fixtures", "fixtures", ingest_config)
    assert {Path(solo.row.file).name for solo in found.used} == {"example.mid", "test-karaoke-kar.mid"}
    listed = {Path(file).name.removeprefix("test-").removesuffix(".mid"): why for file, why in reasons(found).items()}
    expected = {
        "2-tracks-type-0": "found 8",
        "2-tracks-type-1": "found 8",
        "corrupt-file-missing-byte": "found 8",
        "empty": "no notes",
        "empty-file": "an empty file",
        "illegal-message-fd": "found 8",
        "multichannel-chords-1": "found 8",
        "not-a-midi-file": "does not start with MThd",
        "silence-end-of-track": "no notes",
        "smpte-offset": "found 8",
        "vlq-4-byte": "found 8",
    }
    assert listed.keys() == expected.keys()
    assert [name for name in expected if expected[name] not in listed[name]] == []


def test_titles_alone_group_the_takes_as_the_manifest_does(real: dict[str, Survey]) -> None:
    """Without the manifest, takes still share a group; contrafacts and other spellings are unknown."""
    known = {solo.row.file: solo.row.tune_group for solo in real["parker"].used}
    guessed = {file: metadata(Entry(), PurePath(file), "parker").tune_group for file in known}
    together = [(a, b) for a in known for b in known if a < b and known[a] == known[b]]
    split_apart = [pair for pair in together if guessed[pair[0]] != guessed[pair[1]]]
    assert len(together) - len(split_apart) >= 9
    merged = [(a, b) for a in known for b in known if a < b and known[a] != known[b] and guessed[a] == guessed[b]]
    assert merged == []


def test_the_manifest_can_choose_part_and_transposition_and_the_unused_parts_are_listed(
    tmp_path: Path, write_midi, config: IngestConfig
) -> None:
    guitar = [(i / 2, 0.5, 55 + i * 5 % 12) for i in range(40)]
    bass = [(i, 1, 36 + i * 5 % 12) for i in range(24)]
    for name in ("a", "b", "c", "d", "e"):  # all with different notes
        lead = [*guitar[:-1], (19.5, 1, 70 + ord(name) % 5)]
        write_midi(tmp_path / f"{name}.mid", lead, parts={1: (26, guitar[:20]), 2: (32, bass)})
    rows = "file,part,transpose\na.mid,,\nb.mid,1/2,-2\nc.mid,Flute,\nd.mid,,two\ne.mid,,-99999999999\n"
    (tmp_path / "manifest.csv").write_text(rows)
    found = survey(tmp_path, "mine", config)
    a, b = (solo.row for solo in found.used)
    assert (a.part, a.parts_left, a.notes_left) == (
        "track 1, channel 1",
        "track 1, channel 3: 24 notes; track 1, channel 2: 20 notes",
        44,
    )
    assert (b.part, b.notes) == ("track 1, channel 2", 20)
    assert found.used[1].score.pitches.tolist() == [pitch - 2 for _, _, pitch in guitar[:20]]
    assert "transposed:-2" in b.flags
    assert reasons(found)["c.mid"].startswith("expected one pitched part of the file")
    assert reasons(found)["d.mid"] == "expected whole semitones, at most 127, in the column `transpose`, found 'two'"
    assert reasons(found)["e.mid"].endswith("found '-99999999999'"), "a regression: it was a traceback"
    assert [solo.row.part for solo in survey(tmp_path, "mine", config, "1/3").used][:1] == ["track 1, channel 3"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"max_left_out": 1.5}, "ingest.max_left_out: expected 0 to 1"),
        ({"no_beat_grid": "maybe"}, "ingest.no_beat_grid: expected 'reject' or 'use', found 'maybe'"),
        ({"written_pitch": ""}, "ingest.written_pitch: expected 'flag' or 'correct', found ''"),
    ],
)
def test_invalid_settings_of_the_line_are_refused(
    ingest_config: IngestConfig, change: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        replace(ingest_config, **change)
