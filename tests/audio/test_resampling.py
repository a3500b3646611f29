"""Resampling of tones: frequencies below the new Nyquist frequency are kept, those above it do not alias."""

import numpy as np
import pytest

from yardbird.audio.resampling import to_mono
from yardbird.audio.wave import Waveform


def tone(rate: int, hertz: float, seconds: float = 1.0) -> np.ndarray:
    return np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate).astype(np.float32)


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 22_050, 22_254, 44_099, 44_100, 48_000, 96_000])
def test_a_tone_keeps_its_pitch_its_level_and_its_length_from_any_rate(rate: int) -> None:
    """44 099 Hz shares no factor with 16 000: with the exact ratio, the filter would need gigabytes."""
    samples = to_mono(Waveform(tone(rate, 1000)[:, None], rate), 16_000)
    assert abs(len(samples) - 16_000) <= 1
    inner = slice(500, 15_500)
    assert np.abs(samples[inner] - tone(16_000, 1000)[: len(samples)][inner]).max() < 0.01


def test_frequencies_above_the_new_nyquist_frequency_do_not_alias() -> None:
    samples = to_mono(Waveform(tone(44_100, 10_000)[:, None], 44_100), 16_000)
    assert np.sqrt(np.mean(samples[500:-500] ** 2)) < 1e-3


def test_channels_are_mixed_to_their_mean() -> None:
    left, right = tone(16_000, 300), tone(16_000, 500)
    mixed = to_mono(Waveform(np.stack([left, right], axis=1), 16_000), 16_000)
    assert np.allclose(mixed, (left + right) / 2, atol=1e-6)
    opposed = to_mono(Waveform(np.stack([left, -left], axis=1), 44_100), 16_000)
    assert np.abs(opposed).max() < 1e-6


def test_the_same_sound_gives_the_same_samples() -> None:
    wave = Waveform(np.random.default_rng(0).normal(0, 0.1, (44_100, 2)).astype(np.float32), 44_100)
    assert to_mono(wave, 16_000).tobytes() == to_mono(wave, 16_000).tobytes()


def test_an_empty_sound_stays_empty() -> None:
    assert len(to_mono(Waveform(np.zeros((0, 1), np.float32), 44_100), 16_000)) == 0
