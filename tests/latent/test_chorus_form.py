"""Forms estimated from the changes only."""

from collections.abc import Sequence

import pytest

from yardbird.latent.chorus_form import UNKNOWN, form_of
from yardbird.music.chords import Chord
from yardbird.music.score import ChordChange, Score, make_notes

BLUES = ["F7", "Bb7", "F7", "F7", "Bb7", "Bb7", "F7", "D7", "Gm7", "C7", "F7", "C7"]
BRIDGE = ["D7", "D7", "G7", "G7", "C7", "C7", "F7", "F7"]
EIGHT = ["Bb6", "G7", "Cm7", "F7", "Bb6", "Eb7", "Dm7", "F7"]


def changes(symbols: Sequence[str | None]) -> Score:
    """One chord a bar of 4/4, or none."""
    chords = tuple(ChordChange(48 * bar, symbol and Chord.parse(symbol)) for bar, symbol in enumerate(symbols))
    return Score(12, make_notes([(0, 12, 60, 80)]), 48 * len(symbols), chords=chords)


@pytest.mark.parametrize(
    ("symbols", "form"),
    [
        (BLUES * 2, "12-bar chorus"),
        (BLUES * 5, "12-bar chorus"),
        ((EIGHT + EIGHT + BRIDGE + EIGHT) * 2, "32-bar chorus"),
        (BLUES, UNKNOWN),
        (BLUES + BLUES[:3], UNKNOWN),
        (["C7"], UNKNOWN),
    ],
)
def test_a_chorus_ends_where_the_changes_repeat(symbols: list[str], form: str) -> None:
    assert form_of(changes(symbols)) == form


def test_a_few_changed_chords_do_not_hide_the_form() -> None:
    second = ["F7", "Bb7", "F7", "Cm7", "Bb7", "Bdim7", "F7", "D7", "Gm7", "C7", "F7", "C7"]
    assert form_of(changes(BLUES + second)) == "12-bar chorus"


@pytest.mark.parametrize("symbols", [["C7"] * 40, [None] * 39 + ["C7"]])
def test_a_constant_chord_is_no_form(symbols: list[str | None]) -> None:
    """Regression: it repeats after twelve bars as after any number, and so does silence."""
    assert form_of(changes(symbols)) == UNKNOWN


def test_bars_without_chords_do_not_count_as_repeated() -> None:
    """Regression: if most bars have no chord, they counted as equal."""
    assert form_of(changes([None] * 38 + ["C7", "F7"])) == UNKNOWN


def test_without_chords_there_is_no_form() -> None:
    assert form_of(Score(12, make_notes([(0, 12, 60, 80)]), 48 * 40)) == UNKNOWN


@pytest.mark.parametrize(
    ("solo", "form"),
    [
        ("parker/omnibook__Ko_Ko", "64-bar chorus"),
        ("parker/omnibook__Donna_Lee", "32-bar chorus"),
        ("parker/omnibook__Blues_For_Alice", "12-bar chorus"),
        ("coltrane/wjazzd__JohnColtrane_GiantSteps-1", "16-bar chorus"),
        ("coltrane/wjazzd__JohnColtrane_Oleo", "32-bar chorus"),
        ("coltrane/wjazzd__JohnColtrane_BlueTrain", "12-bar chorus"),
    ],
)
def test_the_forms_of_famous_solos_are_found(real_solos: dict[str, Score], solo: str, form: str) -> None:
    assert form_of(real_solos[solo]) == form
