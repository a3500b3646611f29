"""Notation is read as played: repeats unrolled, at sounding pitch, with chords and words."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from notated import (
    ALTO,
    degree,
    ending,
    harmony,
    musicxml,
    note,
    notes,
    part_of,
    repeat,
    save,
    words,
)

from yardbird.data.readers import read_piece
from yardbird.data.reading import load_midi
from yardbird.errors import InputError
from yardbird.music.chords import Chord
from yardbird.music.midi import RawMidi, read_raw
from yardbird.music.pitch import Key

BEAT = 480
BAR = 4 * BEAT
WHOLE = {"C": 60, "D": 62, "E": 64, "F": 65, "G": 67, "A": 69}


def bar(pitch: str) -> str:
    return notes(*[f"{pitch}4"] * 4)


def of_score(tmp_path: Path, *measures: str, attributes: str = "", pickup: bool = False) -> RawMidi:
    text = musicxml(part_of(list(measures), attributes=attributes, pickup=pickup))
    return read_piece(save(tmp_path / "solo.musicxml", text)).raw


def pitches(raw: RawMidi, part: int = 0) -> list[int]:
    return raw.parts[part].notes["pitch"].tolist()


def bars(raw: RawMidi) -> str:
    """The letter of each bar as played, where a bar repeats one note."""
    letters = {pitch: letter for letter, pitch in WHOLE.items()}
    return "".join(letters[pitch] for pitch in pitches(raw)[::4])


def chords(raw: RawMidi) -> list[tuple[int, str]]:
    return [(text.tick, text.text) for text in raw.texts if text.kind == "marker"]


def words_of(raw: RawMidi) -> list[tuple[int, str]]:
    return [(text.tick, text.text) for text in raw.texts if text.kind == "text"]


def test_a_repeat_with_two_endings_is_played_twice_with_its_chords(tmp_path: Path) -> None:
    raw = of_score(
        tmp_path,
        bar("C"),
        repeat("forward") + harmony("D", "minor-seventh") + bar("D"),
        ending(1, harmony("G", "dominant") + bar("E"), back=True),
        ending(2, bar("F"), back=False),
        bar("G"),
    )
    assert bars(raw) == "CDEDFG"
    assert chords(raw) == [(BAR, "Dm7"), (2 * BAR, "G7"), (3 * BAR, "Dm7")]
    assert [(m.tick, m.numerator, m.denominator) for m in raw.meters] == [(0, 4, 4)]


def test_closing_repeats_without_opening_ones_go_back_to_the_last_repeat(tmp_path: Path) -> None:
    """music21's expander returns to the start for each of them: six repeats play the first part 64 times."""
    back = repeat("backward")
    raw = of_score(tmp_path, bar("C") + back, bar("D") + back, bar("E") + back, bar("F"))
    assert bars(raw) == "CCDDEEF"


def test_dal_segno_al_coda_is_followed(tmp_path: Path) -> None:
    segno = "<direction><direction-type><segno/></direction-type></direction>"
    coda = "<direction><direction-type><coda/></direction-type></direction>"
    raw = of_score(
        tmp_path,
        bar("C"),
        segno + bar("D"),
        bar("E") + words("To Coda"),
        bar("F") + words("D.S. al Coda"),
        coda + bar("G"),
    )
    assert bars(raw) == "CDEFDEG"


def test_signs_in_words_are_followed(tmp_path: Path) -> None:
    raw = of_score(
        tmp_path, bar("C"), words("𝄋") + bar("D") + words("To 𝄌"), bar("E") + words("Dal 𝄋 al 𝄌"), words("𝄌") + bar("F")
    )
    assert bars(raw) == "CDEDF"


def test_da_capo_al_fine_ends_at_the_fine(tmp_path: Path) -> None:
    raw = of_score(tmp_path, bar("C"), bar("D") + words("Fine"), bar("E") + words("D.C. al Fine"))
    assert bars(raw) == "CDECD"


def test_a_pickup_is_a_short_first_bar(tmp_path: Path) -> None:
    raw = of_score(tmp_path, notes("G4"), bar("C"), bar("D"), pickup=True)
    assert [(m.tick, m.numerator, m.denominator) for m in raw.meters] == [(0, 1, 4), (BEAT, 4, 4)]
    assert raw.parts[0].notes["onset_tick"].tolist() == [BEAT * i for i in range(9)]


def test_a_bar_that_a_repeat_cuts_in_two_stays_one_bar(tmp_path: Path) -> None:
    """A pickup of one beat, repeated: the bar before it has three."""
    text = "X:1\nT:Cut\nM:4/4\nL:1/4\nK:C\nG|CCCC|DDD:|\nG|EEEE|FFF|\n"
    raw = read_piece(save(tmp_path / "cut.abc", text)).raw
    assert pitches(raw)[:9] == [67, 60, 60, 60, 60, 62, 62, 62, 67]
    assert [(m.tick, m.numerator, m.denominator) for m in raw.meters] == [(0, 1, 4), (BEAT, 4, 4)]


def test_a_transposing_part_is_read_at_sounding_pitch_with_its_chords(tmp_path: Path) -> None:
    inside = harmony("A", "dominant", text="7") + notes("A4", "C5", "E5", "G5")
    raw = of_score(tmp_path, inside, attributes=ALTO)
    assert pitches(raw) == [60, 63, 67, 70]
    assert chords(raw) == [(0, "C7")]


def test_ties_are_joined_over_the_bar_line(tmp_path: Path) -> None:
    start, stop = '<tie type="start"/>', '<tie type="stop"/>'
    raw = of_score(tmp_path, note("C4", 12) + note("D4", 4, start), note("D4", 8, stop) + note("E4", 8))
    assert raw.parts[0].notes.tolist() == [(0, 1440, 60, 90), (1440, 1440, 62, 90), (2880, 960, 64, 90)]


def test_tuplets_fall_on_their_ticks_and_grace_notes_are_counted(tmp_path: Path) -> None:
    triplet = "<time-modification><actual-notes>3</actual-notes><normal-notes>2</normal-notes></time-modification>"
    grace = "<note><grace/><pitch><step>B</step><octave>3</octave></pitch><voice>1</voice></note>"
    three = "".join(
        f"<note><pitch><step>{step}</step><octave>4</octave></pitch><duration>4</duration><voice>1</voice>{triplet}</note>"
        for step in "CDE"
    )
    text = musicxml(part_of([three + grace + notes("F4", duration=24)])).replace(
        "<divisions>4</divisions>", "<divisions>12</divisions>"
    )
    piece = read_piece(save(tmp_path / "solo.xml", text))
    assert piece.raw.parts[0].notes["onset_tick"].tolist() == [0, 160, 320, 480]
    assert "grace_notes_left_out:1" in piece.raw.flags


def test_voices_are_parts_of_one_track_and_staves_tracks(tmp_path: Path) -> None:
    low = "<backup><duration>16</duration></backup>" + note("C3", 16, voice=2)
    text = musicxml(part_of([bar("C") + low]), part_of([bar("E")], "P2"), names=("Alto Saxophone", "Tenor Saxophone"))
    raw = read_piece(save(tmp_path / "solo.xml", text)).raw
    assert [(part.track, part.channel, part.name, part.program, len(part.notes)) for part in raw.parts] == [
        (0, 0, "Alto Saxophone", 65, 4),
        (0, 1, "Alto Saxophone", 65, 1),
        (1, 0, "Tenor Saxophone", 66, 4),
    ]


def test_a_voice_is_never_on_the_drum_channel(tmp_path: Path) -> None:
    voices = "<backup><duration>16</duration></backup>".join(note("C4", 16, voice=v) for v in range(1, 12))
    raw = of_score(tmp_path, voices)
    assert len(raw.parts) == 11
    assert not any(part.is_drums for part in raw.parts)


@pytest.mark.parametrize(
    ("written", "symbol"),
    [
        (harmony("B", "half-diminished", text="m7b5"), "Bm7b5"),
        (harmony("Bb", "major-seventh"), "Bbmaj7"),
        (harmony("C", "dominant", degrees=degree(9, -1, "add")), "C7b9"),
        (harmony("C", "dominant", degrees=degree(11, 1, "add")), "C7#11"),
        (harmony("C", "suspended-fourth", degrees=degree(7, -1, "add")), "C7sus4"),
        (harmony("C", "major", bass="E"), "C/E"),
        (harmony("F", "major-minor"), "Fmmaj7"),
        (harmony("G", "other", text="7alt"), "G7alt"),
        (harmony("G", "dominant", text="7alt"), "G7alt"),  # the kind says less than the text
        (harmony("G", "suspended-fourth", text="9sus"), "G9sus"),
        (harmony("C", "major-seventh", text="7"), "Cmaj7"),  # drawn after a triangle
        (harmony("C", "dominant-ninth", text="7"), "C9"),
    ],
)
def test_chord_symbols_are_read_by_kind_degrees_and_text(tmp_path: Path, written: str, symbol: str) -> None:
    raw = of_score(tmp_path, written + bar("C"))
    assert chords(raw) == [(0, symbol)]
    Chord.parse(symbol)


def test_a_fourth_in_place_of_the_third_is_a_suspension(tmp_path: Path) -> None:
    instead = degree(4, 0, "add") + degree(3, 0, "subtract")
    raw = of_score(tmp_path, harmony("C", "dominant", degrees=instead) + bar("C"))
    assert Chord.parse(chords(raw)[0][1]) == Chord.parse("C7sus4")


def test_a_roman_numeral_does_not_reject_the_file(tmp_path: Path) -> None:
    """Regression: music21 recurses without end on a chord without a root."""
    numeral = "<harmony><function>V7</function><kind>dominant</kind></harmony>"
    raw = of_score(tmp_path, harmony("C", "dominant") + bar("C"), numeral + bar("D"))
    assert chords(raw) == [(0, "C7")]
    assert "numerals_unread:1" in raw.flags


def test_nc_is_a_chord_symbol(tmp_path: Path) -> None:
    raw = of_score(tmp_path, harmony("C", "none") + bar("C"))
    assert chords(raw) == [(0, "N.C.")]


def test_rehearsal_marks_are_sections_and_words_are_texts(tmp_path: Path) -> None:
    rehearsal = "<direction><direction-type><rehearsal>A</rehearsal></direction-type></direction>"
    raw = of_score(tmp_path, words("HEAD") + bar("C"), rehearsal + bar("D"))
    assert words_of(raw) == [(0, "HEAD"), (BAR, "SECTION A")]
    (tmp_path / "solo.musicxml").rename(tmp_path / "head.musicxml")
    score = load_midi(tmp_path / "head.musicxml")
    assert [(section.tick, section.label) for section in score.sections] == [(0, "HEAD"), (BAR, "A")]


def test_the_tempo_counts_quarter_notes(tmp_path: Path) -> None:
    dotted = (
        "<direction><direction-type><metronome><beat-unit>quarter</beat-unit><beat-unit-dot/>"
        "<per-minute>80</per-minute></metronome></direction-type></direction>"
    )
    sound = '<direction><direction-type><words>swing</words></direction-type><sound tempo="200"/></direction>'
    raw = of_score(tmp_path, dotted + bar("C"), sound + bar("D"))
    assert [(tempo.tick, round(tempo.qpm)) for tempo in raw.tempos] == [(0, 120), (BAR, 200)]


@pytest.mark.parametrize("written", ["c. 180", "180-200", "(180)", "180"])
def test_an_approximate_tempo_is_its_first_number(tmp_path: Path, written: str) -> None:
    """Regression: 120 was assumed, also with a `sound` element beside it."""
    mark = f"<metronome><beat-unit>quarter</beat-unit><per-minute>{written}</per-minute></metronome>"
    direction = f'<direction><direction-type>{mark}</direction-type><sound tempo="180"/></direction>'
    assert [tempo.qpm for tempo in of_score(tmp_path, direction + bar("C")).tempos] == [180]


def test_a_tempo_given_only_in_words_is_not_a_tempo_event(tmp_path: Path) -> None:
    assert of_score(tmp_path, words("Allegro") + bar("C")).tempos == ()


def test_the_key_has_a_mode(tmp_path: Path) -> None:
    text = musicxml(part_of([bar("C")])).replace(
        "<fifths>0</fifths><mode>major</mode>", "<fifths>-3</fifths><mode>minor</mode>"
    )
    assert read_piece(save(tmp_path / "a.xml", text)).raw.keys == (Key(0, "minor"),)


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


CONTAINER = b'<container><rootfiles><rootfile full-path="%s"/></rootfiles></container>'


def test_compressed_musicxml_is_read_in_memory_with_any_member_names(tmp_path: Path) -> None:
    score = musicxml(part_of([bar("C"), bar("D")])).encode()
    name = "../../climbs.xml"
    inside = tmp_path / "in"
    inside.mkdir()
    path = zipped(inside / "a.mxl", {"META-INF/container.xml": CONTAINER % name.encode(), name: score})
    assert bars(read_piece(path).raw) == "CD"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.mxl", "in"]


def test_musicxml_in_utf_16_is_read(tmp_path: Path) -> None:
    text = musicxml(part_of([bar("C")])).replace("UTF-8", "UTF-16")
    (tmp_path / "a.xml").write_bytes(text.encode("utf-16"))
    assert bars(read_piece(tmp_path / "a.xml").raw) == "C"


ENTITIES = '<!DOCTYPE score-partwise [<!ENTITY a "ha">{more}]>\n<score-partwise>&a;</score-partwise>'


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("a.xml", ENTITIES.format(more="").encode(), r"a declared entity \(a\)"),
        ("a.xml", ENTITIES.format(more="").encode("utf-16"), r"a declared entity \(a\)"),
        ("a.xml", b'<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><s>&x;</s>', r"a declared entity \(x\)"),
        ("a.xml", b"<plist><dict/></plist>", "XML of another kind .<plist>."),
        ("a.musicxml", b"<score-timewise/>", "expected score-partwise, found score-timewise"),
        ("a.xml", b"<score-partwise><part>", r"damaged XML \(no element found: line 1, column 22\)"),
        ("a.xml", b"", r"damaged XML"),
        ("a.xml", b"<score-partwise>" + b"<a>" * 100, "more than 64 nested elements"),
        ("a.mxl", b"PK\x03\x04 and no more", "a damaged archive"),
        ("a.abc", b"no tune at all", "no line X:"),
        ("a.krn", b"**harm\nI\n*-\n", "a \\*\\*kern column, found none"),
    ],
)
def test_damaged_and_dangerous_files_give_a_one_line_error(
    tmp_path: Path, name: str, content: bytes, found: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=found) as caught:
        read_piece(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.xml", "w") as member:
        for _ in range(40):
            member.write(b" " * 1_000_000)
    (tmp_path / "a.mxl").write_bytes(bomb.getvalue())
    with pytest.raises(InputError, match=r"more than 32 MB in a\.xml"):
        read_piece(tmp_path / "a.mxl")


def test_too_many_notes_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "a.xml", "<score-partwise>" + "<note/>" * 10_001 + "</score-partwise>")
    with pytest.raises(InputError, match="more than 10000 notes"):
        read_piece(path)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.xml", "<score-partwise><part>" + "<measure/>" * 801 + "</part></score-partwise>"),
        ("a.krn", "**kern\n" + "=\n1c\n" * 801 + "*-\n"),
    ],
)
def test_a_file_that_would_take_minutes_is_refused_at_once(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(InputError, match=r"at most 800 bars.*, found .*; cut it into solos"):
        read_piece(save(tmp_path / name, text))


def test_a_meter_that_would_fill_the_memory_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a meter such as"):
        read_piece(save(tmp_path / "a.krn", "**kern\n*M99999999/1\n1c\n*-\n"))


def test_precise_tempos_are_no_meters(tmp_path: Path) -> None:
    read_piece(save(tmp_path / "a.krn", "**kern\n*M4/4\n*MM120.0000\n1c\n*-\n"))


def test_what_music21_cannot_read_is_counted(tmp_path: Path) -> None:
    text = "**kern\n*M4/4\n4c\n4XYZ\n4e\n4f\n*-\n"
    assert "unread_events:1" in read_piece(save(tmp_path / "a.krn", text)).raw.flags


KERN = """!!!OTL: A tune
**kern\t**mxhm
*Isax\t*
*M4/4\t*
*k[b-]\t*
*F:\t*
*MM150\t*
*>[A,A,B]\t*>[A,A,B]
*>A\t*>A
=1\t=1
4c\tF major
8d\t.
8e\t.
[2f\tC dominant/E
=2\t=2
4f]\tG minor-seventh
2.g\t.
*>B\t*>B
=3:|!\t=3:|!
1a\tnone
==\t==
*-\t*-
"""


def test_kern_is_expanded_and_its_chords_are_read(tmp_path: Path) -> None:
    piece = read_piece(save(tmp_path / "tune.krn", KERN))
    once = [60, 62, 64, 65, 67]
    assert pitches(piece.raw) == [*once, *once, 69]
    assert piece.raw.parts[0].notes["duration_tick"].tolist()[:5] == [480, 240, 240, 1440, 1440]
    expected = [(0, "F"), (960, "C7/E"), (1920, "Gm7")]
    assert chords(piece.raw) == [
        *expected,
        *((tick + 3840, symbol) for tick, symbol in expected),
        (7680, "N.C."),
    ]
    assert piece.raw.tempos[0].qpm == 150
    assert piece.raw.flags == ()


def test_roman_numerals_become_chords(tmp_path: Path) -> None:
    text = "**kern\t**harm\n*M4/4\t*\n*C:\t*C:\n=1\t=1\n4c\tI\n4d\tV7\n2e\tI\n==\t==\n*-\t*-\n"
    raw = read_piece(save(tmp_path / "a.krn", text)).raw
    assert [symbol for _, symbol in chords(raw)] == ["C", "G7", "C"]
    assert pitches(raw) == [60, 62, 64]


SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.mark.skipif(not (SHARED / "musicxml").is_dir(), reason="the Omnibook's MusicXML is absent")
def test_the_omnibook_gives_the_notes_of_its_midi_files() -> None:
    for path in sorted((SHARED / "musicxml").glob("*.xml"))[::4]:
        raw = read_piece(path).raw
        midi = read_raw(SHARED / "parker" / f"omnibook__{path.stem}.mid")
        assert np.array_equal(raw.parts[0].notes, midi.parts[0].notes), path.name
        assert raw.meters == midi.meters
        assert raw.tempos[0].qpm == pytest.approx(midi.tempos[0].qpm, rel=1e-5)
        assert {tick for tick, _ in chords(midi)} <= {tick for tick, _ in chords(raw)}
