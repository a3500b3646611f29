"""A database with the schema of the Weimar Jazz Database is read like its MIDI files: a tempo event for each beat."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from yardbird.config import read_section
from yardbird.data.ingest import survey
from yardbird.data.readers import piece_numbers, read_piece
from yardbird.data.reading import IngestConfig, load_midi
from yardbird.errors import InputError
from yardbird.music.midi import RawMidi

CONFIG = replace(
    read_section("ingest", IngestConfig, Path(__file__).resolve().parents[2] / "params.yaml"), min_notes=4, min_bars=1
)

# the columns of version 2 of the database, as jazzomat.hfm-weimar.de/dbformat lists them
SCHEMA = """
CREATE TABLE solo_info (melid INTEGER, trackid INTEGER, compid INTEGER, recordid INTEGER, performer TEXT, title TEXT,
    titleaddon TEXT, solopart INTEGER, instrument TEXT, style TEXT, avgtempo FLOAT, tempoclass TEXT, rhythmfeel TEXT,
    key TEXT, signature TEXT, chord_changes TEXT, chorus_count INTEGER);
CREATE TABLE melody (eventid INTEGER PRIMARY KEY AUTOINCREMENT, melid INTEGER, onset REAL, pitch REAL, duration REAL,
    period INTEGER, division INTEGER, bar INTEGER, beat INTEGER, tatum INTEGER, subtatum INTEGER, num INTEGER,
    denom INTEGER, beatprops TEXT, beatdur REAL, tatumprops TEXT, f0_mod TEXT, loud_max REAL, loud_med REAL);
CREATE TABLE beats (beatid INTEGER PRIMARY KEY AUTOINCREMENT, melid INTEGER, onset REAL, bar INTEGER, beat INTEGER,
    signature TEXT, chord TEXT, form TEXT, bass_pitch INTEGER, chorus_id INTEGER);
CREATE TABLE sections (melid INTEGER, type TEXT, start INTEGER, end INTEGER, value TEXT);
CREATE TABLE composition_info (compid INTEGER, title TEXT, composer TEXT, form TEXT, template TEXT);
CREATE TABLE db_info (name TEXT, license TEXT);
"""

Note = tuple[float, float, float, float | None]  # onset and duration in seconds, pitch, loudness
Beat = tuple[float, int, int, str, str, int | None]  # onset, bar, beat, chord, form, chorus


def steady(bars: int, seconds: float = 0.5, start: float = 10.0, beats_in_bar: int = 4) -> list[Beat]:
    return [
        (start + seconds * i, i // beats_in_bar, i % beats_in_bar + 1, "", "", None) for i in range(bars * beats_in_bar)
    ]


def scale(count: int, seconds: float = 0.5, start: float = 10.0) -> list[Note]:
    return [(start + seconds * i, 0.25, 60 + i % 12, 60.0 + i % 7) for i in range(count)]


@pytest.fixture
def write_solo(tmp_path: Path) -> Callable[..., Path]:
    """Add a solo to wjazzd.db in the test's folder."""
    path = tmp_path / "wjazzd.db"
    with sqlite3.connect(path) as database:
        database.executescript(SCHEMA)
        database.execute("INSERT INTO db_info VALUES ('WJazzD', 'ODbL 1.0')")
        database.execute("INSERT INTO composition_info VALUES (7, 'Blues', 'Somebody', 'A12', '')")

    def write(
        melid: int,
        beats: Sequence[tuple[object, ...]],
        notes: Sequence[tuple[object, ...]],
        phrases: Sequence[tuple[int, int, str]] = (),
        **info: object,
    ) -> Path:
        row = {"performer": "Nelly Novak", "title": "Blues", "instrument": "as", "key": "F-maj", "compid": 7} | info
        with sqlite3.connect(path) as database:
            names = ", ".join(["melid", *row])
            places = ", ".join("?" * (len(row) + 1))
            database.execute(f"INSERT INTO solo_info ({names}) VALUES ({places})", (melid, *row.values()))
            database.executemany(
                "INSERT INTO melody (melid, onset, duration, pitch, loud_med) VALUES (?, ?, ?, ?, ?)",
                [(melid, *note) for note in notes],
            )
            database.executemany(
                "INSERT INTO beats (melid, onset, bar, beat, chord, form, chorus_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(melid, *beat) for beat in beats],
            )
            database.executemany(
                "INSERT INTO sections VALUES (?, 'PHRASE', ?, ?, ?)", [(melid, *phrase) for phrase in phrases]
            )
        return path

    return write


def texts(raw: RawMidi, kind: str) -> list[tuple[int, str]]:
    return [(text.tick, text.text) for text in raw.texts if text.kind == kind]


def test_each_beat_has_its_tempo_and_notes_are_interpolated_between_beats(write_solo) -> None:
    times = [10.0, 10.5, 11.25, 11.75, 12.25]
    beats = [(time, i // 4, i % 4 + 1, "", "", None) for i, time in enumerate(times)]
    notes = [(10.0, 0.25, 60, None), (10.6875, 0.375, 62, None), (12.375, 0.5, 64, None)]
    raw = read_piece(write_solo(1, beats, notes), "1").raw
    assert [(tempo.tick, round(tempo.qpm, 6)) for tempo in raw.tempos] == [
        (0, 120),
        (480, 80),
        (960, 120),
        (1440, 120),
        (1920, 120),
    ]
    # a quarter into the second beat, to three quarters; and after the last beat in its tempo
    assert raw.parts[0].notes.tolist() == [(0, 240, 60, 90), (600, 240, 62, 90), (2040, 480, 64, 90)]


def test_chords_form_and_phrases_are_marked_where_they_change(write_solo) -> None:
    beats = [list(beat) for beat in steady(4)]
    for index, chord in ((0, "NC"), (4, "F7"), (6, "F7"), (8, "Bb7")):
        beats[index][3] = chord
    for index, (form, chorus) in {0: ("I1", 0), 4: ("A1", 1), 8: ("", 1), 12: ("A1", 2)}.items():
        beats[index][4:] = [form, chorus]
    raw = read_piece(write_solo(1, beats, scale(16), [(0, 3, "1"), (4, 5, "-1"), (6, 15, "2")]), "1").raw
    assert texts(raw, "marker") == [(0, "NC"), (1920, "F7"), (3840, "Bb7")]
    assert texts(raw, "text") == [
        (0, "FORM I1 CHORUS 0"),
        (0, "PHRASE 1"),
        (1920, "FORM A1 CHORUS 1"),
        (2880, "PHRASE 2"),
        (5760, "FORM A1 CHORUS 2"),
    ]
    score = load_midi(write_solo(2, beats, scale(16)).with_name("wjazzd.db#2"))
    assert score.sections[0].label == "FORM I1 CHORUS 0"


def test_signs_after_numbers_are_moved_before_them(write_solo) -> None:
    """Regression: `79b13b` was not read, and `79b13` was read as a flat thirteenth."""
    beats = [list(beat) for beat in steady(4)]
    for index, chord in ((0, "C79b13b"), (4, "Bb79b13"), (8, "F7913b"), (12, "Ab79#11#/Eb")):
        beats[index][3] = chord
    raw = read_piece(write_solo(1, beats, scale(16)), "1").raw
    assert [text for _, text in texts(raw, "marker")] == ["C7b9b13", "Bb7b913", "F79b13", "Ab7#9#11/Eb"]
    score = load_midi(write_solo(2, beats, scale(16)).with_name("wjazzd.db#2"))
    assert [change.chord.quality for change in score.chords if change.chord] == ["7b13", "7b9", "7b13", "7#9"]


def test_a_solo_that_starts_inside_a_bar_keeps_its_place_in_it(write_solo) -> None:
    beats = [(10 + 0.5 * i, (i + 3) // 4, (i + 3) % 4 + 1, "", "", None) for i in range(9)]
    raw = read_piece(write_solo(1, beats, scale(9)), "1").raw
    assert raw.parts[0].notes["onset_tick"].tolist()[:3] == [1440, 1920, 2400]
    assert [(m.tick, m.numerator, m.denominator) for m in raw.meters] == [(0, 4, 4)]
    assert [tempo.tick for tempo in raw.tempos][:3] == [0, 1440, 1920]


def test_notes_before_the_first_beat_get_whole_bars_before_it(write_solo) -> None:
    raw = read_piece(write_solo(1, steady(2), [(9.75, 0.25, 59, None), *scale(8)]), "1").raw
    assert raw.parts[0].notes["onset_tick"].tolist()[:2] == [1680, 1920]
    assert [tempo.tick for tempo in raw.tempos][:2] == [0, 1920]


def test_bars_have_as_many_quarters_as_beats(write_solo) -> None:
    counts = [4, 3, 3, 4, 2]
    beats, time = [], 10.0
    for bar, count in enumerate(counts):
        for beat in range(count):
            beats.append((time, bar, beat + 1, "", "", None))
            time += 0.5
    raw = read_piece(write_solo(1, beats, scale(16)), "1").raw
    assert [(m.tick // 480, m.numerator) for m in raw.meters] == [(0, 4), (4, 3), (10, 4)]


def test_loudness_is_velocity_relative_to_the_recording(write_solo) -> None:
    notes = [(10 + 0.25 * i, 0.2, 60, 50 + 0.5 * i) for i in range(21)] + [(16.0, 0.2, 60, None)]
    velocities = read_piece(write_solo(1, steady(4), notes), "1").raw.parts[0].notes["velocity"].tolist()
    assert velocities[1] == 60
    assert velocities[19] in (109, 110)
    assert velocities == [*sorted(velocities[:-1]), 90]


def test_the_instrument_is_a_program(write_solo) -> None:
    write_solo(1, steady(2), scale(8), instrument="tb")
    path = write_solo(2, steady(2), scale(8), instrument="kazoo")
    parts = [read_piece(path, number).raw.parts[0] for number in ("1", "2")]
    assert [(part.program, part.name) for part in parts] == [(57, "Trombone"), (0, "kazoo")]


def test_one_file_gives_many_solos_each_with_its_own_id_and_row(write_solo, tmp_path: Path) -> None:
    write_solo(12, steady(4), scale(16))
    write_solo(3, steady(4), scale(15), title="Ballad", titleaddon="alternate take", solopart=2, performer="Otto")
    write_solo(40, steady(4), [])
    (tmp_path / "manifest.csv").write_text(
        "file,artist,title,licence\nwjazzd.db#12,,Renamed,\nwjazzd.db,,,ODbL\nwjazzd.db#99,,,\n"
    )
    (tmp_path / "Thumbs.db").write_bytes(b"no database")
    found = survey(tmp_path, "jazz", CONFIG)
    rows = {row.file: row for row in (solo.row for solo in found.used)}
    assert {file: (row.solo, row.artist, row.title) for file, row in rows.items()} == {
        "wjazzd.db#3": ("jazz/wjazzd_3", "Otto", "Ballad (alternate take) (solo 2)"),
        "wjazzd.db#12": ("jazz/wjazzd_12", "Nelly Novak", "Renamed"),
    }
    assert rows["wjazzd.db#3"].tune_group == "ballad"
    assert {(row.key, row.form, row.licence) for row in rows.values()} == {("F major", "A12", "ODbL")}
    reasons = {row.file: row.reason for row in found.rejected}
    assert reasons["wjazzd.db#40"] == "expected notes, found none"
    assert "no such music file" in reasons["wjazzd.db#99"]
    assert set(reasons) == {"wjazzd.db#40", "wjazzd.db#99"}


def test_reading_leaves_the_file_and_its_folder_as_they_were(write_solo, tmp_path: Path) -> None:
    path = write_solo(1, steady(4), scale(16))
    path.chmod(0o444)
    before = path.read_bytes()
    read_piece(path, "1")
    assert path.read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["wjazzd.db"]


@pytest.mark.parametrize(
    ("beats", "notes", "found"),
    [
        (steady(1)[:1], scale(4), "two beats or more, found 1 beats"),
        ([*steady(1), *steady(1)], scale(4), r"beats 0\.001 to 60 seconds apart, found beat 2 0\.000 s after"),
        ([(None, 0, 1, "", "", None), *steady(1)], scale(4), "a beat without a time"),
        ([("x", 0, 1, "", "", None), *steady(1)], scale(4), "a beat without a time"),
        (steady(1), [(10.0, 0.5, "x", None)], "expected notes, found none"),
        (steady(1), [(float("inf"), 0.5, 60, None), (1e300, 1.0, 60, None)], "expected notes, found none"),
        (steady(1), [(10.0, 0.5, 300, None)], "expected notes, found none"),
    ],
)
def test_invalid_notes_or_beats_give_a_one_line_error(write_solo, beats, notes, found: str) -> None:
    path = write_solo(5, beats, notes)
    with pytest.raises(InputError, match=found) as caught:
        read_piece(path, "5")
    assert "wjazzd.db#5" in str(caught.value)


def test_notes_that_cannot_be_read_are_counted(write_solo) -> None:
    piece = read_piece(write_solo(1, steady(4), [*scale(8), (14.0, 0.5, None, None)], [(8, 8, "1")]), "1")
    assert piece.raw.flags == ("unread_notes:1",)
    assert len(piece.raw.parts[0].notes) == 8
    assert texts(piece.raw, "text") == []


def test_the_error_about_another_database_names_the_missing_tables(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "photos.db") as database:
        database.execute("CREATE TABLE photos (id INTEGER)")
    with pytest.raises(InputError, match="found a database without beats, melody, sections, solo_info"):
        piece_numbers(tmp_path / "photos.db")


def test_a_damaged_database_gives_a_one_line_error(write_solo) -> None:
    path = write_solo(1, steady(4), scale(16))
    content = bytearray(path.read_bytes())
    content[100:3000] = b"\xff" * 2900
    path.write_bytes(content)
    with pytest.raises(InputError, match="a damaged database"):
        piece_numbers(path)


def test_a_view_in_place_of_a_table_is_not_run(write_solo) -> None:
    path = write_solo(1, steady(4), scale(16))
    with sqlite3.connect(path) as database:
        database.execute("ALTER TABLE melody RENAME TO hidden")
        database.execute("CREATE VIEW melody AS SELECT * FROM hidden")
    with pytest.raises(InputError, match="a database without melody"):
        read_piece(path, "1")
