"""Texts of a MIDI file in the encodings that programs write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.music.text_encoding import decode_texts

CHORDS = ["C∆7", "B♭7", "E♭", "A♭∆", "Dø", "F7", "C", "G°7"]


@pytest.mark.parametrize("end", [b"", b"\0", b"\0\0"], ids=["plain", "ended by NUL", "ended by two"])
@pytest.mark.parametrize(
    ("texts", "encoding"),
    [
        (CHORDS, "utf-8"),
        (CHORDS, "utf-8-sig"),
        (CHORDS, "utf-16"),
        (CHORDS, "utf-16-le"),
        (CHORDS, "utf-16-be"),
        (["Dø7", "C°", "Bbmaj7"], "latin-1"),
        (["C°"], "latin-1"),
        (["Pärt"], "latin-1"),
        (["© 1945 Criterion", "Thème", "Blues für Alice"], "latin-1"),
        (["Charlie’s “Ko–Ko”", "Café"], "cp1252"),
        (["枯葉", "アルトサックス", "Cm7", "F7"], "cp932"),
        (["コード", "ソロ"], "cp932"),
        (["Donna Lee (コード付き)", "C7"], "cp932"),
        (["枯葉"], "utf-16"),
        (["枯葉", "アルトサックス"], "euc_jp"),
        (["Чарли Паркер", "соло", "Dm7"], "cp1251"),
    ],
)
def test_texts_are_read_in_the_encoding_of_their_file(texts: list[str], encoding: str, end: bytes) -> None:
    assert decode_texts([text.encode(encoding) + end for text in texts]) == texts


def test_the_encoding_is_detected_from_all_texts_of_a_file() -> None:
    """The bytes of the second text alone are valid Latin-1 and valid Japanese."""
    title, chord = "枯葉のソロ".encode("cp932"), "ソ".encode("cp932")
    assert decode_texts([title, chord]) == ["枯葉のソロ", "ソ"]


def test_a_text_ends_at_its_first_nul() -> None:
    texts = [b"A", b"B\0", b"C7\0\0\0", b"Dm7\0xyz", b"F7\0xy", b"", b"\0", b"Bb7\0"]
    assert decode_texts(texts) == ["A", "B", "C7", "Dm7", "F7", "", "", "Bb7"]


@given(st.lists(st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=12)))
def test_ascii_is_never_decoded_as_another_encoding(texts: list[str]) -> None:
    assert decode_texts([text.encode() for text in texts]) == texts


@given(st.lists(st.binary(max_size=12), max_size=5))
def test_any_bytes_give_a_text_without_a_nul(texts: list[bytes]) -> None:
    assert all("\0" not in text for text in decode_texts(texts))
