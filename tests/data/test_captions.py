"""Captions contain known facts only; a user's table is read strictly."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.data.captions import Facts, captions_of, read_remarks, rounded_tempo
from yardbird.errors import InputError
from yardbird.music.pitch import Key


def facts(**changes: object) -> Facts:
    known = {
        "style": "Be-bop",
        "instrument": "alto saxophone",
        "band": "",
        "key": Key.parse("F"),
        "form": "12-bar blues",
    }
    return Facts(**{**known, "qpm": 223.0, "artist": "Otto Cascade (synthetic)", **changes})  # type: ignore[arg-type]


def test_the_full_caption_has_all_facts() -> None:
    full, *shorter = captions_of(facts())
    assert full == "Be-bop alto saxophone solo in F, 12-bar blues, 220 bpm, by Otto Cascade (synthetic)"
    assert {"Otto Cascade (synthetic) jazz solo", "Be-bop jazz solo in F", "12-bar blues in F"} <= set(shorter)


def test_a_minor_key_a_form_and_a_band_are_in_the_caption() -> None:
    full = captions_of(facts(key=Key.parse("Cm"), form="Rhythm changes", band="with piano and bass"))[0]
    assert full.startswith("Be-bop alto saxophone solo with piano and bass in C minor, rhythm changes, 220 bpm")


@pytest.mark.parametrize("form", ["ii–V cycle", "AABA", "Donna Lee changes"])
def test_names_and_numerals_keep_their_letters(form: str) -> None:
    assert f", {form}," in captions_of(facts(form=form))[0]


def test_the_caption_of_an_unknown_solo_has_only_its_style() -> None:
    assert captions_of(Facts("Be-bop", "", "", None, "", None, "")) == ("Be-bop solo", "Be-bop jazz solo")


@given(st.builds(facts, key=st.none() | st.builds(Key, st.integers(0, 11), st.sampled_from(["major", "minor"])),
                 form=st.sampled_from(["", "12-bar blues"]), qpm=st.none() | st.floats(30, 400),
                 artist=st.sampled_from(["", "Ada Line"]), instrument=st.sampled_from(["", "trumpet"])))  # fmt: skip
def test_captions_are_clean_and_different_and_the_first_has_all_facts(known: Facts) -> None:
    captions = captions_of(known)
    assert len(set(captions)) == len(captions)
    assert all(text == " ".join(text.split()) and "None" not in text and not text.endswith(",") for text in captions)
    stated = [known.artist, known.instrument, known.form, str(known.key or "").removesuffix(" major")]
    assert all(word in captions[0] for word in stated)
    assert ("bpm" in captions[0]) == (known.qpm is not None)


@given(st.floats(20, 400))
def test_a_tempo_is_rounded_to_the_nearest_ten(qpm: float) -> None:
    assert rounded_tempo(qpm) % 10 == 0
    assert abs(rounded_tempo(qpm) - qpm) <= 5


def write(folder: Path, *rows: str) -> Path:
    header = "file,caption,key,qpm,beats_per_bar,first_beat_seconds"
    (folder / "captions.csv").write_text("\n".join([header, *rows]))
    return folder


def test_a_table_is_read_with_its_gaps_filled(tmp_path: Path) -> None:
    assert read_remarks(tmp_path) == {}
    remarks = read_remarks(write(tmp_path, "a.wav,A ballad,Bb,60,3,1.5", "etudes/etude_001,,,,,"))
    assert remarks["a.wav"].caption == "A ballad"
    assert (remarks["a.wav"].key, remarks["a.wav"].qpm) == (Key(10, "major"), 60)
    assert (remarks["a.wav"].beats_per_bar, remarks["a.wav"].first_beat_seconds) == (3, 1.5)
    other = remarks["etudes/etude_001"]
    assert (other.key, other.qpm, other.beats_per_bar, other.first_beat_seconds) == (None, None, 4, None)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.wav,,H,,,", "expected the key of a.wav as .*, found 'H'"),
        ("a.wav,,,fast,,", "expected 20 … 500 as qpm of a.wav, found 'fast'"),
        ("a.wav,,,nan,,", "expected 20 … 500 as qpm"),
        ("a.wav,,,0,,", "expected 20 … 500 as qpm"),
        ("a.wav,,,100,,-1", "expected 0 … 36000 as first_beat_seconds"),
        ("../a.wav,,,,,", "expected a path inside"),
        ("/etc/passwd,,,,,", "expected a path inside"),
    ],
)
def test_an_invalid_table_gives_a_one_line_error_that_names_the_field(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_remarks(write(tmp_path, row))


def test_a_table_that_is_a_broken_link_is_one_line_with_its_name(tmp_path: Path) -> None:
    """Regression: it counted as no table, and the recordings lost their captions."""
    assert read_remarks(tmp_path) == {}
    (tmp_path / "captions.csv").symlink_to(tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match=r"captions\.csv: expected a UTF-8 table .*, found a broken link; replace it"):
        read_remarks(tmp_path)
