from collections.abc import Callable
from xml.etree.ElementTree import fromstring

import pytest

from yardbird.music.score import Score
from yardbird.pictures.svg_piano_roll import PIXELS_A_SECOND, draw


def test_a_note_has_its_position_and_a_tooltip(make_score: Callable[..., Score]) -> None:
    score = make_score([(0, 1, 60), (5, 1.5, 62)], [(4, "F7"), (8, "N.C.")], beats=12)
    svg = fromstring(draw(score, "a title"))
    first, second = (note for note in svg.iter("rect") if note.find("title") is not None)
    assert [first.get("class"), second.get("class")] == ["plain", "other"]
    assert float(second.get("x", "")) == pytest.approx(5 * 0.5 * PIXELS_A_SECOND), "120 quarter notes a minute"
    assert float(second.get("width", "")) == pytest.approx(0.75 * PIXELS_A_SECOND, abs=1)
    assert float(second.get("y", "")) < float(first.get("y", ""))
    assert [note.findtext("title") for note in (first, second)] == ["C4, bar 1, beat 1", "D4 over F7, bar 2, beat 2"]
    assert float(svg.get("width", "")) == pytest.approx(6 * PIXELS_A_SECOND)
    assert [text.text for text in svg.iter("text") if text.get("class") == "chord"] == ["F7", "N.C."]
    assert [text.text for text in svg.iter("text") if text.get("class") == "number"] == ["1", "2", "3"]


def test_a_chord_tone_has_its_own_class(make_score: Callable[..., Score]) -> None:
    svg = fromstring(draw(make_score([(0, 1, 65)], [(0, "F7")]), ""))
    assert [note.get("class") for note in svg.iter("rect") if note.find("title") is not None] == ["tone"]


def test_an_empty_score_has_a_roll_without_notes(make_score: Callable[..., Score]) -> None:
    svg = fromstring(draw(make_score([], beats=4), "empty"))
    assert not [note for note in svg.iter("rect") if note.find("title") is not None]


def test_a_title_is_escaped(make_score: Callable[..., Score]) -> None:
    title = "\"><script>alert('x')</script>&"
    assert "<script>" not in draw(make_score([(0, 1, 60)]), title)
    assert fromstring(draw(make_score([(0, 1, 60)]), title)).get("aria-label") == title
