from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mido import Message, MetaMessage, MidiFile, MidiTrack

from yardbird.data.reading import IngestConfig, Reading, load_midi, read_solo, read_untouched
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


def test_a_missing_tempo_or_meter_is_the_default_of_the_standard_and_flagged(read: Read) -> None:
    reading = read(eighths(16))
    assert reading.score.tempos == (Tempo(0, 120.0),)
    assert reading.score.meters == (Meter(0, 4, 4),)
    assert {"tempo_assumed", "meter_assumed", "no_chords", "key_estimated"} <= set(reading.flags)


def test_one_tempo_event_per_beat_is_kept(read: Read) -> None:
    tempos = [(beat, MetaMessage("set_tempo", tempo=300_000 + beat)) for beat in range(8)]
    reading = read(eighths(16), tempos)
    assert [tempo.tick for tempo in reading.score.tempos] == [480 * beat for beat in range(8)]
    assert "tempo_assumed" not in reading.flags


def test_a_tempo_before_the_first_note_is_in_force_from_the_start(read: Read) -> None:
    reading = read(eighths(16, first=1), [(0.5, MetaMessage("set_tempo", tempo=250_000))])
    assert reading.score.tempos == (Tempo(0, 240.0),)


def test_a_pickup_bar_gets_its_own_meter(read: Read) -> None:
    four = {"numerator": 4, "denominator": 4}
    metas = [(0, MetaMessage("time_signature", **four)), (1.5, MetaMessage("time_signature", **four))]
    reading = read(eighths(16), metas)
    assert reading.score.meters == (Meter(0, 3, 8), Meter(720, 4, 4))
    assert reading.score.bar_ticks.tolist() == [0, 720, 2640]
    assert reading.score.end_tick == 720 + 2 * 1920
    assert "meter_repaired" in reading.flags


def test_a_meter_a_few_ticks_off_the_bar_line_is_moved_onto_it(read: Read) -> None:
    metas = [
        (0, MetaMessage("time_signature", numerator=4, denominator=4)),
        (4 + 3 / 480, MetaMessage("time_signature", numerator=3, denominator=4)),
    ]
    assert read(eighths(20), metas).score.meters == (Meter(0, 4, 4), Meter(1920, 3, 4))


def test_empty_bars_around_the_solo_are_dropped_and_the_chords_are_shifted(read: Read) -> None:
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


def test_files_of_this_project_keep_the_bars_after_the_last_note(read: Read) -> None:
    reading = read(eighths(16), marks("marker", {24: "END"}))
    assert reading.score.bar_count == 6


@pytest.mark.parametrize("kind", ["text", "lyrics", "cue_marker"])
def test_chords_are_found_in_other_texts_if_most_of_them_parse(read: Read, kind: str) -> None:
    reading = read(eighths(16), marks(kind, {0: "Fmaj7", 2: "Gm7", 4: "C7", 6: "F6"}))
    assert chords_of(reading.score) == [(0, "Fmaj7"), (2, "Gm7"), (4, "C7"), (6, "F6")]
    assert f"chords_from_{kind}" in reading.flags


def test_karaoke_syllables_are_not_chords(read: Read) -> None:
    reading = read(eighths(16), marks("lyrics", {0: "A", 1: "Be", 2: "D", 3: "lit", 4: "tle", 5: "A", 6: "Em"}))
    assert reading.score.chords == ()
    assert "no_chords" in reading.flags


def test_a_lyric_of_the_letters_a_and_b_is_not_a_chord_track(read: Read) -> None:
    assert read(eighths(16), marks("lyrics", {0: "A", 4: "B", 6: "A"})).score.chords == ()


def test_rehearsal_letters_become_sections(read: Read) -> None:
    reading = read(eighths(32), marks("marker", {0: "A", 8: "B", 12: "A"}))
    assert reading.score.chords == ()
    assert reading.score.sections == (Section(0, "A"), Section(3840, "B"), Section(5760, "A"))


def test_markers_take_precedence_and_unread_markers_are_counted(read: Read) -> None:
    metas = marks("marker", {0: "F7", 2: "vamp", 4: "Bb7", 8: "N.C."}) + marks("text", {0: "C", 1: "Dm7", 2: "G7"})
    reading = read(eighths(32), metas)
    assert chords_of(reading.score) == [(0, "F7"), (4, "Bb7"), (8, "N.C.")]
    assert "unread_chords:1 (vamp in bar 1)" in reading.flags


def test_a_repeated_chord_is_no_change_and_the_last_of_two_chords_at_one_tick_counts(read: Read) -> None:
    metas = [*marks("marker", {0: "F7", 2: "F7", 4: "Bb7"}), (4, MetaMessage("marker", text="Eb7"))]
    assert chords_of(read(eighths(16), metas).score) == [(0, "F7"), (4, "Eb7")]


def test_phrases_and_sections_are_found_in_texts(read: Read) -> None:
    metas = marks("text", {0: "HEAD", 1: "PHRASE 1", 4: "FORM A2 CHORUS 1", 5: "PHRASE 2"})
    score = read(eighths(16), metas).score
    assert score.phrases == (480, 5 * 480)
    assert score.sections == (Section(0, "HEAD"), Section(1920, "FORM A2 CHORUS 1"))


def test_the_key_is_read_from_the_manifest_else_from_the_file_else_estimated(read: Read) -> None:
    c_major = [(i / 2, 0.5, pitch) for i, pitch in enumerate([60, 62, 64, 65, 67, 69, 71, 72, 67, 64, 60, 64, 67, 72])]
    flats = [(0, MetaMessage("key_signature", key="Eb"))]
    assert read(c_major, flats, key=Key(2, "minor")).score.key == Key(2, "minor")
    assert read(c_major, flats).score.key == Key(3, "major")
    a_minor = [(onset, length, pitch - 3) for onset, length, pitch in c_major]
    unasked = read(a_minor, [(0, MetaMessage("key_signature", key="C"))])
    assert unasked.score.key == Key(9, "major")
    assert "key_estimated" in unasked.flags


def test_a_solo_without_a_key_has_no_flag_for_an_estimated_key(read: Read) -> None:
    reading = read([(i / 2, 0.5, 60) for i in range(16)])
    assert reading.score.key is None
    assert "no_key" in reading.flags
    assert "key_estimated" not in reading.flags


def test_a_note_of_length_zero_gets_a_length_and_a_flag(read: Read) -> None:
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
def test_a_file_without_a_usable_solo_is_refused_with_a_reason(read: Read, rows, parts, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        read(rows, parts=parts)


def test_any_solo_is_loaded_as_it_would_be_ingested(tmp_path: Path, write_midi, config: IngestConfig) -> None:
    path = write_midi(tmp_path / "solo.mid", eighths(20), marks("marker", {0: "F7", 4: "Bb7"}))
    assert load_midi(str(path)) == load_midi(path) == read_solo(read_raw(path), path, None, config).score
    assert load_midi(write_midi(tmp_path / "short.mid", [(0, 1, 60)])).pitches.tolist() == [60]
    with pytest.raises(InputError, match=r"drums\.mid: expected a melody, found no notes; export the track"):
        load_midi(write_midi(tmp_path / "drums.mid", []))
    with pytest.raises(InputError, match=r"none\.mid: expected a music file, found no such file"):
        load_midi(tmp_path / "none.mid")


def free_eighths(count: int) -> list[tuple[float, float, int]]:
    """Eighths at 171 beats a minute, recorded into a file at 120 by a player who drifts."""
    drift = np.cumsum(np.random.default_rng(3).normal(0, 0.01, count))
    return [(i / 2 * 120 / 171 + float(drift[i]), 0.3, 60 + i * 7 % 12) for i in range(count)]


def test_a_performance_without_a_beat_grid_is_refused_unless_it_is_allowed(
    tmp_path: Path, write_midi, config: IngestConfig
) -> None:
    path = write_midi(tmp_path / "free.mid", free_eighths(160))
    with pytest.raises(InputError, match=r"expected notes played to the beats of the file, .* record it to"):
        read_solo(read_raw(path), path, None, replace(config, no_beat_grid="reject"))
    assert "no_beat_grid" in read_solo(read_raw(path), path, None, config).flags


def test_two_handed_chords_are_refused_above_a_share(tmp_path: Path, write_midi, config: IngestConfig) -> None:
    left = [(beat + 0.5, 0.5, pitch) for beat in range(0, 16, 2) for pitch in (48, 52, 58)]
    path = write_midi(tmp_path / "piano.mid", [*eighths(32), *left], program=0)
    with pytest.raises(InputError, match=r"at most 40% .*, found 24 of 56 notes of track 1, channel 1 outside"):
        read_solo(read_raw(path), path, None, replace(config, max_left_out=0.4))
    reading = read_solo(read_raw(path), path, None, replace(config, max_left_out=0.5))
    assert {"polyphonic", "notes_left_out:24 of 56"} <= set(reading.flags)


ARPEGGIOS = [(i / 2, 0.5, pitch) for i, pitch in enumerate([65, 69, 72, 76, 67, 70, 74, 77, 60, 64, 67, 70] * 6)]
CHANGES = {6.0 * i + 2 * j: chord for i in range(6) for j, chord in enumerate(["Fmaj7", "Gm7", "C7"])}


def test_a_part_at_written_pitch_is_flagged_and_corrected_on_request(
    tmp_path: Path, write_midi, config: IngestConfig
) -> None:
    written = [(onset, length, pitch + 9) for onset, length, pitch in ARPEGGIOS]
    path = write_midi(tmp_path / "alto.mid", written, marks("marker", CHANGES))
    raw = read_raw(path)
    flagged = read_solo(raw, path, None, config)
    assert "written_pitch:+9" in flagged.flags
    assert flagged.score.pitches.tolist() == [pitch for _, _, pitch in written]
    for reading in (
        read_solo(raw, path, None, replace(config, written_pitch="correct")),
        read_solo(raw, path, None, config, transpose=-9),
    ):
        assert reading.score.pitches.tolist() == [pitch for _, _, pitch in ARPEGGIOS]
        assert "transposed:-9" in reading.flags
    assert not [flag for flag in read_solo(raw, path, None, config, transpose=0).flags if "written" in flag]
    with pytest.raises(InputError, match=r"expected pitches from 0 to 127, found notes that -80 semitones move"):
        read_solo(raw, path, None, config, transpose=-80)


def test_a_user_can_choose_the_part_that_is_read(tmp_path: Path, write_midi) -> None:
    guitar = [(i / 2, 0.5, 55 + i * 5 % 12) for i in range(40)]
    path = write_midi(tmp_path / "band.mid", eighths(40), parts={1: (26, guitar)})
    assert len(load_midi(path).notes) == len(eighths(40))
    assert load_midi(path, "1/2").pitches.tolist() == [pitch for _, _, pitch in guitar]
    score, line = read_untouched(path, "1/2")
    assert score.pitches.tolist() == line.pitches.tolist() == [pitch for _, _, pitch in guitar]
    with pytest.raises(InputError, match=r"band\.mid: expected one pitched part .*, found none for 'Flute'"):
        load_midi(path, "Flute")


def test_the_notes_have_the_program_of_the_mpe_master_channel(tmp_path: Path) -> None:
    track = MidiTrack([Message("program_change", channel=0, program=65)])
    for i in range(40):
        note = {"channel": 1 + i % 5, "note": 60 + i * 5 % 12}
        track += [Message("note_on", time=0, velocity=90, **note), Message("note_off", time=240, **note)]
    MidiFile(tracks=[track]).save(tmp_path / "mpe.mid")
    score = load_midi(tmp_path / "mpe.mid")
    assert (score.program, len(score.notes)) == (65, 40)
