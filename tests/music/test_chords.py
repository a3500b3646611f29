import csv

import pytest
from chord_dialects import DIALECTS
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


WORDS = """Bridge,Coda,Drums,Fine,Allegro,Em cima,Amen,Add sax,Bass,A tempo,D.C.,D.S. al Coda,Cadenza,Ad lib,Guitar,
Halt,Ah,Eh,Ending,E flat,Bb Trumpet,Dom,Dim.,Cresc.,Fade,Chorus,A 2,B),DJ,Amino,Fm radio,Cmaj7 solo,Dolce,Base,Gone"""


@pytest.mark.parametrize(
    "text", ["", "la", "PHRASE 1", "C7maj9x", "/G", "Cm7/", "b7", "C7*", "C|D", "C7|F7", "C7 F7", "%", "x", "n"]
)
def test_a_text_that_is_not_a_chord_symbol_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a chord symbol"):
        Chord.parse(text)


@pytest.mark.parametrize("word", [word.strip() for word in WORDS.split(",")])
def test_ordinary_words_are_not_chords(word: str) -> None:
    with pytest.raises(ValueError, match="is not a chord symbol"):
        Chord.parse(word)


@pytest.mark.parametrize("text", ["N.C.", "NC", "N. C.", "N/C", "(N.C.)", "n.c.", "No Chord", "no chord", "N", "X"])
def test_nc_has_many_spellings(text: str) -> None:
    assert Chord.parse(text) is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("C∆7", "Cmaj7"), ("C⁷", "C7"), ("Cº7", "Cdim7"), ("C˚7", "Cdim7"), ("C⁰7", "Cdim7"), ("CØ", "Cm7b5"),
        ("C–7", "Cm7"), ("C−7", "Cm7"), ("F♯m⁷♭⁵", "F#m7b5"), ("Ａ７", "A7"), ("C\u00a07", "C7"), ("Cmaj7\0", "Cmaj7"),
        ("B𝄫7", "Bbb7"), ("C7 b9", "C7b9"), ("C min7", "Cm7"), ("C7(b9, #11)", "C7b9"), ("C7 -9", "C7b9"),
        ("(C7)", "C7"), ("Am/g", "Am/G"), ("C7M", "Cmaj7"), ("C:maj7/3", "Cmaj7/E"), ("A:min7", "Am7"),
        ("G:7(b9)", "G7b9"), ("C:(b3,5)", "Cm"), ("Ebsus79", "Eb7sus"), ("Fsus7913", "F7sus"),
        ("Ebmaj79#11", "Ebmaj7"), ("A7b913", "A7b9"), ("G7#913", "G7#9"), ("Faugmaj7", "Faug"), ("Cmaj7#5", "Caug"),
        ("Cmaj7b5", "Cmaj7"), ("C5", "C"), ("C7omit3", "C7"), ("Csus2", "Csus"), ("C13b9", "C7b9"),
        ("C9#11", "C7#11"), ("C7b9b13", "C7b13"), ("C7#9#5", "C7alt"), ("C7b9#5", "Caug7"), ("H7", "B7"),
        ("H°", "Bdim"), ("C79b13b", "C7b13"), ("C79#11#", "C7#9"), ("Cm(+7)", "Cmmaj7"), ("C-+7", "Cmmaj7"),
        ("C°7(maj7)", "Cdim7"), ("C+9", "Caug7"),
    ],
)  # fmt: skip
def test_a_symbol_is_read_by_grammar_and_keeps_the_tensions_of_the_vocabulary(written: str, meant: str) -> None:
    assert Chord.parse(written) == Chord.parse(meant)


def test_if_h_is_b_natural_then_b_is_b_flat() -> None:
    german = [Chord.parse(symbol, german=True) for symbol in ("H7", "B7", "Bb7", "Am/B")]
    assert [chord_symbol(chord) for chord in german] == ["B7", "Bb7", "Bb7", "Am/Bb"]


@pytest.mark.parametrize(("dialect", "least"), [(name, 0.97) for name in DIALECTS])
def test_the_vocabulary_of_other_programs_is_read(dialect: str, least: float) -> None:
    unread = []
    for symbol in DIALECTS[dialect].split():
        try:
            Chord.parse(symbol)
        except ValueError:
            unread.append(symbol)
    assert 1 - len(unread) / len(DIALECTS[dialect].split()) >= least, unread


def test_collected_symbols_are_read_with_their_documented_meaning(shared) -> None:
    rows = list(csv.DictReader((shared / "chords/symbols.tsv").open(encoding="utf-8"), delimiter="\t"))
    assert len(rows) > 100
    for row in rows:
        if row["meaning"].startswith("refused"):
            with pytest.raises(ValueError, match="is not a chord symbol"):
                Chord.parse(row["symbol"])
            continue
        chord = Chord.parse(row["symbol"])
        if row["meaning"] == "no chord":
            assert chord is None
            continue
        assert chord, row
        meant = {int(tone) for tone in row["tones"].split()}
        nearest = min(len(meant ^ set(tones)) for tones in QUALITIES.values())
        assert len(meant ^ set(QUALITIES[chord.quality])) == nearest, row
        assert chord.root == int(row["root"])
        if row["meaning"].startswith("bass"):
            assert chord.bass == int(row["meaning"].split()[1])


@pytest.mark.parametrize("symbol", ["A#7", "Bb7", "Cb", "E#m7", "Gb7/Db", "F#m7b5/C", "B##"])
def test_a_symbol_keeps_its_spelling_in_any_key(symbol: str) -> None:
    """Regression: chords were respelled by the key signature, so that Bb7 became A#7 in E major."""
    chord = Chord.parse(symbol)
    assert chord
    assert {chord.symbol(Key(tonic, "major")) for tonic in range(12)} == {symbol}
    assert chord.transposed(12) == chord
    assert chord.transposed(12).symbol(Key.parse("F")) == Chord(chord.root, chord.quality, chord.bass).symbol(
        Key.parse("F")
    )


def test_nc_is_none_and_is_written_back() -> None:
    assert Chord.parse("N.C.") is None
    assert chord_symbol(None) == "N.C."


def test_a_key_decides_between_sharps_and_flats() -> None:
    chord = Chord(6, "7")
    assert (chord.symbol(Key(4, "major")), chord.symbol(Key(5, "major"))) == ("F#7", "Gb7")


@pytest.mark.parametrize(
    "folder",
    ["parker", "coltrane", pytest.param("otherjazz", marks=pytest.mark.slow)],  # 419 files take ten seconds
)
def test_every_chord_symbol_of_the_real_solos_is_known(shared, folder: str) -> None:
    """Regression: 284 markers in 37 files of otherjazz were unread, such as Ebsus79."""
    from yardbird.music.midi import read_raw

    symbols = {
        text.text
        for path in sorted(shared.glob(f"{folder}/*.mid"))
        for text in read_raw(path).texts
        if text.kind == "marker"
    }
    assert len(symbols) > 50
    for symbol in symbols:
        Chord.parse(symbol)
