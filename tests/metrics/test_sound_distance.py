import numpy as np
import pytest

from yardbird.metrics.sound_distance import SAMPLE_RATE, embed, estimate_distance, sound_distance


def hum(seed: int, seconds: float = 3.0, loudness: float = 0.1) -> np.ndarray:
    """A tone of a random pitch with noise."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    tone = np.sin(2 * np.pi * random.uniform(200, 800) * time) + random.normal(0, 0.1, len(time))
    return (loudness * tone).astype(np.float32)


def test_windows_of_one_second_start_twice_a_second():
    assert embed(hum(0, 3.0)).shape == (5, 48)
    assert embed(hum(0, 3.4)).shape == (5, 48)
    assert embed(hum(0, 0.3)).shape == (1, 48)
    assert embed(np.zeros(0, dtype=np.float32)).shape == (0, 48)
    assert embed(np.zeros(1, dtype=np.float32)).shape == (1, 48)


def test_ten_times_the_power_is_one_more_in_every_band_that_sounds():
    quiet, loud = embed(hum(0, loudness=0.1)), embed(hum(0, loudness=1.0))
    assert np.allclose((loud - quiet)[:, :24], 2.0, atol=0.3)
    assert np.allclose((loud - quiet)[:, 24:], 0.0, atol=0.2)


def test_silence_is_the_floor_sixty_decibels_down():
    silence = embed(np.zeros(SAMPLE_RATE, dtype=np.float32))
    assert np.allclose(silence[:, :24], -6)
    assert np.allclose(silence[:, 24:], 0)


def test_a_full_sine_is_at_the_top_of_its_band():
    time = np.arange(SAMPLE_RATE) / SAMPLE_RATE
    top = embed(np.sin(2 * np.pi * 1000 * time).astype(np.float32))[:, :24].max()
    assert top == pytest.approx(0, abs=0.3)


def test_similar_sounds_are_near_and_noise_is_far():
    real, same, noise = ([embed(hum(seed)) for seed in range(start, start + 20)] for start in (0, 20, 40))
    noise = [embed(np.random.default_rng(seed).normal(0, 0.1, 48000).astype(np.float32)) for seed in range(20)]
    assert sound_distance(real, real) == pytest.approx(0, abs=1e-9)
    assert sound_distance(same, real) < 0.2 * sound_distance(noise, real)


def test_the_interval_resamples_whole_sounds_and_is_equal_for_equal_seeds():
    real, same = ([embed(hum(seed)) for seed in range(start, start + 12)] for start in (0, 20))
    once, again = (estimate_distance(same, real, 50, np.random.default_rng(1)) for _ in range(2))
    assert (once.value, once.n) == (sound_distance(same, real), 12)
    assert 0 <= once.low < once.value < once.high  # repetitions in a draw alone would put all of it above
    assert once == again
    alike = [same[0]] * 4
    found = estimate_distance(alike, real, 10, np.random.default_rng(0))
    assert found.span == pytest.approx([found.value] * 2, rel=0.05)
