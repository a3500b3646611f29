"""ABC is read as it sounds: pitches, rhythm, repeats and voices, also of files that bend the standard."""

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from notated import save

from yardbird.data.notation.abc_tunes import _expanded
from yardbird.data.readers import read_piece
from yardbird.data.reading import load_midi
from yardbird.errors import InputError
from yardbird.music.midi import RawMidi
from yardbird.music.pitch import Key

BEAT = 480
STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def read(tmp_path: Path, music: str, *, key: str = "C", head: str = "") -> RawMidi:
    return read_piece(save(tmp_path / "a.abc", f"X:1\nM:4/4\nL:1/4\n{head}K:{key}\n{music}\n")).raw


def pitches(raw: RawMidi) -> list[int]:
    return raw.parts[0].notes["pitch"].tolist()


def letters(raw: RawMidi) -> str:
    return "".join({60 + pitch: step for step, pitch in STEPS.items()}[pitch % 12 + 60] for pitch in pitches(raw))


def texts(raw: RawMidi, kind: str) -> list[tuple[int, str]]:
    return [(text.tick, text.text) for text in raw.texts if text.kind == kind]


def lengths(raw: RawMidi) -> list[Fraction]:
    return [Fraction(int(ticks), BEAT) for ticks in raw.parts[0].notes["duration_tick"]]


BOOK = """%abc-2.1
M:4/4
L:1/8

X:1
T:First
Q:1/4=160
K:G
%%MIDI program 65
"G"GABc "^HEAD""D7"d2 "Ebsus79"d2 | "C-7"e4 {a}d4 |]

Words between tunes.

X:2
T:Second
K:Am
|: A2B2 c2d2 |1 e8 :|2 a8 |]
X:2
T:Again
K:C
!segno! C8 | D8 !fine! | E8 !D.S.! |]
"""


def test_each_tune_of_an_abc_book_is_a_piece(tmp_path: Path) -> None:
    book = save(tmp_path / "book.abc", BOOK)
    first, second, again = (read_piece(book, number) for number in ("1", "2", "2.2"))
    assert [piece.known.title for piece in (first, second, again)] == ["First", "Second", "Again"]
    assert first.raw.tempos[0].qpm == 160
    assert first.raw.parts[0].program == 65
    assert first.raw.keys == (Key(7, "major"),)
    assert pitches(first.raw) == [67, 69, 71, 72, 74, 74, 76, 74]
    assert texts(first.raw, "marker") == [(0, "G"), (960, "D7"), (1440, "Ebsus79"), (1920, "C-7")]
    assert texts(first.raw, "text") == [(960, "HEAD")]
    assert "grace_notes_left_out:1" in first.raw.flags
    assert pitches(second.raw) == [69, 71, 72, 74, 76, 69, 71, 72, 74, 81]
    assert pitches(again.raw) == [60, 62, 64, 60, 62]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("A y B y2 A", [69, 71, 69]),
        ("A (B>)A (3{g}ABA B", [69, 71, 69, 69, 71, 69, 71]),
        ("TA uB HA JB .A ~B", [69, 71, 69, 71, 69, 71]),
        ("[r:bad remark]A !trill!B +fermata+A", [69, 71, 69]),
        ("ABAB|Z2|AB", [69, 71, 69, 71, 69, 71]),
        ("A`B A2 (AB) {g}A", [69, 71, 69, 69, 71, 69]),
        ("[CE]A (3ABA", [60, 64, 69, 69, 71, 69]),
        ("HA-A | S[CE]", [69, 60, 64]),
    ],
)
def test_ornaments_in_abc_neither_add_nor_lose_notes(tmp_path: Path, written: str, expected: list[int]) -> None:
    raw = read(tmp_path, f"{written}|")
    assert pitches(raw) == expected
    assert not any(flag.startswith("unread") for flag in raw.flags)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("^CDcC|CDEF", [61, 62, 73, 61, 60, 62, 64, 65]),
        ("^CD=CC|CDEF", [61, 62, 60, 60, 60, 62, 64, 65]),
        ('^FDE"G7"F-|"C"FFEF', [66, 62, 64, 66, 65, 64, 65]),
        ("FGAB|[K:G]FGAB", [65, 67, 69, 71, 66, 67, 69, 71]),
        ("{^c}dcBA|cdef", [74, 73, 71, 69, 72, 74, 76, 77]),
        ("[^CE]C[^F-A][FA]|[FA]", [61, 64, 61, 66, 69, 69, 65, 69]),
    ],
)
def test_an_accidental_holds_until_the_bar_line_and_over_a_tie(
    tmp_path: Path, written: str, expected: list[int]
) -> None:
    assert pitches(read(tmp_path, f"{written}|C4|")) == [*expected, 60]


@pytest.mark.parametrize(
    ("written", "played"),
    [
        ("|:C4:|", "CC"),
        ("|:C4 D4:|E4|", "CDCDE"),
        ("C4|D4:|\nE4:|", "CDCDEE"),
        ("|::C4|D4::|E4|", "CDCDCDE"),
        ("|:C4|D4::E4:|", "CDCDEE"),
        ("|:C4|D2 [1 E2:|[2 F2|]", "CDECDF"),
        ("C4|D4 S|E4|!fine!F4|G4 !D.S.!|", "CDEFGEF"),
        ("C4|D4 !dacoda!|E4|G4!D.C.!||!coda!A4|", "CDEGCDA"),
        ("C4 O|D4|E4 !D.C.!|O F4|", "CDECF"),
        ('C4|"Fine"D4|E4"D.C."|', "CDECD"),
        ('|:C4:|"Dsus4"D4|', "CCD"),
        ('C4|"D/C"D4|E4|', "CDE"),
        ('"^To Coda 𝄌"C4|D4"^(D.C. al Coda)"|"^𝄌"E4|', "CDCE"),
        ("P:A\nC4|\nP:B\n|:D4:|\n", "CDD"),
        ("|:C4|D4|1 E4:|2 F4:|3 G4|]A4|", "CDECDFCDGA"),
        ("|:C4|D4|E4|1-3 F4:|4 G4|]", "CDEFCDEFCDEFCDEG"),
        ("|:C4|D4|[1,3 F4:|[2 G4:|]", "CDFCDGCDF"),
        ("|:C4|D4|[1 E4|F4:|[2 G4|A4|]|:D4|1 E4:|2 F4|]", "CDEFCDGADEDF"),
    ],
)
def test_repeats_and_endings_of_abc_are_followed(tmp_path: Path, written: str, played: str) -> None:
    raw = read(tmp_path, written)
    assert letters(raw) == played
    assert not any(text.startswith("[") for _, text in texts(raw, "text"))


def test_the_lines_of_a_voice_are_joined(tmp_path: Path) -> None:
    systems = "[V:1]CDEF|G4|\n[V:2]C,4|C,4|\n[V:1]A4|G4|\n[V:2]D,4|D,4|\n"
    raw = read(tmp_path, systems)
    assert [part.notes["pitch"].tolist() for part in raw.parts] == [[60, 62, 64, 65, 67, 69, 67], [48, 48, 50, 50]]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_titles_are_decoded(tmp_path: Path, encoding: str) -> None:
    tunes = "X:1\nT:Für Élise\nK:C\nCDEF|\n\nX:2\nT:Zwei\nK:C\nCDEF|\n"
    (tmp_path / "a.abc").write_bytes(tunes.encode(encoding))
    assert read_piece(tmp_path / "a.abc", "1").known.title == "Für Élise"


def test_a_book_requires_the_number_of_a_tune(tmp_path: Path) -> None:
    save(tmp_path / "book.abc", BOOK)
    with pytest.raises(InputError, match=r"one of its solos, such as book.abc#1, found a file of 3 solos"):
        load_midi(tmp_path / "book.abc")
    assert load_midi(tmp_path / "book.abc#2").pitches.tolist() == [69, 71, 72, 74, 76, 69, 71, 72, 74, 81]
    with pytest.raises(InputError, match="a tune of this number, found 7"):
        load_midi(tmp_path / "book.abc#7")


@pytest.mark.parametrize("end", ["\n", "|]\n", " |\n", "||\n\n"])
def test_a_tune_without_inner_bar_lines_may_be_long(tmp_path: Path, end: str) -> None:
    raw = read_piece(save(tmp_path / "a.abc", "X:1\nM:4/4\nL:1/8\nK:C\n" + "CDEF" * 130 + end)).raw
    assert len(raw.parts[0].notes) == 520


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("C", [60, 65, 67, 71]),
        ("HP", [61, 66, 67, 71]),
        ("D =c", [60, 66, 67, 71]),
        ("D exp ^f _b", [60, 66, 67, 70]),
        ("Dmix ^g", [60, 66, 68, 71]),
        ("E dorian", [61, 66, 67, 71]),
        ("Ebm", [59, 65, 66, 70]),
        ("G#m", [61, 66, 68, 71]),
        ("none", [60, 65, 67, 71]),
        ("", [60, 65, 67, 71]),
        ("D none", [61, 66, 67, 71]),
        ("C transpose=-2", [58, 63, 65, 69]),
        ("C treble t=-2", [58, 63, 65, 69]),
        ("C octave=-1", [48, 53, 55, 59]),
        ("C clef=treble-8", [48, 53, 55, 59]),
        ("C bass+8", [72, 77, 79, 83]),
        ("C -8va", [48, 53, 55, 59]),
        ("C clef=bass", [60, 65, 67, 71]),
    ],
)
def test_keys_clefs_and_transpositions_give_the_sounding_pitch(tmp_path: Path, key: str, expected: list[int]) -> None:
    assert pitches(read(tmp_path, "CFGB|", key=key)) == expected


def test_a_transposed_part_has_its_chords_and_key_at_sounding_pitch(tmp_path: Path) -> None:
    raw = read(tmp_path, '"D7/F#"d2"Bm7(b5)"d2|"N.C."d4|', key="G", head="V:1 transpose=-2\n")
    assert pitches(raw) == [72, 72, 72]
    assert texts(raw, "marker") == [(0, "C7/E"), (2 * BEAT, "Am7(b5)"), (4 * BEAT, "N.C.")]
    assert raw.keys == (Key(5, "major"),)


@pytest.mark.parametrize(
    ("key", "expected"),
    [("Dm", Key(2, "minor")), ("Bb", Key(10, "major")), ("A Dorian", Key(9, "minor")), ("G mix", Key(7, "major"))],
)
def test_the_key_of_the_tune_is_known(tmp_path: Path, key: str, expected: Key) -> None:
    assert read(tmp_path, "CDEF|", key=key).keys == (expected,)


@pytest.mark.parametrize("key", ["none", "", "C exp ^f"])
def test_a_key_signature_without_a_key_is_no_key(tmp_path: Path, key: str) -> None:
    assert read(tmp_path, "CDEF|", key=key).keys == ()


@pytest.mark.parametrize(
    ("music", "expected"),
    [
        ("C C2 C/ C// C3/4 C/4 C3/", "1 2 1/2 1/4 3/4 1/4 3/2"),
        ("C>D E<F|C>>D", "3/2 1/2 1/2 3/2 7/4 1/4"),
        ("C > D (E>)F", "3/2 1/2 3/2 1/2"),
        ("(3CDE (3:2:3CDE (5CDEFG", "2/3 2/3 2/3 2/3 2/3 2/3 2/5 2/5 2/5 2/5 2/5"),
        ("(3:2:2 C2D E", "4/3 2/3 1"),
        ("(3CzE F", "2/3 2/3 1"),
        ("[C2E2]/ F", "1 1 1"),
        ("C-C D-|D", "2 2"),
        ("C -C [DF]-[DF]", "2 2 2"),
        ("C&E2|", "1 2"),
    ],
)
def test_lengths_are_those_of_the_standard(tmp_path: Path, music: str, expected: str) -> None:
    ticks = [round(Fraction(length) * BEAT) for length in expected.split()]
    raw = read(tmp_path, music)
    assert [int(tick) for part in raw.parts for tick in part.notes["duration_tick"]] == ticks


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("1/4=180", [180]), ("1/4 = 90", [90]), ('"Fast" 1/4=180 "swing"', [180]), ("180", [180]), ("1/2=100", [200]),
        ("3/8=90", [135]), ("1/8 1/4=180", [270]), ("C=120", [120]), ("C2=60", [120]), ('"Bop"', []), ("1/4=0", []),
    ],
)  # fmt: skip
def test_tempos_count_quarter_notes(tmp_path: Path, field: str, expected: list[float]) -> None:
    assert [tempo.qpm for tempo in read(tmp_path, "CDEF|", head=f"Q:{field}\n").tempos] == expected


def test_tempos_meters_and_lengths_may_change(tmp_path: Path) -> None:
    raw = read(tmp_path, "CDEF|[Q:1/4=200][M:3/4]CDE|\nL:1/8\nM:C|\nC8|", head="Q:1/4=100\n")
    assert [(tempo.tick, tempo.qpm) for tempo in raw.tempos] == [(0, 100), (4 * BEAT, 200)]
    meters = [(meter.tick, meter.numerator, meter.denominator) for meter in raw.meters]
    assert meters == [(0, 4, 4), (4 * BEAT, 3, 4), (7 * BEAT, 2, 2)]
    assert lengths(raw)[-1] == 4


@pytest.mark.parametrize(("meter", "quarters"), [("4/4", "1/2"), ("2/4", "1/4"), ("C", "1/2"), ("3/4", "1/2")])
def test_without_a_length_the_meter_gives_it(tmp_path: Path, meter: str, quarters: str) -> None:
    raw = read_piece(save(tmp_path / "a.abc", f"X:1\nM:{meter}\nK:C\nC|\n")).raw
    assert lengths(raw) == [Fraction(quarters)]


def test_rests_keep_their_length(tmp_path: Path) -> None:
    raw = read_piece(save(tmp_path / "a.abc", "X:1\nM:3/4\nL:1/8\nK:C\nA4x2|Z2|B4z2|Z|c|\n")).raw
    assert raw.parts[0].notes["onset_tick"].tolist() == [0, 9 * BEAT, 15 * BEAT]


def test_a_second_layer_of_a_bar_sounds_with_the_first(tmp_path: Path) -> None:
    raw = read(tmp_path, "C4|D2 E2 & G4|F4|")
    assert [part.notes["onset_tick"].tolist() for part in raw.parts] == [[0, 1920, 2880, 3840], [1920]]
    assert raw.flags == ()


@pytest.mark.parametrize(
    ("order", "played"), [("ABA", "CDC"), ("A2(BA)2", "CCDCDC"), ("AAB % as printed", "CCD"), ("A.B", "CD")]
)
def test_sections_are_played_in_the_order_of_the_header(tmp_path: Path, order: str, played: str) -> None:
    assert letters(read(tmp_path, "P:A\nC4|\nP:B\nD4|", head=f"P:{order}\n")) == played


@pytest.mark.parametrize("order", ["ABX", "((((A99)99)99)99)99"])
def test_an_order_that_cannot_be_played_is_a_warning(tmp_path: Path, order: str) -> None:
    raw = read(tmp_path, "P:A\nC4|\nP:B\nD4|", head=f"P:{order}\n")
    assert letters(raw) == "CD"
    assert raw.flags == ("parts_order_unread:1",)


@given(st.text("AB()29", max_size=12))
def test_an_order_is_letters_or_refused(order: str) -> None:
    found = _expanded(order)
    assert found is None or found == "" or found.isalpha()


def test_a_jump_without_its_sign_is_a_warning_and_the_repeats_are_played(tmp_path: Path) -> None:
    raw = read(tmp_path, "|:C4:|D4!D.S.!|")
    assert letters(raw) == "CCD"
    assert raw.flags == ("repeats_not_unrolled:2",)


def test_chords_words_and_alternatives(tmp_path: Path) -> None:
    raw = read(tmp_path, '"G(Em)"C"C(maj7)"D"^slowly"E"@2,3 HEAD"F|"A7"z4|')
    chords = [(0, "G"), (BEAT, "C(maj7)"), (4 * BEAT, "A7")]
    assert texts(raw, "marker") == chords
    assert texts(raw, "text") == [(2 * BEAT, "slowly"), (3 * BEAT, "HEAD")]


def test_lines_that_are_no_music_are_skipped(tmp_path: Path) -> None:
    lines = "CDEF|% a comment\nw:la la la\n+:fa la\n%%text abc\n%%begintext\nABC\n%%endtext\nW:deaf\nm:~G2={A}G\nG4|"
    raw = read(tmp_path, lines)
    assert pitches(raw) == [60, 62, 64, 65, 67]
    assert raw.flags == ()


def test_a_line_may_start_with_a_note_before_a_repeat_sign(tmp_path: Path) -> None:
    assert letters(read(tmp_path, "|:C3\nD:|")) == "CDCD"


@pytest.mark.parametrize("music", ["CD=20|EF|", "CD4:EF|", '"Am CDE'])
def test_what_is_no_abc_is_counted(tmp_path: Path, music: str) -> None:
    assert any(flag.startswith("unread_events") for flag in read(tmp_path, music).flags)


@pytest.mark.parametrize("field", ["M:1e999/4", "M:4=200:1/8", "L:-1/8", "M:0/4", "M:4/0"])
def test_an_odd_field_is_counted_and_leaves_what_was_in_force(tmp_path: Path, field: str) -> None:
    """Regression: music21 read the digits of the first as one number and took minutes."""
    raw = read(tmp_path, f"CDEF|\n{field}\nCDEF|")
    assert raw.flags == ("unread_events:1",)
    assert lengths(raw) == [1] * 8


@pytest.mark.parametrize(
    "text",
    [
        "M:4/4\nL:1/8\nK:C\nC99999999999 D|\n",
        "M:4/4\nL:1/8\nK:C\n" + "C9999 " * 500 + "|\n",
        "M:4/4\nL:99999999/1\nK:C\nCDEF|\n",
        "M:99999999/1\nL:1/8\nK:C\nCDEF|\n",
        "M:1/99999\nL:1/8\nK:C\nC16D|\n",
        "M:4/4\nL:1/8\nK:C\n" + "C8|" * 5001,
        "M:4/4\nL:1/8\nK:C\nC8|Z9999|",
    ],
)
def test_lengths_and_meters_that_would_fill_the_memory_are_refused_at_once(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match=r"notes of at most 5000 bars, and a meter of at most 64/64"):
        read_piece(save(tmp_path / "a.abc", f"X:1\n{text}"))


@given(
    fifths=st.integers(-7, 7),
    bars=st.lists(
        st.lists(
            st.tuples(st.sampled_from("CDEFGAB"), st.integers(-1, 1), st.integers(-2, 2), st.integers(1, 9)),
            min_size=1,
            max_size=8,
        ),
        min_size=1,
        max_size=6,
    ),
)
def test_written_notes_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, fifths: int, bars: list[list[tuple[str, int, int, int]]]
) -> None:
    """Against a writer that keeps one list of what each step means now."""
    key = ["Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#"][fifths + 7]
    signature = dict.fromkeys("CDEFGAB", 0) | dict.fromkeys("FCGDAEB"[: max(fifths, 0)], 1)
    signature |= dict.fromkeys("BEADGCF"[: max(-fifths, 0)], -1)
    music, expected = "", []
    for bar in bars:
        meaning = dict(signature)
        for step, alter, octave, eighths in bar:
            music += "" if meaning[step] == alter else {-1: "_", 0: "=", 1: "^"}[alter]
            meaning[step] = alter
            name = step if octave < 1 else step.lower()
            music += name + "," * -octave + "'" * (octave - 1) + f"{eighths}/2 "
            expected.append((60 + 12 * octave + STEPS[step] + alter, eighths * BEAT // 2))
        music += "|"
    raw = read(tmp_path_factory.mktemp("abc"), music, key=key)
    assert list(zip(pitches(raw), raw.parts[0].notes["duration_tick"].tolist(), strict=True)) == expected
