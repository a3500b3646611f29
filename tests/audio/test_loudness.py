"""Loudness and clipping, on sounds whose level is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.audio.loudness import clipped_share, decibels, levelled, peak_of

RATE = 16_000


def tone(seconds: float = 2.0, hertz: float = 440.0, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def root_mean_square(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


@given(amplitude=st.floats(1e-4, 4.0), loudness=st.floats(-40, -8))
def test_a_tone_comes_to_the_loudness_asked_for(amplitude: float, loudness: float) -> None:
    assert decibels(root_mean_square(levelled(tone(amplitude=amplitude), RATE, loudness))) == pytest.approx(
        loudness, abs=0.05
    )


def test_rests_do_not_make_a_sound_louder() -> None:
    played = levelled(tone(), RATE, -18)
    with_rests = levelled(np.concatenate([tone(), np.zeros(10 * RATE, np.float32)]), RATE, -18)
    assert root_mean_square(with_rests[: len(played)]) == pytest.approx(root_mean_square(played), rel=0.02)


def test_a_peak_keeps_below_minus_one_decibel_at_the_price_of_loudness() -> None:
    samples = tone(amplitude=0.01)
    samples[100] = 1.0
    assert decibels(peak_of(levelled(samples, RATE, -12))) == pytest.approx(-1, abs=0.01)


def test_silence_stays_silence() -> None:
    assert not levelled(np.zeros((100, 2), np.float32), RATE, -18).any()
    assert decibels(peak_of(np.zeros(0, np.float32))) == -np.inf


@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_cut_off_tops_are_counted_as_a_loop_would_count_them(gain: float) -> None:
    """Also where the clipped recording was turned down afterwards."""
    samples = np.clip(tone(amplitude=1.5), -1, 1) * np.float32(gain)
    run, cut = 0, 0
    for level in [*(np.abs(samples) > gain * 0.9999), False]:
        if level:
            run += 1
        else:
            cut, run = cut + (run if run >= 3 else 0), 0
    assert clipped_share(samples[:, None]) == pytest.approx(cut / len(samples))
    assert cut / len(samples) > 0.4


@given(hertz=st.floats(80, 6000), amplitude=st.floats(0.01, 1.0))
def test_a_whole_tone_is_not_clipped(hertz: float, amplitude: float) -> None:
    assert clipped_share(tone(0.2, hertz, amplitude)[:, None]) < 1e-3


def test_one_clipped_channel_of_two_counts_half() -> None:
    clipped, whole = np.clip(tone(amplitude=1.5), -1, 1), tone(amplitude=0.9)
    both = clipped_share(np.stack([clipped, whole], axis=1))
    assert both == pytest.approx(clipped_share(clipped[:, None]) / 2)
    assert clipped_share(np.zeros((10, 1), np.float32)) == 0
