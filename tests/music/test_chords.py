import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.music.chords import QUALITIES, Chord, chord_symbol
from yardbird.music.pitch import Key

pitch_classes = st.integers(0, 11)
chords = st.builds(Chord, pitch_classes, st.sampled_from(sorted(QUALITIES))).flatmap(
    lambda chord: st.one_of(
        st.just(chord),
        pitch_classes.filter(lambda bass: bass != chord.root).map(lambda b: Chord(chord.root, chord.quality, b)),
    )
)
keys = st.builds(Key, pitch_classes, st.sampled_from(["major", "minor"]))


@given(chords, keys)
def test_a_written_symbol_is_read_back_in_any_key(chord: Chord, key: Key) -> None:
    assert Chord.parse(chord.symbol(key)) == chord


@given(chords, st.integers(-24, 24))
def test_transposing_moves_every_chord_tone(chord: Chord, semitones: int) -> None:
    moved = {(pitch_class + semitones) % 12 for pitch_class in chord.pitch_classes}
    assert chord.transposed(semitones).pitch_classes == moved


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Bb-7", "Bbm7"), ("F#ø7", "F#m7b5"), ("CΔ", "Cmaj7"), ("G7913", "G13"), ("Abm79/Db", "Abm9/Db"),
        ("E°7", "Edim7"), ("D7sus4", "D7sus"), ("C7(b9)", "C7b9"), ("B♭7", "Bb7"), ("A-Δ7", "Ammaj7"), ("E6/9", "E69"),
        ("F/A", "F/A"),
        ("CMaj7", "Cmaj7"), ("CMA7", "Cmaj7"), ("CM9", "Cmaj7"), ("Cma9", "Cmaj7"), ("C△7", "Cmaj7"), ("CMaj", "C"),
        ("CmMaj7", "Cmmaj7"), ("CminMaj7", "Cmmaj7"), ("Cm/maj7", "Cmmaj7"), ("Cm/Maj7/Eb", "Cmmaj7/Eb"),
        ("C7-9", "C7b9"), ("C7+5", "Caug7"), ("Cm7-5", "Cm7b5"), ("C7b5b9", "C7b5"),
        ("Cadd9", "C"), ("C6add9", "C69"), ("Cm7add11", "Cm9"),
    ],
)  # fmt: skip
def test_spellings_found_in_charts_mean_the_same_chord(written: str, meant: str) -> None:
    assert Chord.parse(written) == Chord.parse(meant)


@pytest.mark.parametrize("text", ["", "H7", "la", "PHRASE 1", "C7maj9x", "/G", "Cm7/", "b7"])
def test_what_is_no_chord_symbol_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a chord symbol"):
        Chord.parse(text)


def test_no_chord_is_none_and_is_written_back() -> None:
    assert Chord.parse("N.C.") is None
    assert chord_symbol(None) == "N.C."


def test_a_key_decides_between_sharps_and_flats() -> None:
    chord = Chord(6, "7")
    assert (chord.symbol(Key(4, "major")), chord.symbol(Key(5, "major"))) == ("F#7", "Gb7")


def test_every_chord_symbol_of_the_real_solos_is_known(shared) -> None:
    from yardbird.music.midi import read_raw

    symbols = {
        text.text
        for path in sorted(shared.glob("parker/*.mid")) + sorted(shared.glob("coltrane/*.mid"))
        for text in read_raw(path).texts
        if text.kind == "marker"
    }
    assert len(symbols) > 50
    for symbol in symbols:
        Chord.parse(symbol)
