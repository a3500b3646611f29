import itertools

import numpy as np
import pytest

from yardbird.metrics.frechet import frechet_distance
from yardbird.metrics.sound_distance import frechet_audio_distance, kernel_audio_distance


def sounds(seed: int, count: int, vectors: int = 3, shift: float = 0.0) -> list[np.ndarray]:
    """The vectors of one sound are near each other, as in real sound."""
    random = np.random.default_rng(seed)
    return [random.normal(shift, 1, 4) + random.normal(0, 0.2, (vectors, 4)) for _ in range(count)]


def kernel(first: np.ndarray, second: np.ndarray, width: float) -> float:
    return float(np.exp(-((first - second) ** 2).sum() / (2 * width**2)))


def test_the_kernel_distance_equals_a_slow_sum_over_pairs_of_sounds():
    own, real = sounds(0, 5), [*sounds(1, 3), *sounds(2, 1, vectors=2)]
    pooled = np.concatenate(real)
    width = float(np.median([np.linalg.norm(a - b) for a, b in itertools.combinations(pooled, 2)]))

    def mean(pairs) -> float:
        return float(np.mean([np.mean([kernel(a, b, width) for a in x for b in y]) for x, y in pairs]))

    slow = mean(itertools.combinations(own, 2)) + mean(itertools.combinations(real, 2))
    slow -= 2 * mean(itertools.product(own, real))
    assert kernel_audio_distance(own, real, 2, np.random.default_rng(0)).value == pytest.approx(100 * slow)


def test_the_kernel_distance_of_equal_distributions_is_zero_on_average_even_for_few_sounds():
    """The Fréchet distance is not: it is greater, the fewer the sounds are."""
    few = [
        kernel_audio_distance(sounds(seed, 4), sounds(seed + 500, 4), 1, np.random.default_rng(0))
        for seed in range(300)
    ]
    values = [found.value for found in few]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(300)
    assert min(values) < 0 < max(values)


def test_a_shift_is_found_by_both_distances():
    own, real, far = sounds(0, 30), sounds(1, 30), sounds(2, 30, shift=1.0)
    for distance in (frechet_audio_distance, kernel_audio_distance):
        near, apart = (distance(each, real, 100, np.random.default_rng(0)) for each in (own, far))
        assert near.high < apart.low
        assert (apart.n, apart.low < apart.value < apart.high) == (30, True)


def test_the_frechet_distance_pools_the_vectors_of_a_set():
    own, real = sounds(0, 6), sounds(1, 7)
    found = frechet_audio_distance(own, real, 5, np.random.default_rng(0))
    assert found.value == pytest.approx(frechet_distance(np.concatenate(own), np.concatenate(real)))


@pytest.mark.parametrize("distance", [frechet_audio_distance, kernel_audio_distance])
def test_the_interval_resamples_whole_sounds_and_is_equal_for_equal_seeds(distance):
    own, real = sounds(0, 12), sounds(1, 12)
    once, again = (distance(own, real, 50, np.random.default_rng(1)) for _ in range(2))
    assert once == again
    assert once.low < once.value < once.high
    alike = distance([own[0]] * 4, real, 10, np.random.default_rng(0))
    assert alike.span == pytest.approx([alike.value] * 2, rel=0.05)


def test_equal_vectors_have_a_kernel_distance_a_pair_no_interval_and_a_single_sound_nothing():
    same = [np.ones((2, 3))] * 3
    assert kernel_audio_distance(same, same, 50, np.random.default_rng(0)).span == (0, 0)
    pair = kernel_audio_distance(same[:2], same, 3, np.random.default_rng(0))
    assert (pair.value, pair.low, pair.n) == (0, None, 2)
    assert np.isnan(kernel_audio_distance(same[:1], same, 3, np.random.default_rng(0)).value)
