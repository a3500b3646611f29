from dataclasses import replace

import numpy as np
import pytest

from yardbird.music.beat_grid import NO_GRID, beat_relation
from yardbird.music.score import Floats, Score, Tempo, make_notes


def performance(beats: Floats, tempos: tuple[Tempo, ...] = (Tempo(0, 120.0),)) -> Score:
    onsets = np.rint((beats - beats.min()) * 480).astype(int)
    rows = [(int(onset), 60, 60 + i % 12, 90) for i, onset in enumerate(np.unique(onsets))]
    return Score(480, make_notes(rows), rows[-1][0] + 480, tempos)


def line(seed: int, count: int = 200, swing: float = 0.5) -> Floats:
    """Onsets in beats: eighths, with rests, the second of a beat at `swing`."""
    eighths = np.cumsum(np.random.default_rng(seed).choice([1, 1, 1, 1, 2, 3], size=count))
    return eighths // 2 + swing * (eighths % 2)


def relation(score: Score) -> float:
    found = beat_relation(score)
    assert found is not None
    return found


@pytest.mark.parametrize("swing", [0.5, 0.6, 2 / 3])
@pytest.mark.parametrize("late", [0.0, 0.1])
def test_swing_and_laid_back_playing_are_on_the_beats(swing: float, late: float) -> None:
    beats = line(0, swing=swing) + late + np.random.default_rng(1).normal(0, 0.04, 200)
    assert relation(performance(np.sort(beats))) > 2 * NO_GRID


@pytest.mark.parametrize("division", [1, 2, 3, 4, 6])
def test_even_notes_are_on_the_beats(division: int) -> None:
    assert relation(performance(np.arange(48 * division) / division)) > 2 * NO_GRID


@pytest.mark.parametrize("qpm", [97.0, 171.0, 233.0])
def test_playing_at_another_tempo_than_that_of_the_file_is_off_its_beats(qpm: float) -> None:
    drift = np.cumsum(np.random.default_rng(3).normal(0, 0.01, 200))  # players drift without a click
    assert relation(performance(np.sort(line(2, swing=0.62) * 120 / qpm + drift))) < NO_GRID


def test_arbitrary_onsets_are_not_on_the_beats() -> None:
    found = [relation(performance(np.sort(np.random.default_rng(seed).random(150) * 100))) for seed in range(20)]
    assert sum(value < NO_GRID for value in found) >= 18


def test_few_notes_and_a_tempo_map_that_follows_the_beats_are_not_judged() -> None:
    free = performance(np.sort(np.random.default_rng(0).random(150) * 100))
    assert beat_relation(replace(free, notes=free.notes[:31])) is None
    assert beat_relation(replace(free, tempos=tuple(Tempo(480 * i, 120.0 + i % 3) for i in range(100)))) is None


def test_real_solos_are_on_their_beats_and_off_those_of_a_file_at_120(real_solos: dict[str, Score]) -> None:
    own = {name: beat_relation(score) for name, score in real_solos.items()}
    assert [name for name, value in own.items() if value is not None and value < NO_GRID] == []
    played = [score for name, score in real_solos.items() if "wjazzd" in name]
    free = [beat_relation(performance(score.seconds_at(score.onsets) * 2)) for score in played]
    assert np.mean([value is not None and value < NO_GRID for value in free]) > 0.9
