"""The baseline that a model has to beat: n-grams over the same tokens, which score and draw solos as a model does."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yardbird.baselines.witten_bell import WittenBell
from yardbird.models.family import TokenScores

if TYPE_CHECKING:  # at run time, what only scores solos does not import torch
    from yardbird.nn.sampling import Constraint, Sampling


class NGram(WittenBell):
    """Witten–Bell n-grams over tokens whose sequences start with BOS."""

    def score_tokens(self, tokens: ArrayLike) -> TokenScores:
        """Score a whole solo of any length."""
        sequence = np.asarray(tokens, dtype=np.int64)
        return TokenScores(self.nats(sequence), self.likeliest(sequence) == sequence[1:])

    def generate(
        self,
        primes: Sequence[ArrayLike],
        constraints: Sequence["Constraint"],
        sampling: "Sampling",
        seed: int,
        max_tokens: int,
    ) -> list[NDArray[np.uint16]]:
        """Continue all primes at once, each until its constraint is finished or it counts `max_tokens`, prime included.

        Constraints are fresh; they are advanced over the primes here. Solo i draws from its own stream of the seed.
        """
        import torch

        from yardbird.nn.sampling import choose, row_generators

        rows = [np.asarray(prime).tolist() for prime in primes]
        for row, constraint in zip(rows, constraints, strict=True):
            for token in row:
                constraint.advance(token)
        generators = row_generators(seed, len(rows))
        while live := [i for i, row in enumerate(rows) if len(row) < max_tokens and not constraints[i].finished]:
            logits = torch.from_numpy(np.log(self._probabilities(self._newest([rows[i] for i in live]))))
            allowed = torch.from_numpy(np.stack([constraints[i].allowed() for i in live]))
            drawn = choose(logits, sampling, [generators[i] for i in live], allowed)
            for i, token in zip(live, drawn.tolist(), strict=True):
                rows[i].append(token)
                constraints[i].advance(token)
        return [np.array(row, dtype=np.uint16) for row in rows]
