"""A choice among options by weighted evidence: the conditional logit model of McFadden (1974).

Each option has a vector of evidence, and the probability of an option is proportional to the exponential of the
weighted sum of its evidence. All options share the weights, so that a key learns from the examples in all keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from yardbird.music.score import Floats

_SHRINKAGE = 0.01  # of the squared weights, which keeps probabilities from 0 and 1 where examples are few


@dataclass(frozen=True, eq=False)
class Choice:
    """`weights` has shape (evidence,)."""

    weights: Floats

    @classmethod
    def fit(cls, examples: Sequence[Floats], right: Sequence[int]) -> Self:
        """The weights of the highest penalised likelihood.

        Args:
            examples: (options, evidence) each, all of one shape.
            right: the right option of each example.
        """
        from scipy.optimize import minimize

        evidence, chosen = np.stack(examples), np.asarray(right)
        spread = evidence.std(axis=(0, 1)) + 1e-9  # so that shrinkage does not depend on units
        evidence = evidence / spread
        places = np.arange(len(chosen))

        def loss(weights: Floats) -> tuple[float, Floats]:
            probabilities = _softmax(evidence @ weights)
            likelihood = np.log(np.maximum(probabilities[places, chosen], 1e-300)).mean()
            expected = np.einsum("eo,eof->ef", probabilities, evidence)
            slope = (expected - evidence[places, chosen]).mean(axis=0) + 2 * _SHRINKAGE * weights
            return float(_SHRINKAGE * weights @ weights - likelihood), slope

        return cls(minimize(loss, np.zeros(evidence.shape[-1]), jac=True, method="L-BFGS-B").x / spread)

    def probabilities(self, options: Floats) -> Floats:
        """The probability of each option, (options,), from its evidence, (options, evidence)."""
        return _softmax(options @ self.weights)


def _softmax(scores: Floats) -> Floats:
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    shares: Floats = powers / powers.sum(axis=-1, keepdims=True)
    return shares
