"""Parts for instruments: what is read back from MusicXML and MIDI, and what is on the pages."""

import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest
from engraved import box, chorus, groups, line, overlapping
from music21 import converter
from solo_rows import solo

from yardbird.data.reading import load_midi
from yardbird.engraving.instruments import CONCERT, INSTRUMENTS
from yardbird.engraving.sheet import write_sheet
from yardbird.engraving.sheet_drawing import draw_pages, draw_strip
from yardbird.engraving.sheet_file import write_sheet_file
from yardbird.engraving.sheet_musicxml import as_musicxml, line_breaks
from yardbird.music.chords import QUALITIES
from yardbird.music.score import Score


def notes(score: Score) -> list[tuple[float, float, int]]:
    """Onset and length in beats from the first note on, and pitch."""
    beats, lengths = score.onsets / score.ticks_per_beat, score.durations / score.ticks_per_beat
    return [
        (round(float(beat - beats[0]), 3), round(float(length), 3), int(pitch))
        for beat, length, pitch in zip(beats, lengths, score.pitches, strict=True)
    ]


@pytest.mark.parametrize("instrument", sorted(INSTRUMENTS))
def test_musicxml_and_midi_of_every_part_sound_as_the_written_solo(instrument: str, tmp_path: Path) -> None:
    score = line(
        [0, 0.5, 1.5, 3.5, 5, 16 / 3, 17 / 3, 7.5],
        beats=12,
        chords=[(0, "Ebmaj7"), (2, "Gb7"), (4, "Fm7b5"), (6, "Bb7b9/D"), (8, "Ebm6")],
        pitches=[63, 67, 70, 66, 65, 68, 62, 60],
        key="Eb",
    )
    sheet = write_sheet(score, INSTRUMENTS[instrument], "A tune", "a model")
    for name in ("part.musicxml", "part.mid"):
        write_sheet_file(sheet, tmp_path / name)
        read = load_midi(tmp_path / name)
        assert notes(read) == notes(sheet.sounding()) == notes(score.transposed(12 * sheet.octaves))
        assert [(change.tick / read.ticks_per_beat, change.chord) for change in read.chords] == [
            (change.tick / score.ticks_per_beat, change.chord) for change in score.chords
        ]


def test_every_quality_is_read_back_from_musicxml(tmp_path: Path) -> None:
    chords = [(beat, f"Bb{quality}") for beat, quality in enumerate(QUALITIES)]
    score = line([float(beat) for beat in range(len(chords))], beats=28, chords=chords, key="Bb")
    write_sheet_file(write_sheet(score, INSTRUMENTS["alto"]), tmp_path / "part.musicxml")
    read = load_midi(tmp_path / "part.musicxml")
    assert [change.chord for change in read.chords] == [change.chord for change in score.chords]


def test_a_part_is_transposed_with_key_chords_and_names() -> None:
    score = line([0, 1, 2, 3], pitches=[58, 62, 65, 68], chords=[(0, "Bb7")], key="Eb")
    found = {}
    for name in ("concert", "trumpet", "tenor", "alto"):
        part = converter.parseData(as_musicxml(write_sheet(score, INSTRUMENTS[name])), format="musicxml").parts[0]
        flat = part.flatten()
        found[name] = (
            " ".join(note.nameWithOctave for note in flat.notes if note.isNote),
            flat.getElementsByClass("KeySignature")[0].sharps,
            flat.getElementsByClass("ChordSymbol")[0].figure,
        )
    assert found == {
        "concert": ("B-3 D4 F4 A-4", -3, "B-7"),
        "trumpet": ("C4 E4 G4 B-4", -1, "C7"),
        "tenor": ("C5 E5 G5 B-5", -1, "C7"),
        "alto": ("G4 B4 D5 F5", 0, "G7"),
    }


def test_a_line_outside_the_range_is_moved_by_octaves() -> None:
    low, high = (line([0, 1, 2, 3], pitches=[pitch, pitch + 2], key="C") for pitch in (40, 84))
    assert [INSTRUMENTS["alto"].octaves(score) for score in (low, high)] == [1, -1]
    assert [CONCERT.octaves(score) for score in (low, high)] == [0, 0]
    assert "<sign>F</sign>" in as_musicxml(write_sheet(low, CONCERT))


def test_swing_is_a_mark_and_a_playback_instruction() -> None:
    swung, even = (as_musicxml(write_sheet(chorus(4), CONCERT, swing=swing)) for swing in (True, False))
    assert '<words font-weight="bold">Swing </words>' in swung
    assert "<swing>" in swung
    assert "Even eighths" in even
    assert "<swing>" not in even


@pytest.mark.parametrize("crowded", [False, True])
def test_pages_have_four_bars_a_line_and_no_chord_symbols_on_each_other(crowded: bool) -> None:
    sheet = write_sheet(chorus(crowded=crowded), INSTRUMENTS["alto"])
    pages = draw_pages(as_musicxml(sheet), "A tune", "Alto", "a model")
    bars = [len(groups(system, "measure")) for page in pages for system in systems(page)]
    assert bars == ([2] * 6 if crowded else [4] * 3)
    for page in pages:
        symbols = [box(group) for group in groups(page, "harm")]
        assert symbols
        assert overlapping(symbols) == []
        assert "<text" not in page, "outlines need no font"


def systems(page: str) -> list[str]:
    return [ElementTree.tostring(group, encoding="unicode") for group in groups(page, "system")]


def test_lines_break_after_four_bars_and_a_pickup_is_extra() -> None:
    assert line_breaks([8] * 10, pickup=False) == {4, 8}
    assert line_breaks([2] + [8] * 9, pickup=True) == {5, 9}
    assert line_breaks([16, 16, 16, 16, 8, 8, 8, 8], pickup=False) == {2, 4}
    assert line_breaks([30, 30, 4, 4, 8], pickup=False) == {1, 2, 4}


@pytest.mark.slow
def test_symbols_of_a_real_solo_do_not_touch(shared) -> None:
    sheet = write_sheet(load_midi(shared / "parker/omnibook__Confirmation.mid"), INSTRUMENTS["trumpet"])
    for page in draw_pages(as_musicxml(sheet), "Confirmation", "Trumpet", ""):
        assert overlapping([box(group) for group in groups(page, "harm")]) == []


def test_drawing_is_deterministic_and_requests_no_font() -> None:
    musicxml = as_musicxml(write_sheet(solo(1), CONCERT))
    drawing = draw_strip(musicxml)
    assert drawing == draw_strip(musicxml)
    assert not re.search(
        "@font-face|@import|<style|<text|font-family", drawing.replace('font-family="Times, serif"', "")
    )


def test_ties_and_bars_are_read_back_from_musicxml() -> None:
    score = line([0, 0.5, 1.5, 3.5, 5, 5.75], beats=8)
    part = converter.parseData(as_musicxml(write_sheet(score, CONCERT)), format="musicxml").parts[0]
    assert [bar.duration.quarterLength for bar in part.getElementsByClass("Measure")] == [4, 4]
    whole = [note for note in part.stripTies().flatten().notes if note.isNote]
    lengths = [after - onset for onset, after in pairwise([0, 0.5, 1.5, 3.5, 5, 5.75, 8])]
    assert [float(note.quarterLength) for note in whole] == pytest.approx(lengths)


def test_the_accidentals_on_the_page_give_every_pitch_and_none_is_repeated_in_a_bar() -> None:
    """Tones of chord symbols are no notes: the D flat of B♭m7 does not give a later note its flat."""
    chords = [(2 * place, ("Bbm7", "C7", "Gb7b9", "A7", "Em7b5")[place % 5]) for place in range(32)]
    pitches = [61, 63, 70, 58, 61, 62, 66, 61, 65, 64, 62, 68, 67]
    sheet = write_sheet(line(list(range(64)), beats=64, pitches=pitches, chords=chords, key="D"), CONCERT)
    part = ElementTree.fromstring(as_musicxml(sheet))
    wrong = []
    for bar in part.iter("measure"):
        in_force: dict[tuple[str | None, str | None], int] = {}
        for pitch, mark in [(own.find("pitch"), own.findtext("accidental")) for own in bar.iter("note")]:
            assert pitch is not None
            place, alter = (pitch.findtext("step"), pitch.findtext("octave")), int(pitch.findtext("alter", "0"))
            before = in_force.get(place)
            if mark:
                in_force[place] = {"flat": -1, "natural": 0, "sharp": 1}[mark]
            shown = in_force.get(place, 1 if place[0] in ("F", "C") else 0)  # the signature of D
            if shown != alter or (mark and before == alter):
                wrong.append((bar.get("number"), place, alter, mark))
    assert not wrong


def test_the_seventh_of_a_suspended_chord_is_minor_as_musicxml_counts_it() -> None:
    part = ElementTree.fromstring(as_musicxml(write_sheet(line([0], chords=[(0, "G7sus")]), CONCERT)))
    assert [part.findtext(f".//degree-{name}") for name in ("value", "alter", "type")] == ["7", "0", "add"]


@pytest.mark.parametrize("title", ["a\x01b", "\ud83d", "\ufffe"])
def test_a_title_with_characters_that_xml_forbids_is_drawn_without_them(title: str) -> None:
    sheet = write_sheet(chorus(1), CONCERT, title, title)
    assert draw_pages(as_musicxml(sheet), sheet.title, "", sheet.credit)


def test_a_pdf_has_its_pages_and_is_deterministic() -> None:
    pytest.importorskip("fpdf", reason="fpdf2 is not installed")
    from yardbird.engraving.sheet_pdf import as_pdf

    pages = draw_pages(as_musicxml(write_sheet(chorus(4), INSTRUMENTS["tenor"])), "A tune", "Tenor", "a model") * 2
    content = as_pdf(pages, "A tune", "a model")
    assert content == as_pdf(pages, "A tune", "a model")
    assert content.startswith(b"%PDF-")
    assert content.count(b"/Type /Page\n") == 2
