"""Loudness and clipping, on sounds whose level is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from yardbird.audio.loudness import cancelled_decibels, clipped_share, decibels, levelled, peak_of

RATE = 16_000


def tone(seconds: float = 2.0, hertz: float = 440.0, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def root_mean_square(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


@given(amplitude=st.floats(1e-4, 4.0), loudness=st.floats(-40, -8))
def test_a_tone_gets_the_requested_loudness(amplitude: float, loudness: float) -> None:
    assert decibels(root_mean_square(levelled(tone(amplitude=amplitude), RATE, loudness))) == pytest.approx(
        loudness, abs=0.05
    )


def test_rests_do_not_make_a_sound_louder() -> None:
    played = levelled(tone(), RATE, -18)
    with_rests = levelled(np.concatenate([tone(), np.zeros(10 * RATE, np.float32)]), RATE, -18)
    assert root_mean_square(with_rests[: len(played)]) == pytest.approx(root_mean_square(played), rel=0.02)


def test_the_peak_stays_below_minus_one_decibel_even_if_the_sound_gets_quieter() -> None:
    samples = tone(amplitude=0.01)
    samples[100] = 1.0
    assert decibels(peak_of(levelled(samples, RATE, -12))) == pytest.approx(-1, abs=0.01)


def test_silence_stays_silence() -> None:
    assert not levelled(np.zeros((100, 2), np.float32), RATE, -18).any()
    assert decibels(peak_of(np.zeros(0, np.float32))) == -np.inf


@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_clipped_samples_are_counted_as_by_a_loop(gain: float) -> None:
    """Also if the clipped recording was attenuated afterwards."""
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


def in_eight_bits(samples: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(samples * 128), -128, 127).astype(np.float32) / np.float32(128)


def in_mu_law(samples: np.ndarray) -> np.ndarray:
    """Rounded to the 255 levels of the compressed scale (ITU-T G.711), and back."""
    compressed = np.rint(127 * np.sign(samples) * np.log1p(255 * np.abs(samples)) / np.log(256)) / 127
    return (np.sign(samples) * ((256 ** np.abs(compressed)) - 1) / 255).astype(np.float32)


@pytest.mark.parametrize("coarse", [in_eight_bits, in_mu_law])
@given(hertz=st.floats(40, 2000), amplitude=st.floats(0.05, 0.99))
def test_coarse_levels_do_not_count_as_clipping(coarse, hertz: float, amplitude: float) -> None:
    assert clipped_share(coarse(tone(0.5, hertz, amplitude))[:, None]) < 1e-3


@pytest.mark.parametrize("coarse", [in_eight_bits, in_mu_law])
@pytest.mark.parametrize("amplitude", [1.2, 2.0])
def test_clipping_is_found_in_coarse_levels_too(coarse, amplitude: float) -> None:
    clipped = np.clip(tone(hertz=100, amplitude=amplitude), -1, 1)
    assert clipped_share(coarse(clipped)[:, None]) > 0.1


@given(hertz=st.floats(80, 6000), amplitude=st.floats(1.0, 30.0))
def test_samples_beyond_full_scale_do_not_count_as_clipped_and_are_scaled(hertz: float, amplitude: float) -> None:
    """Regression: floating-point files may have such samples; they were reported as clipped."""
    loud = tone(0.2, hertz, amplitude)
    assert clipped_share(loud[:, None]) < 1e-3
    assert peak_of(levelled(loud, RATE, -18)) < 1


def test_channels_in_antiphase_are_found_and_other_stereo_is_not() -> None:
    left, right = tone(), tone(hertz=660)
    assert cancelled_decibels(np.stack([left, -left], axis=1)) == np.inf
    assert cancelled_decibels(np.stack([left, -0.9 * left], axis=1)) == pytest.approx(25.6, abs=0.1)
    mostly = -left + 0.3 * right
    assert cancelled_decibels(np.stack([left, mostly], axis=1)) > 10
    for other in (left, right, 0.5 * left, np.zeros_like(left), right - 0.3 * left):
        assert cancelled_decibels(np.stack([left, other], axis=1)) == 0
    assert cancelled_decibels(left[:, None]) == 0
    noise = np.random.default_rng(0).normal(size=(16_000, 8)).astype(np.float32)
    assert cancelled_decibels(noise) == 0, "eight channels without a relation"
    assert cancelled_decibels(np.zeros((10, 2), np.float32)) == 0
