"""Chords recognised from the notes of other parts."""

from dataclasses import replace

import pytest

from yardbird.data.chord_notes import chords_from_notes
from yardbird.data.reading import IngestConfig, read_solo
from yardbird.music.chords import chord_symbol
from yardbird.music.midi import RawPart, read_raw
from yardbird.music.score import make_notes

BAR = 1920


def part(
    chords: list[tuple[int, ...]], name: str = "CHORDS", program: int = 0, spread: int = 0, length: int = BAR
) -> RawPart:
    """One chord per bar, with `spread` ticks between the notes of a chord, as a guitarist strums."""
    rows = [
        (bar * BAR + place * spread, length - place * spread, pitch, 80)
        for bar, chord in enumerate(chords)
        for place, pitch in enumerate(chord)
    ]
    return RawPart(1, 1, name, program, make_notes(rows))


def named(parts: list[RawPart]) -> list[str]:
    return [chord_symbol(change.chord) for change in chords_from_notes(parts, 480)]


MELODY = RawPart(0, 0, "MELODY", 65, make_notes([(beat * 480, 400, 72 + beat % 7, 90) for beat in range(16)]))


@pytest.mark.parametrize(
    ("pitches", "symbol"),
    [
        ((60, 64, 67), "C"), ((60, 63, 67), "Cm"), ((60, 64, 67, 71), "Cmaj7"), ((60, 64, 67, 70), "C7"),
        ((60, 63, 67, 70), "Cm7"), ((60, 63, 66, 70), "Cm7b5"), ((60, 63, 66, 69), "Cdim7"), ((60, 64, 68), "Caug"),
        ((60, 65, 67, 70), "C7sus"), ((60, 64, 67, 69), "C6"), ((57, 60, 64, 67), "Am7"), ((60, 63, 67, 71), "Cmmaj7"),
        ((48, 58, 64, 69), "C13"), ((48, 58, 62, 64), "C9"), ((48, 58, 61, 64), "C7b9"), ((48, 58, 63, 64), "C7#9"),
        ((48, 58, 64, 66, 67), "C7#11"), ((64, 67, 72), "C/E"), ((67, 71, 74, 77), "G7"), ((48, 52, 58), "C7"),
    ],
)  # fmt: skip
def test_a_block_chord_is_named_by_its_notes_and_its_lowest_note(pitches: tuple[int, ...], symbol: str) -> None:
    assert named([MELODY, part([pitches, (53, 57, 60, 63)])]) == [symbol, "F7"]


def test_strummed_and_repeated_chords_are_one_change() -> None:
    guitar = part([(48, 52, 55, 58), (48, 52, 55, 58), (53, 57, 60, 63)], "Guitar", 25, spread=12)
    assert [(c.tick, chord_symbol(c.chord)) for c in chords_from_notes([MELODY, guitar], 480)] == [
        (0, "C7"),
        (2 * BAR, "F7"),
    ]


def test_a_bass_part_gives_the_root_that_the_chord_leaves_out() -> None:
    piano = part([(64, 70, 74), (63, 69, 74)], "Piano")
    bass = part([(36,), (41,)], "Bass", 33)
    assert named([MELODY, piano, bass]) == ["C9", "F13"]


def test_notes_that_match_no_chord_give_no_chord() -> None:
    cluster = part([(60, 64, 67), (60, 61, 62, 63, 64), (65, 69, 72)])
    assert named([cluster]) == ["C", "N.C.", "F"]


@pytest.mark.parametrize(
    "other",
    [
        MELODY,
        part([(60, 64), (62, 65)]),  # two voices
        RawPart(1, 9, "Drums", 0, part([(36, 42, 46), (38, 42, 51)]).notes),
        part([(60, 64, 67)]),  # a single chord
    ],
)
def test_parts_that_play_no_chords_give_none(other: RawPart) -> None:
    assert named([MELODY, other]) == []


def test_the_solo_part_itself_gives_no_chords(tmp_path, write_midi, config: IngestConfig) -> None:
    chords = [(2.0 * bar, 2, pitch) for bar in range(16) for pitch in ((60, 64, 67) if bar % 2 else (65, 69, 72))]
    path = write_midi(tmp_path / "piano.mid", chords)
    flags = read_solo(read_raw(path), path, None, replace(config, max_left_out=1.0)).flags
    assert "no_chords" in flags


def lead_sheet(write_midi, path, metas=None):
    chords = [
        (4 * bar, 4, pitch) for bar, root in enumerate([48, 57, 50, 55] * 2) for pitch in (root, root + 4, root + 7)
    ]
    melody = [(beat / 2, 0.5, 72 + beat % 5) for beat in range(64)]
    return write_midi(path, melody, metas, parts={1: (0, chords)})


def test_the_chord_track_of_a_lead_sheet_gives_the_chords_and_a_flag(
    tmp_path, write_midi, config: IngestConfig
) -> None:
    path = lead_sheet(write_midi, tmp_path / "sheet.mid")
    reading = read_solo(read_raw(path), path, None, config)
    assert len(reading.score.notes) == 64
    assert [chord_symbol(change.chord) for change in reading.score.chords[:4]] == ["C", "A", "D", "G"]
    assert "chords_from_notes" in reading.flags


def test_unused_chord_texts_are_counted_if_a_part_plays_chords(tmp_path, write_midi, config) -> None:
    """Regression: the flag that counts them was lost if a part plays chords."""
    from mido import MetaMessage

    words = ["F7", "da", "Bb7", "dn", "xq", "zz"]
    texts = [(4.0 * bar, MetaMessage("text", text=word)) for bar, word in enumerate(words)]
    path = lead_sheet(write_midi, tmp_path / "sheet.mid", texts)
    flags = read_solo(read_raw(path), path, None, config).flags
    assert {"chord_texts_unused:2", "chords_from_notes"} <= set(flags)
    assert "no_chords" not in flags


def test_written_symbols_take_precedence_over_played_chords(tmp_path, write_midi, config: IngestConfig) -> None:
    from mido import MetaMessage

    path = lead_sheet(write_midi, tmp_path / "sheet.mid", [(0, MetaMessage("marker", text="Cmaj9"))])
    reading = read_solo(read_raw(path), path, None, config)
    assert [chord_symbol(change.chord) for change in reading.score.chords] == ["Cmaj7"]
    assert "chords_from_notes" not in reading.flags
