from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from yardbird.generation.leadsheet import LeadSheet
from yardbird.music.score import Meter, Score, make_notes
from yardbird.pictures.piano_roll import draw

CHORD_TONE, OTHER_TONE, NO_CHORD = (0x1F, 0x6F, 0x8B), (0xE0, 0x80, 0x3A), (0x77, 0x72, 0x7F)


def solo(pitches: list[int], bars: int = 4) -> Score:
    """Loud quarters under F7 | Bb7."""
    rows = [(12 * beat, 12, pitch, 127) for beat, pitch in enumerate(pitches)]
    changes = LeadSheet.parse("F7 | Bb7").chord_changes(12, bars)
    return Score(12, make_notes(rows), end_tick=48 * bars, chords=changes)


def area(picture: np.ndarray, colour: tuple[int, int, int]) -> int:
    """Pixels of a colour below the header with its legend."""
    return int((np.abs(picture[90:].astype(int) - colour).max(axis=2) < 3).sum())


def test_the_same_score_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        draw(solo([65, 69, 66, 70]), tmp_path / name, title="Solo")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_chord_tones_and_other_tones_have_different_colours() -> None:
    tones, others = draw(solo([65, 69, 72, 75])), draw(solo([66, 68, 70, 73]))
    assert area(tones, CHORD_TONE) > 1000
    assert area(tones, OTHER_TONE) == 0
    assert area(others, OTHER_TONE) > 1000
    assert area(others, CHORD_TONE) == 0


def test_without_chords_the_notes_are_grey() -> None:
    picture = draw(replace(solo([65, 66]), chords=()))
    assert area(picture, NO_CHORD) > 500
    assert area(picture, CHORD_TONE) == area(picture, OTHER_TONE) == 0


def test_the_shortest_notes_are_drawn() -> None:
    """Regression: lines of zero length were not drawn, so the fastest notes of a run were missing."""
    rows = [(8 * index, 1, 65, 127) for index in range(6)]
    dots = area(draw(Score(24, make_notes(rows), end_tick=96, chords=solo([]).chords)), CHORD_TONE)
    one = area(draw(Score(24, make_notes(rows[:1]), end_tick=96, chords=solo([]).chords)), CHORD_TONE)
    assert one > 10
    assert 5 * one < dots < 7 * one


def test_long_solos_wrap_into_systems() -> None:
    one, full, wrapped, more = (draw(solo([65], bars)).shape[0] for bars in (1, 8, 9, 17))
    assert one == full
    assert wrapped - full == more - wrapped == 195


@pytest.mark.parametrize(
    "score",
    [
        Score(12, make_notes([]), end_tick=0),
        Score(12, make_notes([(0, 1, 0, 1)]), end_tick=1),
        Score(480, make_notes([(0, 480, 127, 1)]), end_tick=480, meters=(Meter(0, 1, 4), Meter(480, 3, 4))),
    ],
    ids=["empty", "one note", "a pickup"],
)
def test_scores_at_the_limits_are_drawn(score: Score) -> None:
    assert draw(score).ndim == 3


def test_a_prime_is_tinted() -> None:
    assert not np.array_equal(draw(solo([65]), tinted=("prime", [range(2)])), draw(solo([65])))


def test_user_settings_of_matplotlib_change_nothing() -> None:
    import matplotlib as mpl

    plain = draw(solo([65, 66]))
    with mpl.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.facecolor": "black", "savefig.dpi": 30}):
        assert np.array_equal(draw(solo([65, 66])), plain)
