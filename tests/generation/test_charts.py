"""Charts in common formats: repeats, sections, ChordPro, iReal Pro links."""

from pathlib import Path
from urllib.parse import quote

import pytest

from yardbird.errors import InputError
from yardbird.generation.charts.irealpro import unscrambled
from yardbird.generation.leadsheet import LeadSheet, read_lead_sheet
from yardbird.music.chords import chord_symbol
from yardbird.music.pitch import Key


def bars(text: str) -> str:
    sheet = LeadSheet.parse(text, "tune.txt")
    assert LeadSheet.parse(sheet.text()) == sheet
    return " | ".join(" ".join(map(chord_symbol, bar)) for bar in sheet.bars)


@pytest.mark.parametrize(
    ("text", "played"),
    [
        ("|: F7 | Bb7 :|", "F7 | Bb7 | F7 | Bb7"),
        ("||: F7 | Bb7 :|| C7", "F7 | Bb7 | F7 | Bb7 | C7"),
        ("F7 | Bb7 :|", "F7 | Bb7 | F7 | Bb7"),
        ("|: F7 :| x3", "F7 | F7 | F7"),
        ("|: F7 :| 3x | C7", "F7 | F7 | F7 | C7"),
        ("|: F7 :|: Bb7 :|", "F7 | F7 | Bb7 | Bb7"),
        ("|: F7 :| |: Bb7 :|", "F7 | F7 | Bb7 | Bb7"),
        ("|: F7 | Bb7 |1. C7 :|2. F7 ||", "F7 | Bb7 | C7 | F7 | Bb7 | F7"),
        ("|: F7 |1 C7 | Bb7 :|2 F7 | %", "F7 | C7 | Bb7 | F7 | F7 | F7"),
        ("|: F7 |[1 C7 :|[2 F7 |]", "F7 | C7 | F7 | F7"),
        ("|: F7 | 1,2. C7 :| 3. Bb7 |", "F7 | C7 | F7 | C7 | F7 | Bb7"),
        ("|: F7 | 1.-3. C7 :| 4. Bb7 |", "F7 | C7 | F7 | C7 | F7 | C7 | F7 | Bb7"),
        ("|: F7 |1. C7 :| Bb7", "F7 | C7 | F7 | Bb7"),
        ("|: F7\nBb7 :|\nC7", "F7 | Bb7 | F7 | Bb7 | C7"),
    ],
)
def test_repeats_and_endings_are_played(text: str, played: str) -> None:
    assert bars(text) == played


@pytest.mark.parametrize(
    ("text", "played"),
    [
        ("F7 | x | % | Bb7", "F7 | F7 | F7 | Bb7"),
        ("F7 | % . . . | Bb7", "F7 | F7 | Bb7"),
        ("[A]\nF7 | Bb7\n[B]\nC7\n[A]", "F7 | Bb7 | C7 | F7 | Bb7"),
        ("A: F7 | Bb7\nBridge: C7\nA:", "F7 | Bb7 | C7 | F7 | Bb7"),
        ("title: Tune\n*A F7 | Bb7\n*B C7", "F7 | Bb7 | C7"),
        ("[Verse 1] |: F7 :|\n[Verse 1]", "F7 | F7 | F7 | F7"),
        ("|C|D|", "C | D"),
        ("F7|Bb7|F7|C7", "F7 | Bb7 | F7 | C7"),
        ("C/D | Cm7b5/Gb", "C/D | Cm7b5/Gb"),
    ],
)
def test_sections_and_repeat_bars_are_read(text: str, played: str) -> None:
    assert bars(text) == played


@pytest.mark.parametrize(
    ("meter", "bar"),
    [("3/4", "F7 F7 Bb7"), ("5/4", "F7 F7 F7 Bb7 Bb7"), ("7/4", "F7 F7 F7 F7 Bb7 Bb7 Bb7"), ("6/8", "F7 Bb7")],
)
def test_two_chords_share_an_odd_bar_with_the_odd_beat_first(meter: str, bar: str) -> None:
    assert bars(f"meter: {meter}\nF7 Bb7") == bar
    changes = LeadSheet.parse(f"meter: {meter}\nF7 Bb7").chord_changes(12, 1)
    assert [chord_symbol(change.chord) for change in changes] == ["F7", "Bb7"]


def test_a_chart_keeps_its_spelling() -> None:
    assert LeadSheet.parse("key: E\nBb7 | F#7 | Gb7").text().endswith("Bb7 | F#7 | Gb7\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("C|D", "line 1: expected one chord at a time, found the polychord 'C|D'; write spaces around a bar line"),
        ("C | D|E | F", "found the polychord 'D|E'"),
        ("F7 | D/C7", "line 1: expected one chord, or one over a bass note, found the polychord 'D/C7'"),
        ("F7 :| C7 :|", "expected a repeat start, found :| after bar 2"),
        (":| C7", "expected bars before :|, found none"),
        (":| x3 C7", "expected bars before :|, found none"),
        ("|: F7 |1. :|", "expected chords in an ending, found none"),
        ("|: F7 |2. C7", "expected an ending 1, found none"),
        ("[A]\n[B]\nF7", "line 1: expected bars in section 'a', found none"),
        ("x | F7", "'x' in the first bar"),
        ("H7 | F7", "expected a chord symbol, found 'H7'; write B for the German H"),
        ("|: F7 :| x99\n|: F7 :| x99\n" * 30, "expected at most 1024 bars, found more"),
    ],
)
def test_a_malformed_chart_is_refused_with_its_location(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        LeadSheet.parse(text, "tune.txt")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_chordpro_lyrics_give_a_bar_to_each_chord() -> None:
    text = "{title: Slow Boat}\n{key: F}\n{time: 3/4}\n{tempo: 120}\n# remark\n[F7]Slow [*softly]boat [Bb7]home\n"
    sheet = LeadSheet.parse(text.replace("[*softly]", ""))
    assert (sheet.title, sheet.key, sheet.meter.numerator, sheet.qpm) == ("Slow Boat", Key.parse("F"), 3, 120)
    assert bars(text) == "F7 | Bb7"


def test_chordpro_grids_have_bars_and_a_chorus_is_recalled() -> None:
    grid = "{t: Tune}\n{start_of_grid}\nA  || F7 . . . | Bb7 . C7 . | % . . . |  twice\n{end_of_grid}\n[G7]lyrics"
    assert bars(grid) == "F7 F7 F7 F7 | Bb7 Bb7 C7 C7 | Bb7 Bb7 C7 C7"
    assert bars("{soc}\n[C]la [F]la\n{eoc}\n[G7]lo\n{chorus}") == "C | F | G7 | C | F"
    assert bars("[C]no directive, [G7/B]but lyrics") == "C | G7/B"


def test_a_capo_raises_the_chords() -> None:
    assert bars("{capo: 2}\n[C]la [F#m7b5/C]la") == "D | Abm7b5/D"
    with pytest.raises(InputError, match="line 1: expected a number of frets, found 'two'"):
        LeadSheet.parse("{capo: two}\n[C]la")


def test_a_bad_chord_in_chordpro_is_named_with_its_line() -> None:
    with pytest.raises(InputError, match="line 2: expected a chord symbol, found 'Qx'"):
        LeadSheet.parse("{title: Tune}\n[Qx]la")


def link(music: str, title: str = "Slow Boat", key: str = "F", *, tempo: str = "120") -> str:
    """A link scrambled as iReal Pro does; scrambling is its own inverse."""
    fields = [title, "Doe Jane", "", "Medium Swing", key, "", "1r34LbKcu7" + unscrambled(music), "", tempo, "3"]
    return "irealb://" + quote("=".join(fields))


SONG = "*A{T44F7XyQ|Bb7XyQ|F7 D7b9LZG-7 C7 }*B[Ah7XyQ|D7alt   |G-^7Kcl  C7susXyQ|n   ZF6/A  Z"


def test_a_scrambled_link_is_read() -> None:
    assert unscrambled(unscrambled(SONG)) == SONG
    assert len(SONG) > 60  # more than one block
    sheet = LeadSheet.parse(link(SONG))
    assert (sheet.title, sheet.key, sheet.qpm) == ("Slow Boat", Key.parse("F"), 120)
    chorus = "F7 | Bb7 | F7 D7b9 | Gm7 C7"
    assert bars(link(SONG)).startswith(f"{chorus} | {chorus} | Am7b5 | D7alt | Gmmaj7 | Gmmaj7")
    assert LeadSheet.parse(f'<p><a href="{link(SONG)}">Slow Boat</a></p>') == sheet


@pytest.mark.parametrize(
    ("music", "played"),
    [
        ("T44*A{C^7 |A-7 |D-9 |G7#5 }", "Cmaj7 | Am7 | Dm9 | Gaug7 | Cmaj7 | Am7 | Dm9 | Gaug7"),
        ("T44C7   |F7 G7|C7  A7|D7p p G7|", "C7 | F7 G7 | C7 C7 C7 A7 | D7 D7 D7 G7"),
        ("T34C7 F7 |G7XyQ|", "C7 C7 F7 | G7"),
        ("T44C^7 A-7 |D-7 G7 |r|XyQ|n   |C   |W/G Z", "Cmaj7 Am7 | Dm7 G7 | Cmaj7 Am7 | Dm7 G7 | N.C. | C | C/G"),
        ("{T44C   |F  N1G7  |G7  } |N2C  |F   Z", "C | F G7 | G7 | C | C | F"),
        ("{T44C   |N1G7  } |N2C7  |[F   <D.C. al Fine>Z", "C | G7 | C | C7 | F | C | C7 | F"),
        ("[T44C   |F  Q|G7  <D.C. al Coda>][QA-  Z", "C | F | G7 | C | F | Am"),
        ("{T44C   <3x>}[F   Z", "C | C | C | F"),
        ("[T44C   <Melody and Solos>|F   Z", "C | F"),
        ("T44sC7,lF7,|Y(E7)A-   U|SG7  fZ", "C7 F7 | Am | G7"),
        ("T44Ah7   |E*m7b5*   |", "Am7b5 | Em7b5"),
    ],
)
def test_the_plain_music_of_ireal_pro_is_unrolled(music: str, played: str) -> None:
    assert bars(f"irealbook://Slow Boat=Doe Jane=Swing=C=n={music}") == played


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "irealbook://One=A=S=C=n=T44C |Z=Two=B=S=F=n=T44F |Z",
            "expected a link with one song, found 2 ('One', 'Two')",
        ),
        ("irealb://nothing", "expected a link with one song, found none"),
        ("irealbook://One=A=S=C=n=T44C |T34F |Z", "expected one meter, found 4/4, 3/4"),
        ("irealbook://One=A=S=C=n=T44C |?!|Z", "expected iReal Pro music, found '?!|Z|'"),
        ("irealbook://One=A=S=C=n=T44x   |C |Z", "bar 1: expected 1 bar to repeat, found 0"),
        ("irealbook://One=A=S=C=n=T44C <D.C. al 2nd End.>|Z", "expected D.C. or D.S., al Coda or al Fine"),
    ],
)
def test_a_link_that_cannot_be_read_gives_a_one_line_error(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        LeadSheet.parse(text)
    assert message in str(error.value)


def test_a_link_instead_of_a_file_names_the_remedy() -> None:
    with pytest.raises(InputError, match=r"expected a file, found an iReal Pro link; paste it into a \.txt file"):
        read_lead_sheet(Path("irealb://Tune=Me"))
