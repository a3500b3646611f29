"""The Fréchet distance of two sets of vectors, each modelled as a Gaussian."""

import numpy as np

from yardbird.music.score import Floats


def frechet_distance(first: Floats, second: Floats) -> float:
    """‖μ₁ − μ₂‖² + Tr(Σ₁ + Σ₂ − 2(Σ₁Σ₂)^½) of two sets (vectors, dimensions), with covariances over n − 1.

    Squared units of the vectors, 0 (equal means and covariances) and more. Smaller sets have greater distances: compare
    sets of equal size only. The covariance of a single vector is 0. Source: Dowson & Landau 1982; Heusel et al. 2017
    for sets of embeddings.
    """
    means, covariances = zip(*(_moments(vectors) for vectors in (first, second)), strict=True)
    return gaussian_frechet_distance(means[0], covariances[0], means[1], covariances[1])


def gaussian_frechet_distance(mean_1: Floats, covariance_1: Floats, mean_2: Floats, covariance_2: Floats) -> float:
    """The distance of two Gaussians: means (dimensions,), covariances (dimensions, dimensions), possibly singular.

    Tr (Σ₁Σ₂)^½ is computed as the sum of the roots of the eigenvalues of Σ₁^½ Σ₂ Σ₁^½, which are equal and real.
    """

    from scipy import linalg

    values, vectors = linalg.eigh(covariance_1)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    shared = np.sqrt(np.maximum(linalg.eigvalsh(root @ covariance_2 @ root), 0)).sum()
    distance = ((mean_1 - mean_2) ** 2).sum() + np.trace(covariance_1) + np.trace(covariance_2) - 2 * shared
    return max(float(distance), 0.0)


def _moments(vectors: Floats) -> tuple[Floats, Floats]:
    mean = vectors.mean(axis=0)
    apart = vectors - mean
    return mean, apart.T @ apart / max(len(vectors) - 1, 1)
