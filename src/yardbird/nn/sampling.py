"""Choosing the next token, and decoding whole sequences under constraints.

Order of operations: constraint, temperature, top-k, nucleus (Holtzman et al. 2020, arXiv 1904.09751), min-p (Nguyen et
al. 2024, arXiv 2407.01082), draw.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray
from torch import Tensor

from yardbird.config import NonNegativeFloat, PositiveInt, PositiveShare, Settings
from yardbird.seeds import derive_seed


@runtime_checkable
class Constraint(Protocol):
    """A grammar that follows a sequence and says which tokens may come next."""

    @property
    def finished(self) -> bool:
        """The sequence is complete; nothing is asked after that."""

    def allowed(self) -> NDArray[np.bool_]:
        """(vocabulary,), at least one of them true."""

    def advance(self, token: int) -> None:
        """Take note of the token that came next."""


@dataclass(frozen=True)
class Sampling(Settings):
    """`temperature` 0 takes the likeliest token. `top_k` keeps that many tokens, ties broken by the lower id. `top_p`
    keeps the fewest likeliest tokens whose probabilities reach it. `min_p` keeps the tokens whose probability is at
    least `min_p` times that of the likeliest one. None: off."""

    temperature: NonNegativeFloat
    top_k: PositiveInt | None
    top_p: PositiveShare | None
    min_p: PositiveShare | None


@dataclass(frozen=True)
class SoundSampling(Settings):
    """How codes are drawn.

    Attributes:
        guidance: how far the scores are moved from those without a caption towards those under it: 1 is where the
            caption alone puts them, 3 what the paper uses, 0 no caption at all.
        temperature: 0 takes the likeliest code.
        top_k: only so many of the likeliest codes; None: all.
    """

    guidance: NonNegativeFloat
    temperature: NonNegativeFloat
    top_k: PositiveInt | None

    @property
    def tokens(self) -> Sampling:
        return Sampling(self.temperature, self.top_k, top_p=None, min_p=None)


def choose(
    logits: Float[Tensor, "B V"],
    sampling: Sampling,
    generator: torch.Generator | Sequence[torch.Generator],
    allowed: Bool[Tensor, "B V"] | None = None,
) -> Int[Tensor, " B"]:
    """One token a row, on the CPU in double precision, so that it depends on the logits and the generator alone.

    Args:
        generator: on the CPU; one for all rows in turn, or one a row, which makes a row independent of the others.
        allowed: tokens that may be chosen; with a single one that one is chosen, whatever its logit.
    """
    scores = logits.detach().to("cpu", torch.float64)
    generators = [generator] * len(scores) if isinstance(generator, torch.Generator) else generator
    draws = torch.cat([torch.rand(1, generator=one, dtype=torch.float64) for one in generators])
    if allowed is not None:
        assert bool(allowed.any(1).all()), "a constraint must allow at least one token"
        scores = scores.masked_fill(~allowed, -torch.inf)
    scores, order = torch.sort(scores, dim=1, descending=True, stable=True)
    kept = 1 if sampling.temperature == 0 else sampling.top_k
    scores, order = scores[:, :kept], order[:, :kept]
    probabilities = torch.softmax((scores - scores[:, :1]) / (sampling.temperature or 1.0), dim=1)
    if sampling.top_p is not None:
        # A token stays while the likelier ones together fall short of top_p; the first always does.
        probabilities = probabilities * (probabilities.cumsum(1) - probabilities < sampling.top_p)
    if sampling.min_p is not None:
        # Ratios do not depend on what the nucleus left out; the likeliest token always stays.
        probabilities = probabilities * (probabilities >= sampling.min_p * probabilities[:, :1])
    cumulative = probabilities.cumsum(1)
    # The draw stays below the total, so that no token of probability zero is ever reached.
    place = torch.searchsorted(cumulative, draws[:, None] * cumulative[:, -1:], right=True)
    last = (probabilities > 0).sum(1, keepdim=True) - 1
    return order.gather(1, torch.minimum(place, last))[:, 0]


def row_generators(seed: int, rows: int) -> list[torch.Generator]:
    """A stream of its own for every sequence of a batch, from the seed and its index."""
    return [torch.Generator().manual_seed(derive_seed(seed, "sequence", row)) for row in range(rows)]
