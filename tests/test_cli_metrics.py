"""`yardbird metrics`, on valid and on damaged files."""

import json
import re
from dataclasses import replace
from pathlib import Path

import mido
import pytest
import solo_rows

from yardbird.cli import app
from yardbird.metrics.common_metrics import common_values
from yardbird.metrics.shared_runs import LENGTHS
from yardbird.metrics.solo_metrics import METRICS, describe
from yardbird.music.midi import read_score, write_score


def run(*arguments: str | Path) -> int:
    """The exit status."""
    try:
        app(["metrics", *map(str, arguments)])
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 1 if stop.code else 0
    return 0


@pytest.fixture
def solos(tmp_path):
    """Three solos, of which the third is the first in another key, and a file that is not a solo."""
    scores = [solo_rows.solo(1), solo_rows.solo(2), solo_rows.solo(1).transposed(-4)]
    for number, score in enumerate(scores):
        write_score(replace(score, key=None), tmp_path / f"solos/{number}.mid")
    (tmp_path / "solos/broken.mid").write_bytes(b"RIFF")
    return tmp_path / "solos"


def write_midi(path: Path, *, channel: int = 0, notes: int = 8) -> Path:
    """Straight eighths without meter, tempo, chords and markers, as in a minimal export."""
    file = mido.MidiFile(ticks_per_beat=480)
    file.tracks.append(mido.MidiTrack())
    for number in range(notes):
        file.tracks[0].append(mido.Message("note_on", channel=channel, note=60 + number % 5, time=0))
        file.tracks[0].append(mido.Message("note_off", channel=channel, note=60 + number % 5, time=240))
    file.save(path)
    return path


def test_a_solo_is_shown_as_a_table_of_all_metrics(solos, capsys):
    assert run(solos / "0.mid") == 0
    shown = capsys.readouterr().out
    score = read_score(solos / "0.mid")
    for name, value in {**describe(score), **common_values([score])[0]}.items():
        assert f"\n{name.replace('_', ' ')}" in shown
        assert ("–" if value is None else f"{value:.3f}") in shown
    assert "mean" not in shown
    assert re.search(r"\npitch range, semitones +[0-9.]+ range of pitches\n", shown)
    assert max(map(len, shown.splitlines())) <= 80


def test_several_solos_are_columns_with_their_mean(solos, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "62")
    assert run(solos / "0.mid", solos / "1.mid") == 0
    shown = capsys.readouterr().out
    assert "mean ± sd" in shown
    assert max(map(len, shown.splitlines())) <= 62
    assert shown.count("pitch entropy") == 2  # two columns fit, so the mean is in the next block


def test_files_that_differ_only_in_their_suffix_have_a_column_each(solos, capsys, monkeypatch):
    """Regression: columns were keyed by the name without suffix, so of 0.mid and 0.kar only one was shown."""
    monkeypatch.setenv("COLUMNS", "200")
    (solos / "1.mid").rename(solos / "0.kar")
    run(solos)
    heading = capsys.readouterr().out.splitlines()[0]
    assert heading.split()[:3] == [f"…{str(solos / name)[-13:]}" for name in ("0.kar", "0.mid", "2.mid")]


def test_json_has_every_metric_by_file(solos, capsys):
    assert run("--json", solos / "0.mid", solos / "1.mid") == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told["solos"]) == [str(solos / "0.mid"), str(solos / "1.mid")]
    score = read_score(solos / "0.mid")
    assert told["solos"][str(solos / "0.mid")] == describe(score) | common_values([score])[0]
    assert told["unusable"] == {}


def test_a_bad_file_is_one_line_and_the_others_are_shown(solos, tmp_path, capsys):
    assert run("--json", solos, tmp_path / "none.mid", tmp_path / "nowhere") == 1
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert [Path(name).name for name in told["solos"]] == ["0.mid", "1.mid", "2.mid"]
    lines = captured.err.splitlines()
    assert len(lines) == 3
    assert lines[0].startswith(f"error: {solos / 'broken.mid'}: expected a MIDI file, found")
    assert all(line.startswith("error: ") for line in lines)


def test_an_empty_folder_is_one_line(tmp_path, capsys):
    assert run(tmp_path) == 1
    assert capsys.readouterr().err == (
        f"error: {tmp_path}: expected files of music, found none; use a folder with MIDI, MusicXML, ABC or kern files\n"
    )


def test_with_a_folder_of_known_solos_copies_are_found(solos, tmp_path, capsys):
    copy = write_copy(solos / "1.mid", tmp_path / "copy.mid", 5)
    assert run("--json", copy, "--against", solos) == 1  # the folder contains a broken file
    told = json.loads(capsys.readouterr().out)["solos"][str(copy)]
    assert [told[f"coverage_{n}"] for n in LENGTHS] == [1, 1, 1, 1]
    assert told["longest_run"] == 39
    assert told["source"] == "bars 1–5 = 1 bar 1, +5"
    run(copy, "--against", solos)
    shown = capsys.readouterr().out
    assert "known solos" in shown
    assert f"{copy}: bars 1–5 = 1 bar 1, +5" in shown


def test_a_file_of_the_folder_is_not_compared_with_itself(solos, capsys):
    (solos / "broken.mid").unlink()
    assert run("--json", solos, "--against", solos) == 0
    told = json.loads(capsys.readouterr().out)["solos"]
    assert told[str(solos / "0.mid")]["source"] == "bars 1–5 = 2 bar 1, +4"
    assert told[str(solos / "1.mid")]["coverage_8"] == 0


def test_a_folder_without_known_solos_is_one_line(solos, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(SystemExit, match="empty: expected at least one usable solo, found none"):
        app(["metrics", str(solos / "0.mid"), "--against", str(tmp_path / "empty")])
    with pytest.raises(SystemExit, match="absent: expected at least one usable solo, found no such folder"):
        app(["metrics", str(solos / "0.mid"), "--against", str(tmp_path / "absent")])


def test_a_file_without_chords_bar_lines_and_tempo_has_the_metrics_that_need_none(tmp_path, capsys):
    assert run("--json", write_midi(tmp_path / "bare.mid")) == 0
    (values,) = json.loads(capsys.readouterr().out)["solos"].values()
    assert values["pitch_entropy"] > 2
    assert values["h1"] > 2
    assert values["chord_tone_rate"] is values["changes_found"] is values["arpeggio_rate"] is None


def test_a_single_note_and_a_file_of_drums_are_handled(tmp_path, capsys):
    assert run("--json", write_midi(tmp_path / "one.mid", notes=1)) == 0
    (values,) = json.loads(capsys.readouterr().out)["solos"].values()
    assert set(METRICS) <= set(values)
    assert values["pitch_entropy"] == 0
    assert run(write_midi(tmp_path / "drums.mid", channel=9)) == 1
    assert "expected a melody, found drums only; export the track of the soloist" in capsys.readouterr().err


def write_copy(source: Path, target: Path, semitones: int) -> Path:
    write_score(read_score(source).transposed(semitones), target)
    return target
