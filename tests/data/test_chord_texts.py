"""Chords, letters, credits and lyrics are distinguished by all texts of the file."""

import pytest

from yardbird.data.chord_texts import ChordTexts, chords_of
from yardbird.music.chords import chord_symbol
from yardbird.music.midi import RawText

BAR = 1920
BARS = [BAR * bar for bar in range(64)]


def read(texts: list[tuple[float, str]], kind: str = "marker", share: float = 0.8) -> ChordTexts:
    """`texts` as (bar counted from 0, text)."""
    return chords_of([RawText(int(bar * BAR), kind, text) for bar, text in texts], share, BARS)


def symbols(read: ChordTexts) -> list[tuple[float, str]]:
    return [(change.tick / BAR, chord_symbol(change.chord)) for change in read.changes]


def labels(read: ChordTexts) -> list[tuple[float, str]]:
    return [(section.tick / BAR, section.label) for section in read.sections]


def test_an_unread_symbol_is_named_with_its_bar_and_counts_as_no_chord() -> None:
    """Regression: the previous chord continued, and only the number of unread symbols was reported."""
    found = read([(0, "F7"), (4, "Xyz"), (5, "Bb7"), (7, "C7|F7"), (8, "G:foo"), (9, "F7")])
    assert symbols(found) == [(0, "F7"), (4, "N.C."), (5, "Bb7"), (7, "N.C."), (9, "F7")]
    assert found.flags == ("unread_chords:3 (Xyz in bar 5, C7¦F7 in bar 8, G∶foo in bar 9)",)


def test_a_long_list_of_unread_symbols_is_cut() -> None:
    found = read([*((bar, "C7") for bar in range(25)), *((bar + 0.5, "Qz7") for bar in range(23))])
    assert found.flags[0].startswith("unread_chords:23 (Qz7 in bar 1, ")
    assert found.flags[0].endswith("Qz7 in bar 20, and 3 more)")


def test_a_direction_is_named_but_does_not_end_the_chord() -> None:
    found = read([(0, "F7"), (1, "vamp"), (2, "Bb7"), (3, "drums lay out"), (4, "%"), (5, "F7")])
    assert symbols(found) == [(0, "F7"), (2, "Bb7"), (5, "F7")]
    assert found.flags == ("unread_chords:1 (vamp in bar 2)",)


@pytest.mark.parametrize("text", ["vamp", "Take 2", "Drums", "Fill 3", "8va", "120", "solo", "Fine", "Sax"])
def test_during_a_word_the_chord_continues(text: str) -> None:
    assert symbols(read([(0, "F7"), (1, text), (2, "Bb7"), (3, "C7")])) == [(0, "F7"), (2, "Bb7"), (3, "C7")]


@pytest.mark.parametrize("text", ["Xyz", "c7", "Cmajx7", "C7*", "Hx", "Qz7", "F7/Q", "G7!", "C7 F7", "Eb7|D7"])
def test_during_an_unread_symbol_there_is_no_chord(text: str) -> None:
    found = read([(0, "F7"), (1, text), (2, "Bb7"), (3, "C7")])
    assert symbols(found) == [(0, "F7"), (1, "N.C."), (2, "Bb7"), (3, "C7")]
    assert found.flags == (f"unread_chords:1 ({text.replace('|', '¦')} in bar 2)",)


@pytest.mark.parametrize(
    "letters",
    [
        [(0, "A"), (1, "B"), (2, "C"), (3, "D"), (4, "E"), (5, "F"), (6, "G"), (7, "A")],
        [(0, "A"), (8, "A"), (16, "B"), (24, "A")],
        [(0, "A1"), (8, "A2"), (16, "B"), (24, "A3")],
        [(0, "[A]"), (8, "[B]")],
        [(0, "F"), (8, "G"), (16, "H"), (24, "I")],
        [(0, "A")],
    ],
)
def test_texts_that_are_all_letters_in_alphabetical_order_are_sections(letters: list[tuple[float, str]]) -> None:
    found = read(letters)
    assert (found.changes, found.flags) == ((), ("no_chords",))
    assert labels(found) == [(bar, letter.strip("[]")) for bar, letter in letters]


def test_texts_that_are_all_letters_in_another_order_are_chords() -> None:
    assert symbols(read([(0, "C"), (2, "F"), (4, "G"), (6, "C")])) == [(0, "C"), (2, "F"), (4, "G"), (6, "C")]
    assert symbols(read([(0, "A"), (2, "D"), (4, "E"), (6, "A")])) == [(0, "A"), (2, "D"), (4, "E"), (6, "A")]


def test_a_letter_at_the_tick_of_a_chord_is_a_section() -> None:
    """Regression: of F7 and A in bar 1, only the later one was used, and F7 was lost."""
    found = read([(0, "F7"), (0, "A"), (2, "Bb7"), (8, "D7b9"), (8, "B"), (10, "F7")])
    assert symbols(found) == [(0, "F7"), (2, "Bb7"), (8, "D7b9"), (10, "F7")]
    assert labels(found) == [(0, "A"), (8, "B")]


def test_if_two_letters_share_a_tick_the_next_one_of_the_alphabet_is_the_section() -> None:
    found = read([(0, "A"), (0, "C"), (4, "F7"), (8, "C"), (8, "B"), (12, "G7")])
    assert symbols(found) == [(0, "C"), (4, "F7"), (8, "C"), (12, "G7")]
    assert labels(found) == [(0, "A"), (8, "B")]


def test_letters_eight_bars_apart_among_chords_are_sections() -> None:
    found = read([(0, "A"), (1, "Gm7"), (2, "C7"), (8, "B"), (9, "F7"), (16, "C"), (17, "Bb7")])
    assert symbols(found) == [(1, "Gm7"), (2, "C7"), (9, "F7"), (17, "Bb7")]
    assert labels(found) == [(0, "A"), (8, "B"), (16, "C")]


@pytest.mark.parametrize(
    "chords",
    [
        [(0, "A"), (1, "Bm7"), (2, "E7"), (3, "A"), (4, "D"), (6, "A")],
        [(0, "Db7"), (5, "A"), (6, "C"), (13, "E7"), (13, "A"), (14, "G7"), (21, "A")],
        [(0, "A7"), (4, "D7"), (8, "A"), (10, "E7")],
    ],
)
def test_letters_among_the_chords_of_a_file_in_a_are_chords(chords: list[tuple[float, str]]) -> None:
    """Regression for the second case: with two chords at one tick, every A of a solo by Chris Potter was a section."""
    found = read(chords)
    assert not found.sections
    assert (chords[-1][0], chords[-1][1]) in symbols(found)


@pytest.mark.parametrize(
    "credits",
    [
        ["Ornithology", "by Charlie Parker", "Transcribed by X", "www.example.com", "All rights reserved"],
        ["Copyright 1999 Joe", "Sequenced by Joe"],
        ["Title", "Composer", "Drums", "Swing", "© 2001"],
    ],
)
def test_credits_do_not_outvote_chords(credits: list[str]) -> None:
    """Regression: a file with twelve chords and five credits had no chords."""
    chords = [(bar, symbol) for bar, symbol in enumerate(["F7", "Bb7", "F7", "Cm7", "F7", "Bb7"])]
    found = read([*((0, text) for text in credits), *chords], kind="text")
    assert [symbol for _, symbol in symbols(found)] == ["F7", "Bb7", "F7", "Cm7", "F7", "Bb7"]
    assert found.flags == ("chords_from_text",)


@pytest.mark.parametrize("kind", ["lyrics", "text"])
def test_lyrics_are_not_chords_even_if_syllables_are_letters(kind: str) -> None:
    words = ["A", "ma", "zing", "Go", "Do", "Am", "I", "Be", "E", "ven"]
    found = read([*enumerate(words)], kind=kind)
    assert (found.changes, found.sections, found.flags) == ((), (), ("no_chords",))


def test_letters_in_markers_and_chords_in_texts_are_both_found() -> None:
    texts = [RawText(0, "marker", "A"), RawText(8 * BAR, "marker", "B")]
    texts += [RawText(bar * BAR, "text", symbol) for bar, symbol in enumerate(["F7", "Bb7", "F7", "C7"])]
    found = chords_of(texts, 0.8, BARS)
    assert labels(found) == [(0, "A"), (8, "B")]
    assert [symbol for _, symbol in symbols(found)] == ["F7", "Bb7", "F7", "C7"]


def test_chords_among_too_many_other_texts_are_counted() -> None:
    found = read([(0, "F7"), (1, "da"), (2, "Bb7"), (3, "dn"), (4, "xq"), (5, "zz")], kind="text")
    assert found.flags == ("chord_texts_unused:2", "no_chords")


def test_an_unread_symbol_with_a_line_break_is_named_on_one_line() -> None:
    """Regression: the dry run printed an incomplete line."""
    found = read([(0, "F7"), (1, "C7|\r\nXy:z"), (2, "Bb7")])
    assert found.flags == ("unread_chords:1 (C7¦ Xy∶z in bar 2)",)


def test_the_letter_b_is_b_flat_in_a_file_with_h() -> None:
    assert symbols(read([(0, "H7"), (1, "Em"), (2, "B7"), (3, "F#7")])) == [
        (0, "B7"),
        (1, "Em"),
        (2, "Bb7"),
        (3, "F#7"),
    ]


def test_strings_that_end_in_nul_are_read() -> None:
    assert symbols(read([(0, "Cmaj7\0"), (1, "A7\0")])) == [(0, "Cmaj7"), (1, "A7")]


def test_a_very_long_text_event_is_not_a_chord_and_is_read_quickly() -> None:
    found = read([(0, "a" * 100_000), (1, "F" + "7" * 100_000), (2, "F7"), (3, "Bb7")])
    assert symbols(found) == [(2, "F7"), (3, "Bb7")]
    assert not found.flags
