"""Loudness and clipping, on sounds whose level is known."""

import numpy as np
import pytest
import torch
import torchaudio
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from yardbird.audio.loudness import (
    cancelled_decibels,
    clipped_share,
    decibels,
    integrated_loudness,
    levelled,
    peak_of,
)

RATE = 16_000


def tone(seconds: float = 2.0, hertz: float = 440.0, amplitude: float = 0.5) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


def by_the_table(samples: np.ndarray) -> float:
    """BS.1770 at 48 kHz with the coefficients of the standard's tables and a loop over the blocks."""
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285], [1, -1.69065929318241, 0.73248077421585]
    high_pass = [1, -2, 1], [1, -1.99004745483398, 0.99007225036621]
    weighted = signal.lfilter(*high_pass, signal.lfilter(*shelf, samples.astype(np.float64), axis=0), axis=0)
    powers = [
        sum(np.mean(channel**2) for channel in weighted[start : start + 19_200].T)
        for start in range(0, len(weighted) - 19_199, 4_800)
    ]
    loud = [power for power in powers if -0.691 + 10 * np.log10(power) > -70]
    limit = -0.691 + 10 * np.log10(np.mean(loud)) - 10
    return float(-0.691 + 10 * np.log10(np.mean([one for one in loud if -0.691 + 10 * np.log10(one) > limit])))


def music(rate: int, channels: int, seed: int = 0) -> np.ndarray:
    """Four seconds of tones at random levels, some below the relative gate, over a quiet noise."""
    rng = np.random.default_rng(seed)
    levels = np.repeat(10 ** rng.uniform(-2, -0.3, (16, channels)), rate // 4, axis=0)
    hertz = np.repeat(rng.uniform(60, 2000, (16, channels)), rate // 4, axis=0)
    tones = levels * np.sin(2 * np.pi * np.cumsum(hertz, axis=0) / rate)
    return (tones + rng.normal(0, 1e-3, tones.shape)).astype(np.float32)


@pytest.mark.parametrize("channels", [1, 2])
def test_loudness_is_that_of_the_tables_of_the_standard(channels: int) -> None:
    for seed in range(3):
        samples = music(48_000, channels, seed)
        assert integrated_loudness(samples, 48_000) == pytest.approx(by_the_table(samples), abs=1e-4)


@pytest.mark.parametrize("rate", [8000, 16_000, 22_050, 44_100, 96_000])
def test_loudness_at_other_rates_is_within_a_tenth_of_that_of_torchaudio(rate: int) -> None:
    for channels in (1, 2):
        samples = music(rate, channels)
        theirs = float(torchaudio.functional.loudness(torch.from_numpy(samples.T.copy()), rate))
        assert integrated_loudness(samples, rate) == pytest.approx(theirs, abs=0.1)


@pytest.mark.parametrize("rate", [16_000, 22_050, 44_100, 48_000, 192_000])
def test_a_sine_at_full_scale_has_the_reading_of_the_standard(rate: int) -> None:
    sine = np.sin(2 * np.pi * 997 * np.arange(2 * rate) / rate).astype(np.float32)
    assert integrated_loudness(sine, rate) == pytest.approx(-3.01, abs=0.05)
    assert integrated_loudness(np.stack([sine, sine], axis=1), rate) == pytest.approx(0, abs=0.05)


def test_silence_and_what_is_below_the_absolute_gate_have_no_loudness() -> None:
    assert integrated_loudness(np.zeros((RATE, 2), np.float32), RATE) == -np.inf
    assert integrated_loudness(np.zeros(0, np.float32), RATE) == -np.inf
    assert integrated_loudness(tone(amplitude=1e-4), RATE) == -np.inf


def test_a_sound_shorter_than_a_block_is_one_block() -> None:
    whole = integrated_loudness(tone(0.4), RATE)
    for seconds in (0.05, 0.2, 0.399):
        assert integrated_loudness(tone(seconds), RATE) == pytest.approx(whole, abs=0.5)
        assert decibels(root_mean_square(levelled(tone(seconds), RATE, -20))) == pytest.approx(-20 + 0.6, abs=0.5)


@pytest.mark.parametrize("rate", [1000, 3364, 4000])
def test_a_rate_too_low_for_the_shelf_has_a_loudness_all_the_same(rate: int) -> None:
    sine = np.sin(2 * np.pi * 200 * np.arange(2 * rate) / rate).astype(np.float32)
    assert integrated_loudness(sine, rate) == pytest.approx(-3.9, abs=0.3)


@given(amplitude=st.floats(1e-4, 4.0), loudness=st.floats(-40, -8))
def test_a_tone_gets_the_requested_loudness(amplitude: float, loudness: float) -> None:
    samples = levelled(tone(amplitude=amplitude), RATE, loudness)
    assert integrated_loudness(samples, RATE) == pytest.approx(loudness, abs=0.01)


def root_mean_square(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def test_rests_do_not_make_a_sound_louder() -> None:
    """The blocks over the edge count a little: 0.3 dB here."""
    played = levelled(tone(), RATE, -18)
    with_rests = levelled(np.concatenate([tone(), np.zeros(10 * RATE, np.float32)]), RATE, -18)
    assert root_mean_square(with_rests[: len(played)]) == pytest.approx(root_mean_square(played), rel=0.05)


def test_the_peak_stays_below_minus_one_decibel_even_if_the_sound_gets_quieter() -> None:
    samples = tone(amplitude=0.01)
    samples[100] = 1.0
    assert decibels(peak_of(levelled(samples, RATE, -12))) == pytest.approx(-1, abs=0.01)


def test_silence_stays_silence() -> None:
    assert not levelled(np.zeros((100, 2), np.float32), RATE, -18).any()
    assert decibels(peak_of(np.zeros(0, np.float32))) == -np.inf


def test_a_click_after_the_last_block_gets_the_highest_peak() -> None:
    samples = np.zeros(RATE + 100, np.float32)
    samples[-1] = 0.01
    assert integrated_loudness(samples, RATE) == -np.inf
    assert decibels(peak_of(levelled(samples, RATE, -18))) == pytest.approx(-1, abs=0.01)


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
