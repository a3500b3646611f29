import numpy as np
import pytest
from scipy import linalg

from yardbird.metrics.frechet import frechet_distance, gaussian_frechet_distance


def vectors(count: int, dimensions: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.normal(size=(count, dimensions)) @ random.normal(size=(dimensions, dimensions))


def test_for_gaussians_in_one_dimension_the_distance_is_a_sum_of_two_squares():
    """(μ₁ − μ₂)² + (σ₁ − σ₂)²: 3² + (2 − 5)² = 18."""
    one, other = (np.array([1.0]), np.array([[4.0]])), (np.array([4.0]), np.array([[25.0]]))
    assert gaussian_frechet_distance(*one, *other) == pytest.approx(18)


def test_the_distances_of_independent_axes_add_up():
    distance = gaussian_frechet_distance(np.zeros(3), np.diag([1.0, 4.0, 9.0]), np.zeros(3), np.diag([4.0, 4.0, 1.0]))
    assert distance == pytest.approx(1 + 0 + 4)


def test_the_distance_of_a_set_from_itself_is_zero_and_of_a_shift_its_square():
    own = vectors(50, 6, 0)
    assert frechet_distance(own, own) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(own, own + np.array([3, 0, 0, -4, 0, 0])) == pytest.approx(25)


def test_the_distance_equals_that_with_a_matrix_root():
    first, second = vectors(40, 5, 1), vectors(60, 5, 2) + 1
    covariances = [np.cov(each, rowvar=False) for each in (first, second)]
    root = linalg.sqrtm(covariances[0] @ covariances[1]).real
    shift = ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum()
    slow = shift + np.trace(covariances[0] + covariances[1] - 2 * root)
    assert frechet_distance(first, second) == pytest.approx(slow)
    assert frechet_distance(second, first) == pytest.approx(slow)


def test_rotating_both_sets_changes_nothing():
    turn, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(5, 5)))
    first, second = vectors(40, 5, 1), vectors(60, 5, 2)
    assert frechet_distance(first @ turn, second @ turn) == pytest.approx(frechet_distance(first, second))


def test_sets_smaller_than_their_dimensions_have_a_distance():
    """Their covariances are singular. Newton's method for the root of their product would fail."""
    few, many = vectors(3, 8, 4), vectors(100, 8, 5)
    assert 0 < frechet_distance(few, many) < np.inf
    assert frechet_distance(few[:1], few[:1] + 2) == pytest.approx(8 * 4)
    assert frechet_distance(few, few) == pytest.approx(0, abs=1e-9)
