from collections.abc import Callable
from pathlib import Path

import pytest
from mido import MetaMessage

from yardbird.data.reading import IngestConfig, Reading, load_midi, read_solo
from yardbird.errors import InputError
from yardbird.music.chords import chord_symbol
from yardbird.music.midi import read_raw
from yardbird.music.pitch import Key
from yardbird.music.score import Meter, Score, Section, Tempo

Read = Callable[..., Reading]


@pytest.fixture
def read(tmp_path: Path, write_midi, config: IngestConfig) -> Read:
    def read_file(*args, key: Key | None = None, **kwargs) -> Reading:
        path = write_midi(tmp_path / "solo.mid", *args, **kwargs)
        return read_solo(read_raw(path), path, key, config)

    return read_file


def eighths(count: int, first: float = 0) -> list[tuple[float, float, int]]:
    return [(first + i / 2, 0.5, 60 + i % 12) for i in range(count)]


def marks(kind: str, texts: dict[float, str]) -> list[tuple[float, MetaMessage]]:
    return [(beat, MetaMessage(kind, text=text)) for beat, text in texts.items()]


def chords_of(score: Score) -> list[tuple[float, str]]:
    return [(change.tick / score.ticks_per_beat, chord_symbol(change.chord)) for change in score.chords]


def test_without_a_tempo_or_meter_the_standards_own_are_taken_and_flagged(read: Read) -> None:
    reading = read(eighths(16))
    assert reading.score.tempos == (Tempo(0, 120.0),)
    assert reading.score.meters == (Meter(0, 4, 4),)
    assert {"tempo_assumed", "meter_assumed", "no_chords", "key_estimated"} <= set(reading.flags)


def test_a_tempo_event_a_beat_is_kept(read: Read) -> None:
    tempos = [(beat, MetaMessage("set_tempo", tempo=300_000 + beat)) for beat in range(8)]
    reading = read(eighths(16), tempos)
    assert [tempo.tick for tempo in reading.score.tempos] == [480 * beat for beat in range(8)]
    assert "tempo_assumed" not in reading.flags


def test_a_tempo_before_the_first_note_holds_from_the_start(read: Read) -> None:
    reading = read(eighths(16, first=1), [(0.5, MetaMessage("set_tempo", tempo=250_000))])
    assert reading.score.tempos == (Tempo(0, 240.0),)


def test_a_pickup_bar_gets_a_meter_of_its_own(read: Read) -> None:
    four = {"numerator": 4, "denominator": 4}
    metas = [(0, MetaMessage("time_signature", **four)), (1.5, MetaMessage("time_signature", **four))]
    reading = read(eighths(16), metas)
    assert reading.score.meters == (Meter(0, 3, 8), Meter(720, 4, 4))
    assert reading.score.bar_ticks.tolist() == [0, 720, 2640]
    assert reading.score.end_tick == 720 + 2 * 1920
    assert "meter_repaired" in reading.flags


def test_a_meter_a_few_ticks_beside_the_bar_line_is_moved_onto_it(read: Read) -> None:
    metas = [
        (0, MetaMessage("time_signature", numerator=4, denominator=4)),
        (4 + 3 / 480, MetaMessage("time_signature", numerator=3, denominator=4)),
    ]
    assert read(eighths(20), metas).score.meters == (Meter(0, 4, 4), Meter(1920, 3, 4))


def test_empty_bars_around_the_solo_are_dropped_and_the_chords_move_along(read: Read) -> None:
    metas = [
        *marks("marker", {0: "F7", 12: "Bb7", 14: "C7", 40: "F7"}),
        (0, MetaMessage("set_tempo", tempo=300_000)),
        (9, MetaMessage("set_tempo", tempo=250_000)),
    ]
    reading = read(eighths(16, first=13.5), metas)
    assert "leading_bars_dropped:3" in reading.flags
    assert reading.score.onsets[0] == 1.5 * 480
    assert reading.score.bar_count == 3
    assert reading.score.end_tick == 3 * 1920
    assert chords_of(reading.score) == [(0, "Bb7"), (2, "C7")]
    assert reading.score.tempos == (Tempo(0, 240.0),)


def test_our_own_files_keep_the_bars_after_the_last_note(read: Read) -> None:
    reading = read(eighths(16), marks("marker", {24: "END"}))
    assert reading.score.bar_count == 6


@pytest.mark.parametrize("kind", ["text", "lyrics", "cue_marker"])
def test_chords_are_found_in_other_texts_where_most_parse(read: Read, kind: str) -> None:
    reading = read(eighths(16), marks(kind, {0: "Fmaj7", 2: "Gm7", 4: "C7", 6: "F6"}))
    assert chords_of(reading.score) == [(0, "Fmaj7"), (2, "Gm7"), (4, "C7"), (6, "F6")]
    assert f"chords_from_{kind}" in reading.flags


def test_karaoke_syllables_are_no_chords(read: Read) -> None:
    reading = read(eighths(16), marks("lyrics", {0: "A", 1: "Be", 2: "D", 3: "lit", 4: "tle", 5: "A", 6: "Em"}))
    assert reading.score.chords == ()
    assert "no_chords" in reading.flags


def test_a_lyric_of_as_and_bs_is_no_chord_track(read: Read) -> None:
    assert read(eighths(16), marks("lyrics", {0: "A", 4: "B", 6: "A"})).score.chords == ()


def test_rehearsal_letters_become_sections(read: Read) -> None:
    reading = read(eighths(32), marks("marker", {0: "A", 8: "B", 12: "A"}))
    assert reading.score.chords == ()
    assert reading.score.sections == (Section(0, "A"), Section(3840, "B"), Section(5760, "A"))


def test_markers_win_and_unread_ones_are_counted(read: Read) -> None:
    metas = marks("marker", {0: "F7", 2: "vamp", 4: "Bb7", 8: "N.C."}) + marks("text", {0: "C", 1: "Dm7", 2: "G7"})
    reading = read(eighths(32), metas)
    assert chords_of(reading.score) == [(0, "F7"), (4, "Bb7"), (8, "N.C.")]
    assert "unread_chords:1" in reading.flags


def test_a_repeated_chord_is_no_change_and_of_two_at_once_the_last_counts(read: Read) -> None:
    metas = [*marks("marker", {0: "F7", 2: "F7", 4: "Bb7"}), (4, MetaMessage("marker", text="Eb7"))]
    assert chords_of(read(eighths(16), metas).score) == [(0, "F7"), (4, "Eb7")]


def test_phrases_and_sections_are_found_in_texts(read: Read) -> None:
    metas = marks("text", {0: "HEAD", 1: "PHRASE 1", 4: "FORM A2 CHORUS 1", 5: "PHRASE 2"})
    score = read(eighths(16), metas).score
    assert score.phrases == (480, 5 * 480)
    assert score.sections == (Section(0, "HEAD"), Section(1920, "FORM A2 CHORUS 1"))


def test_the_key_is_the_manifests_else_the_files_else_found(read: Read) -> None:
    c_major = [(i / 2, 0.5, pitch) for i, pitch in enumerate([60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60, 64, 67, 72])]
    flats = [(0, MetaMessage("key_signature", key="Eb"))]
    assert read(c_major, flats, key=Key(2, "minor")).score.key == Key(2, "minor")
    assert read(c_major, flats).score.key == Key(3, "major")
    a_minor = [(onset, length, pitch - 3) for onset, length, pitch in c_major]
    unasked = read(a_minor, [(0, MetaMessage("key_signature", key="C"))])
    assert unasked.score.key == Key(9, "major")
    assert "key_estimated" in unasked.flags


def test_a_note_of_no_length_gets_one_and_is_flagged(read: Read) -> None:
    reading = read([*eighths(8), (6, 0, 70)])
    assert len(reading.score.notes) == 9
    assert reading.score.durations[-1] == 40
    assert "zero_length_notes:1" in reading.flags


@pytest.mark.parametrize(
    ("rows", "parts", "reason"),
    [
        (eighths(3), None, "at least 4 notes, found 3"),
        ([], {9: (0, eighths(20))}, "expected a melody, found drums only"),
        ([], None, "expected a melody, found no notes"),
        ([*eighths(4), (4001, 1, 60)], None, "at most 1000 bars, found 1001"),
    ],
)
def test_a_file_without_a_usable_solo_is_refused_with_the_reason(read: Read, rows, parts, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read(rows, parts=parts)


def test_any_solo_is_loaded_as_it_would_be_ingested(tmp_path: Path, write_midi, config: IngestConfig) -> None:
    path = write_midi(tmp_path / "solo.mid", eighths(20), marks("marker", {0: "F7", 4: "Bb7"}))
    assert load_midi(str(path)) == load_midi(path) == read_solo(read_raw(path), path, None, config).score
    assert load_midi(write_midi(tmp_path / "short.mid", [(0, 1, 60)])).pitches.tolist() == [60]
    with pytest.raises(InputError, match=r"drums\.mid: expected a melody, found no notes; export the track"):
        load_midi(write_midi(tmp_path / "drums.mid", []))
    with pytest.raises(InputError, match=r"none\.mid: expected a MIDI file, found No such file"):
        load_midi(tmp_path / "none.mid")
