"""Folders examined as the pipeline would use them, and corrected copies of their files."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import mido
import pytest

from yardbird.cli import app
from yardbird.config import read_section
from yardbird.data.checkup import Checkup, check_up
from yardbird.data.health import read_limits
from yardbird.data.ingest import survey
from yardbird.data.reading import IngestConfig
from yardbird.data.repair import repair
from yardbird.data.validate_config import ValidateConfig
from yardbird.errors import InputError
from yardbird.files import sha256_folder
from yardbird.music.midi import read_score

BEATS = [(place / 2, 0.5, 60 + place * 5 % 17) for place in range(64)]


def examine(root: Path, *folders: Path) -> Checkup:
    sections = (
        read_section("ingest", IngestConfig, root / "params.yaml"),
        read_section("validate", ValidateConfig, root / "params.yaml"),
    )
    return check_up(folders, *sections, read_limits(root / "params.yaml"))


@pytest.fixture(scope="module")
def mine(tmp_path_factory: pytest.TempPathFactory, write_midi) -> Path:
    """Four files: an intact one, one with many faults, one that is too short, and one that is not MIDI."""
    mine = tmp_path_factory.mktemp("examined") / "mine"
    chords = [(4 * bar, mido.MetaMessage("marker", text="F7")) for bar in range(8)]
    write_midi(mine / "good.mid", BEATS, [*chords, (0, mido.MetaMessage("set_tempo", tempo=300_000))])
    metas = [
        (0, mido.MetaMessage("time_signature", numerator=9, denominator=4)),
        (0, mido.MetaMessage("set_tempo", tempo=1)),
        (0.25, mido.MetaMessage("lyrics", text="Bb7")),
    ]
    legato = [(onset, 0.75, 127 - pitch) for onset, _, pitch in BEATS]
    write_midi(mine / "odd.mid", [*legato, (2.0, 0.5, 50)], metas)
    write_midi(mine / "short.mid", BEATS[:4])
    (mine / "none.mid").write_bytes(b"<html>")
    return mine


@pytest.fixture(scope="module")
def checkup(root: Path, mine: Path) -> Checkup:
    return examine(root, mine)


@pytest.fixture
def folder(mine: Path, tmp_path: Path) -> Path:
    """A copy of the four files."""
    return shutil.copytree(mine, tmp_path / "mine")


def test_every_file_is_reported_with_what_the_pipeline_does(checkup):
    files = {file.file: file for file in checkup.files}
    assert {name: file.used for name, file in files.items()} == {
        "good.mid": True, "odd.mid": True, "short.mid": False, "none.mid": False
    }  # fmt: skip
    assert [finding.kind for finding in files["short.mid"].findings] == ["rejected"]
    assert "expected at least 16 notes, found 4" in files["short.mid"].findings[0].detail
    odd = [finding.kind for finding in files["odd.mid"].findings]
    assert {"bars_divided", "tempo_repaired", "tempo_assumed", "polyphonic", "trimmed_overlaps"} <= set(odd)
    assert {finding.where for finding in files["odd.mid"].findings} == {"mine/odd.mid"}


def test_an_artist_that_only_the_folder_names_is_found(root, folder, write_midi):
    (folder / "manifest.csv").write_text("file,artist,title\ngood.mid,Ann,Tune\nodd.mid,,Other\n")
    (folder / "Bird").mkdir()
    write_midi(folder / "Bird/tune.mid", [(onset, length, pitch + 3) for onset, length, pitch in BEATS[:32]])
    found = {
        finding.where: finding.detail
        for finding in examine(root, folder).findings
        if finding.kind == "artist_from_folder"
    }
    assert found == {"mine/odd.mid": "mine", "mine/Bird/tune.mid": "Bird"}


def test_folders_are_examined_together_and_keep_their_names_apart(root, folder, tmp_path, write_midi):
    write_midi(tmp_path / "other/mine/again.mid", BEATS, program=0)
    checkup = examine(root, folder, tmp_path / "other/mine")
    assert list(checkup.surveys) == ["mine", "mine_2"]
    found = [(finding.where, finding.detail) for finding in checkup.findings if finding.kind == "duplicate"]
    assert found == [("mine_2/again.mid", "the same notes as mine/good")]


def test_copies_have_the_same_notes_and_need_no_repair(root, checkup, folder, tmp_path):
    before = sha256_folder(folder)
    changes = repair(checkup, [folder], tmp_path / "out")
    assert sha256_folder(folder) == before
    again = examine(root, tmp_path / "out/mine")
    assert [file.file for file in again.files] == ["good.mid", "odd.mid"]
    assert {finding.kind for finding in again.findings} <= {"no_chords", "chord_coverage", "grid_loss"}
    for first, second in zip(checkup.surveys["mine"].used, again.surveys["mine"].used, strict=True):
        assert first.row.content_hash == second.row.content_hash
        assert first.score == second.score
        assert (first.row.artist, first.row.title, first.row.tune_group, first.row.key) == (
            second.row.artist, second.row.title, second.row.tune_group, second.row.key
        )  # fmt: skip
    listed = {(change.file, change.change) for change in changes}
    assert ("mine/odd.mid", "bars_divided") in listed
    assert ("mine/short.mid", "rejected") in listed
    with (tmp_path / "out/changes.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["file"], row["change"]) for row in rows] == [(change.file, change.change) for change in changes]
    assert {row["copy"] for row in rows if row["file"] == "mine/none.mid"} == {""}


@pytest.mark.parametrize(
    ("flags", "moved"),
    [("written_pitch:+2", -2), ("written_pitch:+2|transposed:-2", 0), ("written_pitch:+72", 0), ("no_chords", 0)],
)
def test_a_part_written_above_its_chords_is_copied_as_it_sounds(checkup, folder, tmp_path, flags, moved):
    good, _ = checkup.surveys["mine"].used
    flagged = replace(good.row, flags=flags)
    files = tuple(replace(file, row=flagged) if file.file == "good.mid" else file for file in checkup.files)
    changes = repair(replace(checkup, files=files), [folder], tmp_path / "out")
    copy = read_score(tmp_path / "out/mine/good.mid")
    assert (copy.pitches - good.score.pitches).tolist() == [moved] * len(copy.notes)
    assert copy.chords == good.score.chords
    transposed = [change.detail for change in changes if change.change == "transposed"]
    assert transposed == ([f"{moved:+d} semitones"] if moved else [])


def test_an_output_folder_that_could_overwrite_the_input_is_refused(folder, tmp_path):
    nowhere = Checkup({}, None, ())  # type: ignore[arg-type]  # refused before it is read
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    (tmp_path / "link").symlink_to(folder)
    for out, found in [
        (folder, f"one inside {folder}"),
        (folder / "new", f"one inside {folder}"),
        (folder / "../mine/new", f"one inside {folder}"),
        (tmp_path / "link/new", f"one inside {folder}"),
        (tmp_path, "a folder that is not empty"),
        (tmp_path / "full", "a folder that is not empty"),
        (folder / "../full/file", "a file"),
    ]:
        with pytest.raises(InputError, match=f"a new or empty folder outside the input, found {found}"):
            repair(nowhere, [folder], out)


@pytest.fixture
def doctor(root, monkeypatch, capsys):
    """Runs `yardbird doctor` in the repository and returns its output and its exit status."""
    monkeypatch.chdir(root)

    def run(*arguments: object) -> tuple[str, object]:
        with pytest.raises(SystemExit) as ended:
            app(["doctor", *map(str, arguments)])
        return capsys.readouterr().out, ended.value.code

    return run


def test_the_doctor_reports_the_corpus_first_and_then_the_files_most_severe_first(doctor, folder):
    out, code = doctor(folder)
    assert code in (0, None)
    lines = out.splitlines()
    assert lines[0] == "4 files: 2 used, 2 not"
    assert any(line.startswith("mine: 2 solos, ") for line in lines)
    assert any(line.startswith("  12 steps a beat: ") for line in lines)
    assert "  error   rejected (2): mine/none.mid, mine/short.mid" in lines
    files = [line.partition(":")[0] for line in lines if line.startswith(("used", "not "))]
    assert files == ["not   mine/none.mid", "not   mine/short.mid", "used  mine/odd.mid"]
    assert lines[-1] == "1 more file has no errors or warnings; --all lists them"
    every, _ = doctor(folder, "--all")
    assert "used  mine/good.mid: " in every
    assert "note artist_from_folder: mine" in every


def test_the_doctor_writes_copies_and_json(doctor, folder, tmp_path):
    out, code = doctor(folder, "--json", "--repair", tmp_path / "out")
    assert code in (0, None)
    report = json.loads(out)
    assert [file["file"] for file in report["files"] if not file["used"]] == ["none.mid", "short.mid"]
    (good,) = [file for file in report["files"] if file["file"] == "good.mid"]
    assert good["row"]["notes"] == 64
    assert [grid["steps_per_beat"] for grid in good["grids"]] == [4, 8, 12, 16, 24]
    assert report["sources"]["mine"]["solos"] == 2
    assert (tmp_path / "out/changes.csv").is_file()
    assert (tmp_path / "out/mine/good.mid").is_file()


def test_a_folder_without_a_usable_file_is_an_error_after_its_lines(doctor, tmp_path):
    (tmp_path / "a.mid").write_bytes(b"")
    out, code = doctor(tmp_path)
    assert out.startswith("1 file: 0 used, 1 not\n")
    assert "rejected: " in out
    assert "expected at least one usable file, found none" in str(code)


def test_options_for_folders_require_a_folder(doctor):
    _, code = doctor("--all")
    assert "expected a folder with these options, found none; name the folders to examine" in str(code)


@pytest.mark.slow
def test_repaired_copies_of_real_solos_are_ingested_to_the_same_scores(root, shared, ingest_config, tmp_path):
    before = survey(shared / "coltrane", "coltrane", ingest_config)
    repair(examine(root, shared / "coltrane"), [shared / "coltrane"], tmp_path / "out")
    after = survey(tmp_path / "out/coltrane", "coltrane", ingest_config)
    assert [solo.row.content_hash for solo in after.used] == [solo.row.content_hash for solo in before.used]
    for first, second in zip(before.used, after.used, strict=True):
        assert first.score == second.score
