"""The chords of a key, compared with jazz theory and with real tunes."""

from itertools import pairwise

import pytest

from yardbird.data.etudes.compose import etudes
from yardbird.music.chords import QUALITIES, Chord
from yardbird.music.key_chords import KINDS, belongs, opening_qualities, qualities_in
from yardbird.music.pitch import Key
from yardbird.music.score import Score


def chord(symbol: str) -> Chord:
    parsed = Chord.parse(symbol)
    assert parsed is not None
    return parsed


def test_every_quality_has_exactly_one_kind() -> None:
    assert sorted(quality for own in KINDS.values() for quality in own) == sorted(QUALITIES)


@pytest.mark.parametrize(
    ("key", "symbols"),
    [
        ("C major", "Cmaj7 C6 C7 Dm7 Em7 F7 Fmaj7 G7b9 Am7 Bm7b5 E7b9 A7b9 D7 Gm7 Db7 Ab7 Bb7 Fm7 Fm6 F#dim7 Ebm7 C/G"),
        ("C minor", "Cm6 Cmmaj7 Dm7b5 G7b9 Fm7 Bb7 Ebmaj7 Ab7 Abmaj7 Gm7b5 C7b9 Am7b5 D7b9 Bdim7 Db7 Cm7/Eb"),
        ("F# major", "F#maj7 G#m7 C#7 D#7b9 G7"),
    ],
)
def test_the_chords_that_bebop_plays_in_a_key_belong_to_it(key: str, symbols: str) -> None:
    assert [symbol for symbol in symbols.split() if not belongs(chord(symbol), Key.parse(key))] == []


@pytest.mark.parametrize(
    ("key", "symbols"),
    [("C minor", "Em6 Dbmaj7 B A B7 Cmaj7 Cm7/E"), ("C major", "Cm6 Bmaj7 Dmaj7 Gbmaj7 Dbm7 C7/F#")],
)
def test_tonic_chords_of_other_keys_do_not_belong(key: str, symbols: str) -> None:
    """Regression: a generated solo in C minor used Em6, Dbmaj7, B and A."""
    assert [symbol for symbol in symbols.split() if belongs(chord(symbol), Key.parse(key))] == []


def test_the_chords_of_a_key_move_with_its_tonic() -> None:
    for mode in ("C major", "C minor"):
        for (lower, own), (upper, moved) in pairwise(
            (key, qualities_in(key)) for key in (Key.parse(mode).transposed(step) for step in range(12))
        ):
            assert upper.tonic == lower.tonic + 1
            assert moved == own[-1:] + own[:-1]


def test_a_first_chord_is_the_tonic_and_belongs() -> None:
    for mode in ("major", "minor"):
        key = Key(5, mode)
        roots = [root for root, own in enumerate(opening_qualities(key)) if own]
        assert roots == [5]
        assert opening_qualities(key)[5] <= qualities_in(key)[5]


def test_the_changes_of_the_etudes_are_in_their_keys_except_in_a_form_that_modulates() -> None:
    """The cycle of ii–Vs modulates by whole steps; in total at least 95 % belong."""
    shares = {}
    for etude in etudes(0, 48):
        belong = [belongs(change.chord, etude.tune.key) for change in etude.score.chords if change.chord]
        shares.setdefault(etude.tune.form.name, []).extend(belong)
    every = [own for form in shares.values() for own in form]
    assert sum(every) / len(every) >= 0.95
    assert {name for name, own in shares.items() if not all(own)} == {"ii–V cycle"}


def test_real_tunes_have_more_chords_of_their_key_than_of_any_other_key(
    real_solos: dict[str, Score],
) -> None:
    """Parker's and Coltrane's solos whose file names a key; what is left are modulations such as Giant Steps'."""
    tunes = [(score.key, [c.chord for c in score.chords if c.chord]) for score in real_solos.values() if score.key]

    def share(semitones: int) -> float:
        found = [belongs(chord, key.transposed(semitones)) for key, chords in tunes for chord in chords]
        return sum(found) / len(found)

    assert len(tunes) > 50
    assert share(0) > 0.95
    others = [share(semitones) for semitones in range(1, 12)]
    assert max(others) < share(0) - 0.05  # of the key a fifth away
    assert sum(others) / len(others) < 0.75
