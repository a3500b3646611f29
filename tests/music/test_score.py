import numpy as np
import pytest

from yardbird.music.chords import Chord
from yardbird.music.pitch import Key
from yardbird.music.score import ChordChange, Meter, Score, Tempo, make_notes


def score_of(rows: list[tuple[int, int, int, int]], **fields) -> Score:
    end = max((onset + duration for onset, duration, *_ in rows), default=0)
    return Score(**{"ticks_per_beat": 480, "notes": make_notes(rows), "end_tick": end, **fields})


def test_bars_follow_the_meters_and_a_pickup_is_a_separate_bar() -> None:
    score = score_of(
        [(0, 4 * 480, 60, 90)], meters=(Meter(0, 1, 4), Meter(480, 3, 4), Meter(1920, 6, 8)), end_tick=3000
    )
    assert score.bar_ticks.tolist() == [0, 480, 1920]
    assert score.bar_of(np.array([0, 479, 480, 1919, 2999])).tolist() == [0, 0, 1, 1, 2]


def test_an_end_on_a_bar_line_starts_no_new_bar() -> None:
    assert score_of([(0, 480, 60, 90)], end_tick=2 * 1920).bar_count == 2
    assert score_of([(0, 480, 60, 90)], end_tick=2 * 1920 + 1).bar_count == 3


def test_time_is_the_integral_of_the_tempo_map() -> None:
    tempos = (Tempo(0, 60.0), Tempo(960, 120.0), Tempo(1200, 240.0))
    score = score_of([(0, 1440, 60, 90)], tempos=tempos)
    slow = [sum(60 / max((t for t in tempos if t.tick <= tick), key=lambda t: t.tick).qpm / 480 for tick in range(end))
            for end in (0, 700, 960, 1100, 1440)]  # fmt: skip
    assert score.seconds_at(np.array([0, 700, 960, 1100, 1440])) == pytest.approx(slow)
    assert score.mean_qpm == pytest.approx(3 / slow[-1] * 60)


def test_an_empty_score_has_one_bar_and_no_time() -> None:
    score = score_of([])
    assert (score.bar_count, score.seconds, score.mean_qpm, score.is_monophonic) == (1, 0.0, 120.0, True)


def test_the_chord_in_force_is_the_last_change_at_or_before_a_tick() -> None:
    score = score_of([(0, 960, 60, 90)], chords=(ChordChange(240, Chord(0, "7")), ChordChange(480, None)))
    assert score.chord_index_of(np.array([0, 239, 240, 479, 480, 900])).tolist() == [-1, -1, 0, 0, 1, 1]


def test_transposing_moves_notes_chords_and_key_and_back_again() -> None:
    score = score_of([(0, 480, 60, 90)], chords=(ChordChange(0, Chord(10, "7", 2)),), key=Key(5, "major"))
    up = score.transposed(3)
    assert (up.pitches.tolist(), up.chords[0].chord, up.key) == ([63], Chord(1, "7", 5), Key(8, "major"))
    assert up.transposed(-3) == score


def test_scaling_the_tempo_changes_the_time_but_no_tick() -> None:
    score = score_of([(0, 480, 60, 90)])
    assert score.tempo_scaled(2.0).seconds == pytest.approx(score.seconds / 2)
    assert np.array_equal(score.tempo_scaled(2.0).notes, score.notes)


def test_notes_are_sorted_and_cannot_be_changed_in_place() -> None:
    score = score_of([(480, 10, 70, 90), (0, 10, 60, 90)])
    assert score.onsets.tolist() == [0, 480]
    with pytest.raises(ValueError, match="read-only"):
        score.notes["pitch"] = 1


def test_overlapping_notes_are_not_monophonic() -> None:
    assert not score_of([(0, 481, 60, 90), (480, 10, 70, 90)]).is_monophonic
    assert score_of([(0, 480, 60, 90), (480, 10, 70, 90)]).is_monophonic
