import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.music.pitch import Key, parse_pitch_class, spell

keys = st.builds(Key, st.integers(0, 11), st.sampled_from(["major", "minor"]))


@given(keys)
def test_a_key_is_read_back_from_its_name_and_its_signature(key: Key) -> None:
    assert Key.parse(str(key)) == key
    assert Key.from_fifths(key.fifths, key.mode) == key


@given(st.integers(0, 11), keys)
def test_a_spelled_pitch_class_is_read_back(pitch_class: int, key: Key) -> None:
    assert parse_pitch_class(key.spell(pitch_class)) == pitch_class


@pytest.mark.parametrize(
    ("text", "fifths"),
    [
        ("C", 0), ("F-maj", -1), ("E-min", 1), ("Ab major", -4), ("C#m", 4), ("Gb", -6),
        ("A-", 0), ("Bb-", -5), ("Ebmaj", -3), ("Gmin", -2), ("B♭ - Major", -2), ("f# Minor", 3),
    ],
)  # fmt: skip
def test_signatures_follow_the_circle_of_fifths(text: str, fifths: int) -> None:
    assert Key.parse(text).fifths == fifths


def test_a_key_with_six_flats_has_no_sharps_in_its_name() -> None:
    assert [str(Key.parse(text)) for text in ("F# major", "D# minor", "G# minor")] == [
        "Gb major",
        "Eb minor",
        "G# minor",
    ]


@pytest.mark.parametrize("text", ["", "H", "C-lydian", "x minor", "A-m-", "Cmajmin"])
def test_a_text_that_is_not_a_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        Key.parse(text)


def test_without_a_key_flats_are_written() -> None:
    assert spell(10) == "Bb"
