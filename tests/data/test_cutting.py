"""The cuts of sounds, and the content of the clips."""

from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.audio.wave import read_wave
from yardbird.data import cutting
from yardbird.data.cutting import cuts, write_clips
from yardbird.data.source_sounds import AudioConfig, Sound
from yardbird.errors import ConfigError

CONFIG = AudioConfig("recordings", 16_000, 8.0, 2.0, 100.0, "Be-bop", False, -17.0, None, None)
LENGTHS = st.lists(st.floats(0.3, 12.0), min_size=1, max_size=40)


@given(LENGTHS)
def test_nothing_is_lost_and_no_clip_is_too_long_or_too_short(lengths: list[float]) -> None:
    bars = np.cumsum([0.0, *lengths])
    edges = cuts(bars, float(bars[-1]), 2.0, 8.0)
    assert (edges[0], edges[-1]) == (0.0, bars[-1])
    clips = np.diff(edges)
    assert clips.max() <= 8.0 + 1e-6
    assert clips.min() >= min(2.0, bars[-1]) - 1e-6


@given(st.floats(0.8, 3.9), st.integers(1, 60))
def test_even_bars_are_cut_only_on_bar_lines_into_the_fewest_and_most_even_clips(bar: float, count: int) -> None:
    edges = np.array(cuts(np.arange(count) * bar, bar * count, 2.0, 8.0))
    bars = np.diff(edges) / bar
    assert np.allclose(bars, np.rint(bars))
    if bar * count >= 2:
        assert len(bars) == -(-count // int(8 / bar))
        assert np.ptp(np.rint(bars)) <= 1


@given(st.lists(st.floats(0.5, 5.0), min_size=1, max_size=9))
def test_no_other_choice_of_bar_lines_is_better(lengths: list[float]) -> None:
    """Compared with all subsets of the bar lines."""
    lines = np.cumsum([0.0, *lengths]).tolist()

    def cost(edges: tuple[float, ...]) -> tuple[int, float]:
        return len(edges), sum((stop - start) ** 2 for start, stop in pairwise(edges))

    choices = [(0.0, *inner, lines[-1]) for size in range(len(lines) - 1) for inner in combinations(lines[1:-1], size)]
    allowed = [edges for edges in choices if all(2.0 <= length <= 8.0 for length in np.diff(edges))]
    if allowed:
        edges = tuple(cuts(np.array(lines), lines[-1], 2.0, 8.0))
        assert cost(edges) == pytest.approx(min(map(cost, allowed)))


def test_without_bars_and_within_a_long_bar_a_sound_is_cut_evenly() -> None:
    assert cuts(np.array([]), 20.0, 2.0, 8.0) == pytest.approx([0, 20 / 3, 40 / 3, 20])
    assert cuts(np.array([0.0, 12.0]), 16.0, 2.0, 8.0) == pytest.approx([0, 6, 12, 16])
    assert cuts(np.array([0.0, 8.0]), 8.5, 2.0, 8.0) == pytest.approx([0, 4.25, 8.5])  # half a second is too short
    assert cuts(np.array([]), 16.0, 2.0, 8.0) == pytest.approx([0, 8, 16])


def sound(samples: np.ndarray, bars: tuple[float, ...] = (), name: str = "a/b") -> Sound:
    return Sound(
        name=name,
        kind="rendered",
        solo=name,
        split="train",
        artist="Ada Line",
        title="T",
        tune_group="t",
        key="F major",
        form="",
        qpm=240.0,
        semitones=0,
        tempo_factor=1.0,
        captions=("One", "Two"),
        bar_seconds=bars,
        samples=lambda: samples,
    )


def test_clips_are_contiguous_keep_every_sample_and_name_their_bars(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 16_000 * 19 + 123).astype(np.float32)
    bars = (0.0, *(0.4 + 1.7 * np.arange(11)).tolist())  # a pickup, then bars of 1.7 s
    rows, silent = write_clips([sound(samples, bars)], tmp_path, CONFIG)
    assert not silent
    joined = np.concatenate([read_wave(tmp_path / row.path).mono for row in rows])
    assert np.abs(joined - samples).max() < 1e-4
    assert [row.start_seconds for row in rows] == pytest.approx([bars[int(row.first_bar)] for row in rows], abs=1e-4)
    assert sum(int(row.bars) for row in rows) == len(bars)
    assert [row.first_bar for row in rows[1:]] == np.cumsum([row.bars for row in rows])[:-1].tolist()
    assert rows[0].captions == ("One", "Two")


def test_clips_after_the_last_bar_heard_have_no_bars(tmp_path: Path) -> None:
    """Only the beginning of a long recording is listened to."""
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 16_000 * 24).astype(np.float32)
    rows, _ = write_clips([sound(samples, (0.0, 2.0, 4.0, 6.0))], tmp_path, CONFIG)
    assert [row.start_seconds < 8 for row in rows] == [row.bars is not None for row in rows]
    assert {(row.first_bar, row.bars) for row in rows if row.start_seconds >= 8} == {(None, None)}
    assert sum(row.bars or 0 for row in rows) == 4


def test_a_clip_from_the_rounded_end_of_the_last_bar_has_no_bars() -> None:
    """Regression: a cut below the end by a rounding error alone got the number of the bar that ends there."""
    bars = np.array([0.0, 2.7, 5.4])
    start = float(np.nextafter(2 * bars[-1] - bars[-2], 0))
    assert cutting._row(sound(np.empty(0)), 1, start, start + 8, bars).first_bar is None
    assert cutting._row(sound(np.empty(0)), 1, start - 0.1, start + 8, bars).first_bar == 2


def test_silent_clips_are_listed_and_not_written(tmp_path: Path) -> None:
    samples = np.concatenate([np.full(16_000 * 8, 0.2), np.zeros(16_000 * 16)]).astype(np.float32)
    rows, silent = write_clips([sound(samples)], tmp_path, CONFIG)
    assert [row.clip for row in rows] == ["a/b__000"]
    assert [reject.reason for reject in silent] == [
        "silent from 8.0 to 16.0 seconds",
        "silent from 16.0 to 24.0 seconds",
    ]
    assert len(list(tmp_path.rglob("*.flac"))) == 1


@pytest.mark.parametrize(
    ("name", "value"), [("min_seconds", 5.0), ("min_seconds", 0.0), ("loudness", 0.0), ("style", " ")]
)
def test_impossible_settings_are_refused(name: str, value: object) -> None:
    settings = {**CONFIG.__dict__, name: value}
    with pytest.raises(ConfigError, match=f"audio.{name}: expected"):
        AudioConfig(**settings)
